/**
 * The mini-kernel under hardware-assisted virtualization: its test of itself passes, and its benchmarks give the checksums that
 * they give natively, on processors of both vendors, both engines alike to the cycle.
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
  type Width,
} from "../../guest/mini-kernel/benchmark.js";
import { CASES, caseValues, expectedChecksum } from "../../guest/mini-kernel/cases.js";
import type { ComputerOptions, GuestComputer } from "../../machine/computer.js";
import { PLAIN } from "../../machine/testing/plain.js";
import { makeHardwareComputer, makeHardwareShadowComputer } from "./computer.js";

const MEMORY = 64 * 2 ** 20;
const BUDGET = 3e8;
const CHOICE = { hostOrder: 0, vpid: true, accessedDirty: true, populate: false };

const SHADOW = {
  vpid: true,
  shadow: { eager: false, outOfSync: true, reuse: true, maximumTables: 0, writeFlood: 3 },
};

const read = (file: string): Uint8Array =>
  readFileSync(new URL(`../../guest/mini-kernel/${file}`, import.meta.url));

type Memory = "nested" | "shadow";

const make = (options: ComputerOptions, memory: Memory): GuestComputer =>
  memory === "nested" ? makeHardwareComputer(options, CHOICE) : makeHardwareShadowComputer(options, SHADOW);

function run(
  width: Width,
  line: string,
  profile: string,
  memory: Memory,
  engine: "interpreter" | "translator",
) {
  const computer = make(
    {
      profile: findProfile(profile)!,
      memoryBytes: MEMORY,
      ...PLAIN,
      engine,
      disks: [read(DISK_FILE)],
    },
    memory,
  );
  const name = imageFile(width);
  computer.load(loadImage(read(name), { name, append: line, memoryBytes: MEMORY }));
  const outcome = computer.run(BUDGET);
  const { counters } = computer.machine;
  const { events, cycles, exits, exitCycles } = counters;
  return {
    outcome,
    console: computer.console,
    isAttributed: counters.totalCycles === computer.engine.now(),
    fingerprint: [computer.engine.now(), events, cycles, exits, exitCycles].join("\n"),
  };
}

const OPERATIONS = [
  "forkwait",
  "pipe",
  "signal-handle",
  "page-fault",
  "ticks-apic",
  "database-pio",
  "database-dma",
];

describe.each([
  ["skylake-2015", 64, "nested"],
  ["nehalem-2008", 32, "nested"],
  ["zen-2-2019", 64, "nested"],
  ["skylake-2015", 64, "shadow"],
  ["prescott-2005", 32, "shadow"],
] as const)("on %s, %i bits, %s", (profile, width, memory) => {
  it("it passes its test of itself", () => {
    const { outcome, console, isAttributed } = run(width, SELF_TEST, profile, memory, "translator");
    expect(console).not.toContain("FAIL");
    expect(console).toMatch(/\nok\n$/);
    expect(outcome).toEqual({ kind: "exit", status: 0 });
    expect(isAttributed).toBe(true);
  });

  it.each(CASES.filter(({ name }) => OPERATIONS.includes(name)))("$name", (kernelCase) => {
    const line = commandLine(kernelCase.benchmark.name, caseValues(kernelCase, "tiny"));
    const translated = run(width, line, profile, memory, "translator");
    expect(translated.console).toContain(`checksum ${expectedChecksum(kernelCase)}\nok\n`);
    expect(translated).toMatchObject({ outcome: { kind: "exit", status: 0 }, isAttributed: true });
    expect(run(width, line, profile, memory, "interpreter")).toEqual(translated);
  });
});
