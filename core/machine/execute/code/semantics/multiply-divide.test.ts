/** Multiplication and division of every size against unbounded integers, with CF, OF and #DE. */
import { describe, expect, it } from "vitest";
import { EXCEPTION } from "../../../cpu/state.js";
import { TestProcessor } from "./testing/processor.js";
import {
  CF,
  EDGES,
  flag,
  OF,
  pair,
  SIZES,
  type Size,
  signed,
  sized,
  unsigned,
  written,
} from "./testing/reference.js";
import { RAX, RBX, RCX, RDX } from "./values.js";

const cpu = new TestProcessor(64);
const WIDE = CF | OF;
/** Lower halves of dividends. */
const LOWS = EDGES.filter((_, index) => index % 3 === 0);

/** AX, or DX:AX, after a double-length result. */
function halves(size: Size, low: bigint, high: bigint, rax: bigint, rdx: bigint): [bigint, bigint] {
  if (size === 1) return [written(2, rax, (unsigned(1, high) << 8n) | unsigned(1, low)), rdx];
  return [written(size, rax, low), written(size, rdx, high)];
}

describe.each(SIZES)("products of %i bytes", (size) => {
  it("MUL and IMUL of one operand", () => {
    for (const [digit, as] of [
      [4, unsigned],
      [5, signed],
    ] as const) {
      const code = sized(size, "f6", pair(digit, RBX));
      for (const left of EDGES) {
        for (const right of EDGES) {
          const product = as(size, left) * as(size, right);
          const wanted = halves(size, product, product >> BigInt(size * 8), left, 0x55n);
          const { registers, flags } = cpu.execute(code, {
            registers: { [RAX]: left, [RBX]: right, [RDX]: 0x55 },
          });
          const where = `${code} ${left} * ${right}`;
          expect([registers[RAX], registers[RDX]], where).toEqual(wanted);
          expect(flags & WIDE, where).toBe(flag(WIDE, as(size, product) !== product));
        }
      }
    }
  });
});

describe.each([2, 4, 8] as const)("products of %i bytes, cut", (size) => {
  it("IMUL of two and three operands", () => {
    for (const left of EDGES) {
      const by = sized(size, "0faf", pair(RAX, RBX), false);
      for (const right of EDGES) check(by, left, right);
      for (const digits of ["00", "01", "7f", "80", "ff"])
        check(
          sized(size, "6b", `${pair(RAX, RBX)}${digits}`, false),
          BigInt.asIntN(8, BigInt(`0x${digits}`)),
          left,
        );
    }
    function check(code: string, left: bigint, right: bigint): void {
      const product = signed(size, left) * signed(size, right);
      const { registers, flags } = cpu.execute(code, { registers: { [RAX]: left, [RBX]: right } });
      const where = `${code} ${left} * ${right}`;
      // The three-operand form does not read RAX, but a partial write keeps its upper bits.
      expect(registers[RAX], where).toBe(written(size, unsigned(8, left), product));
      expect(flags & WIDE, where).toBe(flag(WIDE, signed(size, product) !== product));
    }
  });
});

describe("MULX", () => {
  it("multiplies RDX and leaves the flags", () => {
    // MULX RAX, RCX, RBX; MULX RAX, RAX, RBX.
    for (const [code, isSame] of [
      ["c4e2f3f6c3", false],
      ["c4e2fbf6c3", true],
    ] as const) {
      for (const left of EDGES) {
        for (const right of EDGES) {
          const product = left * right;
          const outcome = cpu.execute(code, { registers: { [RDX]: left, [RBX]: right }, flags: 0x8d5 });
          expect(outcome.registers[RAX]).toBe(product >> 64n);
          if (!isSame) expect(outcome.registers[RCX]).toBe(unsigned(8, product));
          expect(outcome.flags).toBe(0x8d5);
        }
      }
    }
  });
});

describe.each(SIZES)("quotients of %i bytes", (size) => {
  const bits = BigInt(size * 8);
  it.each([
    ["DIV", 6, unsigned],
    ["IDIV", 7, signed],
  ] as const)("%s", (_, digit, as) => {
    const code = sized(size, "f6", pair(digit, RBX));
    let faults = 0;
    for (const divisor of EDGES) {
      for (const high of [...EDGES, divisor - 1n, -(divisor >> 1n)]) {
        for (const low of LOWS) {
          const [rax, rdx] = size === 1 ? [(unsigned(1, high) << 8n) | unsigned(1, low), 0x77n] : [low, high];
          const exact = unsigned(size, high) * (1n << bits) + unsigned(size, low);
          const dividend = as === signed ? BigInt.asIntN(Number(2n * bits), exact) : exact;
          const by = as(size, divisor);
          const quotient = by === 0n ? undefined : dividend / by;
          const outcome = cpu.execute(code, {
            registers: { [RAX]: rax, [RDX]: rdx, [RBX]: divisor },
            flags: 0x8d5,
          });
          const where = `${code} ${dividend} / ${by}`;
          if (quotient === undefined || as(size, quotient) !== quotient) {
            faults++;
            expect(outcome.vector, where).toBe(EXCEPTION.DE);
            expect([outcome.registers[RAX], outcome.registers[RDX]]).toEqual([
              unsigned(8, rax),
              unsigned(8, rdx),
            ]);
            expect(outcome.offset).toBe(0);
          } else {
            expect(outcome.vector, where).toBeUndefined();
            const wanted = halves(size, quotient, dividend % by, unsigned(8, rax), unsigned(8, rdx));
            expect([outcome.registers[RAX], outcome.registers[RDX]], where).toEqual(wanted);
          }
        }
      }
    }
    expect(faults).toBeGreaterThan(0);
  });
});
