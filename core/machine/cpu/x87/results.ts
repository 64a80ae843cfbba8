/** From exact results of x87 operations to a register: NaNs, rounding, exceptions, and empty registers. */
import type { Core } from "../core.js";
import { EXTENDED, INDEFINITE } from "../floating/formats.js";
import {
  DEFAULT_NAN,
  DIVIDE_BY_ZERO,
  INVALID,
  isNan,
  largerNan,
  operandFlags,
  type Real,
} from "../floating/number.js";
import { type Exact, type Rounded, round } from "../floating/round.js";
import { note, noteStackFault, roundingOf, setC1, unmaskedOf, write, writeBits } from "./registers.js";

/** Rounds to a register's format. Precision control is for the five operations that IEEE 754 has. */
export function settle(core: Core, exact: Exact, precision = EXTENDED.precision): Rounded {
  const rounded = round(EXTENDED, exact, { mode: roundingOf(core), precision, unmasked: unmaskedOf(core) });
  return { ...rounded, flags: rounded.flags | exact.flags };
}

/** What operands give that are no matter for arithmetic: a NaN; or nothing. */
export function nanOf(left: Real, right: Real): Real | undefined {
  if (left.kind === "unsupported" || right.kind === "unsupported") return DEFAULT_NAN;
  return isNan(left) || isNan(right) ? largerNan(left, right) : undefined;
}

/** Sets ST(index) to what comes of two operands (or one, twice); returns whether the instruction goes on. */
export function apply(core: Core, index: number, left: Real, right: Real, operation: () => Rounded): boolean {
  const special = nanOf(left, right);
  const { value, flags, isUp } =
    special === undefined ? operation() : { value: special, flags: 0, isUp: false };
  // An operation that is invalid, or divides by zero, says nothing of denormal operands.
  const ofOperands = (flags & (INVALID | DIVIDE_BY_ZERO)) === 0 ? operandFlags(left, right) : 0;
  if (!note(core, flags | ofOperands)) return false;
  setC1(core, isUp);
  write(core, index, value);
  return true;
}

/** Where a register is empty that should not be, ST(index) becomes the indefinite NaN; returns whether to go on. */
export function respondToEmpty(core: Core, index: number): boolean {
  const goesOn = noteStackFault(core);
  if (goesOn) writeBits(core, index, INDEFINITE);
  return goesOn;
}
