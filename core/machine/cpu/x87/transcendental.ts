/**
 * x87 transcendental instructions (Intel SDM vol. 1, 8.3.7 to 8.3.10; vol. 2 by name, whose tables say what zeros and
 * infinities give). Results are correctly rounded, where processors promise an error below one unit in the last place and
 * differ in it; angles are reduced by their pi of 66 bits.
 */
import type { Core } from "../core.js";
import { compare } from "../floating/arithmetic.js";
import {
  angle,
  cosine,
  powerOfTwoLessOne,
  quartersOfPi,
  sine,
  tangent,
  timesLogarithm,
  timesLogarithmOfOneMore,
} from "../floating/elementary.js";
import { INDEFINITE } from "../floating/formats.js";
import {
  bitLength,
  DEFAULT_NAN,
  DIVIDE_BY_ZERO,
  finite,
  INEXACT,
  INVALID,
  infinity,
  type Real,
  withSign,
  zero,
} from "../floating/number.js";
import type { Exact } from "../floating/round.js";
import {
  isEmpty,
  noteStackFault,
  pop,
  read,
  STATUS,
  STATUS_WORD,
  setC1,
  turn,
  write,
  writeBits,
} from "./registers.js";
import { apply, respondToEmpty, settle } from "./results.js";

const exact = (value: Real, flags = 0): Exact => ({ value, hasMore: false, flags });
const invalid = exact(DEFAULT_NAN, INVALID);
const ONE = finite(false, 1n, 0);
const MINUS_ONE = finite(true, 1n, 0);
const MINUS_HALF = finite(true, 1n, -1);

/** Where the manual says that a result is undefined it is the operand, as on Zen processors. */
const beyond = (operand: Real): Exact => exact(operand, INEXACT);

/** F2XM1: 2^x - 1, for magnitudes up to 1. */
export function exponential(core: Core): void {
  setC1(core, false);
  const x = read(core, 0);
  if (isEmpty(core, 0)) respondToEmpty(core, 0);
  else apply(core, 0, x, x, () => settle(core, exponentialOf(x)));
}

function exponentialOf(x: Real): Exact {
  if (x.kind === "zero") return exact(x);
  if (x.kind === "infinity") return exact(x.isNegative ? MINUS_ONE : x);
  const magnitude = compare(withSign(x, false), ONE);
  if (magnitude < 0) return powerOfTwoLessOne(x);
  if (magnitude > 0) return beyond(x);
  return exact(x.isNegative ? MINUS_HALF : ONE);
}

/** FYL2X and its like: ST(1) becomes a function of ST(1) and ST(0), which is popped. */
const ofTwo =
  (operation: (y: Real, x: Real) => Exact) =>
  (core: Core): void => {
    setC1(core, false);
    const [x, y] = [read(core, 0), read(core, 1)];
    const isMissing = isEmpty(core, 0) || isEmpty(core, 1);
    const goesOn = isMissing
      ? respondToEmpty(core, 1)
      : apply(core, 1, y, x, () => settle(core, operation(y, x)));
    if (goesOn) pop(core);
  };

/** y times a logarithm that is not a finite number other than 0: sign and kind of the product. */
function timesSpecial(y: Real, logarithm: Real): Exact {
  const isNegative = y.isNegative !== logarithm.isNegative;
  const hasZero = y.kind === "zero" || logarithm.kind === "zero";
  const hasInfinity = y.kind === "infinity" || logarithm.kind === "infinity";
  if (hasZero && hasInfinity) return invalid;
  return exact(hasZero ? zero(isNegative) : infinity(isNegative));
}

export const logarithm = ofTwo((y, x) => {
  if (x.kind === "zero") {
    if (y.kind === "zero") return invalid;
    return exact(infinity(!y.isNegative), y.kind === "finite" ? DIVIDE_BY_ZERO : 0);
  }
  if (x.isNegative) return invalid;
  if (x.kind === "infinity") return timesSpecial(y, x);
  const side = compare(x, ONE);
  if (side === 0) return timesSpecial(y, zero(false));
  return y.kind === "finite" ? timesLogarithm(y, x) : timesSpecial(y, finite(side < 0, 1n, 0));
});

export const logarithmOfOneMore = ofTwo((y, x) => {
  if (x.kind === "infinity") return x.isNegative ? invalid : timesSpecial(y, x);
  if (x.kind === "zero" || y.kind === "zero") return timesSpecial(y, x);
  if (compare(x, MINUS_ONE) <= 0) return beyond(x);
  return y.kind === "finite" ? timesLogarithmOfOneMore(y, x) : timesSpecial(y, x);
});

export const arcTangent = ofTwo((y, x) => {
  const { isNegative } = y;
  if (y.kind === "finite" && x.kind === "finite") return angle(y, x);
  if (y.kind === "infinity") {
    return quartersOfPi(x.kind !== "infinity" ? 2 : x.isNegative ? 3 : 1, isNegative);
  }
  if (y.kind === "zero" || x.kind === "infinity") {
    return x.isNegative ? quartersOfPi(4, isNegative) : exact(zero(isNegative));
  }
  return quartersOfPi(2, isNegative);
});

// Trigonometry: of angles below 2^63; others are left as they are, and C2 says so.

const LARGEST_EXPONENT = 63;

function isInRange(core: Core, x: Real): boolean {
  const isLarge = x.kind === "finite" && x.exponent + bitLength(x.significand) > LARGEST_EXPONENT;
  const status = core.words[STATUS_WORD]! & ~STATUS.C2;
  core.words[STATUS_WORD] = isLarge ? status | STATUS.C2 : status;
  return !isLarge;
}

const waveOf =
  (ofFinite: (x: Real) => Exact, ofZero: (x: Real) => Real) =>
  (x: Real): Exact => {
    if (x.kind === "infinity") return invalid;
    return x.kind === "zero" ? exact(ofZero(x)) : ofFinite(x);
  };
const sineOf = waveOf(sine, (x) => x);
const cosineOf = waveOf(cosine, () => ONE);
const tangentOf = waveOf(tangent, (x) => x);

const wave =
  (operation: (x: Real) => Exact) =>
  (core: Core): void => {
    setC1(core, false);
    const x = read(core, 0);
    if (isEmpty(core, 0)) respondToEmpty(core, 0);
    else if (isInRange(core, x)) apply(core, 0, x, x, () => settle(core, operation(x)));
  };
export const sineOfTop = wave(sineOf);
export const cosineOfTop = wave(cosineOf);

/** FSINCOS and FPTAN: one function in place, and above it another. */
const waves =
  (lower: (x: Real) => Exact, upper: (x: Real) => Exact) =>
  (core: Core): void => {
    setC1(core, false);
    const x = read(core, 0);
    const isMissing = isEmpty(core, 0);
    if (isMissing || !isEmpty(core, -1)) {
      if (!noteStackFault(core, !isMissing)) return;
      turn(core, -1);
      writeBits(core, 0, INDEFINITE);
      writeBits(core, 1, INDEFINITE);
      return;
    }
    if (!isInRange(core, x)) return;
    if (!apply(core, 0, x, x, () => settle(core, lower(x)))) return;
    turn(core, -1);
    write(core, 0, ONE);
    apply(core, 0, x, x, () => settle(core, upper(x)));
  };
export const sineAndCosine = waves(sineOf, cosineOf);
/** The 1 above the tangent is a NaN where that is one. */
export const tangentAndOne = waves(tangentOf, (x) => (x.kind === "infinity" ? invalid : exact(ONE)));
