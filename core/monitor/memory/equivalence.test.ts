/**
 * Does every technique give the guest the same memory? Random programs run on the oracle's CPU and under each technique:
 * every page that is touched must be reached in the same guest frame, the guest must see the same faults, and its tables
 * must end the same, accessed and dirty bits included. After each operation the technique's own promises are audited.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EVENT } from "../../events/events.js";
import { OWNER } from "../../events/memory-owners.js";
import { type Gva, highHalf, lowHalf } from "../../machine/address.js";
import { PAGING_FORMATS, type PagingName } from "../../machine/mmu/format.js";
import { auditGuestMap } from "../testing/guest-map-audit.js";
import {
  AGILE,
  bootFlatGuest,
  bootLabGuest,
  describeTechnique,
  GUEST_MEMORY,
  HUGE_GUEST_MEMORY,
  LARGE_GUEST_MEMORY,
  type LabGuest,
  type TestTechnique,
} from "../testing/lab-guests.js";
import { type Operation, randomProgram, readEverything, runProgram } from "../testing/programs.js";
import { auditShadow } from "../testing/shadow-audit.js";
import { auditXen } from "../testing/xen-audit.js";
import { AgileVcpu } from "./agile/vcpu.js";
import { NestedVcpu } from "./nested/vcpu.js";
import { ParavirtualVcpu } from "./paravirtual/vcpu.js";
import { ShadowVcpu } from "./shadow/vcpu.js";

const NESTED = {
  name: "nested",
  format: "ept",
  levels: 4,
  hostOrder: 0,
  vpid: true,
  accessedDirty: true,
  populate: false,
} as const;
const SHADOW = {
  name: "shadow",
  hostOrder: 0,
  vpid: true,
  populate: false,
  eager: false,
  outOfSync: false,
  reuse: true,
  maximumTables: 0,
  writeFlood: 3,
} as const;
const YES_NO = [false, true];

const TECHNIQUES: readonly TestTechnique[] = [
  { name: "native", pcid: false },
  { name: "native", pcid: true },
  NESTED,
  { ...NESTED, vpid: false },
  { ...NESTED, hostOrder: 9, accessedDirty: false },
  { ...NESTED, format: "npt", populate: true },
  { ...NESTED, format: "npt", hostOrder: 9, levels: 5 },
  { ...NESTED, levels: 1 },
  { ...NESTED, format: "npt", levels: 1, vpid: false },
  ...YES_NO.flatMap((eager) =>
    YES_NO.flatMap((outOfSync) =>
      YES_NO.flatMap((reuse) =>
        [0, 24].map((maximumTables) => ({ ...SHADOW, eager, outOfSync, reuse, maximumTables })),
      ),
    ),
  ),
  { ...SHADOW, hostOrder: 9, outOfSync: true },
  { ...SHADOW, hostOrder: 9, eager: true, vpid: false, maximumTables: 24 },
  { ...SHADOW, hostOrder: 9, populate: true, reuse: false },
];
/** The formats of long mode alone have it. */
const AGILE_TECHNIQUES: readonly TestTechnique[] = [
  ...YES_NO.flatMap((startsNested) =>
    YES_NO.flatMap((marksDirty) =>
      [5_000, 100_000].map((settle) => ({ ...AGILE, startsNested, marksDirty, settle, interval: 100_000 })),
    ),
  ),
  { ...AGILE, writes: 1, rootCache: 0 },
  { ...AGILE, writes: 1000, settle: 1_000, interval: 1_000, startsNested: false },
  { ...AGILE, pcid: true, rootCache: 2 },
  { ...AGILE, format: "npt", vpid: false, marksDirty: false },
  { ...AGILE, format: "npt", hostOrder: 9, populate: true, levels: 5 },
  { ...AGILE, hostOrder: 9, startsNested: false },
  { ...AGILE, hostOrder: 9, startsNested: false, marksDirty: false, settle: 2_000, interval: 2_000 },
];
const XEN: readonly TestTechnique[] = [
  { name: "paravirtual", batch: 1 },
  { name: "paravirtual", batch: 32 },
];

/** What a guest can see of a run: the guest frame of each touched page, then fingerprint and faults after each step. */
interface Trace {
  readonly frames: number[];
  readonly steps: string[];
}

function runOracle(paging: PagingName, memory: typeof GUEST_MEMORY, program: readonly Operation[]): Trace {
  const { cpu, kernel } = bootFlatGuest(paging, memory);
  const trace: Trace = { frames: [], steps: [] };
  const guest = {
    kernel,
    touched: () => trace.frames.push(cpu.frame),
    settled: () => trace.steps.push(stepOf(kernel, cpu.counters.events[EVENT.guest_page_faults]!)),
  };
  runProgram(program, PAGING_FORMATS[paging], guest);
  readEverything(guest);
  guest.settled();
  return trace;
}

