/** Loading segment registers: MOV, POP, LSS and the like (SDM vol. 2, MOV; vol. 3, 3.4.5, 5.4 to 5.7). */
import { describe, expect, it } from "vitest";
import { mem, SIZES } from "../x86/assembler-operands.js";
import { REGISTERS } from "../x86/registers.js";
import { CR4 } from "./control-bits.js";
import {
  ATTRIBUTES,
  BASE,
  CR4_WORD,
  HIGHEST,
  LIMIT,
  LOWEST,
  RAX,
  RIGHTS,
  RSP,
  segmentWord,
} from "./places.js";
import { DS, ES, FS, GS, SEGMENT_READABLE, SEGMENT_WRITABLE, SS } from "./state.js";
import { type DescriptorFields, PLACE, SEL, TestSystem, TYPE } from "./testing/test-system.js";

const { ax, ds, es, fs, gs, ss, eax, esp } = REGISTERS;

/** MOV DS, AX with a selector of a descriptor made for it. */
function load(fields: DescriptorFields, { cpl = 0, rpl = 0, to = ds } = {}): TestSystem {
  const t = new TestSystem().protectedMode(cpl).gates();
  t.descriptor(SEL.free, fields);
  t.setRegister(RAX, SEL.free | rpl);
  return t.execute("mov", to, ax);
}

const hidden = (t: TestSystem, segment: number): number[] =>
  [BASE, LOWEST, HIGHEST, LIMIT, RIGHTS].map((word) => t.words[segmentWord(segment) + word]! >>> 0);

describe("a data segment", () => {
  it("gets base, limit and rights of its descriptor, whose accessed bit is set", () => {
    const t = load({ type: TYPE.data, base: 0x1234_5678, limit: 0xf_fff0 });
    expect(hidden(t, DS)).toEqual([0x1234_5678, 0, 0xf_fff0, 0xf_fff0, SEGMENT_READABLE | SEGMENT_WRITABLE]);
    expect(t.peek(PLACE.gdt + SEL.free + 4) & 0x100).toBe(0x100);
    expect(t.words[segmentWord(DS) + ATTRIBUTES]).toBe(0x9300);
  });

  it("has its limit in pages under G", () => {
    expect(hidden(load({ type: TYPE.readOnly, limit: 0x12, granular: true }), DS)).toEqual([
      0,
      0,
      0x1_2fff,
      0x1_2fff,
      SEGMENT_READABLE,
    ]);
  });

  it.each([
    ["64 KiB without B", { limit: 0x1000 }, 0x1001, 0xffff],
    ["4 GiB with B", { limit: 0x1000, big: true }, 0x1001, 0xffff_ffff],
    ["nothing when the limit is the top", { limit: 0xffff }, 1, 0],
    ["nothing at all of 4 GiB", { limit: 0xf_ffff, granular: true, big: true }, 1, 0],
  ])("that expands down reaches up to %s", (_what, fields, lowest, highest) => {
    const t = load({ type: TYPE.expandDown, ...fields });
    expect(hidden(t, DS).slice(1, 3)).toEqual([lowest, highest]);
  });

  it.each([
    ["system segments", { type: 2 }, {}, "GP 80"],
    ["code that cannot be read", { type: TYPE.executeOnly }, {}, "GP 80"],
    ["less privilege in RPL", { type: TYPE.data }, { rpl: 3 }, "GP 80"],
    ["less privilege in CPL", { type: TYPE.data, dpl: 2 }, { cpl: 3 }, "GP 80"],
    ["absent segments", { type: TYPE.data, present: false }, {}, "NP 80"],
  ])("may not be loaded with %s", (_what, fields, how, expected) => {
    const t = load(fields, how);
    expect(t.exception).toBe(expected);
    expect(t.peek(PLACE.gdt + SEL.free + 4) & 0x100).toBe(0);
  });

  it("may be conforming code at any privilege", () => {
    const t = load({ type: TYPE.conforming }, { cpl: 3, rpl: 3 });
    expect(t.exception).toBeUndefined();
    expect(t.words[segmentWord(DS) + RIGHTS]).toBe(SEGMENT_READABLE);
  });

  it("is null by selectors 0 to 3, and then allows no access", () => {
    const t = new TestSystem().protectedMode(3).gates();
    t.setRegister(RAX, 3);
    t.execute("mov", es, ax);
    expect(t.selector(ES)).toBe(3);
    t.execute("lfs", eax, mem(SIZES.fword, 0x100, { segment: es }));
    expect(t.exception).toBe("GP 0");
  });

  it("beyond the table, or in an LDT that is not there, is #GP(selector)", () => {
    for (const selector of [0x100, 0xc]) {
      const t = new TestSystem().protectedMode().gates();
      t.setRegister(RAX, selector);
      t.execute("mov", gs, ax);
      expect(t.exception).toBe(`GP ${selector.toString(16)}`);
    }
  });

  it("comes from the LDT by TI", () => {
    const t = new TestSystem().protectedMode().gates();
    t.setRegister(RAX, SEL.ldt);
    t.execute("lldt", ax);
    t.descriptor(8, { type: TYPE.data, base: 0x77, limit: 9 }, PLACE.ldt);
    t.setRegister(RAX, 0xc);
    t.execute("mov", fs, ax);
    expect([t.base(FS), t.selector(FS)]).toEqual([0x77, 0xc]);
  });
});

