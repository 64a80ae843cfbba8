/** GDTR, IDTR, LDTR and TR, and what may be asked about selectors (SDM vol. 2; vol. 3, 2.4, 5.10). */
import { describe, expect, it } from "vitest";
import { mem, SIZES } from "../../x86/assembler-operands.js";
import { REGISTERS } from "../../x86/registers.js";
import { CR4 } from "../control-bits.js";
import { BASE, CR4_WORD, GDTR_BASE, GDTR_LIMIT, RAX, RBX, segmentWord } from "../places.js";
import { LDTR, RFLAGS, TR } from "../state.js";
import { PLACE, SEL, TestSystem, TYPE } from "../testing/test-system.js";

const { ax, bx, eax, ebx } = REGISTERS;
const AT = 0x7000;
const table = mem(SIZES.fword, AT);

describe("LGDT and SGDT", () => {
  it("load limit and base; 16-bit operand size takes 24 bits of base", () => {
    const t = new TestSystem().protectedMode();
    t.poke16(AT, 0x127);
    t.poke(AT + 2, 0x1234_5678);
    t.execute("lgdt", table);
    expect([t.words[GDTR_LIMIT], t.words[GDTR_BASE]]).toEqual([0x127, 0x1234_5678]);
    t.execute("o16 lgdt", table);
    expect(t.words[GDTR_BASE]).toBe(0x34_5678);
  });

  it("tell the truth to CPL 3, unless CR4.UMIP", () => {
    const t = new TestSystem("zen-2-2019").protectedMode(3).gates();
    t.execute("sgdt", table);
    expect([t.peek16(AT), t.peek(AT + 2)]).toEqual([0xff, PLACE.gdt]);
    t.words[CR4_WORD] = CR4.UMIP;
    t.execute("sidt", table);
    expect(t.exception).toBe("GP 0");
  });

  it("in 64-bit mode have 8 bytes of base, which is canonical", () => {
    const t = new TestSystem().long().gates();
    t.poke(AT + 2, 0x1000);
    t.poke(AT + 6, -1);
    t.execute("lgdt", mem(SIZES.tbyte, AT));
    expect([t.words[GDTR_BASE], t.words[GDTR_BASE + 1]]).toEqual([0x1000, -1]);
    const refused = new TestSystem().long().gates();
    refused.poke(AT + 6, 0x8000);
    refused.execute("lidt", mem(SIZES.tbyte, AT));
    expect(refused.exception).toBe("GP 0");
  });

  it("LGDT at CPL 3 is #GP(0)", () => {
    expect(new TestSystem().protectedMode(3).gates().execute("lgdt", table).exception).toBe("GP 0");
  });
});

describe("LLDT and LTR", () => {
  function load(t: TestSystem, name: "lldt" | "ltr", selector: number): TestSystem {
    t.setRegister(RAX, selector);
    return t.execute(name, ax);
  }

  it("load system segments; LTR makes the TSS busy", () => {
    const t = load(new TestSystem().protectedMode(), "ltr", SEL.otherTss);
    load(t, "lldt", SEL.ldt);
    expect([t.selector(TR), t.base(TR), t.selector(LDTR), t.base(LDTR)]).toEqual([
      SEL.otherTss,
      PLACE.otherTss,
      SEL.ldt,
      PLACE.ldt,
    ]);
    expect((t.peek(PLACE.gdt + SEL.otherTss + 4) >> 8) & 15).toBe(11);
    t.execute("str", eax);
    expect(t.register(RAX)).toBe(SEL.otherTss);
  });

  it.each([
    ["ltr", 0, "GP 0"],
    ["ltr", SEL.tss, "GP 28"],
    ["ltr", SEL.data0, "GP 10"],
    ["ltr", SEL.otherTss | 4, "GP 74"],
    ["lldt", SEL.otherTss, "GP 70"],
    ["lldt", 0x200, "GP 200"],
  ] as const)("%s of %i is %s", (name, selector, expected) => {
    expect(load(new TestSystem().protectedMode().gates(), name, selector).exception).toBe(expected);
  });

  it("absent is #NP(selector)", () => {
    const t = new TestSystem().protectedMode().gates();
    t.descriptor(SEL.free, { type: 9, limit: 0x67, present: false });
    expect(load(t, "ltr", SEL.free).exception).toBe("NP 80");
  });

  it("have a 64-bit base in IA-32e mode", () => {
    const t = new TestSystem().long();
    t.descriptor(SEL.free, { type: 9, limit: 0x67, base: 0x4000 });
    t.poke(PLACE.gdt + SEL.free + 8, 0xffff_8000);
    load(t, "ltr", SEL.free);
    expect([t.words[segmentWord(TR) + BASE], t.words[segmentWord(TR) + BASE + 1]]).toEqual([0x4000, -0x8000]);
  });

  it("are #UD in real and virtual-8086 mode", () => {
    const t = new TestSystem().virtual8086().gates();
    expect(load(t, "lldt", 0).exception).toBe("UD");
  });
});

