/**
 * Exponential, logarithm, sine, cosine, tangent and arc tangent, to far more bits than any format has, in fixed-point
 * integers with FRACTION_BITS bits of fraction: so the rounded result is the correct one but for cases that are as near to
 * a tie as those bits tell. Series and reductions are the textbook ones (Muller, "Elementary Functions", 3rd ed., 2016).
 *
 * Operands are finite and not zero; what is exact, infinite or invalid is the caller's.
 */
import { add, divide } from "./arithmetic.js";
import { bitLength, finite, type Real, ROUND } from "./number.js";
import type { Exact } from "./round.js";

const FRACTION_BITS = 256;
const P = BigInt(FRACTION_BITS);
const ONE = 1n << P;
/** Below this exponent a function is its operand (times a constant), and a little. */
const TINY = -72;
/** How far below the operand that little is put. */
const LITTLE_BITS = 80;

/** Sum of x^n / n over odd n, with alternating signs (arc tangent) or without (inverse hyperbolic tangent). */
function oddSeries(x: bigint, alternates: boolean): bigint {
  const square = (x * x) >> P;
  let power = x;
  let sum = x;
  for (let n = 3n; power !== 0n && power !== -1n; n += 2n) {
    power = (power * square) >> P;
    if (alternates) power = -power;
    sum += power / n;
  }
  return sum;
}
const over = (numerator: bigint, denominator: bigint): bigint => (numerator << P) / denominator;

/** Machin's formulas. */
const PI = 16n * oddSeries(over(1n, 5n), true) - 4n * oddSeries(over(1n, 239n), true);
const LN2 =
  18n * oddSeries(over(1n, 26n), false) -
  2n * oddSeries(over(1n, 4801n), false) +
  8n * oddSeries(over(1n, 8749n), false);

/** Exponent of a finite number's highest bit. */
const topOf = ({ significand, exponent }: Real): number => exponent + bitLength(significand) - 1;

function toFixed({ isNegative, significand, exponent }: Real): bigint {
  const shift = BigInt(exponent + FRACTION_BITS);
  const magnitude = shift >= 0n ? significand << shift : significand >> -shift;
  return isNegative ? -magnitude : magnitude;
}

/** A fixed-point number that is not exactly the value meant. */
function fromFixed(value: bigint): Exact {
  const isNegative = value < 0n;
  return { value: finite(isNegative, isNegative ? -value : value, -FRACTION_BITS), hasMore: true, flags: 0 };
}

const scaled = (value: Real, factor: bigint): Exact => ({
  value: finite(value.isNegative, value.significand * factor, value.exponent - FRACTION_BITS),
  hasMore: true,
  flags: 0,
});

/** The operand, a little smaller or larger in magnitude. */
function about({ isNegative, significand, exponent }: Real, isSmaller: boolean): Exact {
  const wide = significand << BigInt(LITTLE_BITS);
  return {
    value: finite(isNegative, isSmaller ? wide - 1n : wide, exponent - LITTLE_BITS),
    hasMore: true,
    flags: 0,
  };
}

const product = (left: Exact, right: Real): Exact => ({
  value: finite(
    left.value.isNegative !== right.isNegative,
    left.value.significand * right.significand,
    left.value.exponent + right.exponent,
  ),
  hasMore: left.hasMore,
  flags: 0,
});

/** 2^x - 1, for magnitudes below 1. */
export function powerOfTwoLessOne(x: Real): Exact {
  if (topOf(x) < TINY) return scaled(x, LN2);
  const t = (toFixed(x) * LN2) >> P;
  let term = t;
  let sum = t;
  for (let n = 2n; term !== 0n && term !== -1n; n++) {
    term = ((term * t) >> P) / n;
    sum += term;
  }
  return fromFixed(sum);
}

/** ln((1 + z) / (1 - z)) / ln(2), in fixed point. */
const logarithmOfRatio = (z: bigint): bigint => ((2n * oddSeries(z, false)) << P) / LN2;

/** y times the binary logarithm of x, which is positive and not 1. Exact where x is a power of two. */
export function timesLogarithm(y: Real, x: Real): Exact {
  const length = bitLength(x.significand);
  let exponent = x.exponent + length - 1;
  let mantissa = x.significand << BigInt(FRACTION_BITS - length + 1);
  // Between 3/4 and 3/2, so that near 1 the logarithm is that of the mantissa alone.
  if (mantissa > (ONE * 3n) / 2n) {
    mantissa >>= 1n;
    exponent++;
  }
  if (mantissa === ONE) {
    const magnitude = BigInt(Math.abs(exponent));
    return product({ value: finite(exponent < 0, magnitude, 0), hasMore: false, flags: 0 }, y);
  }
  const fraction = logarithmOfRatio(over(mantissa - ONE, mantissa + ONE));
  return product(fromFixed((BigInt(exponent) << P) + fraction), y);
}

