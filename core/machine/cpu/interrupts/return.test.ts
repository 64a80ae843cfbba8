/** IRET outside IA-32e mode (SDM vol. 2, IRET): same and lesser privilege, virtual-8086 mode, and what POPF rules it obeys. */
import { describe, expect, it } from "vitest";
import { EVENT } from "../../../events/events.js";
import { ATTRIBUTES, RSP, segmentWord } from "../places.js";
import { CS, DS, ES, FS, GS, RFLAGS, SS } from "../state.js";
import { PLACE, SEL, TestSystem, TYPE } from "../testing/test-system.js";

const TARGET = 0x1_2340;
const { IF, IOPL, CF, reserved1, VM, VIF, NT } = RFLAGS;

/** A system at CPL `cpl` with doublewords on its stack, the first on top. */
function returning(cpl: number, items: number[]): TestSystem {
  const t = new TestSystem().protectedMode(cpl).gates();
  t.setRegister(RSP, t.register(RSP) - 4 * items.length);
  for (const [item, value] of items.entries()) t.poke(t.register(RSP) + 4 * item, value);
  return t;
}

describe("IRET to the same privilege", () => {
  it("pops EIP, CS and EFLAGS", () => {
    const t = returning(0, [TARGET, SEL.code0, IF | CF | IOPL]);
    t.execute("iretd");
    expect([t.rip, t.selector(CS), t.flags]).toEqual([TARGET, SEL.code0, IF | CF | IOPL | reserved1]);
    expect(t.register(RSP)).toBe(PLACE.stack0);
    expect(t.host.counts.get(EVENT.interrupt_returns)).toBe(1);
  });

  it("at CPL 3 changes IF no more than IOPL allows, and never IOPL, silently", () => {
    const t = returning(3, [TARGET, SEL.code3, IF | IOPL]);
    t.execute("iretd");
    expect(t.flags).toBe(reserved1);
    const allowed = returning(3, [TARGET, SEL.code3, IF]);
    allowed.setFlags(IOPL);
    allowed.execute("iretd");
    expect(allowed.flags).toBe(IF | IOPL | reserved1);
  });

  it("pops words with a 16-bit operand, and leaves the upper flags", () => {
    const t = new TestSystem().protectedMode();
    t.setFlags(RFLAGS.ID);
    t.setRegister(RSP, PLACE.stack0 - 6);
    t.poke16(PLACE.stack0 - 6, 0x1234);
    t.poke16(PLACE.stack0 - 4, SEL.code0);
    t.poke16(PLACE.stack0 - 2, CF);
    t.execute("iret");
    expect([t.rip, t.flags]).toEqual([0x1234, RFLAGS.ID | CF | reserved1]);
  });
});

describe("IRET to a lesser privilege", () => {
  const frame = [TARGET, SEL.code3, IF, PLACE.stack3 - 64, SEL.data3];

  it("pops SS and ESP too", () => {
    const t = returning(0, frame);
    t.execute("iretd");
    expect([t.cpl, t.rip, t.selector(SS), t.register(RSP)]).toEqual([
      3,
      TARGET,
      SEL.data3,
      PLACE.stack3 - 64,
    ]);
    expect(t.flags & IF).toBe(IF);
  });

  it("makes null the data segments that CPL 3 may not use", () => {
    const t = returning(0, frame);
    t.execute("iretd");
    for (const segment of [DS, ES, FS, GS]) {
      expect(t.selector(segment)).toBe(0);
      expect(t.words[segmentWord(segment) + ATTRIBUTES]).toBe(0);
    }
  });

  it("to a 16-bit stack changes SP alone", () => {
    const t = returning(0, [TARGET, SEL.code3, 0, 0x8_1234, SEL.free | 3]);
    t.descriptor(SEL.free, { type: TYPE.data, dpl: 3, limit: 0xffff });
    t.execute("iretd");
    expect(t.register(RSP)).toBe(((PLACE.stack0 - 20) & 0xffff_0000) | 0x1234);
  });

  it.each([
    ["CS is null", [TARGET, 0, 0], "GP 0"],
    ["CS is beyond the GDT", [TARGET, 0x108, 0], "GP 108"],
    ["CS is data", [TARGET, SEL.data0, 0], "GP 10"],
    ["RPL is not DPL", [TARGET, SEL.code0 | 3, 0, 0, SEL.data3], "GP 8"],
    ["SS is null", [TARGET, SEL.code3, 0, PLACE.stack3, 0], "GP 0"],
    ["SS has another RPL", [TARGET, SEL.code3, 0, PLACE.stack3, SEL.data3 & ~3], "GP 20"],
    ["SS has another DPL", [TARGET, SEL.code3, 0, PLACE.stack3, SEL.data0 | 3], "GP 10"],
    ["SS is code", [TARGET, SEL.code3, 0, PLACE.stack3, SEL.code3], "GP 18"],
  ])("%s: #GP", (_what, items, expected) => {
    const t = returning(0, items);
    t.execute("iretd");
    expect(t.exception).toBe(expected);
    expect(t.peek(t.register(RSP) + 4)).toBe(PLACE.code);
  });

  it("an absent CS is #NP, an absent SS #SS", () => {
    const absentCode = returning(0, [TARGET, SEL.free | 3, 0, PLACE.stack3, SEL.data3]);
    absentCode.descriptor(SEL.free, { type: TYPE.code, dpl: 3, limit: 0xffff, present: false });
    absentCode.execute("iretd");
    expect(absentCode.exception).toBe("NP 80");
    const absentStack = returning(0, [TARGET, SEL.code3, 0, PLACE.stack3, SEL.free | 3]);
    absentStack.descriptor(SEL.free, { type: TYPE.data, dpl: 3, limit: 0xffff, present: false });
    absentStack.execute("iretd");
    expect(absentStack.exception).toBe("SS 80");
  });

  it("to a more privileged segment is #GP", () => {
    const t = returning(3, [TARGET, SEL.code0, 0]);
    t.execute("iretd");
    expect(t.exception).toBe("GP 8");
  });
});