describe("SS", () => {
  it.each([
    ["null", 0, "GP 0"],
    ["of another RPL", SEL.data0 | 1, "GP 10"],
    ["of another DPL", SEL.data3 & ~3, "GP 20"],
    ["code", SEL.code0, "GP 8"],
  ])("may not be %s", (_what, selector, expected) => {
    const t = new TestSystem().protectedMode().gates();
    t.setRegister(RAX, selector);
    t.execute("mov", ss, ax);
    expect(t.exception).toBe(expected);
  });

  it("that is absent is #SS(selector), that cannot be written #GP", () => {
    expect(load({ type: TYPE.data, present: false }, { to: ss }).exception).toBe("SS 80");
    expect(load({ type: TYPE.readOnly }, { to: ss }).exception).toBe("GP 80");
  });

  it("may be null in 64-bit mode below CPL 3", () => {
    const t = new TestSystem().long();
    t.setRegister(RAX, 0);
    t.execute("mov", ss, ax);
    expect(t.selector(SS)).toBe(0);
    const user = new TestSystem().long(3).gates();
    user.setRegister(RAX, 3);
    user.execute("mov", ss, ax);
    expect(user.exception).toBe("GP 0");
  });

  it("and ESP together by LSS", () => {
    const t = new TestSystem().protectedMode();
    t.poke(0x7000, 0x9876);
    t.poke16(0x7004, SEL.data0);
    t.execute("lss", esp, mem(SIZES.fword, 0x7000));
    expect([t.register(RSP), t.selector(SS), t.unit.hasShadow]).toEqual([0x9876, SEL.data0, true]);
  });
});

describe("POP", () => {
  it("moves the pointer once the segment is loaded", () => {
    const t = new TestSystem().protectedMode().gates();
    t.poke(PLACE.stack0 - 4, SEL.data0);
    t.setRegister(RSP, PLACE.stack0 - 4);
    t.execute("pop", ds);
    expect([t.selector(DS), t.register(RSP)]).toEqual([SEL.data0, PLACE.stack0]);
    t.poke(PLACE.stack0 - 4, SEL.code0 | 0x100);
    t.setRegister(RSP, PLACE.stack0 - 4);
    t.execute("pop", ds);
    expect(t.exception).toBe("GP 108");
    expect(t.peek(t.register(RSP) + 4)).toBe(PLACE.code + 1);
  });
});

describe("real and virtual-8086 mode", () => {
  it("take 16 times the selector as base; real mode leaves limit and attributes", () => {
    const t = new TestSystem().real();
    t.words[segmentWord(DS) + HIGHEST] = -1;
    t.setRegister(RAX, 0x1234);
    t.execute("mov", ds, ax);
    expect([t.base(DS), t.words[segmentWord(DS) + HIGHEST]]).toEqual([0x1_2340, -1]);
    const v = new TestSystem().virtual8086();
    v.words[segmentWord(DS) + HIGHEST] = -1;
    v.setRegister(RAX, 0x1234);
    v.execute("mov", ds, ax);
    expect([v.base(DS), v.words[segmentWord(DS) + HIGHEST]]).toEqual([0x1_2340, 0xffff]);
  });
});

describe("bases in 64-bit mode", () => {
  it("null leaves FS with base 0 on Intel's, with its own on AMD's", () => {
    for (const [profile, base] of [
      ["skylake-2015", 0],
      ["zen-2-2019", 0x5555],
    ] as const) {
      const t = new TestSystem(profile).long();
      t.words[segmentWord(FS) + BASE] = 0x5555;
      t.setRegister(RAX, 0);
      t.execute("mov", fs, ax);
      expect(t.base(FS)).toBe(base);
    }
  });

  it("SWAPGS exchanges GS's with the kernel's, at CPL 0 only", () => {
    const t = new TestSystem().long().gates();
    t.words[segmentWord(GS) + BASE] = 0x1111;
    t.execute("swapgs");
    expect(t.base(GS)).toBe(0);
    t.execute("swapgs");
    expect(t.base(GS)).toBe(0x1111);
    const user = new TestSystem().long(3).gates();
    user.execute("swapgs");
    expect(user.exception).toBe("GP 0");
  });

  it("RDFSBASE and WRFSBASE need CR4.FSGSBASE, and a canonical base", () => {
    const t = new TestSystem().long(3).gates();
    t.execute("rdfsbase", REGISTERS.rax);
    expect(t.exception).toBe("UD");
    const allowed = new TestSystem().long(3).gates();
    allowed.setControl(CR4_WORD, CR4.PAE | CR4.FSGSBASE);
    allowed.setRegister(RAX, 0x1234_5678_9abc);
    allowed.execute("wrfsbase", REGISTERS.rax);
    allowed.setRegister(RAX, 0);
    allowed.execute("rdfsbase", REGISTERS.rax);
    expect(allowed.register(RAX)).toBe(0x5678_9abc);
    allowed.setRegister(RAX, 0x8000_0000_0000);
    allowed.execute("wrgsbase", REGISTERS.rax);
    expect(allowed.exception).toBe("GP 0");
  });
});
