/**
 * CF PF AF ZF SF OF, computed when somebody asks. An instruction that sets flags notes what it did (a kind, its operands
 * and its result), and the flags are a function of that; most are never asked for.
 *
 *      kind       CF                     OF                      AF              SF ZF PF
 *      explicit   the flags themselves are in `extra`, at their places in RFLAGS
 *      add, adc   carry of left + right (+ carry in, seen from the result)      of the result
 *      sub, sbb   borrow of left - right (- borrow in)                          of the result
 *      logic      0                      0                       0               of the result
 *      inc, dec   in `extra`             of left ± 1             of left ± 1     of the result
 *      parts      CF, OF and AF are in `extra`, at their places                  of the result
 *
 * Left, right and result are zero-extended to 64 bits in the CPU's state; the kind says their size.
 */

import { RFLAGS } from "../../cpu/state.js";
import type { Code, Local } from "../../wasm/code.js";
import { extendUnsigned, I32, I64, type Integers } from "../../wasm/integers.js";

export type FlagOperation = "explicit" | "add" | "adc" | "sub" | "sbb" | "logic" | "inc" | "dec" | "parts";

export const FLAG_OPERATIONS: readonly FlagOperation[] = [
  "explicit",
  "add",
  "adc",
  "sub",
  "sbb",
  "logic",
  "inc",
  "dec",
  "parts",
];

/** Number of a kind: the operation and log2 of the operands' bytes. */
export function flagKind(operation: FlagOperation, size: number): number {
  return FLAG_OPERATIONS.indexOf(operation) * 4 + Math.log2(size);
}

/** What a scope offers about flags. Operands are locals of the size's type, zero-extended. */
export interface FlagScope {
  /** ADD: operands and result. */
  setAdd(size: number, left: Local, right: Local, result: Local): Code;
  /** SUB, CMP, NEG (left 0). */
  setSub(size: number, left: Local, right: Local, result: Local): Code;
  /** ADC and SBB: the same with a carry in, which is seen from the result. */
  setAdc(size: number, left: Local, right: Local, result: Local): Code;
  setSbb(size: number, left: Local, right: Local, result: Local): Code;
  /** AND, OR, XOR, TEST: CF, OF and AF are cleared. */
  setLogic(size: number, result: Local): Code;
  /** INC and DEC: CF keeps its value. `left` is the operand before. */
  setInc(size: number, left: Local, result: Local): Code;
  setDec(size: number, left: Local, result: Local): Code;
  /** SF, ZF and PF of a result; CF, OF and AF as given at their places in RFLAGS (i32). */
  setParts(size: number, result: Local, extra: Code): Code;
  /** All six as given at their places in RFLAGS (i32); other bits of the value are ignored. */
  setAll(value: Code): Code;
  /** Some flags (a mask over RFLAGS) as given at their places (i32; other bits are ignored); the others stay. */
  setSome(mask: number, value: Code): Code;
  /**
   * Sets flags, by what `set` emits, if the condition (i32) holds: a shift by 0 leaves them. What `set` emits does nothing
   * else, so that it may be evaluated in any case.
   */
  setIf(condition: Code, set: () => Code): Code;
  /**
   * Puts the flags where they are found whichever way code came: before a loop, or an arm of a conditional, in which flags
   * are set, and at the end of each iteration and of the arm.
   */
  settle(): Code;
  /** The six flags at their places in RFLAGS, other bits 0 (i32). */
  all(): Code;
  /** CF, 0 or 1. */
  carry(): Code;
  /** A condition 0-15 as the opcodes number them (vol. 1, B.1): 0 or 1. */
  condition(number: number): Code;
  /** The other bits of RFLAGS (IF, DF, IOPL, ...), and setting them. */
  system(): Code;
  setSystem(value: Code): Code;
}

/** Of a scope that notes the operation which set all flags, with its operands. */
export abstract class NotedFlags {
  protected abstract note(
    operation: FlagOperation,
    size: number,
    result: Local,
    left?: Local,
    right?: Local,
  ): Code;

  setAdd(size: number, left: Local, right: Local, result: Local): Code {
    return this.note("add", size, result, left, right);
  }
  setSub(size: number, left: Local, right: Local, result: Local): Code {
    return this.note("sub", size, result, left, right);
  }
  setAdc(size: number, left: Local, right: Local, result: Local): Code {
    return this.note("adc", size, result, left, right);
  }
  setSbb(size: number, left: Local, right: Local, result: Local): Code {
    return this.note("sbb", size, result, left, right);
  }
  setLogic(size: number, result: Local): Code {
    return this.note("logic", size, result);
  }
}

/** What the flags come from: code that may be evaluated several times. */
export interface FlagSource {
  readonly operation: FlagOperation;
  readonly size: number;
  readonly left: Code;
  readonly right: Code;
  readonly result: Code;
  /** i32. */
  readonly extra: Code;
}

/** Integer instructions for a size. */
export const integersOf = (size: number): Integers => (size === 8 ? I64 : I32);

/** An operand of 1 or 2 bytes sign-extended to its i32; others as they are. */
export function signExtended(size: number, value: Code): Code {
  return size === 1 ? I32.extend8(value) : size === 2 ? I32.extend16(value) : value;
}

/** A value as i64, zero-extended. */
export const asLong = (size: number, value: Code): Code => (size === 8 ? value : extendUnsigned(value));

const bit = (source: FlagSource, value: Code, place: number): Code => {
  const n = integersOf(source.size);
  const shifted = place === 0 ? value : n.shrU(value, n.constant(place));
  const one = n.and(shifted, n.constant(1));
  return source.size === 8 ? [one, 0xa7] : one;
};
const extraBit = ({ extra }: FlagSource, place: number): Code =>
  I32.and(I32.shrU(extra, I32.constant(place)), I32.constant(1));
