/**
 * The lab's guests under the monitors that deprivilege a kernel: they print and end as natively, both engines leave alike, to
 * the cycle, and every cycle has an owner. A translator that is broken on purpose is found out.
 */
import { describe, expect, it, vi } from "vitest";
import { loadImage } from "../../guest/images/image.js";
import * as kernel from "../../guest/mini-kernel/benchmark.js";
import * as benchmarks from "../../guest/mini-kernel/cases.js";
import * as programs from "../../guest/programs/index.js";
import { sensitiveImage } from "../../guest/sensitive-instructions/guests.js";
import type { GuestComputer } from "../../machine/computer.js";
import type { Assembler } from "../../machine/x86/assemble.js";
import {
  type Choice,
  countsOf,
  type Engine,
  endingOf,
  type Guest,
  imageGuest,
  native,
  translated,
  trapped,
  withLongLimits,
} from "../testing/code-guests.js";
import * as sequences from "./sequences.js";

const DISK = `mini-kernel/${kernel.DISK_FILE}`;
const KERNEL = `mini-kernel/${kernel.imageFile(32)}`;

type Width = 32 | 64;

function program(name: string, width: Width = 32): Guest {
  const found = programs.CASES.find((one) => one.name === name)!;
  const line = programs.commandLine(programs.caseValues(found, "tiny"));
  return imageGuest(`programs/${programs.imageFile(found.program.name, width)}`, line);
}

function benchmark(name: string, width: Width = 32): Guest {
  const found = benchmarks.CASES.find((one) => one.name === name)!;
  const line = kernel.commandLine(found.benchmark.name, benchmarks.caseValues(found, "tiny"));
  return imageGuest(`mini-kernel/${kernel.imageFile(width)}`, line, found.hasDisk ? DISK : undefined);
}

type Make = (guest: Guest, engine?: Engine, choice?: Choice) => GuestComputer;
const MONITORS: readonly (readonly [string, Make])[] = [
  ["trap-and-emulate", trapped],
  ["binary translation", translated],
];

/** @param engines one, or both to be compared. */
function compare(guest: Guest, make: Make, engines: readonly Engine[], choice?: Choice): void {
  const truth = endingOf(native(guest), guest);
  expect(truth.outcome).toEqual({ kind: "exit", status: 0 });
  const counts = engines.map((engine) => {
    const computer = make(guest, engine, choice);
    expect(endingOf(computer, guest)).toEqual(truth);
    expect(computer.machine.counters.totalCycles).toBe(computer.engine.now());
    return countsOf(computer);
  });
  expect(new Set(counts).size).toBe(1);
}

const ONE: readonly Engine[] = ["translator"];
const BOTH: readonly Engine[] = ["interpreter", "translator"];

/** What differs most for a monitor: faults, system calls, address spaces, timers, code on many pages. */
const PROGRAMS = ["arithmetic", "address-spaces", "page-fault", "sysenter", "timer-apic", "large-code"];
const BENCHMARKS = [
  "null-call",
  "pgfault",
  "ptemod",
  "forkwait",
  "signal-handle",
  "ticks",
  "web",
  "database-dma",
];

describe.each(MONITORS)("under %s", (_name, make) => {
  it.each(PROGRAMS)("the program %s is what it is natively", (name) => {
    compare(program(name), make, ONE);
  });
  it.each(BENCHMARKS)("the benchmark %s is what it is natively", (name) => {
    compare(benchmark(name), make, ONE);
  });
  it.each(["page-fault", "context-switch"])("both engines leave %s alike", (name) => {
    compare(program(name), make, BOTH);
  });
  it("both engines leave forkwait alike", () => {
    compare(benchmark("forkwait"), make, BOTH);
  });
});

/** Of 64 bits, what a kernel that is not at CPL 0 makes different: entries, returns, faults, address spaces, devices. */
const LONG_PROGRAMS = ["arithmetic", "address-spaces", "invlpg", "int80", "syscall", "timer-apic"];
const LONG_BENCHMARKS = [
  "signal-handle",
  "exec",
  "mmap",
  "protection-fault",
  "cr8wr",
  "ticks",
  "database-dma",
];