describe("IRET and virtual-8086 mode", () => {
  it("at CPL 0 with VM enters it, with nine items", () => {
    const t = returning(0, [0x10, 0x2000, VM | IF, 0xfffe, 0x3000, 0x100, 0x200, 0x300, 0x400]);
    t.execute("iretd");
    expect([t.cpl, t.rip, t.bits]).toEqual([3, 0x10, 16]);
    expect([CS, SS, ES, DS, FS, GS].map((segment) => t.selector(segment))).toEqual([
      0x2000, 0x3000, 0x100, 0x200, 0x300, 0x400,
    ]);
    expect(t.base(CS)).toBe(0x2_0000);
    expect(t.flags).toBe(VM | IF | reserved1);
  });

  it("at CPL 3 VM in the image is ignored", () => {
    const t = returning(3, [TARGET, SEL.code3, VM]);
    t.execute("iretd");
    expect(t.flags & VM).toBe(0);
  });

  it("within it needs IOPL 3", () => {
    const t = new TestSystem().virtual8086(2).gates();
    t.execute("iret");
    expect(t.exception).toBe("GP 0");
    const allowed = new TestSystem().virtual8086(3);
    allowed.poke16(allowed.base(SS) + 0x8000, 0x77);
    allowed.poke16(allowed.base(SS) + 0x8002, 0x1111);
    allowed.poke16(allowed.base(SS) + 0x8004, IF);
    allowed.execute("iret");
    expect([allowed.rip, allowed.selector(CS)]).toEqual([0x77, 0x1111]);
    expect(allowed.flags).toBe(VM | IOPL | IF | reserved1);
    expect(allowed.register(RSP)).toBe(0x8006);
  });
});

describe("flags that CPL 0 alone restores", () => {
  it("VIF and VIP", () => {
    const t = returning(0, [TARGET, SEL.code0, VIF]);
    t.execute("iretd");
    expect(t.flags).toBe(VIF | reserved1);
    const user = returning(3, [TARGET, SEL.code3, VIF]);
    user.execute("iretd");
    expect(user.flags).toBe(reserved1);
  });

  it("NT in the running flags sends IRET to the task before", () => {
    const t = returning(0, [TARGET, SEL.code0, 0]);
    t.setFlags(NT);
    t.poke16(PLACE.tss, SEL.otherTss);
    t.execute("iretd");
    // Not busy: #TS with its selector.
    expect(t.exception).toBe("TS 70");
  });
});

describe("real mode", () => {
  it("pops IP, CS and FLAGS", () => {
    const t = new TestSystem().real();
    t.poke(0x8000, 0x1234_0056);
    t.poke16(0x8004, IF | IOPL);
    t.execute("iret");
    expect([t.rip, t.selector(CS), t.flags]).toEqual([0x56, 0x1234, IF | IOPL | reserved1]);
  });
});
