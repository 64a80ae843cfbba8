/** RDMSR, WRMSR, the time-stamp counter, and random numbers (SDM vol. 2; vol. 4; vol. 3, 18.17). */
import { describe, expect, it } from "vitest";
import { EVENT } from "../../../events/events.js";
import { REGISTERS } from "../../x86/registers.js";
import { CR4, EFER } from "../control-bits.js";
import { BASE, CR4_WORD, EFER_WORD, LSTAR, RAX, RCX, RDX, segmentWord } from "../places.js";
import { FS, RFLAGS } from "../state.js";
import { TestSystem } from "../testing/test-system.js";
import { MSR } from "./msr-numbers.js";

const { rax, rbx } = REGISTERS;

function write(t: TestSystem, register: number, low: number, high = 0): TestSystem {
  t.setRegister(RCX, register);
  t.setRegister(RAX, low);
  t.setRegister(RDX, high);
  return t.execute("wrmsr");
}

function read(t: TestSystem, register: number): number[] {
  t.setRegister(RCX, register);
  t.execute("rdmsr");
  return [t.register(RAX), t.register(RDX)];
}

const fresh = (profile?: string): TestSystem => new TestSystem(profile).long().gates();

describe("registers in the state", () => {
  it("are read and written with both halves", () => {
    const t = write(fresh(), MSR.lstar, 0x1234, 0xffff_8000);
    expect([t.words[LSTAR], t.words[LSTAR + 1]]).toEqual([0x1234, -0x8000]);
    expect(read(t, MSR.lstar)).toEqual([0x1234, 0xffff_8000]);
    write(t, MSR.fsBase, 0x5000, 1);
    expect([t.words[segmentWord(FS) + BASE], t.words[segmentWord(FS) + BASE + 1]]).toEqual([0x5000, 1]);
  });

  it.each([
    ["LSTAR that is not canonical", MSR.lstar, 0, 0x8000],
    ["KERNEL_GS_BASE that is not canonical", MSR.kernelGsBase, 0, 0x8000],
    ["FMASK above bit 31", MSR.fmask, 0, 1],
    ["EFER with reserved bits", MSR.efer, 2, 0],
    ["EFER.LME while paging is on", MSR.efer, EFER.SCE, 0],
    ["a PAT of unknown types", MSR.pageAttributes, 2, 0],
    ["an MTRR default of an unknown type", MSR.mtrrDefaultType, 2, 0],
    ["an MTRR base above MAXPHYADDR", MSR.mtrrPhysicalBase, 6, 0x80],
    ["MTRRcap", MSR.mtrrCapabilities, 0, 0],
  ])("%s is #GP(0)", (_what, register, low, high) => {
    expect(write(fresh(), register, low, high).exception).toBe("GP 0");
  });
});

describe("EFER", () => {
  it("keeps LMA whatever is written; NXE changes what tables mean", () => {
    const t = write(fresh(), MSR.efer, EFER.SCE | EFER.LME | EFER.NXE);
    expect(t.words[EFER_WORD]).toBe(EFER.SCE | EFER.LME | EFER.LMA | EFER.NXE);
    expect(t.host.asked).toEqual(["changed"]);
  });

  it("has LMSLE on AMD's until Zen 2; elsewhere it is reserved", () => {
    const low = EFER.LME | EFER.LMSLE;
    for (const name of ["barcelona-2007", "zen-2-2019"])
      expect(write(fresh(name), MSR.efer, low).words[EFER_WORD]! & EFER.LMSLE).toBe(EFER.LMSLE);
    for (const name of ["zen-3-2020", "prescott-2005", "skylake-2015"])
      expect(write(fresh(name), MSR.efer, low).exception).toBe("GP 0");
  });
});

