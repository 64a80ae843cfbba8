/**
 * The virtual clock, and how a device's own ticks follow from it. Time is the CPU's count of cycles; a device that
 * runs at another frequency counts ticks since cycle 0. Both directions are computed from whole counts by exact
 * integer arithmetic, so nothing is ever accumulated and no rounding depends on when a device was asked.
 */
import { invariant } from "../../util/errors.js";

export interface Clock {
  /** The CPU's frequency in Hz, a whole number. */
  readonly cyclesPerSecond: number;
  /** Cycles since the machine was made. Goes back only when a snapshot is restored. */
  now(): number;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** The ticks of one frequency on a clock: tick k begins at the first whole cycle not before k periods. */
export class TickRate {
  /** `ticks` ticks last exactly `cycles` cycles; no common divisor. */
  private readonly ticks: number;
  private readonly cycles: number;

  /** @param hertz ticks a second, a whole number. */
  constructor(hertz: number, cyclesPerSecond: number) {
    invariant(Number.isSafeInteger(hertz) && hertz > 0, "ticks a second are a whole number", () => hertz);
    invariant(
      Number.isSafeInteger(cyclesPerSecond) && cyclesPerSecond > 0,
      "cycles a second are a whole number",
      () => cyclesPerSecond,
    );
    const divisor = greatestCommonDivisor(hertz, cyclesPerSecond);
    this.ticks = hertz / divisor;
    this.cycles = cyclesPerSecond / divisor;
    invariant(this.ticks * this.cycles <= Number.MAX_SAFE_INTEGER, "products of a rate's terms are exact");
  }

  /** Ticks begun by a time: floor(cycles × hertz ÷ cyclesPerSecond). */
  ticksAt(cycles: number): number {
    return scaleDown(Math.floor(cycles), this.ticks, this.cycles);
  }

  /** The first whole cycle at which `ticksAt` is at least `tick`; Infinity for Infinity. */
  cyclesOf(tick: number): number {
    return tick === Number.POSITIVE_INFINITY ? tick : 0 - scaleDown(-tick, this.cycles, this.ticks);
  }
}

/** floor(value × numerator ÷ denominator), exact while value and result are below 2^52. */
function scaleDown(value: number, numerator: number, denominator: number): number {
  let rest = value % denominator;
  if (rest < 0) rest += denominator;
  const whole = (value - rest) / denominator;
  const product = rest * numerator;
  return whole * numerator + (product - (product % denominator)) / denominator;
}
