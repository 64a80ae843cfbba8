/**
 * The local APIC, from the SDM's APIC chapter: registers by both faces, priorities, IPIs, LVT, errors, and its
 * modes.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bench } from "../testing/bench.js";
import { REGISTER as R } from "./registers.js";

const BASE = 0xfee0_0000;
const X2APIC = 0x800;

class ApicBench extends Bench {
  constructor(isOn = true) {
    super();
    if (isOn) this.set(R.spurious, 0x1ff);
    this.log.length = 0;
  }

  set(register: number, value: number): void {
    this.store(BASE + register * 16, value);
  }

  get(register: number): number {
    return this.load(BASE + register * 16);
  }

  /** RDMSR: the low half, or undefined for #GP. */
  rdmsr(msr: number): number | undefined {
    return this.pc.msrs!.read(msr)?.low;
  }

  /** WRMSR: false for #GP. */
  wrmsr(msr: number, low: number, high = 0): boolean {
    return this.pc.msrs!.write(msr, low, high);
  }

  selfIpi(vector: number): void {
    this.set(R.commandLow, 0x4_4000 | vector);
  }

  eoi(): void {
    this.set(R.endOfInterrupt, 0);
  }
}

describe("after reset", () => {
  it("has the values of the manual, software-disabled", () => {
    const bench = new ApicBench(false);
    expect(bench.get(R.version)).toBe(0x0106_0015);
    expect([bench.get(R.id), bench.get(R.taskPriority), bench.get(R.logicalDestination)]).toEqual([0, 0, 0]);
    expect([bench.get(R.destinationFormat), bench.get(R.spurious)]).toEqual([0xffff_ffff, 0xff]);
    for (const lvt of [
      R.lvtCmci,
      R.lvtTimer,
      R.lvtThermal,
      R.lvtPerformance,
      R.lvtLint0,
      R.lvtLint1,
      R.lvtError,
    ])
      expect(bench.get(lvt)).toBe(0x1_0000);
    expect(bench.rdmsr(0x1b)).toBe(0xfee0_0900);
  });

  it("keeps LVT masks set and takes no interrupts until SVR enables it", () => {
    const bench = new ApicBench(false);
    bench.set(R.lvtTimer, 0x40);
    expect(bench.get(R.lvtTimer)).toBe(0x1_0040);
    bench.selfIpi(0x40);
    expect(bench.take()).toBeUndefined();
    bench.set(R.spurious, 0x1ff);
    bench.set(R.lvtTimer, 0x40);
    expect(bench.get(R.lvtTimer)).toBe(0x40);
    bench.set(R.spurious, 0x0ff);
    expect(bench.get(R.lvtTimer)).toBe(0x1_0040);
  });
});

describe("registers", () => {
  it("keep only their bits", () => {
    const bench = new ApicBench();
    for (const [register, mask] of [
      [R.taskPriority, 0xff],
      [R.logicalDestination, 0xff00_0000],
      [R.lvtCmci, 0x1_07ff],
      [R.lvtTimer, 0x7_00ff],
      [R.lvtThermal, 0x1_07ff],
      [R.lvtPerformance, 0x1_07ff],
      [R.lvtLint1, 0x1_a7ff],
      [R.lvtError, 0x1_00ff],
      [R.commandHigh, 0xff00_0000],
      [R.divide, 0x0b],
    ] as const) {
      bench.set(register, 0xffff_ffff);
      expect(bench.get(register)).toBe(mask);
    }
    bench.set(R.destinationFormat, 0x0123_4567);
    expect(bench.get(R.destinationFormat)).toBe(0x0fff_ffff);
    bench.set(R.id, 0xffff_ffff);
    expect(bench.get(R.id)).toBe(0);
  });

  it("are read in parts and written whole", () => {
    const bench = new ApicBench();
    bench.set(R.commandHigh, 0xab00_0000);
    const { bus } = bench.pc;
    expect([bus.readMemory(BASE + 0x313, 1), bus.readMemory(BASE + 0x312, 2)]).toEqual([0xab, 0xab00]);
    bus.writeMemory(BASE + 0x313, 1, 0xcd);
    expect(bench.get(R.commandHigh)).toBe(0xab00_0000);
    expect(bench.load(BASE + 0x314)).toBe(0);
  });

  it("that are reserved are errors", () => {
    const bench = new ApicBench();
    bench.set(R.lvtError, 0x55);
    bench.get(0x3f); // SELF IPI is x2APIC's
    expect(bench.take()).toBe(0x55);
    expect(bench.get(R.errorStatus)).toBe(0);
    bench.set(R.errorStatus, 0);
    expect(bench.get(R.errorStatus)).toBe(0x80);
    bench.set(R.errorStatus, 0);
    expect(bench.get(R.errorStatus)).toBe(0);
  });
});

