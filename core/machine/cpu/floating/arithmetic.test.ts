/** Is arithmetic in integers that of IEEE 754? JavaScript's own doubles, and singles rounded from them, are the oracle. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { add, compare, divide, multiply, squareRoot, subtract } from "./arithmetic.js";
import { DOUBLE, type Format, pack, packExtended, SINGLE, unpack, unpackExtended } from "./formats.js";
import { bitLength, INEXACT, OVERFLOW, type Real, ROUND, UNDERFLOW } from "./number.js";
import { type Exact, round, toInteger } from "./round.js";

const view = new DataView(new ArrayBuffer(8));
const bitsOf = (format: Format, value: number): bigint => {
  if (format === SINGLE) {
    view.setFloat32(0, value);
    return BigInt(view.getUint32(0));
  }
  view.setFloat64(0, value);
  return view.getBigUint64(0);
};

/** Bits of a format: of any kind, denormals and edges among them. */
const any = (format: Format): fc.Arbitrary<bigint> => {
  const top = 2n ** BigInt(format.bytes * 8) - 1n;
  const edges = [
    0,
    -0,
    1,
    -1,
    1.5,
    Infinity,
    -Infinity,
    Number.MIN_VALUE,
    Number.MAX_VALUE,
    2 ** -126,
    2 ** 127,
  ];
  return fc.oneof(
    { weight: 3, arbitrary: fc.bigInt({ min: 0n, max: top }) },
    fc.constantFrom(...edges.map((edge) => bitsOf(format, edge))),
    // Near one another, so that sums cancel.
    fc.integer({ min: -4, max: 4 }).map((step) => bitsOf(format, 1) + BigInt(step)),
  );
};
const numberOf = (format: Format, bits: bigint): number => {
  if (format === SINGLE) {
    view.setUint32(0, Number(bits));
    return view.getFloat32(0);
  }
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
};

const OPERATIONS: readonly [
  string,
  (left: Real, right: Real) => Exact,
  (left: number, right: number) => number,
][] = [
  ["add", (left, right) => add(left, right, ROUND.nearest), (left, right) => left + right],
  ["subtract", (left, right) => subtract(left, right, ROUND.nearest), (left, right) => left - right],
  ["multiply", multiply, (left, right) => left * right],
  ["divide", divide, (left, right) => left / right],
  ["root", squareRoot, (left) => Math.sqrt(left)],
];
const FORMATS: readonly [string, Format, (value: number) => number][] = [
  ["double", DOUBLE, (value) => value],
  // A double has more than twice a single's bits: rounding twice is rounding once (Figueroa, 1995).
  ["single", SINGLE, Math.fround],
];

describe.each(FORMATS)("%s", (_, format, narrowed) => {
  it.each(OPERATIONS)("%s", (_name, operation, expected) => {
    const property = fc.property(any(format), any(format), (left, right) => {
      const [one, other] = [numberOf(format, left), numberOf(format, right)];
      fc.pre(!Number.isNaN(one) && !Number.isNaN(other));
      const exact = operation(unpack(format, left), unpack(format, right));
      const result = numberOf(format, pack(format, round(format, exact, { mode: ROUND.nearest }).value));
      expect(result).toBe(narrowed(expected(one, other)));
    });
    fc.assert(property, { seed: 1, numRuns: 400 });
  });

  it("compares", () => {
    const property = fc.property(any(format), any(format), (left, right) => {
      const [one, other] = [numberOf(format, left), numberOf(format, right)];
      fc.pre(!Number.isNaN(one) && !Number.isNaN(other));
      expect(compare(unpack(format, left), unpack(format, right))).toBe(
        one < other ? -1 : one > other ? 1 : 0,
      );
    });
    fc.assert(property, { seed: 2, numRuns: 400 });
  });
});

