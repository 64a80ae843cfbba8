/** Elementary functions against those of JavaScript, which are good to a few units in the last place of a double. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  angle,
  cosine,
  powerOfTwoLessOne,
  sine,
  tangent,
  timesLogarithm,
  timesLogarithmOfOneMore,
} from "./elementary.js";
import { DOUBLE, EXTENDED, pack, packExtended, unpack } from "./formats.js";
import { type Real, ROUND } from "./number.js";
import { type Exact, round } from "./round.js";

const view = new DataView(new ArrayBuffer(8));
function real(value: number): Real {
  view.setFloat64(0, value);
  return unpack(DOUBLE, view.getBigUint64(0));
}
function number(exact: Exact): number {
  view.setBigUint64(0, pack(DOUBLE, round(DOUBLE, exact, { mode: ROUND.nearest }).value));
  return view.getFloat64(0);
}

/** Relative error that JavaScript's functions are allowed. */
const ERROR = 2 ** -50;
function expectNear(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(ERROR * Math.abs(expected));
}
/** Magnitudes from tiny to `most`. */
const magnitude = (most: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.double({ min: 2 ** -8, max: most, noNaN: true }),
    fc.integer({ min: -300, max: -9 }).map((exponent) => 1.3 * 2 ** exponent),
  );
const signed = (most: number): fc.Arbitrary<number> =>
  fc.tuple(magnitude(most), fc.boolean()).map(([value, isNegative]) => (isNegative ? -value : value));
const check = (
  property: fc.IProperty<unknown> | fc.IProperty<[number]> | fc.IProperty<[number, number]>,
): void => fc.assert(property as fc.IProperty<unknown>, { seed: 1, numRuns: 60 });

describe("elementary functions", () => {
  it.each([
    ["sine", sine, Math.sin],
    ["cosine", cosine, Math.cos],
    ["tangent", tangent, Math.tan],
  ] as const)("%s", (_, ours, theirs) => {
    // The reduction's pi of 66 bits tells only beyond a few turns.
    check(fc.property(signed(6), (x) => expectNear(number(ours(real(x))), theirs(x))));
  });

  it("exponential", () => {
    check(
      fc.property(signed(0.999), (x) =>
        expectNear(number(powerOfTwoLessOne(real(x))), Math.expm1(x * Math.LN2)),
      ),
    );
  });

  it("logarithms", () => {
    check(
      fc.property(magnitude(1e6), signed(9), (x, y) => {
        fc.pre(x !== 1);
        expectNear(number(timesLogarithm(real(y), real(x))), y * Math.log2(x));
      }),
    );
    check(
      fc.property(signed(0.9), signed(9), (x, y) =>
        expectNear(number(timesLogarithmOfOneMore(real(y), real(x))), (y * Math.log1p(x)) / Math.LN2),
      ),
    );
    expect(timesLogarithm(real(3), real(2 ** -5))).toMatchObject({ hasMore: false });
    expect(number(timesLogarithm(real(3), real(2 ** -5)))).toBe(-15);
  });

  it("arc tangent, in all quadrants", () => {
    check(
      fc.property(signed(1e3), signed(1e3), (y, x) =>
        expectNear(number(angle(real(y), real(x))), Math.atan2(y, x)),
      ),
    );
  });

  it("pi to 64 bits", () => {
    const exact = angle(real(2 ** -300), real(-1));
    const { value } = round(EXTENDED, exact, { mode: ROUND.nearest });
    expect(packExtended(value)).toEqual({ significand: 0xc90f_daa2_2168_c235n, signExponent: 0x4000 });
  });
});
