/** Faults while something is delivered: EXT, double fault, shutdown (SDM vol. 3, 6.13, 6.15 #DF, tables 6-4 and 6-5). */
import { describe, expect, it } from "vitest";
import { EVENT } from "../../../events/events.js";
import { REGISTERS } from "../../x86/registers.js";
import { CR2_WORD, RAX, RSP } from "../places.js";
import { EXCEPTION, RFLAGS, STATE } from "../state.js";
import { PLACE, SEL, TestSystem } from "../testing/test-system.js";

const { ss, ax } = REGISTERS;
const { DE, DB, UD, DF, NP, GP, PF } = EXCEPTION;

/** A system in which `second` arises when `first` is delivered: its gate, or the stack, is wrong. */
function failing(first: number, second: number): TestSystem {
  const t = new TestSystem().protectedMode().gates();
  if (second === GP) t.gate(first, { selector: SEL.data0 });
  else if (second === NP) t.gate(first, { present: false });
  else t.memory.absent.add((PLACE.stack0 >> 12) - 1);
  return t;
}

describe("a second exception", () => {
  it.each([
    [DE, GP, "DF 0", "contributory twice"],
    [GP, NP, "DF 0", "contributory twice"],
    [PF, GP, "DF 0", "a page fault, then a contributory one"],
    [PF, NP, "DF 0", "a page fault, then a contributory one"],
    [UD, GP, "GP 11", "benign first: the second is delivered, with EXT"],
    [DB, NP, "NP b", "benign first: the second is delivered, with EXT"],
  ])("%i then %i is %s: %s", (first, second, expected, _why) => {
    const t = failing(first, second);
    t.unit.raise(first, 0);
    expect(t.exception).toBe(expected);
  });

  it("a page fault after a page fault is a double fault, and after that shutdown", () => {
    const t = failing(PF, PF);
    t.words[STATE.faultAddress >> 2] = 0x1234;
    t.unit.raise(PF, 0);
    // The stack is unusable for #DF as well.
    expect(t.isShutDown).toBe(true);
    expect(t.unit.core.shutdownReason).toBe(
      "triple fault: #PF, then #PF, then #PF while the double fault was delivered",
    );
    expect(t.words[CR2_WORD]).not.toBe(0x1234);
  });

  it("a page fault after a contributory exception is delivered by itself", () => {
    const t = new TestSystem().protectedMode(3).gates();
    // #GP goes to ring 0, whose stack is absent; the handler of #PF stays at CPL 3.
    t.memory.absent.add((PLACE.stack0 >> 12) - 1);
    t.gate(PF, { selector: SEL.conforming });
    t.unit.raise(GP, 0);
    expect(t.exception).toBe("PF 2");
    expect(t.words[CR2_WORD]).toBe(PLACE.stack0 - 4 * 6);
  });

  it("while a double fault is delivered is shutdown, if it is contributory", () => {
    const t = new TestSystem().protectedMode().gates();
    t.gate(GP, { present: false });
    t.gate(DF, { present: false });
    t.unit.raise(GP, 0);
    expect(t.isShutDown).toBe(true);
    expect(t.unit.isHalted).toBe(false);
  });

  it("of INT n has no EXT, that of the delivery after it has", () => {
    const t = new TestSystem().protectedMode().gates();
    t.gate(0x80, { selector: SEL.data0 });
    t.execute("int", 0x80);
    expect(t.exception).toBe("GP 10");
  });
});

describe("what an exception pushes", () => {
  it.each([
    [UD, RFLAGS.RF],
    [PF, RFLAGS.RF],
    [GP, RFLAGS.RF],
    [DB, 0],
    [EXCEPTION.BP, 0],
    [DF, 0],
  ])("vector %i: RF %i", (vector, expected) => {
    const t = new TestSystem().protectedMode().gates();
    t.unit.raise(vector, 0);
    const code = [DF, GP, PF].includes(vector as 8) ? 1 : 0;
    expect(t.stack(4)[2 + code]! & RFLAGS.RF).toBe(expected);
  });

  it("a page fault leaves its address in CR2, and is counted", () => {
    const t = new TestSystem().protectedMode().gates();
    t.words[STATE.faultAddress >> 2] = 0x1234_5678;
    t.unit.raise(PF, 6);
    expect(t.exception).toBe("PF 6");
    expect(t.words[CR2_WORD]).toBe(0x1234_5678);
    expect(t.host.counts.get(EVENT.guest_page_faults)).toBe(1);
    expect(t.host.counts.get(EVENT.exceptions)).toBe(1);
  });
});

