/**
 * Rounding an exact result to a format, with overflow, underflow and loss of precision (IEEE 754-2008, 4.3 and 7; Intel SDM
 * vol. 1, 4.8.4 and 4.9.1). A result is tiny if it would be below the format's normal numbers after rounding with an
 * exponent without bounds.
 */
import type { Format } from "./formats.js";
import {
  bitLength,
  finite,
  INEXACT,
  infinity,
  OVERFLOW,
  type Real,
  ROUND,
  UNDERFLOW,
  zero,
} from "./number.js";

/** The result of an operation before it is rounded. */
export interface Exact {
  readonly value: Real;
  /** The value is a little larger in magnitude than it says: digits were left off, all below those of any format. */
  readonly hasMore: boolean;
  /** INVALID, DIVIDE_BY_ZERO. */
  readonly flags: number;
}

export interface Rounding {
  /** ROUND. */
  readonly mode: number;
  /** Bits of the significand where that is less than the format's (x87 precision control). */
  readonly precision?: number;
  /** Exceptions among OVERFLOW and UNDERFLOW that are unmasked: their results are scaled, not replaced. */
  readonly unmasked?: number;
  /** A tiny result becomes zero (MXCSR.FTZ with underflow masked). */
  readonly flushes?: boolean;
}

export interface Rounded {
  readonly value: Real;
  /** OVERFLOW, UNDERFLOW, INEXACT. */
  readonly flags: number;
  /** The magnitude grew. */
  readonly isUp: boolean;
}

/** What an unmasked overflow (underflow) takes from (adds to) the exponent of an extended result (SDM vol. 1, 8.5.4). */
const WRAPPED_EXPONENT = 24_576;

interface Cut {
  readonly quotient: bigint;
  readonly isInexact: boolean;
  readonly isUp: boolean;
}

/** Rounds significand * 2^exponent to a multiple of 2^quantum; the quotient. */
function cut(
  { significand, exponent, isNegative }: Real,
  hasMore: boolean,
  quantum: number,
  mode: number,
): Cut {
  const shift = BigInt(quantum - exponent);
  if (shift <= 0n) return { quotient: significand << -shift, isInexact: hasMore, isUp: false };
  const quotient = significand >> shift;
  const rest = significand - (quotient << shift);
  const half = 1n << (shift - 1n);
  const isInexact = rest !== 0n || hasMore;
  const isNearerUp = rest > half || (rest === half && (hasMore || (quotient & 1n) === 1n));
  const isUp =
    isInexact && (mode === ROUND.nearest ? isNearerUp : mode === (isNegative ? ROUND.down : ROUND.up));
  return { quotient: isUp ? quotient + 1n : quotient, isInexact, isUp };
}

/** Where a result is beyond the format: infinity, or the largest number when rounding does not go that way. */
function overflowed(format: Format, precision: number, isNegative: boolean, mode: number): Rounded {
  const isUp = mode === ROUND.nearest || mode === (isNegative ? ROUND.down : ROUND.up);
  const largest = (1n << BigInt(precision)) - 1n;
  const value = isUp ? infinity(isNegative) : finite(isNegative, largest, format.highest - precision + 1);
  return { value, flags: OVERFLOW | INEXACT, isUp };
}

/** Rounds a result; what is not finite is what it is. */
export function round(format: Format, { value, hasMore }: Exact, rounding: Rounding): Rounded {
  if (value.kind !== "finite") return { value, flags: 0, isUp: false };
  const { mode, unmasked = 0, flushes = false } = rounding;
  const precision = rounding.precision ?? format.precision;
  const { isNegative } = value;
  const top = bitLength(value.significand) - 1 + value.exponent;
  const quantum = top - precision + 1;
  const normal = cut(value, hasMore, quantum, mode);
  const highest = top + (bitLength(normal.quotient) > precision ? 1 : 0);
  const inexact = normal.isInexact ? INEXACT : 0;
  const scaled = (by: number, flag: number): Rounded => ({
    value: finite(isNegative, normal.quotient, quantum + by),
    flags: flag | inexact,
    isUp: normal.isUp,
  });

  if (highest > format.highest) {
    if ((unmasked & OVERFLOW) === 0) return overflowed(format, precision, isNegative, mode);
    // What FSCALE makes may be beyond all scaling.
    if (highest - WRAPPED_EXPONENT > format.highest)
      return { value: infinity(isNegative), flags: OVERFLOW | INEXACT, isUp: true };
    return scaled(-WRAPPED_EXPONENT, OVERFLOW);
  }
  if (highest >= format.lowest) return scaled(0, 0);
  if ((unmasked & UNDERFLOW) !== 0) {
    if (highest + WRAPPED_EXPONENT < format.lowest)
      return { value: zero(isNegative), flags: UNDERFLOW | INEXACT, isUp: false };
    return scaled(WRAPPED_EXPONENT, UNDERFLOW);
  }
  if (flushes) return { value: zero(isNegative), flags: UNDERFLOW | INEXACT, isUp: false };
  const lowestQuantum = format.lowest - precision + 1;
  const tiny = cut(value, hasMore, lowestQuantum, mode);
  return {
    value: tiny.quotient === 0n ? zero(isNegative) : finite(isNegative, tiny.quotient, lowestQuantum),
    flags: tiny.isInexact ? UNDERFLOW | INEXACT : 0,
    isUp: tiny.isUp,
  };
}

/** The integer nearest in a rounding mode, with its sign; what is not finite is the caller's. */
export function toInteger(value: Real, mode: number): { integer: bigint; isInexact: boolean; isUp: boolean } {
  if (value.kind === "zero") return { integer: 0n, isInexact: false, isUp: false };
  const { quotient, isInexact, isUp } = cut(value, false, 0, mode);
  return { integer: value.isNegative ? -quotient : quotient, isInexact, isUp };
}