const PLACE = { CF: 0, PF: 2, AF: 4, ZF: 6, SF: 7, OF: 11 } as const;

/** The operand that INC and DEC add. */
function rightOf(source: FlagSource): Code {
  const isStep = source.operation === "inc" || source.operation === "dec";
  return isStep ? integersOf(source.size).constant(1) : source.right;
}

/** CF, 0 or 1. */
export function carryOf(source: FlagSource): Code {
  const { operation, size, left, right, result } = source;
  const n = integersOf(size);
  const top = size * 8 - 1;
  switch (operation) {
    case "explicit":
    case "parts":
      return extraBit(source, PLACE.CF);
    case "inc":
    case "dec":
      return extraBit(source, PLACE.CF);
    case "logic":
      return I32.constant(0);
    case "add":
      return n.ltU(result, left);
    case "sub":
      return n.ltU(left, right);
    case "adc":
      // Carry out of the top bit: both operands have it, or one has it and the result has not.
      return bit(source, n.or(n.and(left, right), n.and(n.or(left, right), not(n, result))), top);
    case "sbb":
      return bit(source, n.or(n.and(not(n, left), right), n.and(n.or(not(n, left), right), result)), top);
  }
}

const not = (n: Integers, value: Code): Code => n.xor(value, n.constant(-1));

export function overflowOf(source: FlagSource): Code {
  const { operation, size, left, result } = source;
  const n = integersOf(size);
  const right = rightOf(source);
  const top = size * 8 - 1;
  switch (operation) {
    case "explicit":
    case "parts":
      return extraBit(source, PLACE.OF);
    case "logic":
      return I32.constant(0);
    case "add":
    case "adc":
    case "inc":
      return bit(source, n.and(n.xor(left, result), n.xor(right, result)), top);
    case "sub":
    case "sbb":
    case "dec":
      return bit(source, n.and(n.xor(left, right), n.xor(left, result)), top);
  }
}

export function adjustOf(source: FlagSource): Code {
  const { operation, size, left, result } = source;
  const n = integersOf(size);
  switch (operation) {
    case "explicit":
    case "parts":
      return extraBit(source, PLACE.AF);
    case "logic":
      return I32.constant(0);
    default:
      return bit(source, n.xor(n.xor(left, rightOf(source)), result), 4);
  }
}

export function zeroOf(source: FlagSource): Code {
  if (source.operation === "explicit") return extraBit(source, PLACE.ZF);
  return integersOf(source.size).isZero(source.result);
}

export function signOf(source: FlagSource): Code {
  if (source.operation === "explicit") return extraBit(source, PLACE.SF);
  return bit(source, source.result, source.size * 8 - 1);
}

/** Even parity of the low byte. */
export function parityOf(source: FlagSource): Code {
  if (source.operation === "explicit") return extraBit(source, PLACE.PF);
  const n = integersOf(source.size);
  const low = n.and(source.result, n.constant(0xff));
  const count = n.popcnt(low);
  const odd = source.size === 8 ? [count, 0xa7] : count;
  return I32.and(I32.xor(odd, I32.constant(1)), I32.constant(1));
}

/** All six at their places. */
export function allOf(source: FlagSource): Code {
  if (source.operation === "explicit") {
    return I32.and(
      source.extra,
      I32.constant(RFLAGS.CF | RFLAGS.PF | RFLAGS.AF | RFLAGS.ZF | RFLAGS.SF | RFLAGS.OF),
    );
  }
  const at = (value: Code, place: number): Code =>
    place === 0 ? value : I32.shl(value, I32.constant(place));
  const parts: Code[] = [
    at(parityOf(source), PLACE.PF),
    at(zeroOf(source), PLACE.ZF),
    at(signOf(source), PLACE.SF),
  ];
  if (source.operation === "parts") {
    parts.push(I32.and(source.extra, I32.constant(RFLAGS.CF | RFLAGS.AF | RFLAGS.OF)));
  } else if (source.operation !== "logic") {
    parts.push(
      at(carryOf(source), PLACE.CF),
      at(adjustOf(source), PLACE.AF),
      at(overflowOf(source), PLACE.OF),
    );
  }
  return parts.reduce((all, part) => I32.or(all, part));
}

/** A condition 0-15: O B E BE S P L LE, each followed by its negation. */
export function conditionOf(source: FlagSource, number: number): Code {
  const value = positive(source, number >> 1);
  return (number & 1) === 0 ? value : I32.isZero(value);
}

function positive(source: FlagSource, condition: number): Code {
  const { operation, size, left, right } = source;
  const n = integersOf(size);
  const isSub = operation === "sub";
  switch (condition) {
    case 0:
      return overflowOf(source);
    case 1:
      return carryOf(source);
    case 2:
      return zeroOf(source);
    case 3:
      if (isSub) return n.leU(left, right);
      return I32.or(carryOf(source), zeroOf(source));
    case 4:
      return signOf(source);
    case 5:
      return parityOf(source);
    case 6:
      if (isSub) return n.ltS(signExtended(size, left), signExtended(size, right));
      if (operation === "logic") return signOf(source);
      return I32.xor(signOf(source), overflowOf(source));
    default:
      if (isSub) return n.leS(signExtended(size, left), signExtended(size, right));
      if (operation === "logic") return n.leS(signExtended(size, source.result), n.constant(0));
      return I32.or(zeroOf(source), I32.xor(signOf(source), overflowOf(source)));
  }
}
