/**
 * The mini-kernel as a paravirtual guest: its test of itself and every benchmark print what they print on the bare machine,
 * both engines end alike, every cycle is accounted for, and the guest can write neither a table nor what is the monitor's.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import { loadImage } from "../../guest/images/image.js";
import {
  commandLine,
  DISK_FILE,
  imageFile,
  SELF_TEST,
  WIDTHS,
  type Width,
} from "../../guest/mini-kernel/benchmark.js";
import { CASES, caseValues, expectedChecksum } from "../../guest/mini-kernel/cases.js";
import { SELF_TEST_ITEMS } from "../../guest/mini-kernel/testing/self-test-items.js";
import { makeParavirtual } from "./computer.js";

const MEMORY = 64 * 2 ** 20;
const BUDGET = 3e8;
/** What needs a device in memory or an instruction that Xen's guests do without: the kernel says so itself. */
const UNAVAILABLE = new Set(["cr8wr", "tpr", "self-ipi", "set-timer"]);

const read = (file: string): Uint8Array =>
  readFileSync(new URL(`../../guest/mini-kernel/${file}`, import.meta.url));

function run(width: Width, line: string, engine: "interpreter" | "translator", hasDisk: boolean) {
  const computer = makeParavirtual({
    profile: findProfile("skylake-2015")!,
    memoryBytes: MEMORY,
    caches: "off",
    walkCaches: true,
    tlb: true,
    seed: 1,
    engine,
    ...(hasDisk ? { disks: [read(DISK_FILE)] } : {}),
  });
  const name = imageFile(width);
  computer.load(loadImage(read(name), { name, append: line, memoryBytes: MEMORY }));
  const outcome = computer.run(BUDGET);
  const { counters } = computer.machine;
  return {
    outcome,
    console: computer.console,
    instructions: computer.engine.instructions,
    unattributed: computer.engine.now() - counters.cycles.reduce((sum, cycles) => sum + cycles, 0),
    fingerprint: [computer.engine.now(), counters.events.join(), counters.cycles.join()].join("\n"),
  };
}

describe.each(WIDTHS)("%i-bit", (width) => {
  it("passes its test of itself, whatever executes it", () => {
    const translated = run(width, SELF_TEST, "translator", true);
    const passed = translated.console.split("\n").filter((line) => line.startsWith("pass "));
    expect(passed.map((line) => line.slice("pass ".length))).toEqual(SELF_TEST_ITEMS);
    expect(translated.outcome).toEqual({ kind: "exit", status: 0 });
    expect(translated.unattributed).toBeCloseTo(0, 3);
    expect(run(width, SELF_TEST, "interpreter", true)).toEqual(translated);
  });

  it.each(CASES.filter(({ name, benchmark }) => benchmark.widths.includes(width) && !UNAVAILABLE.has(name)))(
    "$name",
    (kernelCase) => {
      const line = commandLine(kernelCase.benchmark.name, caseValues(kernelCase, "tiny"));
      const translated = run(width, line, "translator", kernelCase.hasDisk);
      expect(translated.console).toContain(`checksum ${expectedChecksum(kernelCase)}\nok\n`);
      expect(translated.outcome).toEqual({ kind: "exit", status: 0 });
      expect(run(width, line, "interpreter", kernelCase.hasDisk)).toEqual(translated);
    },
  );
});
