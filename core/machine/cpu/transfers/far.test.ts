/** Far JMP, CALL and RET, straight and through call gates (SDM vol. 2; vol. 3, 5.8). */
import { describe, expect, it } from "vitest";
import { EVENT } from "../../../events/events.js";
import { mem, SIZES } from "../../x86/assembler-operands.js";
import { RSP } from "../places.js";
import { CS, SS } from "../state.js";
import { PLACE, SEL, TestSystem, TYPE } from "../testing/test-system.js";

const TARGET = 0x1_4320;
const POINTER = 0x7000;
const FLAT = { limit: 0xf_ffff, granular: true, big: true } as const;

/** JMP or CALL through a far pointer in memory. */
function go(
  t: TestSystem,
  name: "jmp far" | "call far",
  selector: number,
  offset: number = TARGET,
): TestSystem {
  t.poke(POINTER, offset);
  t.poke16(POINTER + 4, selector);
  return t.execute(name, mem(SIZES.fword, POINTER));
}

function callGate(
  t: TestSystem,
  fields: {
    selector?: number;
    type?: number;
    dpl?: number;
    present?: boolean;
    parameters?: number;
    offset?: number;
  },
): void {
  const {
    selector = SEL.code0,
    type = 0xc,
    dpl = 3,
    present = true,
    parameters = 0,
    offset = TARGET,
  } = fields;
  t.poke(PLACE.gdt + SEL.free, (selector << 16) | (offset & 0xffff));
  t.poke(
    PLACE.gdt + SEL.free + 4,
    (offset & 0xffff_0000) | (present ? 0x8000 : 0) | (dpl << 13) | (type << 8) | parameters,
  );
  t.poke(PLACE.gdt + SEL.free + 8, 0);
  t.poke(PLACE.gdt + SEL.free + 12, 0);
}

describe("to a code segment", () => {
  it("JMP loads CS with RPL = CPL; CALL pushes CS and EIP of what follows", () => {
    const t = go(new TestSystem().protectedMode(3), "jmp far", SEL.code3 & ~3);
    expect([t.rip, t.selector(CS), t.cpl]).toEqual([TARGET, SEL.code3, 3]);
    const called = go(new TestSystem().protectedMode(), "call far", SEL.code0);
    expect(called.rip).toBe(TARGET);
    expect(called.stack(2)).toEqual([PLACE.code + 6, SEL.code0]);
    expect(called.host.counts.get(EVENT.far_transfers)).toBe(1);
  });

  it("a conforming segment of more privilege leaves CPL alone", () => {
    const t = go(new TestSystem().protectedMode(3), "jmp far", SEL.conforming);
    expect([t.cpl, t.selector(CS)]).toEqual([3, SEL.conforming | 3]);
  });

  it.each([
    ["null: #GP(0)", 0, "GP 0"],
    ["beyond the GDT: #GP(selector)", 0x200, "GP 200"],
    ["data: #GP(selector)", SEL.data3, "GP 20"],
    ["of more privilege: #GP(selector)", SEL.code0, "GP 8"],
  ])("%s", (_what, selector, expected) => {
    expect(go(new TestSystem().protectedMode(3).gates(), "jmp far", selector).exception).toBe(expected);
    expect(go(new TestSystem().protectedMode(3).gates(), "call far", selector).exception).toBe(expected);
  });

  it("absent is #NP, beyond its limit #GP(0); nothing is pushed", () => {
    const t = new TestSystem().protectedMode().gates();
    t.descriptor(SEL.free, { ...FLAT, type: TYPE.code, present: false });
    expect(go(t, "call far", SEL.free).exception).toBe("NP 80");
    const short = new TestSystem().protectedMode().gates();
    expect(go(short, "call far", SEL.code16, 0x1_0000).exception).toBe("GP 0");
    expect(short.register(RSP)).toBe(PLACE.stack0 - 16);
  });

  it("in real mode are paragraphs", () => {
    const t = new TestSystem().real();
    t.poke(POINTER, 0x2000_0044);
    t.execute("call far", mem(SIZES.dword, POINTER));
    expect([t.rip, t.selector(CS), t.base(CS)]).toEqual([0x44, 0x2000, 0x2_0000]);
    expect([t.peek16(0x7ffc), t.peek16(0x7ffe)]).toEqual([4, PLACE.code >> 4]);
  });

  it("from compatibility mode reach 64-bit code", () => {
    const t = go(new TestSystem().long(0, false), "jmp far", SEL.long0);
    expect(t.bits).toBe(64);
  });

  it("of both widths at once is reserved: #GP(selector)", () => {
    const t = new TestSystem().long(0, false).gates();
    t.descriptor(SEL.free, { ...FLAT, type: TYPE.code, long: true });
    expect(go(t, "jmp far", SEL.free).exception).toBe("GP 80");
  });
});

