/**
 * The statistics of host times: is B slower than A, by how much, and where in a series did a level change. Tests by permutation:
 * they assume no distribution, only that the labels could have been dealt otherwise.
 *
 * Own code, because the packages at hand have no exact paired test and no change points by permutation (simple-statistics has a
 * test for unpaired samples, by random draws); each function is held to published values in statistics.test.ts.
 */
import { median } from "../util/median.js";
import { Random } from "../util/random.js";

/** Beyond this many pairs all flips of signs are too many to enumerate (2^n). */
export const MOST_PAIRS = 20;

/**
 * The Hodges–Lehmann estimate of the centre of paired differences: the median of the means of all pairs of them, each with
 * itself included. Up to 29% of the differences may be arbitrarily wrong (Hodges and Lehmann, 1963).
 */
export function centre(differences: readonly number[]): number {
  const means: number[] = [];
  for (let i = 0; i < differences.length; i++) {
    for (let j = i; j < differences.length; j++) means.push((differences[i]! + differences[j]!) / 2);
  }
  return median(means);
}

/** Signed ranks of differences (Wilcoxon, 1945): by magnitude, ties share their mean rank, 0 has none. */
export function signedRanks(differences: readonly number[]): number[] {
  const ordered = differences
    .map((value, index) => ({ value, index, size: Math.abs(value) }))
    .filter(({ size }) => size > 0)
    .sort((a, b) => a.size - b.size);
  const ranks = new Array<number>(differences.length).fill(0);
  for (let from = 0; from < ordered.length; ) {
    let to = from;
    while (to < ordered.length && ordered[to]!.size === ordered[from]!.size) to++;
    const shared = (from + 1 + to) / 2;
    for (; from < to; from++) {
      const { value, index } = ordered[from]!;
      ranks[index] = Math.sign(value) * shared;
    }
  }
  return ranks;
}

/**
 * The exact permutation test of paired scores (Fisher, The Design of Experiments, 1935, 21): if A and B are the same, each
 * difference could as well have had the other sign.
 * @returns the share of all 2^n flips of signs whose sum is at least the observed one: p for "the scores are above 0". At most
 * MOST_PAIRS scores; with none, or all 0, it is 1.
 */
export function signFlipTest(scores: readonly number[]): number {
  if (scores.length > MOST_PAIRS) throw new RangeError(`more than ${MOST_PAIRS} pairs: ${scores.length}`);
  const observed = scores.reduce((sum, score) => sum + score, 0);
  // Sums in another order differ in their last bits; a flip that is equal must not be missed.
  const slack = 1e-9 * scores.reduce((sum, score) => sum + Math.abs(score), 0);
  let sums = Float64Array.of(0);
  for (const score of scores) {
    const next = new Float64Array(sums.length * 2);
    for (let i = 0; i < sums.length; i++) {
      next[2 * i] = sums[i]! + score;
      next[2 * i + 1] = sums[i]! - score;
    }
    sums = next;
  }
  let reached = 0;
  for (const sum of sums) if (sum >= observed - slack) reached++;
  return reached / sums.length;
}

/** Where a series' level changes. */
export interface ChangePoint {
  /** Index of the first value of the new level. */
  readonly at: number;
  /** Medians of the stretches before and after. */
  readonly before: number;
  readonly after: number;
  /** Share of shuffled series whose best split is as good. */
  readonly p: number;
}

export interface ChangePointOptions {
  /** Fewest values of a level. */
  readonly least?: number;
  /** Splits less likely by chance than this are kept. */
  readonly alpha?: number;
  readonly shuffles?: number;
  readonly seed?: number;
}

/**
 * Change points of a series by binary segmentation: the split with the largest difference of means (CUSUM, in ranks, so that one
 * wild value is no level) is kept if few shuffles of the series have one as large; then both sides are searched again
 * (Vostrikova, 1981; ranks: Pettitt, 1979). Deterministic: shuffles are seeded.
 */
export function changePoints(series: readonly number[], options: ChangePointOptions = {}): ChangePoint[] {
  const { least = 3, alpha = 0.01, shuffles = 999, seed = 1 } = options;
  const random = new Random(seed);
  const found: { at: number; p: number }[] = [];
  const search = (from: number, to: number): void => {
    if (to - from < 2 * least) return;
    const ranks = centredRanks(series.slice(from, to));
    const best = bestSplit(ranks, least);
    if (best.size === 0) return;
    const shuffled = [...ranks];
    let asGood = 1; // the series itself
    for (let i = 0; i < shuffles; i++) {
      shuffle(shuffled, random);
      if (bestSplit(shuffled, least).size >= best.size) asGood++;
    }
    const p = asGood / (shuffles + 1);
    if (p > alpha) return;
    search(from, from + best.at);
    found.push({ at: from + best.at, p });
    search(from + best.at, to);
  };
  search(0, series.length);
  const edges = [0, ...found.map(({ at }) => at), series.length];
  return found.map(({ at, p }, index) => ({
    at,
    before: median(series.slice(edges[index], at)),
    after: median(series.slice(at, edges[index + 2])),
    p,
  }));
}

/** Ranks with mean 0; ties share. */
function centredRanks(values: readonly number[]): number[] {
  const lowest = Math.min(...values);
  return signedRanks(values.map((value) => value - lowest + 1)).map((rank) => rank - (values.length + 1) / 2);
}

/** The split after which the sum of ranks so far is farthest from 0, by Pettitt's statistic weighted for its place. */
function bestSplit(ranks: readonly number[], least: number): { at: number; size: number } {
  let sum = 0;
  let best = { at: 0, size: 0 };
  for (let at = 1; at <= ranks.length - least; at++) {
    sum += ranks[at - 1]!;
    const size = Math.abs(sum) / Math.sqrt(at * (ranks.length - at));
    if (at >= least && size > best.size) best = { at, size };
  }
  return best;
}

/** Fisher and Yates. */
function shuffle(values: number[], random: Random): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [values[i], values[j]] = [values[j]!, values[i]!];
  }
}
