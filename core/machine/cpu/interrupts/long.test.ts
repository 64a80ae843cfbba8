/** Interrupts, IRETQ and their stacks in IA-32e mode (SDM vol. 3, 6.14; vol. 2, INT n, IRET). */
import { describe, expect, it } from "vitest";
import { ATTRIBUTES, RSP, segmentWord } from "../places.js";
import { CS, RFLAGS, SS } from "../state.js";
import { PLACE, SEL, TestSystem } from "../testing/test-system.js";

const HANDLER = PLACE.handlers + 0x80 * 16;
const { IF, reserved1, RF } = RFLAGS;

describe("an interrupt", () => {
  it("pushes five quadwords on the same stack, aligned to 16", () => {
    const t = new TestSystem().long();
    t.setRegister(RSP, PLACE.stack0 - 8);
    t.gate(0x80);
    t.execute("int", 0x80);
    expect(t.rip).toBe(HANDLER);
    expect(t.longStack(5)).toEqual([PLACE.code + 2, SEL.long0, reserved1, PLACE.stack0 - 8, SEL.data0]);
    expect(t.register(RSP)).toBe(PLACE.stack0 - 16 - 40);
    expect(t.selector(SS)).toBe(SEL.data0);
  });

  it("from CPL 3 takes RSP0, and SS becomes null", () => {
    const t = new TestSystem().long(3);
    t.gate(0x80, { dpl: 3 });
    t.execute("int", 0x80);
    expect([t.cpl, t.selector(SS), t.words[segmentWord(SS) + ATTRIBUTES]]).toEqual([0, 0, 0]);
    expect(t.longStack(5)).toEqual([PLACE.code + 2, SEL.long3, reserved1, PLACE.stack3, SEL.data3]);
    expect(t.register(RSP)).toBe(PLACE.stack0 - 40);
  });

  it("uses the interrupt stack that its gate names, at the same privilege too", () => {
    const t = new TestSystem().long();
    t.poke(PLACE.tss + 0x24 + 8 * 2, PLACE.interruptStack);
    t.gate(0x80, { ist: 3 });
    t.execute("int", 0x80);
    expect(t.register(RSP)).toBe(PLACE.interruptStack - 40);
    expect(t.selector(SS)).toBe(SEL.data0);
  });

  it("from compatibility mode goes to 64-bit code", () => {
    const t = new TestSystem().long(3, false);
    t.gate(0x80, { dpl: 3 });
    t.execute("int", 0x80);
    expect([t.bits, t.longStack(2)]).toEqual([64, [PLACE.code + 2, SEL.code3]]);
  });

  it("with an error code has six items", () => {
    const t = new TestSystem().long(3).gates();
    t.execute("hlt");
    expect(t.exception).toBe("GP 0");
    expect(t.longStack(4)).toEqual([0, PLACE.code, SEL.long3, RF | reserved1]);
    expect(t.register(RSP)).toBe(PLACE.stack0 - 48);
  });

  it.each([
    ["a 32-bit code segment: #GP(selector)", { selector: SEL.code0 }, "GP 8"],
    ["a 16-bit gate: #GP(vector * 8 + 2)", { type: 6 }, "GP 402"],
    ["a task gate: #GP(vector * 8 + 2)", { type: 5 }, "GP 402"],
    ["an absent gate: #NP(vector * 8 + 2)", { present: false }, "NP 402"],
  ])("through %s", (_what, gate, expected) => {
    const t = new TestSystem().long().gates();
    t.gate(0x80, gate);
    t.execute("int", 0x80);
    expect(t.exception).toBe(expected);
  });

  it("with a stack that is not canonical is #SS(0), a target that is not #GP(0)", () => {
    const t = new TestSystem().long(3).gates();
    t.gate(12, { ist: 1 });
    t.poke(PLACE.tss + 0x24, PLACE.interruptStack);
    t.poke(PLACE.tss + 8, 0x8000);
    t.gate(0x80, { dpl: 3 });
    t.execute("int", 0x80);
    expect(t.exception).toBe("SS 0");
    const target = new TestSystem().long().gates();
    target.gate(0x80);
    target.poke(PLACE.idt + 0x808, 0x8000);
    target.execute("int", 0x80);
    expect(target.exception).toBe("GP 0");
  });

  it("works word by word where tables and frame are not in one piece", () => {
    const t = new TestSystem().long(3);
    t.memory.hasSpans = false;
    t.gate(0x80, { dpl: 3 });
    t.execute("int", 0x80);
    expect(t.longStack(5)).toEqual([PLACE.code + 2, SEL.long3, reserved1, PLACE.stack3, SEL.data3]);
  });
});

/** A system in 64-bit code of CPL 0 with quadwords on its stack, the first on top. */
function returning(items: number[], highs: Record<number, number> = {}): TestSystem {
  const t = new TestSystem().long().gates();
  t.setRegister(RSP, PLACE.stack0 - 8 * items.length);
  for (const [item, value] of items.entries()) {
    t.poke(t.register(RSP) + 8 * item, value);
    t.poke(t.register(RSP) + 8 * item + 4, highs[item] ?? 0);
  }
  return t;
}

describe("IRETQ", () => {
  it("pops SS and RSP whatever the privilege", () => {
    const t = returning([0x1_2340, SEL.long0, IF, 0x3_1000, SEL.data0]);
    t.execute("iretq");
    expect([t.rip, t.register(RSP), t.flags]).toEqual([0x1_2340, 0x3_1000, IF | reserved1]);
  });

  it("may load a null SS, but not for CPL 3 or compatibility mode", () => {
    const kernel = returning([0x1_2340, SEL.long0, 0, 0x3_1000, 0]);
    kernel.execute("iretq");
    expect([kernel.rip, kernel.selector(SS)]).toEqual([0x1_2340, 0]);
    for (const code of [SEL.long3, SEL.code0]) {
      const refused = returning([0x1_2340, code, 0, 0x3_1000, 0]);
      refused.execute("iretq");
      expect(refused.exception).toBe("GP 0");
    }
  });

  it("returns to compatibility mode", () => {
    const t = returning([0x1_2340, SEL.code3, 0, 0x3_1000, SEL.data3]);
    t.execute("iretq");
    expect([t.bits, t.cpl, t.selector(CS)]).toEqual([32, 3, SEL.code3]);
  });

  it("checks that RIP is canonical", () => {
    const t = returning([0, SEL.long0, 0, 0x3_1000, SEL.data0], { 0: 0x8000 });
    t.execute("iretq");
    expect(t.exception).toBe("GP 0");
    const kernelHalf = returning([0x1000, SEL.long0, 0, 0x3_1000, SEL.data0], { 0: -0x8000 });
    kernelHalf.execute("iretq");
    expect(kernelHalf.rip).toBe(-0x8000 * 2 ** 32 + 0x1000);
  });

  it("with NT is #GP(0): there are no tasks", () => {
    const t = returning([0x1_2340, SEL.long0, 0, 0x3_1000, SEL.data0]);
    t.setFlags(RFLAGS.NT);
    t.execute("iretq");
    expect(t.exception).toBe("GP 0");
  });
});