describe("through a call gate", () => {
  it("CALL to a higher privilege switches stacks and copies parameters", () => {
    const t = new TestSystem().protectedMode(3);
    callGate(t, { parameters: 2 });
    t.setRegister(RSP, PLACE.stack3 - 8);
    t.poke(PLACE.stack3 - 8, 0x1111);
    t.poke(PLACE.stack3 - 4, 0x2222);
    go(t, "call far", SEL.free | 3, 0xdead);
    expect([t.rip, t.cpl, t.selector(CS), t.selector(SS)]).toEqual([TARGET, 0, SEL.code0, SEL.data0]);
    expect(t.stack(6)).toEqual([PLACE.code + 6, SEL.code3, 0x1111, 0x2222, PLACE.stack3 - 8, SEL.data3]);
    // RET 8 takes the parameters off both stacks.
    t.execute("retfd", 8);
    expect([t.rip, t.cpl, t.register(RSP)]).toEqual([PLACE.code + 6, 3, PLACE.stack3]);
  });

  it("to the same privilege pushes CS and EIP alone", () => {
    const t = new TestSystem().protectedMode();
    callGate(t, { parameters: 2 });
    go(t, "call far", SEL.free);
    expect(t.stack(2)).toEqual([PLACE.code + 6, SEL.code0]);
    expect(t.register(RSP)).toBe(PLACE.stack0 - 8);
  });

  it("a 16-bit gate pushes words", () => {
    const t = new TestSystem().protectedMode();
    callGate(t, { type: 4 });
    go(t, "call far", SEL.free);
    expect([t.rip, t.register(RSP)]).toEqual([TARGET & 0xffff, PLACE.stack0 - 4]);
  });

  it("JMP may not raise the privilege", () => {
    const t = new TestSystem().protectedMode(3).gates();
    callGate(t, {});
    expect(go(t, "jmp far", SEL.free | 3).exception).toBe("GP 8");
  });

  it.each([
    ["the gate's DPL is below CPL", { dpl: 2 }, SEL.free, "GP 80"],
    ["the gate's DPL is below RPL", { dpl: 0 }, SEL.free | 3, "GP 80"],
    ["the gate is absent", { present: false }, SEL.free, "NP 80"],
    ["its selector is null", { selector: 0 }, SEL.free, "GP 0"],
    ["its segment is data", { selector: SEL.data0 }, SEL.free, "GP 10"],
  ])("%s", (_what, fields, selector, expected) => {
    const t = new TestSystem().protectedMode(3).gates();
    callGate(t, fields);
    expect(go(t, "call far", selector).exception).toBe(expected);
  });

  it("in IA-32e mode to 64-bit code, SS null and 8-byte items", () => {
    const t = new TestSystem().long(3, false).gates();
    callGate(t, { selector: SEL.long0 });
    go(t, "call far", SEL.free | 3);
    expect([t.bits, t.cpl, t.selector(SS)]).toEqual([64, 0, 0]);
    expect(t.longStack(4)).toEqual([PLACE.code + 6, SEL.code3, PLACE.stack3, SEL.data3]);
  });

  it("in IA-32e mode needs a 64-bit segment, and zeros where its second half's type is", () => {
    const t = new TestSystem().long(0, false).gates();
    callGate(t, { selector: SEL.code0 });
    expect(go(t, "call far", SEL.free).exception).toBe("GP 8");
    const typed = new TestSystem().long(0, false).gates();
    callGate(typed, { selector: SEL.long0 });
    typed.poke(PLACE.gdt + SEL.free + 12, 0x1f00);
    expect(go(typed, "call far", SEL.free).exception).toBe("GP 80");
  });
});

describe("RET", () => {
  it("to the same privilege pops EIP and CS, then skips", () => {
    const t = new TestSystem().protectedMode();
    t.setRegister(RSP, PLACE.stack0 - 32);
    t.poke(PLACE.stack0 - 32, TARGET);
    t.poke(PLACE.stack0 - 28, SEL.code0);
    t.execute("retfd", 16);
    expect([t.rip, t.register(RSP)]).toEqual([TARGET, PLACE.stack0 - 8]);
  });

  it("to more privilege is #GP(selector)", () => {
    const t = new TestSystem().protectedMode(3).gates();
    t.setRegister(RSP, PLACE.stack3 - 8);
    t.poke(PLACE.stack3 - 8, TARGET);
    t.poke(PLACE.stack3 - 4, SEL.code0);
    t.execute("retfd");
    expect(t.exception).toBe("GP 8");
  });
});
