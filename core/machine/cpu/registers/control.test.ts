/** Control and debug registers: what may be written and what follows (SDM vol. 3, 2.5, 4.10.4.1, 10.8.5, 18.2). */
import { describe, expect, it } from "vitest";
import { REGISTERS } from "../../x86/registers.js";
import { CR0, CR4, EFER } from "../control-bits.js";
import {
  ATTRIBUTES,
  CR0_WORD,
  CR2_WORD,
  CR3_WORD,
  CR4_WORD,
  DR6_WORD,
  DR7_WORD,
  EFER_WORD,
  MODE_WORD,
  RAX,
  segmentWord,
} from "../places.js";
import { CS, MODE } from "../state.js";
import { TestSystem } from "../testing/test-system.js";

const { cr0, cr2, cr3, cr4, cr8, dr0, dr4, dr6, dr7, eax, rax, ax } = REGISTERS;
type Register = typeof cr0;

/** MOV of a value to a control or debug register. */
function set(t: TestSystem, register: Register, value: number): TestSystem {
  t.setRegister(RAX, value);
  return t.execute("mov", register, t.bits === 64 ? rax : eax);
}

const BASE_CR0 = CR0.PE | CR0.ET;
const unsigned = (value: number): number => value >>> 0;

describe("CR0", () => {
  it.each([
    ["PG without PE", CR0.PG],
    ["NW without CD", CR0.PE | CR0.NW],
  ])("%s is #GP(0)", (_what, value) => {
    const t = set(new TestSystem().protectedMode().gates(), cr0, unsigned(value));
    expect(t.exception).toBe("GP 0");
    expect(t.words[CR0_WORD]).toBe(BASE_CR0);
  });

  it("ignores what is reserved, ET stays 1", () => {
    const t = set(new TestSystem().protectedMode(), cr0, CR0.PE | CR0.WP | 0x8000);
    expect(t.words[CR0_WORD]).toBe(BASE_CR0 | CR0.WP);
    expect(t.host.asked).toEqual(["changed"]);
  });

  it("above bit 31 is #GP(0)", () => {
    const t = new TestSystem().long().gates();
    expect(set(t, cr0, 2 ** 32 + unsigned(CR0.PE | CR0.PG)).exception).toBe("GP 0");
  });

  it("PG with EFER.LME enters IA-32e mode, if CR4.PAE and no L", () => {
    const t = new TestSystem().protectedMode().gates();
    t.words[EFER_WORD] = EFER.LME;
    set(t, cr0, unsigned(BASE_CR0 | CR0.PG));
    expect(t.exception).toBe("GP 0");
    const entered = new TestSystem().protectedMode();
    entered.words[EFER_WORD] = EFER.LME;
    entered.words[CR4_WORD] = CR4.PAE;
    set(entered, cr0, unsigned(BASE_CR0 | CR0.PG));
    expect(entered.words[EFER_WORD]).toBe(EFER.LME | EFER.LMA);
    const wide = new TestSystem().protectedMode().gates();
    wide.words[EFER_WORD] = EFER.LME;
    wide.words[CR4_WORD] = CR4.PAE;
    wide.words[segmentWord(CS) + ATTRIBUTES] = 0xe0_9b00;
    set(wide, cr0, unsigned(BASE_CR0 | CR0.PG));
    expect(wide.exception).toBe("GP 0");
  });

  it("PG cleared in compatibility mode leaves IA-32e mode and flushes; in 64-bit mode it is #GP(0)", () => {
    const t = set(new TestSystem().long(0, false), cr0, BASE_CR0);
    expect(t.words[EFER_WORD]! & EFER.LMA).toBe(0);
    expect(t.host.asked).toEqual(["changed", "all"]);
    expect(set(new TestSystem().long().gates(), cr0, BASE_CR0).exception).toBe("GP 0");
  });

  it("TS and EM are in the mode word; CLTS clears TS", () => {
    const t = set(new TestSystem().protectedMode(), cr0, BASE_CR0 | CR0.TS);
    expect(t.words[MODE_WORD]! & MODE.noFpu).toBe(MODE.noFpu);
    t.execute("clts");
    expect(t.words[MODE_WORD]! & MODE.noFpu).toBe(0);
  });

  it("LMSW sets PE and cannot clear it; SMSW tells the low word to anybody", () => {
    const t = new TestSystem().protectedMode();
    t.setRegister(RAX, 8);
    t.execute("lmsw", ax);
    expect(t.words[CR0_WORD]).toBe(BASE_CR0 | CR0.TS);
    const user = new TestSystem().protectedMode(3);
    user.setRegister(RAX, 0x1234_0000);
    user.execute("smsw", ax);
    expect(user.register(RAX)).toBe(0x1234_0000 | BASE_CR0);
  });
});