describe("priority", () => {
  it("is by vector; a class in service holds back itself and lower ones until EOI", () => {
    const bench = new ApicBench();
    for (const vector of [0x31, 0x45, 0x41, 0x9f]) bench.selfIpi(vector);
    expect(bench.take()).toBe(0x9f);
    expect(bench.get(R.processorPriority)).toBe(0x90);
    expect(bench.take()).toBeUndefined();
    bench.eoi();
    expect(bench.take()).toBe(0x45);
    bench.selfIpi(0x4f); // of the same class
    expect(bench.take()).toBeUndefined();
    bench.selfIpi(0x50);
    expect(bench.take()).toBe(0x50);
    bench.eoi();
    bench.eoi();
    expect(bench.take()).toBe(0x4f);
    bench.eoi();
    expect(bench.take()).toBe(0x41);
    bench.eoi();
    expect(bench.take()).toBe(0x31);
  });

  it("of the task holds back classes up to its own", () => {
    const bench = new ApicBench();
    bench.set(R.taskPriority, 0x4f);
    expect(bench.get(R.processorPriority)).toBe(0x4f);
    bench.selfIpi(0x4f);
    expect(bench.take()).toBeUndefined();
    bench.pc.localApic!.taskPriority = 0x3f;
    expect(bench.take()).toBe(0x4f);
    bench.set(R.taskPriority, 0x45);
    expect(bench.get(R.processorPriority)).toBe(0x45); // equal classes: TPR
    bench.set(R.taskPriority, 0x35);
    expect(bench.get(R.processorPriority)).toBe(0x40);
  });

  it("delivers the spurious vector, not in service, when the request is no longer high enough", () => {
    const bench = new ApicBench();
    bench.set(R.spurious, 0x1e7);
    bench.selfIpi(0x41);
    bench.set(R.taskPriority, 0x80);
    expect(bench.pc.interrupts.acknowledge()).toBe(0xe7);
    expect(bench.get(R.inService + 2)).toBe(0);
    expect(bench.get(R.requests + 2)).toBe(2);
  });

  it("tells the CPU each change", () => {
    const bench = new ApicBench();
    bench.selfIpi(0x41);
    bench.set(R.taskPriority, 0x80);
    bench.set(R.taskPriority, 0x00);
    bench.take();
    expect(bench.log.map((line) => line.split(" ")[1])).toEqual(["true", "false", "true", "false"]);
  });

  it("agrees with a naive model on random work", () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant("ipi" as const), value: fc.integer({ min: 16, max: 255 }) }),
      fc.record({ kind: fc.constant("tpr" as const), value: fc.nat(255) }),
      fc.record({ kind: fc.constantFrom("take" as const, "eoi" as const), value: fc.constant(0) }),
    );
    const property = fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
      const bench = new ApicBench();
      const requests = new Set<number>();
      const served = new Set<number>();
      let tpr = 0;
      const highest = (set: Set<number>): number => Math.max(-1, ...set);
      for (const { kind, value } of actions) {
        if (kind === "ipi") {
          bench.selfIpi(value);
          requests.add(value);
        } else if (kind === "tpr") {
          bench.set(R.taskPriority, value);
          tpr = value;
        } else if (kind === "eoi") {
          bench.eoi();
          served.delete(highest(served));
        } else {
          const top = highest(requests);
          const floor = Math.max(tpr >> 4, highest(served) >> 4);
          const expected = top >> 4 > floor && top >= 0 ? top : undefined;
          expect(bench.take()).toBe(expected);
          if (expected !== undefined) {
            requests.delete(expected);
            served.add(expected);
          }
        }
      }
    });
    fc.assert(property, { seed: 9, numRuns: 300 });
  });
});