describe("rounding", () => {
  const third = (mode: number): Exact =>
    divide(unpack(DOUBLE, bitsOf(DOUBLE, 1)), unpack(DOUBLE, bitsOf(DOUBLE, mode < 0 ? -3 : 3)));
  const rounded = (exact: Exact, mode: number): bigint => pack(DOUBLE, round(DOUBLE, exact, { mode }).value);

  it("goes each way", () => {
    const below = bitsOf(DOUBLE, 1 / 3);
    expect([ROUND.nearest, ROUND.down, ROUND.up, ROUND.zero].map((mode) => rounded(third(1), mode))).toEqual([
      below,
      below,
      below + 1n,
      below,
    ]);
    const sign = 1n << 63n;
    expect([ROUND.down, ROUND.up].map((mode) => rounded(third(-1), mode) - sign)).toEqual([
      below + 1n,
      below,
    ]);
  });

  it("brackets: down and up are neighbours, or one where the result is exact", () => {
    const property = fc.property(any(DOUBLE), any(DOUBLE), (left, right) => {
      const [one, other] = [unpack(DOUBLE, left), unpack(DOUBLE, right)];
      fc.pre(one.kind === "finite" && other.kind === "finite");
      const exact = multiply(one, other);
      const [down, up] = [ROUND.down, ROUND.up].map((mode) => round(DOUBLE, exact, { mode }));
      const gap = pack(DOUBLE, up!.value) - pack(DOUBLE, down!.value);
      const size = gap < 0n ? -gap : gap;
      expect(size).toBe((down!.flags & INEXACT) === 0 ? 0n : 1n);
    });
    fc.assert(property, { seed: 3, numRuns: 300 });
  });

  it("tells overflow, underflow and loss of precision", () => {
    const largest = unpack(DOUBLE, bitsOf(DOUBLE, Number.MAX_VALUE));
    const smallest = unpack(DOUBLE, bitsOf(DOUBLE, 2 ** -1022));
    const half = unpack(DOUBLE, bitsOf(DOUBLE, 0.5));
    const flagsOf = (exact: Exact): number => round(DOUBLE, exact, { mode: ROUND.nearest }).flags;
    expect(flagsOf(multiply(largest, largest))).toBe(OVERFLOW | INEXACT);
    expect(flagsOf(multiply(smallest, smallest))).toBe(UNDERFLOW | INEXACT);
    // Exact results below the normal numbers are no underflow while that is masked.
    expect(flagsOf(multiply(smallest, half))).toBe(0);
    expect(round(DOUBLE, multiply(smallest, half), { mode: ROUND.nearest, unmasked: UNDERFLOW }).flags).toBe(
      UNDERFLOW,
    );
    expect(round(DOUBLE, multiply(smallest, smallest), { mode: ROUND.up, flushes: true }).value.kind).toBe(
      "zero",
    );
  });

  it("to integers", () => {
    const integer = (value: number, mode: number): bigint =>
      toInteger(unpack(DOUBLE, bitsOf(DOUBLE, value)), mode).integer;
    expect([0, 1, 2, 3].map((mode) => integer(2.5, mode))).toEqual([2n, 2n, 3n, 2n]);
    expect([0, 1, 2, 3].map((mode) => integer(-2.5, mode))).toEqual([-2n, -3n, -2n, -2n]);
  });
});

describe("bitLength", () => {
  it.each([
    1n,
    2n,
    3n,
    2n ** 53n - 1n,
    2n ** 54n - 1n,
    2n ** 64n - 1n,
    2n ** 64n,
    2n ** 1024n - 1n,
    2n ** 5000n,
  ])("of %d", (value) => {
    expect(bitLength(value)).toBe(value.toString(2).length);
  });
});

describe("the extended format", () => {
  it("is taken apart and put together again", () => {
    const property = fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      fc.integer({ min: 0, max: 0xffff }),
      (fraction, signExponent) => {
        const isDenormal = (signExponent & 0x7fff) === 0;
        const significand = isDenormal ? fraction : fraction | (1n << 63n);
        expect(packExtended(unpackExtended(significand, signExponent))).toEqual({
          significand,
          signExponent,
        });
      },
    );
    fc.assert(property, { seed: 4, numRuns: 400 });
  });

  it("knows what is none", () => {
    expect(unpackExtended(1n, 0x3fff).kind).toBe("unsupported");
    expect(unpackExtended(0n, 0x7fff).kind).toBe("unsupported");
    expect(unpackExtended(1n << 63n, 0)).toMatchObject({ kind: "finite", isDenormal: true });
  });
});
