import { describe, expect, it } from "vitest";
import { Random } from "../../util/random.js";
import { ZipfSampler } from "./zipf-sampler.js";

/** How often each rank came in `draws` samples. */
function histogram(size: number, exponent: number, draws: number): Float64Array {
  const sampler = new ZipfSampler(size, exponent);
  const random = new Random(7);
  const counts = new Float64Array(size);
  for (let i = 0; i < draws; i++) counts[sampler.rank(random.int32(), random.int32())]!++;
  return counts;
}

/** Expected share of ranks [from, to). */
function share(size: number, exponent: number, from: number, to: number): number {
  let part = 0;
  let whole = 0;
  for (let rank = 0; rank < size; rank++) {
    const weight = (rank + 1) ** -exponent;
    whole += weight;
    if (rank >= from && rank < to) part += weight;
  }
  return part / whole;
}

describe("ZipfSampler", () => {
  it.each([
    [100, 0],
    [100, 1],
    [5_000, 0.99],
    [5_000, 0.5],
    [200_000, 1.2],
    [1, 1],
  ])("follows the law for %i ranks, exponent %d", (size, exponent) => {
    const draws = 400_000;
    const counts = histogram(size, exponent, draws);
    for (const [from, to] of [
      [0, 1],
      [1, 10],
      [10, 500],
      [500, 3_000],
      [3_000, 200_000],
    ] as const) {
      const expected = draws * share(size, exponent, from, Math.min(to, size));
      const seen = counts.subarray(from, Math.min(to, size)).reduce((a, b) => a + b, 0);
      // Five standard deviations, and the buckets' approximation.
      expect(Math.abs(seen - expected)).toBeLessThanOrEqual(5 * Math.sqrt(expected) + 0.002 * expected + 1);
    }
  });
});
