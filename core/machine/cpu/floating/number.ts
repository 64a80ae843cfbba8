/**
 * A floating-point number taken apart, whatever format it came from, and what can go wrong with it (IEEE 754-2008; Intel
 * SDM vol. 1, 4.8 and 4.9). For instructions that TypeScript executes: exact, in integers of any length, and slow.
 */

/** "unsupported": an encoding of the extended format that no processor since the 387 takes (SDM vol. 1, 8.2.2). */
export type Kind = "zero" | "finite" | "infinity" | "nan" | "unsupported";

export interface Real {
  readonly kind: Kind;
  readonly isNegative: boolean;
  /**
   * Finite: the value is ± significand * 2^exponent. NaN: the 64 bits of the extended format's significand, of which bit
   * 63 is 1 and bit 62 says that it is quiet.
   */
  readonly significand: bigint;
  readonly exponent: number;
  /** It was a denormal in its format. */
  readonly isDenormal: boolean;
}

/** Exceptions, at their places in MXCSR and in the x87's status word. */
export const INVALID = 1;
export const DENORMAL = 2;
export const DIVIDE_BY_ZERO = 4;
export const OVERFLOW = 8;
export const UNDERFLOW = 0x10;
export const INEXACT = 0x20;
/** Those found before there is a result: unmasked, they leave the operands as they are. */
export const BEFORE_RESULT = INVALID | DENORMAL | DIVIDE_BY_ZERO;

/** Rounding as MXCSR.RC and the x87's RC number it. */
export const ROUND = { nearest: 0, down: 1, up: 2, zero: 3 } as const;

export const INTEGER_BIT = 1n << 63n;
export const QUIET_BIT = 1n << 62n;

const special = (kind: Kind, isNegative: boolean, significand = 0n): Real => ({
  kind,
  isNegative,
  significand,
  exponent: 0,
  isDenormal: false,
});

export const zero = (isNegative: boolean): Real => special("zero", isNegative);
export const infinity = (isNegative: boolean): Real => special("infinity", isNegative);
export const nan = (isNegative: boolean, significand: bigint): Real =>
  special("nan", isNegative, significand);
export const unsupported = (isNegative: boolean): Real => special("unsupported", isNegative);
export const finite = (
  isNegative: boolean,
  significand: bigint,
  exponent: number,
  isDenormal = false,
): Real => ({
  kind: "finite",
  isNegative,
  significand,
  exponent,
  isDenormal,
});
/** The QNaN floating-point indefinite: what an invalid operation gives. */
export const DEFAULT_NAN = nan(true, INTEGER_BIT | QUIET_BIT);

export const isNan = ({ kind }: Real): boolean => kind === "nan";
export const isSignaling = ({ kind, significand }: Real): boolean =>
  kind === "nan" && (significand & QUIET_BIT) === 0n;
export const quiet = (value: Real): Real => nan(value.isNegative, value.significand | QUIET_BIT);
export const withSign = (value: Real, isNegative: boolean): Real => ({ ...value, isNegative });

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);
const EXPONENT_BIAS = 1023;
const FRACTION_HIGH = 0xf_ffff;
const INFINITE = 2 * EXPONENT_BIAS + 1;

/** Bits of a positive integer without leading zeros: as the exponent of the nearest double has it. */
export function bitLength(value: bigint): number {
  double[0] = Number(value);
  const exponent = halves[1]! >>> 20;
  if (exponent === INFINITE) {
    const digits = value.toString(16);
    return digits.length * 4 - Math.clz32(Number.parseInt(digits[0]!, 16)) + 28;
  }
  const length = exponent - EXPONENT_BIAS + 1;
  // A power of two may be where many ones were rounded up to.
  const isPower = halves[0] === 0 && (halves[1]! & FRACTION_HIGH) === 0;
  return isPower && value >> BigInt(length - 1) === 0n ? length - 1 : length;
}

/** What INVALID and DENORMAL say of the operands of an instruction on which NaNs act as they do in arithmetic. */
export function operandFlags(...operands: readonly Real[]): number {
  if (operands.some((operand) => operand.kind === "unsupported" || isSignaling(operand))) return INVALID;
  // A quiet NaN goes before a denormal (SDM vol. 1, table 4-7 and 8.5.2).
  if (operands.some(isNan)) return 0;
  return operands.some((operand) => operand.isDenormal) ? DENORMAL : 0;
}

/** Which NaN two operands, one of them a NaN at least, give. */
export type NanRule = (left: Real, right: Real) => Real;

/** SSE: the first operand if it is a NaN, else the second. */
export const firstNan: NanRule = (left, right) => quiet(isNan(left) ? left : right);

/** x87: a quiet one before a signaling one, else the larger significand, else the positive one (SDM vol. 1, table 4-7). */
export const largerNan: NanRule = (left, right) => {
  if (!isNan(right)) return quiet(left);
  if (!isNan(left)) return quiet(right);
  if (isSignaling(left) !== isSignaling(right)) return isSignaling(left) ? right : left;
  if (left.significand !== right.significand)
    return quiet(left.significand > right.significand ? left : right);
  return quiet(left.isNegative ? right : left);
};
