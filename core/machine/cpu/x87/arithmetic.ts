/** x87 arithmetic (Intel SDM vol. 1, 8.3.5 and 8.5; vol. 2 by name). */
import type { Instruction } from "../../x86/instruction.js";
import type { Core } from "../core.js";
import { add, divide, multiply, squareRoot, subtract } from "../floating/arithmetic.js";
import { INDEFINITE } from "../floating/formats.js";
import {
  bitLength,
  DEFAULT_NAN,
  DIVIDE_BY_ZERO,
  finite,
  INEXACT,
  INVALID,
  infinity,
  operandFlags,
  type Real,
  ROUND,
  withSign,
  zero,
} from "../floating/number.js";
import { type Exact, type Rounded, toInteger } from "../floating/round.js";
import { integerAsReal, isMemory, readValue, SIGN_BIT, stackIndex, withSignBit } from "./operands.js";
import {
  isEmpty,
  note,
  noteStackFault,
  pop,
  precisionOf,
  read,
  readBits,
  roundingOf,
  STATUS,
  setC1,
  setConditions,
  turn,
  write,
  writeBits,
} from "./registers.js";
import { apply, nanOf, respondToEmpty, settle } from "./results.js";

type Operation = (destination: Real, source: Real, mode: number) => Exact;

const combine = (core: Core, index: number, left: Real, right: Real, operation: Operation): boolean =>
  apply(core, index, left, right, () =>
    settle(core, operation(left, right, roundingOf(core)), precisionOf(core)),
  );

const binary =
  (operation: Operation, pops: boolean) =>
  (core: Core, instruction: Instruction): void => {
    // With memory ST(0) is the destination, and the only operand of the row is the source.
    const fromMemory = isMemory(instruction, 0);
    const index = fromMemory ? 0 : stackIndex(instruction, 0);
    const source = fromMemory ? readValue(core, instruction, 0) : undefined;
    const sourceIndex = stackIndex(instruction, 1);
    setC1(core, false);
    const isMissing = isEmpty(core, index) || (source === undefined && isEmpty(core, sourceIndex));
    const goesOn = isMissing
      ? respondToEmpty(core, index)
      : combine(core, index, read(core, index), source ?? read(core, sourceIndex), operation);
    if (goesOn && pops) pop(core);
  };

const reversed =
  (operation: Operation): Operation =>
  (destination, source, mode) =>
    operation(source, destination, mode);

/** The three instructions of an operation: with a real, popping, with an integer. */
function family(
  name: string,
  operation: Operation,
): Record<string, (core: Core, instruction: Instruction) => void> {
  return {
    [name]: binary(operation, false),
    [`${name}P`]: binary(operation, true),
    [name.replace("F", "FI")]: binary(operation, false),
  };
}

export const ARITHMETIC = {
  ...family("FADD", add),
  ...family("FMUL", multiply),
  ...family("FSUB", subtract),
  ...family("FSUBR", reversed(subtract)),
  ...family("FDIV", divide),
  ...family("FDIVR", reversed(divide)),
};

// Of one operand.

/** Replaces ST(0) by a function of it. */
const unary =
  (operation: (core: Core, operand: Real) => Rounded) =>
  (core: Core): void => {
    setC1(core, false);
    const operand = read(core, 0);
    if (isEmpty(core, 0)) respondToEmpty(core, 0);
    else apply(core, 0, operand, operand, () => operation(core, operand));
  };

export const root = unary((core, operand) => settle(core, squareRoot(operand), precisionOf(core)));

export const roundToInteger = unary((core, operand) => {
  if (operand.kind !== "finite") return { value: operand, flags: 0, isUp: false };
  const { integer, isInexact, isUp } = toInteger(operand, roundingOf(core));
  const value = withSign(integerAsReal(integer), operand.isNegative);
  return { value, flags: isInexact ? INEXACT : 0, isUp };
});

/** FCHS and FABS work on the sign bit of whatever is there. */
const changeSign =
  (sign: (before: number) => number) =>
  (core: Core): void => {
    setC1(core, false);
    if (isEmpty(core, 0)) {
      respondToEmpty(core, 0);
      return;
    }
    const bits = readBits(core, 0);
    writeBits(core, 0, withSignBit(bits, sign(bits.signExponent & SIGN_BIT)));
  };
export const negate = changeSign((before) => before ^ SIGN_BIT);
export const absolute = changeSign(() => 0);

// Of ST(0) and ST(1).

/** FSCALE: times two to the power of ST(1), which is truncated. */
function scaled(operand: Real, scale: Real): Exact {
  const exact = (value: Real, flags = 0): Exact => ({ value, hasMore: false, flags });
  if (scale.kind === "infinity") {
    const vanishes = scale.isNegative;
    if (operand.kind === (vanishes ? "infinity" : "zero")) return exact(DEFAULT_NAN, INVALID);
    return exact(vanishes ? zero(operand.isNegative) : infinity(operand.isNegative));
  }
  if (operand.kind !== "finite") return exact(operand);
  const { integer } = toInteger(scale, ROUND.zero);
  const by = integer < -FAR ? -FAR : integer > FAR ? FAR : integer;
  return exact(finite(operand.isNegative, operand.significand, operand.exponent + Number(by)));
}
/** Beyond every exponent's reach. */
const FAR = 0x1_0000n;

