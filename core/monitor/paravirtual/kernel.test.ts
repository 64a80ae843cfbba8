/**
 * The mini-kernel as a paravirtual guest: its test of itself and every benchmark print what they print on the bare machine,
 * both engines end alike, every cycle is accounted for, and its maps are sound at each mark and at the end.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EVENT } from "../../events/events.js";
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
import { PLAIN } from "../../machine/testing/plain.js";
import { auditParavirtual } from "../testing/paravirtual-audit.js";
import { makeParavirtual } from "./computer.js";
import type { ParavirtualMonitor } from "./monitor.js";

const MEMORY = 36 * 2 ** 20;
const BUDGET = 3e8;
const SYSTEM_CALL = 0x80;
/** Of the ring of processes that compute. */
const ROUNDS = 20;
/** What needs a device in memory or an instruction that Xen's guests do without: the kernel says so itself. */
const UNAVAILABLE = new Set(["cr8wr", "tpr", "self-ipi", "set-timer"]);

/** Of these the interpreter's run is compared: every way into the monitor. */
const IN_BOTH_ENGINES = new Set([
  "in",
  "divzero",
  "wrmsr",
  "ticks-work",
  "forkwait",
  "syscall-int80",
  "web",
  "database-dma",
  "fpu-switch",
]);

const read = (file: string): Uint8Array =>
  readFileSync(new URL(`../../guest/mini-kernel/${file}`, import.meta.url));

function run(
  width: Width,
  line: string,
  engine: "interpreter" | "translator",
  hasDisk: boolean,
  atMark: (monitor: ParavirtualMonitor) => void = () => {},
) {
  const computer = makeParavirtual({
    profile: findProfile("skylake-2015")!,
    memoryBytes: MEMORY,
    ...PLAIN,
    engine,
    ...(hasDisk ? { disks: [read(DISK_FILE)] } : {}),
  });
  const name = imageFile(width);
  computer.load(loadImage(read(name), { name, append: line, memoryBytes: MEMORY }));
  const monitor = computer.monitor as ParavirtualMonitor;
  const audit = () => auditParavirtual(computer.machine, width, monitor.present.paging);
  computer.onMark = () => {
    audit();
    atMark(monitor);
  };
  const outcome = computer.run(BUDGET);
  audit();
  const { counters } = computer.machine;
  return {
    outcome,
    console: computer.console,
    instructions: computer.engine.instructions,
    unattributed: computer.engine.now() - counters.cycles.reduce((sum, cycles) => sum + cycles, 0),
    exits: counters.events[EVENT.exits]!,
    events: [...counters.events],
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

  it.each(CASES.filter(({ benchmark }) => benchmark.widths.includes(width)))("$name", (kernelCase) => {
    const { name, benchmark, hasDisk } = kernelCase;
    const line = commandLine(benchmark.name, caseValues(kernelCase, "tiny"));
    const translated = run(width, line, "translator", hasDisk);
    if (UNAVAILABLE.has(name)) {
      expect(translated.console).toContain("failed: this machine has no such operation\n");
      return;
    }
    expect(translated.console).toContain(`checksum ${expectedChecksum(kernelCase)}\nok\n`);
    expect(translated.outcome).toEqual({ kind: "exit", status: 0 });
    if (IN_BOTH_ENGINES.has(name)) expect(run(width, line, "interpreter", hasDisk)).toEqual(translated);
  });
});

describe.each(WIDTHS)("%i-bit tables", (width) => {
  it.each([
    ["changed by stores", "tables=writable"],
    ["changed one by one", "batch=1 multicall=off"],
  ])("%s are the same to the guest", (_, words) => {
    for (const name of ["forkwait", "mmap", "protection-fault", "ptemod"]) {
      const kernelCase = CASES.find((known) => known.name === name)!;
      const line = `${commandLine(name, caseValues(kernelCase, "tiny"))} ${words}`;
      const translated = run(width, line, "translator", false);
      expect(translated.console).toContain(`checksum ${expectedChecksum(kernelCase)}\nok\n`);
      expect(translated.outcome).toEqual({ kind: "exit", status: 0 });
      expect(translated.unattributed).toBeCloseTo(0, 3);
      expect(run(width, line, "interpreter", false)).toEqual(translated);
    }
  });
});

it("INT 0x80 enters a 32-bit kernel directly, and is returned from directly, unless its handler has events masked", () => {
  const kernelCase = CASES.find(({ name }) => name === "syscall-int80")!;
  const values = caseValues(kernelCase, "tiny");
  const line = commandLine("syscall", values);
  const direct = run(32, line, "translator", false);
  const bounced = run(32, line, "translator", false, ({ present: { cpu } }) => {
    cpu.traps.set(SYSTEM_CALL, { ...cpu.traps.get(SYSTEM_CALL)!, masksEvents: true });
  });
  expect(bounced.console).toBe(direct.console);
  expect(bounced.exits - direct.exits).toBeGreaterThanOrEqual(Number(values["n"]));
  expect(direct.unattributed).toBeCloseTo(0, 3);
});

describe.each(WIDTHS)("%i-bit", (width) => {
  const fpuSwitch = (values: Readonly<Record<string, string | number>>) =>
    run(width, commandLine("fpu-switch", { n: ROUNDS, processes: 2, ...values }), "translator", false);

  it("calls its monitor for nothing by the hypercall page", () => {
    const calls = 50;
    const { console, outcome, events } = run(width, `bench=hypercall n=${calls}`, "translator", false);
    // As of any other operation that is done so often.
    expect(console).toContain(
      `checksum ${expectedChecksum(CASES.find(({ name }) => name === "cpuid")!)}\nok\n`,
    );
    expect(outcome).toEqual({ kind: "exit", status: 0 });
    expect(events[EVENT.hypercalls_other]!).toBeGreaterThanOrEqual(calls);
  });

  it("has CR0.TS set when a process that computed gives up the processor, and at no other switch", () => {
    const [nobody, one, both] = [0, 1, 2].map((computing) => fpuSwitch({ computing }));
    const calls = (of: typeof nobody) => of!.events[EVENT.hypercalls_fpu_taskswitch]!;
    const traps = (of: typeof nobody) => of!.events[EVENT.exceptions]!;
    // By the port, when it starts.
    expect(calls(nobody)).toBe(1);
    // A process computes once in a round, and once before the marks and at its end.
    expect(calls(one) - calls(nobody)).toBeGreaterThanOrEqual(ROUNDS);
    expect(calls(one) - calls(nobody)).toBeLessThanOrEqual(ROUNDS + 2);
    expect(calls(both) - calls(one)).toBeGreaterThanOrEqual(ROUNDS);
    // Each time its registers come back by #NM.
    expect(traps(one) - traps(nobody)).toBeGreaterThanOrEqual(ROUNDS);
    // The calls are parts of multicalls that switches need anyway; a 64-bit kernel returns from #NM by iret.
    const entries = (of: typeof nobody) => of!.events[EVENT.hypercalls]! - of!.events[EVENT.hypercalls_iret]!;
    expect(entries(both) - entries(nobody)).toBeLessThanOrEqual(4);
  });

  it("has no such call where registers are saved and loaded at each switch", () => {
    const eager = fpuSwitch({ computing: 2, fpu: "eager" });
    expect(eager.events[EVENT.hypercalls_fpu_taskswitch]).toBe(0);
    expect(eager.console).toContain(/^checksum .*$/m.exec(fpuSwitch({ computing: 2 }).console)![0]);
  });
});
