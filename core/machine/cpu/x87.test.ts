/** Rules of the x87 unit that vectors of single instructions do not show: availability, waiting, its saved images. */
import { describe, expect, it } from "vitest";
import { mem, SIZES, type Size } from "../x86/assembler-operands.js";
import { REGISTERS } from "../x86/registers.js";
import { CR0 } from "./control-bits.js";
import { CR0_WORD } from "./places.js";
import { STATE } from "./state.js";
import { TestSystem } from "./testing/test-system.js";

const { rbx, ax } = REGISTERS;
const DATA = 0x5_0000;
const NUMERIC = CR0.PE | CR0.ET | CR0.PG | CR0.NE;

/** A processor in 64-bit mode after FNINIT, RBX at some data. */
function ready(): TestSystem {
  const t = new TestSystem().long().gates();
  t.setControl(CR0_WORD, NUMERIC);
  t.setRegister(3, DATA);
  return t.execute("fninit");
}
const at = (size: Size, displacement = 0) => mem(size, rbx, { displacement });
/** An environment or a whole state. */
const area = (bytes: number) => at({ kind: "size", bytes });
const status = (t: TestSystem): number => t.words[STATE.x87Status / 4]!;
const tags = (t: TestSystem): number => t.words[STATE.x87Tags / 4]!;
const DOUBLE = DATA + 8;

/** A double out of memory. */
function stored(t: TestSystem): number {
  t.execute("fstp", at(SIZES.qword, 8));
  return t.memory.view.getFloat64(DOUBLE, true);
}

describe("arithmetic", () => {
  it("adds, divides and takes roots with 64 bits", () => {
    const t = ready();
    t.memory.view.setFloat64(DATA, 0.1, true);
    t.execute("fld", at(SIZES.qword))
      .execute("fld", at(SIZES.qword))
      .execute("faddp", REGISTERS.st1, REGISTERS.st0);
    expect(stored(t)).toBe(0.2);
    t.execute("fld1").execute("fldpi").execute("fsqrt").execute("fdivp", REGISTERS.st1, REGISTERS.st0);
    expect(stored(t)).toBe(1 / Math.sqrt(Math.PI));
    expect(tags(t)).toBe(0);
  });

  it("rounds integers as the control word says", () => {
    const t = ready();
    t.memory.view.setFloat64(DATA, -2.5, true);
    const results = [0x37f, 0x77f, 0xb7f, 0xf7f].map((control) => {
      t.poke16(DATA + 16, control);
      t.execute("fldcw", at(SIZES.word, 16))
        .execute("fld", at(SIZES.qword))
        .execute("fistp", at(SIZES.dword, 24));
      return t.peek(DATA + 24) | 0;
    });
    expect(results).toEqual([-2, -3, -2, -2]);
  });

  it("tells a full and an empty stack", () => {
    const t = ready();
    for (let count = 0; count < 8; count++) t.execute("fldz");
    expect(status(t) & 0x241).toBe(0);
    t.execute("fld1");
    // Invalid, stack fault, C1 for an overflow.
    expect(status(t) & 0x241).toBe(0x241);
    const empty = ready().execute("fchs");
    expect(status(empty) & 0x241).toBe(0x41);
  });
});

describe("availability", () => {
  it.each([
    ["TS", CR0.TS],
    ["EM", CR0.EM],
  ])("CR0.%s makes every instruction raise #NM", (_, bit) => {
    const t = ready();
    t.setControl(CR0_WORD, NUMERIC | bit);
    expect(t.execute("fnstcw", at(SIZES.word)).exception).toBe("NM");
  });

  it("FWAIT looks at TS under MP alone", () => {
    const t = ready();
    t.setControl(CR0_WORD, NUMERIC | CR0.TS);
    expect(t.execute("fwait").exception).toBeUndefined();
    t.setControl(CR0_WORD, NUMERIC | CR0.TS | CR0.MP);
    expect(t.execute("fwait").exception).toBe("NM");
  });
});

describe("exceptions", () => {
  /** 1 / 0 with that unmasked: noted, and the operands stay. */
  function divideByZero(): TestSystem {
    const t = ready();
    t.poke16(DATA, 0x37b);
    t.execute("fldcw", at(SIZES.word)).execute("fld1").execute("fldz");
    return t.execute("fdivp", REGISTERS.st1, REGISTERS.st0);
  }

  it("wait for the next instruction that waits", () => {
    const t = divideByZero();
    expect(t.exception).toBeUndefined();
    // ES and B, zero divide, and nothing popped.
    expect(status(t) & 0xb8ff).toBe(0xb084);
    expect(t.execute("fnstsw", ax).exception).toBeUndefined();
    expect(t.execute("fld1").exception).toBe("MF");
  });

  it("are forgotten after FNCLEX", () => {
    const t = divideByZero().execute("fnclex");
    expect(status(t) & 0x80ff).toBe(0);
    expect(t.execute("fwait").exception).toBeUndefined();
  });

  it("come with FLDCW where it unmasks what is noted", () => {
    const t = ready().execute("fld1").execute("fldz").execute("fdivp", REGISTERS.st1, REGISTERS.st0);
    t.poke16(DATA, 0x37b);
    t.execute("fldcw", at(SIZES.word));
    expect(t.execute("fwait").exception).toBe("MF");
  });
});

describe("images", () => {
  it.each([
    [32, 108],
    [16, 94],
  ])("the %d-bit format carries the unit over", (_, bytes) => {
    const t = ready().execute("fldpi").execute("fldz").execute("fld1");
    const before = t.words.slice(STATE.x87 / 4, STATE.x87 / 4 + 32);
    const [oldStatus, oldTags] = [status(t), tags(t)];
    t.memory.bytes.fill(0xaa, DATA, DATA + 120);
    t.execute("fnsave", area(bytes));
    expect(t.memory.bytes[DATA + bytes]).toBe(0xaa);
    expect(status(t)).toBe(0);
    expect(tags(t)).toBe(0);
    for (let count = 0; count < 8; count++) t.execute("fldln2");
    t.execute("frstor", area(bytes));
    expect([status(t), tags(t)]).toEqual([oldStatus, oldTags]);
    expect(t.words.slice(STATE.x87 / 4, STATE.x87 / 4 + 32)).toEqual(before);
  });

  it("FNSTENV has the whole tag word, and masks everything", () => {
    const t = ready().execute("fldpi").execute("fldz");
    t.poke16(DATA, 0x340);
    t.execute("fldcw", at(SIZES.word)).execute("fnstenv", area(28));
    // Physical registers 7 and 6: valid, zero; the rest empty.
    expect(t.peek16(DATA + 8)).toBe(0x1fff);
    expect(t.peek16(DATA)).toBe(0x340);
    expect(t.words[STATE.x87Control / 4]).toBe(0x37f);
  });

  it("nothing is written where part of it cannot be", () => {
    const t = ready().execute("fld1");
    const edge = DATA + 0x1000;
    t.memory.absent.add(edge >> 12);
    for (const [name, operand] of [
      ["fnsave", area(108)],
      ["fstp", at(SIZES.tbyte)],
    ] as const) {
      t.setRegister(3, edge - 8);
      t.memory.bytes.fill(0xaa, edge - 8, edge);
      const rip = t.rip;
      t.execute(name, operand);
      expect(t.exception).toBe("PF 2");
      expect(t.memory.bytes.subarray(edge - 8, edge).every((byte) => byte === 0xaa)).toBe(true);
      expect(tags(t)).toBe(0x80);
      t.unit.core.jump(rip, 0);
    }
  });
});