function runUnder(
  paging: PagingName,
  technique: TestTechnique,
  memory: typeof GUEST_MEMORY,
  program: readonly Operation[],
  wanted: Trace,
): void {
  const lab = bootLabGuest(paging, technique, { memory });
  const { machine, kernel } = lab;
  let reached = 0;
  let step = 0;
  const guest = {
    kernel,
    touched: (va: Gva, write: boolean) => {
      const isReached = machine.driver.once(highHalf(va), lowHalf(va), write ? 1 : 0, true);
      if (!isReached) throw new Error(`0x${va.toString(16)} was reached, and then not`);
      const frame = lab.hostFrame(wanted.frames[reached++]!);
      if (machine.driver.frame !== frame) {
        throw new Error(`0x${va.toString(16)} is in host frame ${machine.driver.frame}, not ${frame}`);
      }
    },
    settled: (operation?: Operation) => {
      const found = stepOf(kernel, machine.counters.events[EVENT.guest_page_faults]!);
      if (found !== wanted.steps[step]) {
        throw new Error(`step ${step}, ${JSON.stringify(operation)}: ${found}, not ${wanted.steps[step]}`);
      }
      step++;
      // Reading maps of 1 GiB pages frame by frame takes too long after each step.
      if (memory !== HUGE_GUEST_MEMORY || operation === undefined) auditGuest(lab);
    },
  };
  runProgram(program, PAGING_FORMATS[paging], guest);
  readEverything(guest);
  guest.settled();
  if (lab.vcpu instanceof ShadowVcpu) auditGuestMap(machine, lab.vcpu.map, 4, OWNER.monitor_maps);
}

function stepOf(kernel: LabGuest["kernel"], faults: number): string {
  return `${kernel.fingerprint()}, ${faults} faults`;
}

function auditGuest({ vcpu, machine, kernel }: LabGuest): void {
  if (vcpu instanceof ShadowVcpu || vcpu instanceof AgileVcpu) {
    if (vcpu instanceof AgileVcpu)
      auditGuestMap(machine, vcpu.map, machine.options.nested!.levels, OWNER.nested_tables);
    const { current } = kernel;
    auditShadow(
      vcpu,
      kernel.processes.map(({ root, id }) => ({ root, isRunning: id === current.id })),
    );
  } else if (vcpu instanceof NestedVcpu) {
    auditGuestMap(machine, vcpu.map, machine.options.nested!.levels, OWNER.nested_tables);
  } else if (vcpu instanceof ParavirtualVcpu) {
    auditXen(
      vcpu,
      kernel.processes.filter(({ pinned }) => pinned).map(({ root }) => root),
    );
  }
}

/** Techniques that each program runs under, drawn anew for each. */
const DRAWN = 7;

describe.each(Object.keys(PAGING_FORMATS) as PagingName[])("%s", (paging) => {
  const check = (techniques: readonly TestTechnique[], large: boolean, seed: number): void => {
    const memory = large ? LARGE_GUEST_MEMORY : GUEST_MEMORY;
    const some = fc.shuffledSubarray([...techniques], {
      minLength: DRAWN,
      maxLength: DRAWN,
    });
    const property = fc.property(randomProgram(large, 40), some, (program, drawn) => {
      const wanted = runOracle(paging, memory, program);
      for (const technique of drawn) {
        try {
          runUnder(paging, technique, memory, program, wanted);
        } catch (error) {
          throw new Error(`${describeTechnique(technique)}: ${(error as Error).message}`, { cause: error });
        }
      }
    });
    // Shrinking runs hundreds of guests; it is worth its time only once there is something to find.
    fc.assert(property, { seed, numRuns: 8 });
  };

  it("small pages are the same under every technique", () => check([...TECHNIQUES, ...XEN], false, 3));

  it("large pages are the same under every technique that has them", () => check(TECHNIQUES, true, 4));

  it.runIf(paging.endsWith("level")).each(YES_NO)("agile paging is the same, large pages %s", (large) => {
    check(AGILE_TECHNIQUES, large, 6);
  });
});

it.each<TestTechnique>([
  { ...NESTED, hostOrder: 18 },
  { ...SHADOW, hostOrder: 18, outOfSync: true },
  { ...SHADOW, hostOrder: 18, eager: true, maximumTables: 24 },
])("1 GiB host pages: $name, eager $eager", (technique) => {
  for (const program of fc.sample(randomProgram(true, 30), { seed: 5, numRuns: 3 })) {
    const wanted = runOracle("4-level", HUGE_GUEST_MEMORY, program);
    runUnder("4-level", technique, HUGE_GUEST_MEMORY, program, wanted);
  }
});

it("runs programs that do something", () => {
  const programs = fc.sample(randomProgram(true, 40), { seed: 4, numRuns: 5 });
  for (const program of programs) {
    const { frames, steps } = runOracle("4-level", LARGE_GUEST_MEMORY, program);
    expect(frames.length).toBeGreaterThan(10);
    expect(new Set(steps).size).toBeGreaterThan(5);
  }
});