describe("a register that is not there", () => {
  it("is #GP(0), counted and remembered; RDMSR at CPL 3 is #GP(0) and not", () => {
    const t = fresh();
    read(t, 0x1234);
    expect(t.exception).toBe("GP 0");
    expect(t.host.counts.get(EVENT.unknown_msrs)).toBe(1);
    expect([...t.unit.msrs.unknown]).toEqual([[0x1234, 1]]);
    const user = new TestSystem().long(3).gates();
    read(user, 0x1234);
    expect(user.host.counts.get(EVENT.unknown_msrs)).toBeUndefined();
  });

  it("differs by vendor", () => {
    expect(read(fresh("zen-2-2019"), MSR.hardwareConfiguration)).toEqual([1 << 24, 0]);
    for (const register of [MSR.hardwareConfiguration, MSR.northbridgeConfiguration]) {
      const t = fresh();
      read(t, register);
      expect(t.exception).toBe("GP 0");
    }
  });

  it("NB_CFG keeps what is written, as Linux on AMD's processors writes it", () => {
    const t = fresh("zen-2-2019");
    expect(read(write(t, MSR.northbridgeConfiguration, 8, 1 << 14), MSR.northbridgeConfiguration)).toEqual([
      8,
      1 << 14,
    ]);
    expect(t.exception).toBeUndefined();
    expect(t.host.counts.get(EVENT.unknown_msrs)).toBeUndefined();
  });

  it("may be a device's", () => {
    const t = fresh();
    t.host.msrs = {
      owns: (n) => n === 0x1b,
      read: () => ({ low: 0xfee0_0900, high: 0 }),
      write: () => false,
    };
    expect(read(t, 0x1b)).toEqual([0xfee0_0900, 0]);
    expect(write(t, 0x1b, 0).exception).toBe("GP 0");
  });
});

describe("the time-stamp counter", () => {
  it("is cycles since reset, and what was written to it", () => {
    const t = fresh();
    t.host.cycles = 2 ** 32 + 5;
    t.unit.msrs.readTimeStamp();
    expect([t.unit.msrs.low, t.unit.msrs.high]).toEqual([5, 1]);
    write(t, MSR.timeStampCounter, 100, 0);
    const written = t.host.cycles;
    t.host.cycles += 50;
    t.unit.msrs.readTimeStamp();
    expect([t.unit.msrs.low - (written - (2 ** 32 + 5)) >= 50, t.unit.msrs.high]).toEqual([true, 0]);
    expect(t.host.localApic.timer.tscOffset).toBeLessThan(0);
  });

  it("TSC_ADJUST moves it", () => {
    const t = fresh();
    t.host.cycles = 10;
    write(t, MSR.tscAdjust, 0xffff_ffff, 0xffff_ffff);
    const { cycles } = t.host;
    t.unit.msrs.readTimeStamp();
    expect(t.unit.msrs.low).toBe(cycles - 1);
  });

  it("RDTSC at CPL 3 is #GP(0) under CR4.TSD; RDTSCP gives TSC_AUX too", () => {
    const t = write(fresh(), MSR.tscAux, 7);
    t.execute("rdtscp");
    expect(t.register(RCX)).toBe(7);
    const user = new TestSystem().long(3).gates();
    user.execute("rdtsc");
    expect(user.exception).toBeUndefined();
    user.words[CR4_WORD] = CR4.PAE | CR4.TSD;
    user.execute("rdtsc");
    expect(user.exception).toBe("GP 0");
  });

  it("RDTSCP does not exist on Merom", () => {
    expect(fresh("merom-2006").execute("rdtscp").exception).toBe("UD");
  });
});

describe("RDRAND", () => {
  it("draws the same numbers from the same seed, and goes on after a restore", () => {
    const draw = (t: TestSystem): number => {
      t.execute("rdrand", rax);
      expect(t.flags & RFLAGS.CF).toBe(RFLAGS.CF);
      return t.register(RAX);
    };
    const t = fresh();
    const first = [draw(t), draw(t)];
    expect(first[0]).not.toBe(first[1]);
    const other = fresh();
    expect([draw(other), draw(other)]).toEqual(first);
    const saved = t.unit.save();
    const third = draw(t);
    t.unit.restore(saved);
    expect(draw(t)).toBe(third);
  });

  it("does not exist before Ivy Bridge", () => {
    expect(fresh("sandy-bridge-2011").execute("rdrand", rbx).exception).toBe("UD");
    expect(fresh("haswell-2013").execute("rdseed", rbx).exception).toBe("UD");
  });
});

describe("saving", () => {
  it("brings back what is kept here", () => {
    const t = write(fresh(), MSR.pageAttributes, 0x0606_0606, 0x0606_0606);
    const saved = t.unit.save();
    write(t, MSR.pageAttributes, 0, 0);
    t.execute("hlt");
    t.unit.restore(saved);
    expect(read(t, MSR.pageAttributes)).toEqual([0x0606_0606, 0x0606_0606]);
    expect(t.unit.isHalted).toBe(false);
  });
});