describe("interrupts", () => {
  it("wait for IF, and for the end of the shadow of STI and of MOV SS", () => {
    const t = new TestSystem().protectedMode();
    t.gate(0x30);
    t.host.pending.push(0x30);
    expect(t.unit.interrupt()).toBe(false);
    t.execute("sti");
    expect(t.unit.interrupt()).toBe(false);
    t.unit.clearShadow();
    t.setRegister(RAX, SEL.data0);
    t.execute("mov", ss, ax);
    expect(t.unit.interrupt()).toBe(false);
    t.unit.clearShadow();
    expect(t.unit.interrupt()).toBe(true);
    expect(t.rip).toBe(PLACE.handlers + 0x300);
  });

  it("STI while IF is set casts no shadow", () => {
    const t = new TestSystem().protectedMode();
    t.setFlags(RFLAGS.IF);
    t.execute("sti");
    expect(t.unit.hasShadow).toBe(false);
  });

  it("wake a halted CPU; EIP pushed is after HLT", () => {
    const t = new TestSystem().protectedMode();
    t.setFlags(RFLAGS.IF);
    t.gate(0x30);
    t.execute("hlt");
    expect(t.unit.isHalted).toBe(true);
    t.host.pending.push(0x30);
    t.unit.interrupt();
    expect(t.unit.isHalted).toBe(false);
    expect(t.stack(1)).toEqual([PLACE.code + 1]);
  });

  it("an NMI comes through without IF, and blocks the next one until IRET", () => {
    const t = new TestSystem().protectedMode().gates();
    t.unit.nmi();
    expect(t.unit.interrupt()).toBe(true);
    expect(t.exception).toBe("NMI");
    t.unit.nmi();
    expect(t.unit.interrupt()).toBe(false);
    t.execute("iretd");
    expect(t.unit.interrupt()).toBe(true);
  });
});

describe("single stepping", () => {
  it("traps after an instruction that began with TF, with BS in DR6", () => {
    const t = new TestSystem().protectedMode().gates();
    t.setFlags(RFLAGS.TF);
    t.execute("cpuid");
    expect(t.exception).toBe("DB");
    expect(t.stack(1)).toEqual([PLACE.code + 2]);
    expect(t.stack(3)[2]! & RFLAGS.TF).toBe(RFLAGS.TF);
    expect(t.words[(STATE.debug >> 2) + 8]! & 0x4000).toBe(0x4000);
  });

  it("does not trap after INT n and MOV SS", () => {
    const t = new TestSystem().protectedMode().gates();
    t.gate(0x80);
    t.setFlags(RFLAGS.TF);
    t.execute("int", 0x80);
    expect(t.rip).toBe(PLACE.handlers + 0x800);
    t.protectedMode().setFlags(RFLAGS.TF);
    t.setRegister(RAX, SEL.data0);
    t.execute("mov", ss, ax);
    expect(t.exception).toBeUndefined();
  });
});

describe("real mode", () => {
  it("goes through the table at IDTR's base, and pushes words without error codes", () => {
    const t = new TestSystem().real();
    t.poke(GP * 4, 0x4000_0010);
    t.unit.raise(GP, 0);
    expect(t.rip).toBe(0x10);
    expect(t.register(RSP)).toBe(0x8000 - 6);
    expect([t.peek16(0x7ffa), t.peek16(0x7ffc), t.peek16(0x7ffe)]).toEqual([0, PLACE.code >> 4, 2]);
  });

  it("a table without room for #GP and #DF is shutdown", () => {
    const t = new TestSystem().real();
    t.words[STATE.idtrLimit >> 2] = 3;
    t.unit.raise(UD, 0);
    expect(t.isShutDown).toBe(true);
  });
});
