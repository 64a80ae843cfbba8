/** Short ways to write a profile's constants, so that a profile reads as a table of values and sources. */
import type { CacheGeometry, Constant } from "../profile.js";

/** A number that its source gives. `range` where sources disagree or conditions move it. */
export function published(value: number, source: string, range?: readonly [number, number]): Constant {
  return range === undefined ? { value, source } : { value, source, range };
}

/** Of something that is not there. */
export const NONE: Constant = published(0, "by definition");

/**
 * A number that nobody published: `why` says why this value. Conclusions must hold over `range`, which is
 * half to twice the value unless given.
 */
export function assumed(
  value: number,
  why: string,
  range: readonly [number, number] = [value / 2, value * 2],
): Constant {
  return { value, source: why, range, assumed: true };
}

/**
 * A number chosen so that a published figure comes out: `how` starts with "fitted to", names the figure
 * and shows the sum. The figure pins the total; `range` says how far the part may move.
 */
export function fitted(value: number, how: string, range: readonly [number, number]): Constant {
  return { value, source: how, range };
}

/** One cache level. `latency` is load-to-use in cycles, its own source beside it. */
export function cache(sizeBytes: number, ways: number, latency: Constant, source: string): CacheGeometry {
  return { sizeBytes, ways, latency, source };
}

/** Nanoseconds at a clock, as whole cycles: what DRAM's published latencies become in a profile. */
export function cyclesOf(nanoseconds: number, frequencyMHz: number): number {
  return Math.round((nanoseconds * frequencyMHz) / 1000);
}
