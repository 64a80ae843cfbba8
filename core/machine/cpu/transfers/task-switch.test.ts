/** Task switches (SDM vol. 3, 8.3): what is saved and loaded, busy bits, links, and whose the faults are. */
import { describe, expect, it } from "vitest";
import { mem, SIZES } from "../../x86/assembler-operands.js";
import { CR0 } from "../control-bits.js";
import { CR0_WORD, RAX, RSP } from "../places.js";
import { CS, DS, EXCEPTION, RFLAGS, SS, TR } from "../state.js";
import { PLACE, SEL, TestSystem } from "../testing/test-system.js";

const TARGET = 0x1_4320;
const STACK = 0x3_c000;
const BUSY = 0x200;

/** Writes the other task: ring 0, flat. */
function otherTask(
  t: TestSystem,
  fields: { cs?: number; ss?: number; ds?: number; ip?: number; flags?: number } = {},
): void {
  const { cs = SEL.code0, ss = SEL.data0, ds = SEL.data0, ip = TARGET, flags = 2 } = fields;
  const at = PLACE.otherTss;
  t.poke(at + 0x20, ip);
  t.poke(at + 0x24, flags);
  for (let register = 0; register < 8; register++)
    t.poke(at + 0x28 + 4 * register, register === RSP ? STACK : 0x100 + register);
  for (const [index, selector] of [0, cs, ss, ds, 0, 0].entries()) t.poke(at + 0x48 + 4 * index, selector);
  t.poke(at + 0x60, 0);
}

function go(t: TestSystem, name: "jmp far" | "call far", selector: number): TestSystem {
  t.poke(0x7000, 0);
  t.poke16(0x7004, selector);
  return t.execute(name, mem(SIZES.fword, 0x7000));
}

const isBusy = (t: TestSystem, selector: number): boolean => (t.peek(PLACE.gdt + selector + 4) & BUSY) !== 0;

describe("JMP to a TSS", () => {
  it("saves the old task, loads the new one, and moves the busy bit", () => {
    const t = new TestSystem().protectedMode();
    otherTask(t);
    t.setRegister(RAX, 0xabcd);
    t.setFlags(RFLAGS.CF);
    go(t, "jmp far", SEL.otherTss);
    expect([t.rip, t.register(RAX), t.register(RSP), t.selector(TR)]).toEqual([
      TARGET,
      0x100,
      STACK,
      SEL.otherTss,
    ]);
    expect([t.selector(CS), t.selector(SS), t.selector(DS)]).toEqual([SEL.code0, SEL.data0, SEL.data0]);
    expect([t.peek(PLACE.tss + 0x20), t.peek(PLACE.tss + 0x24), t.peek(PLACE.tss + 0x28)]).toEqual([
      PLACE.code + 6,
      3,
      0xabcd,
    ]);
    expect([isBusy(t, SEL.tss), isBusy(t, SEL.otherTss)]).toEqual([false, true]);
    expect(t.words[CR0_WORD]! & CR0.TS).toBe(CR0.TS);
    expect(t.flags & RFLAGS.NT).toBe(0);
  });

  it("that is busy is #GP(selector), that is too small #TS(selector), that is absent #NP(selector)", () => {
    const busy = new TestSystem().protectedMode().gates();
    expect(go(busy, "jmp far", SEL.tss).exception).toBe("GP 28");
    const small = new TestSystem().protectedMode().gates();
    small.descriptor(SEL.otherTss, { base: PLACE.otherTss, limit: 0x66, type: 9 });
    expect(go(small, "jmp far", SEL.otherTss).exception).toBe("TS 70");
    const absent = new TestSystem().protectedMode().gates();
    absent.descriptor(SEL.otherTss, { base: PLACE.otherTss, limit: 0x67, type: 9, present: false });
    expect(go(absent, "jmp far", SEL.otherTss).exception).toBe("NP 70");
  });

  it("beyond its privilege is #GP(selector); IA-32e mode has none", () => {
    expect(go(new TestSystem().protectedMode(3).gates(), "jmp far", SEL.otherTss).exception).toBe("GP 70");
    expect(go(new TestSystem().long(0, false).gates(), "jmp far", SEL.otherTss).exception).toBe("GP 70");
  });
});