describe("interrupt command register", () => {
  it("reaches the processor by physical ID, flat and cluster logical ID, broadcast and shorthand", () => {
    const bench = new ApicBench();
    const reached = (high: number, low: number): boolean => {
      bench.set(R.commandHigh, high);
      bench.set(R.commandLow, low | 0x60);
      const vector = bench.take();
      bench.eoi();
      return vector === 0x60;
    };
    expect(reached(0x0000_0000, 0)).toBe(true);
    expect(reached(0x0100_0000, 0)).toBe(false);
    expect(reached(0xff00_0000, 0)).toBe(true);
    bench.set(R.logicalDestination, 0x0400_0000);
    expect(reached(0x0600_0000, 0x800)).toBe(true);
    expect(reached(0x0300_0000, 0x800)).toBe(false);
    bench.set(R.destinationFormat, 0x0fff_ffff);
    bench.set(R.logicalDestination, 0x2400_0000);
    expect(reached(0x2c00_0000, 0x800)).toBe(true);
    expect(reached(0x1400_0000, 0x800)).toBe(false);
    expect(reached(0x2300_0000, 0x800)).toBe(false);
    expect(reached(0x0100_0000, 0x4_0000)).toBe(true); // self
    expect(reached(0x0100_0000, 0x8_0000)).toBe(true); // all
    expect(reached(0x0000_0000, 0xc_0000)).toBe(false); // others
    expect(reached(0x0000_0000, 0x100)).toBe(true); // lowest priority
  });

  it("sends NMI, SMI, INIT and start-up to the processor", () => {
    const bench = new ApicBench();
    for (const command of [0x400, 0x200, 0x69a, 0x300, 0x700]) bench.set(R.commandLow, command);
    bench.set(R.commandLow, 0x8500); // INIT level de-assert
    bench.set(R.commandLow, 0xc500); // INIT level assert
    expect(bench.log).toEqual(["nmi @0", "smi @0", "startup 154 @0", "init @0"]);
  });

  it("refuses vectors below 16", () => {
    const bench = new ApicBench();
    bench.selfIpi(0x0f);
    expect(bench.take()).toBeUndefined();
    bench.set(R.errorStatus, 0);
    expect(bench.get(R.errorStatus)).toBe(0x20);
  });

  it("is idle at once", () => {
    const bench = new ApicBench();
    bench.set(R.commandLow, 0xffff_ffff & ~0x700);
    expect(bench.get(R.commandLow) & 0x1000).toBe(0);
  });

  it("INIT puts the APIC into its state after reset, but for its base", () => {
    const bench = new ApicBench();
    bench.set(R.taskPriority, 0x50);
    bench.set(R.initialCount, 1000);
    bench.selfIpi(0x99);
    bench.set(R.commandLow, 0x4500);
    expect([bench.get(R.taskPriority), bench.get(R.spurious), bench.get(R.initialCount)]).toEqual([
      0, 0xff, 0,
    ]);
    expect(bench.take()).toBeUndefined();
    expect(bench.pc.schedule.next).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("local vector table", () => {
  it("LINT0 as ExtINT passes the 8259A through", () => {
    const bench = new ApicBench();
    bench.outs(0x20, 0x11);
    bench.outs(0x21, 0x30, 0x04, 0x01, 0x00);
    bench.pc.pic.setIrq(3, true);
    expect(bench.take()).toBeUndefined();
    bench.set(R.lvtLint0, 0x700);
    expect(bench.take()).toBe(0x33);
    bench.set(R.taskPriority, 0xff); // has no say
    bench.pc.pic.setIrq(1, true);
    expect(bench.take()).toBe(0x31);
  });

  it("LINT pins send fixed interrupts at edges, or while high", () => {
    const bench = new ApicBench();
    const apic = bench.pc.localApic!;
    bench.set(R.lvtLint1, 0x0_0061);
    apic.setLint(1, true);
    apic.setLint(1, true);
    expect(bench.takeAll()).toEqual([0x61]);
    bench.eoi();
    apic.setLint(1, false);
    bench.set(R.lvtLint1, 0x0_8061);
    apic.setLint(1, true);
    expect(bench.get(R.lvtLint1)).toBe(0xc061);
    expect(bench.takeAll()).toEqual([0x61]);
    bench.eoi();
    expect(bench.takeAll()).toEqual([0x61]);
    apic.setLint(1, false);
    bench.eoi();
    expect(bench.takeAll()).toEqual([]);
    expect(bench.get(R.lvtLint1)).toBe(0x8061);
  });

  it("LINT1 as NMI is an edge, of either polarity", () => {
    const bench = new ApicBench();
    const apic = bench.pc.localApic!;
    bench.set(R.lvtLint1, 0x400);
    apic.setLint(1, true);
    apic.setLint(1, false);
    expect(bench.log).toHaveLength(1);
    bench.set(R.lvtLint1, 0x2400);
    apic.setLint(1, true);
    expect(bench.log).toHaveLength(1);
    apic.setLint(1, false);
    expect(bench.log).toEqual(["nmi @0", "nmi @0"]);
  });

  it("performance counters mask their own entry", () => {
    const bench = new ApicBench();
    bench.set(R.lvtPerformance, 0x0_00ee);
    bench.set(R.lvtThermal, 0x0_00dd);
    for (let i = 0; i < 2; i++) {
      bench.pc.localApic!.raiseLocal(R.lvtPerformance);
      bench.pc.localApic!.raiseLocal(R.lvtThermal);
    }
    expect([bench.get(R.lvtPerformance), bench.get(R.lvtThermal)]).toEqual([0x1_00ee, 0xdd]);
    expect(bench.takeAll()).toEqual([0xee]);
  });

  it("an error whose own vector is illegal is only noted", () => {
    const bench = new ApicBench();
    bench.set(R.lvtError, 0x05);
    bench.get(0);
    bench.set(R.errorStatus, 0);
    expect(bench.get(R.errorStatus)).toBe(0xc0);
    bench.set(R.lvtThermal, 0x05);
    bench.pc.localApic!.raiseLocal(R.lvtThermal);
    bench.set(R.errorStatus, 0);
    expect(bench.get(R.errorStatus)).toBe(0x40);
  });
});

describe("IA32_APIC_BASE", () => {
  it("moves the page", () => {
    const bench = new ApicBench();
    expect(bench.wrmsr(0x1b, 0x1234_5900, 0x12)).toBe(true);
    expect(bench.get(R.version)).toBe(0xffff_ffff);
    expect(bench.load(0x12_1234_5030)).toBe(0x0106_0015);
    expect(bench.pc.msrs!.read(0x1b)).toEqual({ low: 0x1234_5900, high: 0x12 });
  });

  it("disables: LINT0 is INTR, and enabling again finds the state after reset", () => {
    const bench = new ApicBench();
    bench.selfIpi(0x41);
    expect(bench.wrmsr(0x1b, BASE | 0x100)).toBe(true);
    expect(bench.pc.interrupts.hasPending()).toBe(false);
    expect(bench.get(R.version)).toBe(0xffff_ffff);
    bench.outs(0x20, 0x11);
    bench.outs(0x21, 0x30, 0x04, 0x01, 0x00);
    bench.pc.pic.setIrq(4, true);
    expect(bench.take()).toBe(0x34);
    expect(bench.wrmsr(0x1b, BASE | 0x900)).toBe(true);
    expect(bench.get(R.spurious)).toBe(0xff);
    expect(bench.take()).toBeUndefined();
  });

  it("allows the transitions of the manual only", () => {
    const [off, x, invalid, x2] = [0x000, 0x800, 0x400, 0xc00];
    const legal = [
      [off, off],
      [off, x],
      [x, x],
      [x, off],
      [x, x2],
      [x2, x2],
      [x2, off],
    ];
    const paths: Record<number, number[]> = { [off]: [off], [x]: [], [x2]: [x2] };
    for (const from of [off, x, x2]) {
      for (const to of [off, x, invalid, x2]) {
        const bench = new ApicBench();
        for (const step of paths[from]!) bench.wrmsr(0x1b, BASE | 0x100 | step);
        const isLegal = legal.some(([a, b]) => a === from && b === to);
        expect(bench.wrmsr(0x1b, BASE | 0x100 | to), `${from.toString(16)} to ${to.toString(16)}`).toBe(
          isLegal,
        );
      }
    }
  });

  it("faults on reserved bits and beyond the physical address width", () => {
    const bench = new ApicBench();
    for (const bit of [0, 1, 2, 3, 4, 5, 6, 7, 9])
      expect(bench.wrmsr(0x1b, BASE | 0x900 | (1 << bit))).toBe(false);
    expect(bench.wrmsr(0x1b, BASE | 0x900, 1 << 8)).toBe(false);
    expect(bench.wrmsr(0x1b, BASE | 0x900, (1 << 8) - 1)).toBe(true);
  });
});

describe("x2APIC", () => {
  const enter = (): ApicBench => {
    const bench = new ApicBench();
    expect(bench.wrmsr(0x1b, BASE | 0xd00)).toBe(true);
    return bench;
  };

  it("replaces the page by MSRs over the same registers", () => {
    const bench = new ApicBench();
    expect(bench.rdmsr(X2APIC + R.version)).toBeUndefined();
    expect(bench.wrmsr(X2APIC + R.taskPriority, 0)).toBe(false);
    bench.set(R.taskPriority, 0x30);
    bench.set(R.lvtError, 0x44);
    bench.wrmsr(0x1b, BASE | 0xd00);
    expect(bench.get(R.version)).toBe(0xffff_ffff);
    expect(bench.rdmsr(X2APIC + R.version)).toBe(0x0106_0015);
    expect(bench.rdmsr(X2APIC + R.taskPriority)).toBe(0x30);
    expect(bench.rdmsr(X2APIC + R.lvtError)).toBe(0x44);
    expect(bench.rdmsr(X2APIC + R.logicalDestination)).toBe(1);
  });

  it("sends with one write of 64 bits, to itself with one of SELF IPI", () => {
    const bench = enter();
    expect(bench.wrmsr(X2APIC + R.commandLow, 0x4051, 0)).toBe(true);
    expect(bench.wrmsr(X2APIC + R.commandLow, 0x4052, 1)).toBe(true); // nobody
    expect(bench.wrmsr(X2APIC + R.commandLow, 0x4853, 1)).toBe(true); // logical
    expect(bench.wrmsr(X2APIC + R.commandLow, 0x4854, 0xffff_ffff)).toBe(true);
    expect(bench.wrmsr(X2APIC + R.commandLow, 0x4855, 0x1_0001)).toBe(true); // another cluster
    expect(bench.wrmsr(X2APIC + R.selfIpi, 0x60)).toBe(true);
    expect(bench.pc.msrs!.read(X2APIC + R.commandLow)).toEqual({ low: 0x4855, high: 0x1_0001 });
    const taken: number[] = [];
    while (bench.pc.interrupts.hasPending()) {
      taken.push(bench.pc.interrupts.acknowledge());
      bench.wrmsr(X2APIC + R.endOfInterrupt, 0);
    }
    expect(taken).toEqual([0x60, 0x54, 0x53, 0x51]);
  });

  it("faults where the manual says", () => {
    const bench = enter();
    const reads = Array.from({ length: 0x100 }, (_, r) => r).filter(
      (r) => bench.rdmsr(X2APIC + r) !== undefined,
    );
    const sets = Array.from({ length: 24 }, (_, i) => R.inService + i);
    const readable = [
      0x02,
      0x03,
      0x08,
      0x0a,
      0x0d,
      0x0f,
      ...sets,
      0x28,
      0x2f,
      0x30,
      0x32,
      0x33,
      0x34,
      0x35,
      0x36,
    ];
    expect(reads).toEqual([...readable, 0x37, 0x38, 0x39, 0x3e]);
    const writes = Array.from({ length: 0x100 }, (_, r) => r).filter((r) => bench.wrmsr(X2APIC + r, 0));
    expect(writes).toEqual([
      0x08, 0x0b, 0x0f, 0x28, 0x2f, 0x30, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x3e, 0x3f,
    ]);
    for (const [register, low, high] of [
      [R.taskPriority, 0x100, 0],
      [R.taskPriority, 0, 1],
      [R.endOfInterrupt, 1, 0],
      [R.errorStatus, 1, 0],
      [R.spurious, 0x2000, 0],
      [R.lvtTimer, 0x8_0000, 0],
      [R.lvtLint0, 0x4000, 0],
      [R.commandLow, 0x1000, 0],
      [R.divide, 4, 0],
      [R.selfIpi, 0x100, 0],
    ] as const) {
      expect(bench.wrmsr(X2APIC + register, low, high)).toBe(false);
    }
  });

  it("is not there when the CPU has none", () => {
    const bench = new Bench({ apic: { hasX2Apic: false, hasTscDeadline: false, physicalAddressBits: 36 } });
    const msrs = bench.pc.msrs!;
    expect([0x1b, 0x6e0, 0x800, 0x83f].map((msr) => msrs.owns(msr))).toEqual([true, false, false, false]);
    expect(msrs.write(0x1b, BASE | 0xd00, 0)).toBe(false);
  });
});

describe("EOI", () => {
  it("without anything in service does nothing", () => {
    const bench = new ApicBench();
    bench.eoi();
    expect(bench.take()).toBeUndefined();
  });
});