/** y times the binary logarithm of 1 + x, which is positive. */
export function timesLogarithmOfOneMore(y: Real, x: Real): Exact {
  if (topOf(x) < TINY) return product(scaled(x, over(ONE, LN2)), y);
  // From 1/2 on nothing is lost by the sum, and the series would be slow.
  if (topOf(x) >= -1) return timesLogarithm(y, add(finite(false, 1n, 0), x, ROUND.nearest).value);
  const fixed = toFixed(x);
  return product(fromFixed(logarithmOfRatio(over(fixed, 2n * ONE + fixed))), y);
}

// Trigonometry.

/** The pi by which processors reduce angles, of 66 bits (Intel SDM vol. 1, 8.3.8), and a quarter turn by it. */
const REDUCTION_PI = 0xc_90fd_aa22_168c_234cn << BigInt(FRACTION_BITS - 66);
const QUARTER = REDUCTION_PI / 2n;

/** A quarter turn is taken off so many times; what is left is at most an eighth of a turn. */
interface Reduced {
  readonly rest: bigint;
  /** Quarter turns modulo 4. */
  readonly quarters: number;
}

function reduce(x: Real): Reduced {
  const fixed = toFixed(x);
  let count = fixed / QUARTER;
  let rest = fixed - count * QUARTER;
  if (rest > QUARTER / 2n) {
    rest -= QUARTER;
    count++;
  } else if (rest < -QUARTER / 2n) {
    rest += QUARTER;
    count--;
  }
  return { rest, quarters: Number(BigInt.asUintN(2, count)) };
}

/** Sum of the Taylor series whose first term is given and whose next ones are divided by n (n + 1). */
function alternatingSeries(first: bigint, x: bigint, start: bigint): bigint {
  const square = (x * x) >> P;
  let term = first;
  let sum = first;
  for (let n = start; term !== 0n && term !== -1n; n += 2n) {
    term = -((term * square) >> P) / (n * (n + 1n));
    sum += term;
  }
  return sum;
}
const sineOf = (x: bigint): bigint => alternatingSeries(x, x, 2n);
const cosineOf = (x: bigint): bigint => alternatingSeries(ONE, x, 1n);

/** Sine where `shift` is 0, cosine where it is 1. */
function wave(x: Real, shift: 0 | 1): bigint {
  const { rest, quarters } = reduce(x);
  const turned = (quarters + shift) & 3;
  const value = (turned & 1) === 0 ? sineOf(rest) : cosineOf(rest);
  return turned >= 2 ? -value : value;
}

export const sine = (x: Real): Exact => (topOf(x) < TINY ? about(x, true) : fromFixed(wave(x, 0)));
export const cosine = (x: Real): Exact =>
  topOf(x) < TINY ? about(finite(false, 1n, 0), true) : fromFixed(wave(x, 1));
export const tangent = (x: Real): Exact =>
  topOf(x) < TINY ? about(x, false) : fromFixed(over(wave(x, 0), wave(x, 1)));

function squareRootOf(value: bigint): bigint {
  const square = value << P;
  let root = 1n << BigInt((bitLength(square) + 1) >> 1);
  for (;;) {
    const next = (root + square / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Arc tangent of 0 to 2: the angle is halved twice before the series. */
function arcTangentOf(ratio: bigint): bigint {
  const halved = (r: bigint): bigint => over(r, ONE + squareRootOf(ONE + ((r * r) >> P)));
  return 4n * oddSeries(halved(halved(ratio)), true);
}

/** One magnitude over another, not far from one, in fixed point. */
function ratioOf(above: Real, below: Real): bigint {
  const shift = BigInt(above.exponent - below.exponent + FRACTION_BITS);
  return shift >= 0n
    ? (above.significand << shift) / below.significand
    : above.significand / (below.significand << -shift);
}

/** The angle of a point, from -pi to pi, of which both coordinates are finite and not zero. */
export function angle(y: Real, x: Real): Exact {
  const difference = topOf(y) - topOf(x);
  if (difference < TINY && !x.isNegative) {
    const quotient = divide(y, x);
    return quotient.hasMore ? quotient : about(quotient.value, true);
  }
  const isSteep = difference > 0;
  const first = arcTangentOf(isSteep ? ratioOf(x, y) : ratioOf(y, x));
  const acute = isSteep ? PI / 2n - first : first;
  const result = x.isNegative ? PI - acute : acute;
  return fromFixed(y.isNegative ? -result : result);
}

/** Angles of points on the axes and at infinity: quarters of pi, 1 to 4. */
export function quartersOfPi(count: number, isNegative: boolean): Exact {
  const value = (PI * BigInt(count)) / 4n;
  return fromFixed(isNegative ? -value : value);
}