describe("CR3", () => {
  it("above MAXPHYADDR is #GP(0)", () => {
    expect(set(new TestSystem().long().gates(), cr3, 2 ** 39).exception).toBe("GP 0");
    const t = set(new TestSystem().long(), cr3, 2 ** 38 + 0x5000);
    expect([t.words[CR3_WORD], t.words[CR3_WORD + 1]]).toEqual([0x5000, 0x40]);
    expect(t.host.asked).toEqual(["root"]);
  });

  it("bit 63 keeps translations under PCIDE, and is #GP(0) without", () => {
    const t = new TestSystem().long().gates();
    t.words[CR4_WORD] = CR4.PAE | CR4.PCIDE;
    set(t, cr3, -(2 ** 63) + 0x5001);
    expect([t.host.asked, t.words[CR3_WORD + 1]]).toEqual([["root, kept"], 0]);
    expect(set(new TestSystem().long().gates(), cr3, -(2 ** 63) + 0x5000).exception).toBe("GP 0");
  });

  it("loads the PDPTEs of the PAE format; a present one with reserved bits is #GP(0)", () => {
    const t = new TestSystem().protectedMode().gates();
    t.words[CR0_WORD] = BASE_CR0 | CR0.PG;
    t.words[CR4_WORD] = CR4.PAE;
    t.poke(0x7020, 0x9001);
    t.poke(0x7028, 0x1e6);
    set(t, cr3, 0x7020);
    expect(t.host.asked).toEqual([`PDPTEs ${[0x9001, 0, 0x1e6, 0, 0, 0, 0, 0].join(" ")}`, "root"]);
    t.poke(0x7028, 3);
    set(t, cr3, 0x7020);
    expect(t.exception).toBe("GP 0");
  });
});

describe("CR4", () => {
  it.each([
    ["a bit that no generation has", "skylake-2015", 1 << 15],
    ["PCIDE without PCIDs", "nehalem-2008", CR4.PAE | CR4.PCIDE],
    ["FSGSBASE before Ivy Bridge", "nehalem-2008", CR4.PAE | CR4.FSGSBASE],
    ["no PAE in IA-32e mode", "skylake-2015", 0],
    ["LA57 in IA-32e mode", "ice-lake-2019", CR4.PAE | CR4.LA57],
  ])("%s is #GP(0)", (_what, profile, value) => {
    expect(set(new TestSystem(profile).long().gates(), cr4, value).exception).toBe("GP 0");
  });

  it("PCIDE needs IA-32e mode and PCID 0", () => {
    expect(set(new TestSystem().protectedMode().gates(), cr4, CR4.PAE | CR4.PCIDE).exception).toBe("GP 0");
    const t = new TestSystem().long().gates();
    t.words[CR3_WORD] = 5;
    expect(set(t, cr4, CR4.PAE | CR4.PCIDE).exception).toBe("GP 0");
    expect(set(new TestSystem().long().gates(), cr4, CR4.PAE | CR4.PCIDE).exception).toBeUndefined();
  });

  it("a change of PGE flushes everything; OSFXSR is in the mode word", () => {
    const t = set(new TestSystem().protectedMode(), cr4, CR4.PGE | CR4.OSFXSR);
    expect(t.host.asked).toEqual(["changed", "all"]);
    expect(t.words[MODE_WORD]! & MODE.noSse).toBe(0);
  });
});

describe("the other numbers", () => {
  it("CR2 keeps 64 bits, CR8 is the task priority's class", () => {
    const t = set(new TestSystem().long(), cr2, 2 ** 40 + 7);
    expect([t.words[CR2_WORD], t.words[CR2_WORD + 1]]).toEqual([7, 256]);
    set(t, cr8, 9);
    expect(t.host.localApic.taskPriority).toBe(0x90);
    t.execute("mov", rax, cr8);
    expect(t.register(RAX)).toBe(9);
    expect(set(new TestSystem().long().gates(), cr8, 16).exception).toBe("GP 0");
  });

  it("any at CPL 3 is #GP(0)", () => {
    expect(set(new TestSystem().protectedMode(3).gates(), cr0, 0).exception).toBe("GP 0");
  });
});

describe("debug registers", () => {
  it("have fixed bits in DR6 and DR7", () => {
    const t = set(new TestSystem().protectedMode(), dr6, 0);
    set(t, dr7, 0xffff_dfff);
    set(t, dr0, 0x1234);
    expect(t.words[DR6_WORD]! >>> 0).toBe(0xffff_0ff0);
    expect(t.words[DR7_WORD]! >>> 0).toBe(0xffff_07ff);
    t.execute("mov", eax, dr0);
    expect(t.register(RAX)).toBe(0x1234);
  });

  it("DR4 is DR6, or #UD under CR4.DE", () => {
    const t = set(new TestSystem().protectedMode().gates(), dr4, 1);
    expect(t.words[DR6_WORD]! & 1).toBe(1);
    t.words[CR4_WORD] = CR4.DE;
    expect(set(t, dr4, 1).exception).toBe("UD");
  });

  it("general detect faults before the access, and is off in the handler", () => {
    const t = new TestSystem().protectedMode().gates();
    set(t, dr7, 0x2000);
    set(t, dr0, 5);
    expect(t.exception).toBe("DB");
    expect(t.words[DR6_WORD]! & 0x2000).toBe(0x2000);
    expect(t.words[DR7_WORD]! & 0x2000).toBe(0);
  });

  it("above bit 31 in DR7 is #GP(0)", () => {
    expect(set(new TestSystem().long().gates(), dr7, 2 ** 32).exception).toBe("GP 0");
  });
});