describe("CALL to a TSS and IRET back", () => {
  it("nest: link, NT, both busy; IRET undoes it", () => {
    const t = new TestSystem().protectedMode();
    otherTask(t);
    go(t, "call far", SEL.otherTss);
    expect(t.peek16(PLACE.otherTss)).toBe(SEL.tss);
    expect(t.flags & RFLAGS.NT).toBe(RFLAGS.NT);
    expect([isBusy(t, SEL.tss), isBusy(t, SEL.otherTss)]).toEqual([true, true]);
    t.execute("iretd");
    expect([t.rip, t.selector(TR), t.register(RSP)]).toEqual([PLACE.code + 6, SEL.tss, PLACE.stack0]);
    expect([isBusy(t, SEL.tss), isBusy(t, SEL.otherTss)]).toEqual([true, false]);
    // The other task was saved without NT, at the instruction after its IRET.
    expect([t.peek(PLACE.otherTss + 0x20), t.peek(PLACE.otherTss + 0x24) & RFLAGS.NT]).toEqual([
      TARGET + 1,
      0,
    ]);
  });
});

describe("a task gate", () => {
  it("takes a fault to another task, with its error code on that task's stack", () => {
    const t = new TestSystem().protectedMode(3);
    otherTask(t);
    t.gate(EXCEPTION.GP, { type: 5, selector: SEL.otherTss });
    t.execute("hlt");
    expect([t.rip, t.cpl, t.register(RSP)]).toEqual([TARGET, 0, STACK - 4]);
    expect(t.stack(1)).toEqual([0]);
    expect(t.peek(PLACE.tss + 0x20)).toBe(PLACE.code);
    expect(t.peek(PLACE.tss + 0x24) & RFLAGS.RF).toBe(RFLAGS.RF);
  });

  it("saves the flags of the interrupted task with RF only for faults", () => {
    const t = new TestSystem().protectedMode();
    otherTask(t);
    t.setFlags(RFLAGS.IF);
    t.gate(0x30, { type: 5, selector: SEL.otherTss });
    t.host.pending.push(0x30);
    t.unit.interrupt();
    expect(t.peek(PLACE.tss + 0x24)).toBe(RFLAGS.IF | RFLAGS.reserved1);
  });
});

describe("what is wrong in the new task", () => {
  it.each([
    ["a null CS", { cs: 0 }, "TS 0"],
    ["CS is data", { cs: SEL.data0 }, "TS 10"],
    ["SS of another privilege", { ss: SEL.data3 }, "TS 20"],
    ["DS is a system segment", { ds: SEL.ldt }, "TS 58"],
  ])("%s is the new task's fault", (_what, fields, expected) => {
    const t = new TestSystem().protectedMode().gates();
    otherTask(t, fields);
    // Handlers in a task of their own would be usual; here the fault is delivered on a stack made valid again.
    t.gate(EXCEPTION.TS, { type: 5, selector: SEL.free });
    t.descriptor(SEL.free, { base: 0x6100, limit: 0x67, type: 9 });
    t.poke(0x6120, PLACE.handlers + 16 * EXCEPTION.TS);
    t.poke(0x6138, STACK);
    for (const [index, selector] of [0, SEL.code0, SEL.data0, 0, 0, 0].entries())
      t.poke(0x6148 + 4 * index, selector);
    go(t, "jmp far", SEL.otherTss);
    expect(t.exception).toBe(expected);
    expect(t.peek16(0x6100)).toBe(SEL.otherTss);
    expect(t.peek(PLACE.otherTss + 0x20)).toBe(TARGET);
  });
});

describe("a 16-bit task", () => {
  it("has words, and no FS and GS", () => {
    const t = new TestSystem().protectedMode();
    t.descriptor(SEL.free, { base: PLACE.otherTss, limit: 0x2b, type: 1 });
    const at = PLACE.otherTss;
    t.poke16(at + 0x0e, 0x4320);
    t.poke16(at + 0x10, 2);
    for (let register = 0; register < 8; register++) t.poke16(at + 0x12 + 2 * register, 0x200 + register);
    for (const [index, selector] of [0, SEL.code16, SEL.data0, SEL.data0].entries())
      t.poke16(at + 0x22 + 2 * index, selector);
    t.poke16(at + 0x2a, 0);
    go(t, "jmp far", SEL.free);
    expect([t.rip, t.bits, t.register(RAX) & 0xffff]).toEqual([0x4320, 16, 0x200]);
  });
});
