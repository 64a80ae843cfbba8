/**
 * Exact arithmetic on numbers taken apart, with what IEEE 754 says of zeros, infinities and invalid operations (IEEE
 * 754-2008, 6 and 7; Intel SDM vol. 1, tables 8-10 and after). Operands are no NaNs. Results are to be rounded.
 */
import {
  bitLength,
  DEFAULT_NAN,
  DIVIDE_BY_ZERO,
  finite,
  INVALID,
  infinity,
  type Real,
  ROUND,
  withSign,
  zero,
} from "./number.js";
import type { Exact } from "./round.js";

/** More bits than any format has, with room for rounding. */
const ENOUGH_BITS = 68;
/** A number so far below the other that it only says on which side of it the result is. */
const NEGLIGIBLE_BITS = 2 * ENOUGH_BITS;

const exact = (value: Real, hasMore = false): Exact => ({ value, hasMore, flags: 0 });
const invalid: Exact = { value: DEFAULT_NAN, hasMore: false, flags: INVALID };

/** @param mode ROUND: an exact sum of 0 is -0 when rounding down. */
export function add(left: Real, right: Real, mode: number): Exact {
  if (left.kind === "infinity") {
    return right.kind === "infinity" && left.isNegative !== right.isNegative ? invalid : exact(left);
  }
  if (right.kind === "infinity") return exact(right);
  if (left.kind === "zero" && right.kind === "zero") {
    return exact(left.isNegative === right.isNegative ? left : zero(mode === ROUND.down));
  }
  if (left.kind === "zero") return exact(right);
  if (right.kind === "zero") return exact(left);
  return left.exponent >= right.exponent ? addFinite(left, right, mode) : addFinite(right, left, mode);
}

/** The sum of two finite numbers; `upper` has the larger exponent. */
function addFinite(upper: Real, lower: Real, mode: number): Exact {
  const isFar = upper.exponent - (lower.exponent + bitLength(lower.significand)) > NEGLIGIBLE_BITS;
  const exponent = isFar ? upper.exponent - NEGLIGIBLE_BITS : lower.exponent;
  const signed = ({ isNegative }: Real, magnitude: bigint): bigint => (isNegative ? -magnitude : magnitude);
  const sum =
    signed(upper, upper.significand << BigInt(upper.exponent - exponent)) +
    signed(lower, isFar ? 1n : lower.significand);
  if (sum === 0n) return exact(zero(mode === ROUND.down));
  return exact(finite(sum < 0n, sum < 0n ? -sum : sum, exponent));
}

export const subtract = (left: Real, right: Real, mode: number): Exact =>
  add(left, withSign(right, !right.isNegative), mode);

export function multiply(left: Real, right: Real): Exact {
  const isNegative = left.isNegative !== right.isNegative;
  if (left.kind === "infinity" || right.kind === "infinity") {
    return left.kind === "zero" || right.kind === "zero" ? invalid : exact(infinity(isNegative));
  }
  if (left.kind === "zero" || right.kind === "zero") return exact(zero(isNegative));
  return exact(finite(isNegative, left.significand * right.significand, left.exponent + right.exponent));
}

export function divide(left: Real, right: Real): Exact {
  const isNegative = left.isNegative !== right.isNegative;
  if (left.kind === "infinity") return right.kind === "infinity" ? invalid : exact(infinity(isNegative));
  if (right.kind === "infinity") return exact(zero(isNegative));
  if (right.kind === "zero") {
    if (left.kind === "zero") return invalid;
    return { value: infinity(isNegative), hasMore: false, flags: DIVIDE_BY_ZERO };
  }
  if (left.kind === "zero") return exact(zero(isNegative));
  const missing = ENOUGH_BITS - (bitLength(left.significand) - bitLength(right.significand));
  const shift = Math.max(missing, 0);
  const dividend = left.significand << BigInt(shift);
  const quotient = dividend / right.significand;
  const hasMore = quotient * right.significand !== dividend;
  return exact(finite(isNegative, quotient, left.exponent - right.exponent - shift), hasMore);
}

/** The largest integer whose square is not above, by Newton's method from above. */
function integerRoot(square: bigint): bigint {
  let root = 1n << BigInt((bitLength(square) + 1) >> 1);
  for (;;) {
    const next = (root + square / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export function squareRoot(operand: Real): Exact {
  if (operand.kind === "zero") return exact(operand);
  if (operand.isNegative) return invalid;
  if (operand.kind === "infinity") return exact(operand);
  const missing = Math.max(2 * ENOUGH_BITS - bitLength(operand.significand), 0);
  const shift = (missing + operand.exponent) % 2 === 0 ? missing : missing + 1;
  const square = operand.significand << BigInt(shift);
  const root = integerRoot(square);
  return exact(finite(false, root, (operand.exponent - shift) / 2), root * root !== square);
}

/** -1, 0 or 1 as left is less than, equal to or greater than right. Signs of zeros do not count. */
export function compare(left: Real, right: Real): number {
  const signOf = ({ kind, isNegative }: Real): number => (kind === "zero" ? 0 : isNegative ? -1 : 1);
  const sign = signOf(left);
  if (sign !== signOf(right)) return Math.sign(sign - signOf(right));
  if (sign === 0) return 0;
  return sign > 0 ? compareMagnitudes(left, right) : compareMagnitudes(right, left);
}

function compareMagnitudes(left: Real, right: Real): number {
  if (left.kind === "infinity" || right.kind === "infinity") {
    return Number(left.kind === "infinity") - Number(right.kind === "infinity");
  }
  const top = (value: Real): number => value.exponent + bitLength(value.significand);
  if (top(left) !== top(right)) return Math.sign(top(left) - top(right));
  const exponent = Math.min(left.exponent, right.exponent);
  const scaled = (value: Real): bigint => value.significand << BigInt(value.exponent - exponent);
  const difference = scaled(left) - scaled(right);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}