describe.each<readonly [string, Make, (guest: Guest) => Guest, readonly string[]]>([
  // On AMD's processors SYSENTER is undefined in 64-bit mode.
  ["trap-and-emulate", trapped, (guest) => guest, [...LONG_PROGRAMS, "sysenter"]],
  ["binary translation", translated, withLongLimits, [...LONG_PROGRAMS, "large-code"]],
])("64-bit guests under %s", (_name, make, on, names) => {
  it.each(names)("the program %s is what it is natively", (name) => {
    compare(on(program(name, 64)), make, ONE);
  });
  it.each(LONG_BENCHMARKS)("the benchmark %s is what it is natively", (name) => {
    compare(on(benchmark(name, 64)), make, ONE);
  });
  it("both engines leave page-fault and forkwait alike", () => {
    compare(on(program("page-fault", 64)), make, BOTH);
    compare(on(benchmark("forkwait", 64)), make, BOTH);
  });
  it.each([9_000, 4_000])("the mini-kernel's test of itself passes with %i ticks a second", (hz) => {
    const image = `mini-kernel/${kernel.imageFile(64)}`;
    compare(on(imageGuest(image, `run=selftest hz=${hz}`, DISK)), make, ONE, { outOfSync: false });
  });
});

it("a 64-bit kernel is not translated where 64-bit mode has no limits", () => {
  const guest = program("arithmetic", 64);
  for (const profile of ["nehalem-2008", "zen-3-2020"])
    expect(() => endingOf(translated({ ...guest, profile }), guest)).toThrow(/EFER\.LMSLE/);
});

describe.each([
  ["32", benchmark("forkwait")],
  ["64", withLongLimits(benchmark("forkwait", 64))],
])("how is chosen, what comes out is not, in %s bits", (_bits, guest) => {
  it.each<[string, Choice]>([
    ["without chaining", { chaining: false }],
    ["without adaptation", { adaptive: false }],
    ["a cache of two pages, which overflows", { cachePages: 2 }],
    ["shadow tables always in step", { outOfSync: false }],
    ["returns to programs in the cache", { returnsInCache: true }],
  ])("%s", (_name, choice) => {
    compare(guest, translated, ONE, choice);
  });
});

// When ticks come decides what they interrupt: each of these found a unit taken up again in the midst of an instruction.
it.each([9_000, 4_000])("the mini-kernel's test of itself passes with %i ticks a second", (hz) => {
  for (const outOfSync of [true, false])
    compare(imageGuest(KERNEL, `run=selftest hz=${hz}`, DISK), translated, ONE, {
      outOfSync,
      returnsInCache: outOfSync,
    });
});

function sensitive(name: string): Guest {
  const options = { name, kind: "raw", rawMode: 32, append: "", memoryBytes: 2 ** 26 } as const;
  return { load: loadImage(sensitiveImage(name), options) };
}

describe("a translator that is broken on purpose is found out when", () => {
  const plain = (name: string) => (code: Assembler) => void code.emit(name);
  it.each<[string, () => void, string]>([
    ["POPF drops IF", () => vi.spyOn(sequences, "popFlags").mockImplementation(plain("popfd")), "popf"],
    [
      "PUSHF shows the machine's",
      () => vi.spyOn(sequences, "pushFlags").mockImplementation(plain("pushfd")),
      "pushf",
    ],
    [
      "CLI sets IF",
      () => vi.spyOn(sequences, "clearInterrupts").mockImplementation(sequences.setInterrupts),
      "pushf",
    ],
  ])("%s", (_name, breakIt, name) => {
    const guest = sensitive(name);
    compare(guest, translated, ONE);
    breakIt();
    try {
      expect(() => compare(guest, translated, ONE)).toThrow();
    } finally {
      vi.restoreAllMocks();
    }
  });
});