export function scale(core: Core): void {
  setC1(core, false);
  const left = read(core, 0);
  const right = read(core, 1);
  if (isEmpty(core, 0) || isEmpty(core, 1)) respondToEmpty(core, 0);
  else apply(core, 0, left, right, () => settle(core, scaled(left, right)));
}

/** FXTRACT: the exponent into ST(0), and above it the significand, with the exponent of 1. */
export function extract(core: Core): void {
  setC1(core, false);
  const isMissing = isEmpty(core, 0);
  if (isMissing || !isEmpty(core, -1)) {
    if (!noteStackFault(core, !isMissing)) return;
    turn(core, -1);
    writeBits(core, 0, INDEFINITE);
    writeBits(core, 1, INDEFINITE);
    return;
  }
  const operand = read(core, 0);
  const special = nanOf(operand, operand);
  const operands = operandFlags(operand);
  const isZero = operand.kind === "zero";
  if (!note(core, operands | (isZero ? DIVIDE_BY_ZERO : 0))) return;
  let exponent: Real;
  let significand: Real = operand;
  if (special !== undefined) {
    exponent = special;
    significand = special;
  } else if (operand.kind !== "finite") exponent = infinity(isZero);
  else {
    const top = bitLength(operand.significand) - 1;
    exponent = integerAsReal(BigInt(operand.exponent + top));
    significand = finite(operand.isNegative, operand.significand, -top);
  }
  write(core, 0, exponent);
  turn(core, -1);
  write(core, 0, significand);
}

// Remainders.

/** Bits of quotient that one execution takes off at most, and what it takes off when there are more. */
const MOST_BITS = 64;
const PARTIAL_BITS = 32;

interface Remainder {
  readonly value: Real;
  /** The quotient's magnitude; undefined where the reduction is not complete. */
  readonly quotient: bigint | undefined;
}

/**
 * ST(0) less ST(1) times a quotient: truncated (FPREM) or nearest (FPREM1). Where the exponents differ by 64 or more, only
 * the quotient's first bits are taken off.
 */
function reduced(dividend: Real, divisor: Real, isNearest: boolean): Remainder {
  const top = (value: Real): number => value.exponent + bitLength(value.significand);
  const difference = top(dividend) - top(divisor);
  if (difference < (isNearest ? -1 : 0)) return { value: dividend, quotient: 0n };
  const isComplete = difference < MOST_BITS;
  // A partial quotient is a multiple of two to the power of what is left for later.
  const later = isComplete ? 0 : difference - (PARTIAL_BITS + (difference % PARTIAL_BITS));
  const divisorExponent = divisor.exponent + later;
  const exponent = Math.min(dividend.exponent, divisorExponent);
  const upper = dividend.significand << BigInt(dividend.exponent - exponent);
  const lower = divisor.significand << BigInt(divisorExponent - exponent);
  let quotient = upper / lower;
  let rest = upper - quotient * lower;
  const twice = rest * 2n;
  if (isComplete && isNearest && (twice > lower || (twice === lower && (quotient & 1n) === 1n))) {
    quotient += 1n;
    rest -= lower;
  }
  const isNegative = dividend.isNegative !== rest < 0n;
  const value =
    rest === 0n ? zero(dividend.isNegative) : finite(isNegative, rest < 0n ? -rest : rest, exponent);
  return { value, quotient: isComplete ? quotient : undefined };
}

/** C0, C3 and C1 are bits 2, 1 and 0 of the quotient; C2 says that the reduction is not complete. */
function setQuotient(core: Core, quotient: bigint | undefined): void {
  const low = quotient === undefined ? 0 : Number(quotient & 7n);
  setC1(core, (low & 1) !== 0);
  setConditions(
    core,
    ((low & 4) !== 0 ? STATUS.C0 : 0) |
      ((low & 2) !== 0 ? STATUS.C3 : 0) |
      (quotient === undefined ? STATUS.C2 : 0),
  );
}

const remainder =
  (isNearest: boolean) =>
  (core: Core): void => {
    setC1(core, false);
    if (isEmpty(core, 0) || isEmpty(core, 1)) {
      respondToEmpty(core, 0);
      return;
    }
    const dividend = read(core, 0);
    const divisor = read(core, 1);
    const special = nanOf(dividend, divisor);
    const isInvalid = special === undefined && (dividend.kind === "infinity" || divisor.kind === "zero");
    if (!note(core, isInvalid ? INVALID : operandFlags(dividend, divisor))) return;
    if (isInvalid || special !== undefined) {
      write(core, 0, special ?? DEFAULT_NAN);
      return;
    }
    if (dividend.kind === "zero" || divisor.kind === "infinity") {
      setQuotient(core, 0n);
      return;
    }
    const { value, quotient } = reduced(dividend, divisor, isNearest);
    const { value: result, flags } = settle(core, { value, hasMore: false, flags: 0 });
    note(core, flags);
    write(core, 0, result);
    setQuotient(core, quotient);
  };
export const remainderTruncated = remainder(false);
export const remainderNearest = remainder(true);
