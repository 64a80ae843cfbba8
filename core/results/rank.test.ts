/** Rank correlations against values worked by hand, and against what they must be for any lists. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { kendall, spearman } from "./rank.js";

test("Spearman: the textbook's ten pairs of IQ and hours of television give -29/165", () => {
  const iq = [86, 97, 99, 100, 101, 103, 106, 110, 112, 113];
  const hours = [2, 20, 28, 27, 50, 29, 7, 17, 6, 12];
  expect(spearman(iq, hours)).toBeCloseTo(-29 / 165, 12);
});

test("Kendall: one swap of neighbours among four is 4/6", () => {
  expect(kendall([1, 2, 3, 4], [1, 3, 2, 4])).toBeCloseTo(4 / 6, 12);
});

test("ties: tau-b takes them out of both sides", () => {
  // Four pairs in the same order; each list ties one of the six: 4 / sqrt(5 × 5).
  expect(kendall([1, 1, 2, 3], [1, 2, 3, 3])).toBeCloseTo(4 / 5, 12);
  expect(kendall([1, 1, 1], [1, 2, 3])).toBeUndefined();
  expect(spearman([5], [7])).toBeUndefined();
});

test("the same order is 1, the reverse -1, whatever the scale", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 20 }),
      (list) => {
        for (const correlation of [spearman, kendall]) {
          expect(
            correlation(
              list,
              list.map((value) => value ** 3),
            ),
          ).toBeCloseTo(1, 12);
          expect(
            correlation(
              list,
              list.map((value) => -value),
            ),
          ).toBeCloseTo(-1, 12);
        }
      },
    ),
  );
});