describe("LAR and LSL", () => {
  function ask(t: TestSystem, name: "lar" | "lsl", selector: number): readonly [boolean, number] {
    t.setRegister(RAX, 0xaaaa);
    t.setRegister(RBX, selector);
    t.execute(name, eax, ebx);
    return [(t.flags & RFLAGS.ZF) !== 0, t.register(RAX)];
  }

  it("give rights and limit, or ZF = 0 and the register as it was", () => {
    const t = new TestSystem().protectedMode();
    expect(ask(t, "lar", SEL.data0)).toEqual([true, 0xcf_9200]);
    expect(ask(t, "lsl", SEL.data0)).toEqual([true, 0xffff_ffff]);
    expect(ask(t, "lsl", SEL.tss)).toEqual([true, 0x67]);
    expect(ask(t, "lar", 0)).toEqual([false, 0xaaaa]);
    expect(ask(t, "lar", 0x200)).toEqual([false, 0xaaaa]);
  });

  it("tell CPL 3 nothing of more privileged segments but conforming code", () => {
    const t = new TestSystem().protectedMode(3);
    expect(ask(t, "lar", SEL.data0)[0]).toBe(false);
    expect(ask(t, "lar", SEL.conforming)[0]).toBe(true);
    expect(ask(t, "lar", SEL.data3)[0]).toBe(true);
  });

  it("know gates by LAR alone, and fewer types in IA-32e mode", () => {
    const t = new TestSystem().protectedMode();
    t.descriptor(SEL.free, { type: 0xc });
    expect([ask(t, "lar", SEL.free)[0], ask(t, "lsl", SEL.free)[0]]).toEqual([true, false]);
    const long = new TestSystem().long();
    long.descriptor(SEL.free, { type: 5 });
    expect(ask(long, "lar", SEL.free)[0]).toBe(false);
  });
});

describe("VERR, VERW and ARPL", () => {
  function verify(t: TestSystem, name: "verr" | "verw", selector: number): boolean {
    t.setRegister(RAX, selector);
    t.execute(name, ax);
    return (t.flags & RFLAGS.ZF) !== 0;
  }

  it("say whether a segment may be read or written from here", () => {
    const t = new TestSystem().protectedMode(3);
    t.descriptor(SEL.free, { type: TYPE.readOnly, dpl: 3 });
    expect([verify(t, "verr", SEL.free), verify(t, "verw", SEL.free)]).toEqual([true, false]);
    expect([verify(t, "verr", SEL.data3), verify(t, "verw", SEL.data3)]).toEqual([true, true]);
    expect([
      verify(t, "verr", SEL.data0),
      verify(t, "verr", SEL.code3),
      verify(t, "verw", SEL.code3),
    ]).toEqual([false, true, false]);
  });

  it("ARPL raises an RPL that is too low", () => {
    const t = new TestSystem().protectedMode();
    t.setRegister(RAX, 0x10);
    t.setRegister(RBX, 3);
    t.execute("arpl", ax, bx);
    expect([t.register(RAX), t.flags & RFLAGS.ZF]).toEqual([0x13, RFLAGS.ZF]);
    t.execute("arpl", ax, bx);
    expect(t.flags & RFLAGS.ZF).toBe(0);
  });
});
