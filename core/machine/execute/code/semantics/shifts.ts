/**
 * Shifts and rotates (SDM vol. 1, 7.3.6; vol. 2 by name). The count is taken modulo 32, or 64 for 8 bytes; a count of 0
 * leaves the flags. CF is the last bit that left. OF, defined for a count of 1, follows the same rule for every count, as
 * Zen processors have it; AF, never defined, is cleared.
 */
import { RFLAGS } from "../../../cpu/state.js";
import { type Code, get, type Local, select, tee } from "../../../wasm/code.js";
import { extendUnsigned, I32, I64, type Integers, wrap } from "../../../wasm/integers.js";
import { asLong, integersOf, signExtended } from "../flags.js";
import type { Scope, Semantic } from "../scope.js";
import { bitOf, change, counted, fromLong, keepSized, signBit, sizeOf, truncated } from "./values.js";

/** What a rule is told: value and count are of the size's type and may be evaluated again, the count is masked. */
interface Shift {
  readonly scope: Scope;
  readonly size: number;
  readonly bits: number;
  readonly n: Integers;
  readonly value: Code;
  readonly count: Code;
  /** The result, for carry and overflow. */
  readonly result: Code;
}

/** What a shift does. The flags count only where the count is not 0. */
interface Rule {
  /** Bits above the size may be left in it. */
  readonly result: Code;
  /** CF, 0 or 1 (i32). */
  readonly carry: Code;
  /** OF, 0 or 1 (i32); may use CF. */
  readonly overflow: (carry: Code) => Code;
}

/** Sets flags by a result, and CF and OF at their places (i32). */
type SetFlags = (scope: Scope, size: number, result: Local, extra: Code) => Code;

/** Shifts set SF, ZF and PF by the result. */
const byResult: SetFlags = (scope, size, result, extra) => scope.flags.setParts(size, result, extra);
/** Rotates leave SF, ZF, AF and PF alone. */
const carryAndOverflowOnly: SetFlags = ({ flags }, _size, _result, extra) =>
  flags.setSome(RFLAGS.CF | RFLAGS.OF, extra);

interface Count {
  readonly code: Code;
  /** Of the size's type, masked. */
  readonly local: Local;
  /** Its value, where it is known while code is emitted. */
  readonly known: number | undefined;
}

function countOf(scope: Scope, operand: number, size: number): Count {
  const mask = size === 8 ? 63 : 31;
  const form = scope.instruction.row.forms[operand]!;
  const isImplied = form.kind === "immediate" && form.place === "implied";
  const constant = isImplied ? form.number : scope.constant(operand);
  const known = constant === undefined ? undefined : constant & mask;
  const count =
    known === undefined ? I32.and(scope.read(operand, 1), I32.constant(mask)) : I32.constant(known);
  return { ...keepSized(scope, size, counted(size, count)), known };
}

const shift =
  (rule: (shift: Shift) => Rule, setFlags: SetFlags, countOperand = 1): Semantic =>
  (scope) => {
    const size = sizeOf(scope, 0);
    const n = integersOf(size);
    const count = countOf(scope, countOperand, size);
    const result = scope.local(n.type);
    const given = { scope, size, bits: size * 8, n, count: get(count.local), result: get(result) };
    let done: Rule | undefined;
    const destination = change(scope, 0, (old) => {
      done = rule({ ...given, value: get(old) });
      return tee(result, truncated(size, done.result));
    });
    const { carry, overflow } = done!;
    const flags = (): Code => {
      const cf = scope.local("i32");
      const of = I32.shl(overflow(get(cf)), I32.constant(Math.log2(RFLAGS.OF)));
      return setFlags(scope, size, result, I32.or(tee(cf, carry), of));
    };
    return [count.code, destination.code, ifNotZero(scope, size, count, flags)];
  };

function ifNotZero(scope: Scope, size: number, { local, known }: Count, set: () => Code): Code {
  if (known === 0) return [];
  if (known !== undefined) return set();
  const n = integersOf(size);
  return scope.flags.setIf(n.ne(get(local), n.constant(0)), set);
}

const lessOne = ({ n, count }: Shift): Code => n.sub(count, n.constant(1));
const lowestBit = (size: number, value: Code): Code => bitOf(size, value, 0);
/** The two highest bits differ: the sign changed by a step to the right. */
const highestTwoDiffer = ({ size, bits, result }: Shift): Code =>
  I32.xor(bitOf(size, result, bits - 1), bitOf(size, result, bits - 2));
/** The sign differs from the bit that left: it changed by a step to the left. */
const signDiffers =
  ({ size, result }: Shift) =>
  (carry: Code): Code =>
    I32.xor(signBit(size, result), carry);

// Shifts. Smaller sizes have room above them in their i32, and counts are at most 31.

const shiftLeft = (s: Shift): Rule => ({
  result: s.n.shl(s.value, s.count),
  carry: signBit(s.size, truncated(s.size, s.n.shl(s.value, lessOne(s)))),
  overflow: signDiffers(s),
});
const shiftRight = (s: Shift): Rule => ({
  result: s.n.shrU(s.value, s.count),
  carry: lowestBit(s.size, s.n.shrU(s.value, lessOne(s))),
  overflow: () => highestTwoDiffer(s),
});
const shiftRightArithmetic = (s: Shift): Rule => {
  const value = signExtended(s.size, s.value);
  return {
    result: s.n.shrS(value, s.count),
    carry: lowestBit(s.size, s.n.shrS(value, lessOne(s))),
    overflow: () => I32.constant(0),
  };
};

// Rotates. In sizes below 4 bytes the count is reduced further, and the two halves are put together.

const turn = (s: Shift, whole: "rotl" | "rotr", near: "shl" | "shrU", far: "shl" | "shrU"): Code => {
  const { n, size, bits, value } = s;
  if (size >= 4) return n[whole](value, s.count);
  const count = I32.and(s.count, I32.constant(bits - 1));
  return I32.or(n[near](value, count), n[far](value, I32.sub(I32.constant(bits), count)));
};
const rotateLeft = (s: Shift): Rule => ({
  result: turn(s, "rotl", "shl", "shrU"),
  carry: lowestBit(s.size, s.result),
  overflow: signDiffers(s),
});
const rotateRight = (s: Shift): Rule => ({
  result: turn(s, "rotr", "shrU", "shl"),
  carry: signBit(s.size, s.result),
  overflow: () => highestTwoDiffer(s),
});

/**
 * RCL and RCR turn the value with CF as one more bit, by the count modulo 9, 17, or as it is. Three pieces make the
 * result: what stays, CF, and what comes round, which is one place further away than in a rotate.
 */
function throughCarry(s: Shift, pieces: (count: Code, carry: Code) => { result: Code; carry: Code }) {
  const { scope, size, n, value } = s;
  const carryIn = scope.keep("i32", scope.flags.carry());
  const turns = keepSized(scope, size, size < 4 ? I32.remU(s.count, I32.constant(s.bits + 1)) : s.count);
  const isTurned = n.ne(get(turns.local), n.constant(0));
  const turned = pieces(get(turns.local), counted(size, get(carryIn.local)));
  return {
    result: [carryIn.code, turns.code, select(isTurned, turned.result, value)],
    carry: select(isTurned, turned.carry, get(carryIn.local)),
  };
}
const rotateLeftThroughCarry = (s: Shift): Rule => {
  const { size, bits, n, value } = s;
  const one = n.constant(1);
  return {
    ...throughCarry(s, (count, carry) => {
      const rest = n.sub(n.constant(bits), count);
      const round = n.shrU(n.shrU(value, one), rest);
      return {
        result: n.or(n.or(n.shl(value, count), n.shl(carry, n.sub(count, one))), round),
        carry: lowestBit(size, n.shrU(value, rest)),
      };
    }),
    overflow: signDiffers(s),
  };
};
const rotateRightThroughCarry = (s: Shift): Rule => {
  const { size, bits, n, value } = s;
  const one = n.constant(1);
  return {
    ...throughCarry(s, (count, carry) => {
      const rest = n.sub(n.constant(bits), count);
      const round = n.shl(n.shl(value, one), rest);
      return {
        result: n.or(n.or(n.shrU(value, count), n.shl(carry, rest)), round),
        carry: lowestBit(size, n.shrU(value, n.sub(count, one))),
      };
    }),
    overflow: () => highestTwoDiffer(s),
  };
};

/**
 * SHLD and SHRD shift bits of the second operand in. Up to 4 bytes both operands, end to end, are one i64. With 2 bytes
 * and a count above 16, which is undefined, the second operand comes again, as in Zen processors.
 */
const doubleLeft = (s: Shift): Rule => {
  const { scope, size, bits, n, value, count } = s;
  const source = keepSized(scope, size, scope.read(1, size));
  const overflow = signDiffers(s);
  if (size === 8) {
    const round = n.shrU(n.shrU(get(source.local), n.constant(1)), n.sub(n.constant(63), count));
    return {
      result: [source.code, n.or(n.shl(value, count), round)],
      carry: signBit(size, n.shl(value, lessOne(s))),
      overflow,
    };
  }
  // The value at the top.
  const place = (part: Code, at: number): Code => I64.shl(extendUnsigned(part), I64.constant(64 - at * bits));
  const pair = I64.or(place(value, 1), place(get(source.local), 2));
  const joined = size === 2 ? I64.or(pair, place(get(source.local), 3)) : pair;
  return {
    result: [source.code, wrap(I64.shrU(I64.shl(joined, extendUnsigned(count)), I64.constant(64 - bits)))],
    carry: signBit(8, I64.shl(joined, extendUnsigned(lessOne(s)))),
    overflow,
  };
};
const doubleRight = (s: Shift): Rule => {
  const { scope, size, bits, n, value, count } = s;
  const source = keepSized(scope, size, scope.read(1, size));
  const overflow = (): Code => highestTwoDiffer(s);
  if (size === 8) {
    const round = n.shl(n.shl(get(source.local), n.constant(1)), n.sub(n.constant(63), count));
    return {
      result: [source.code, n.or(n.shrU(value, count), round)],
      carry: lowestBit(size, n.shrU(value, lessOne(s))),
      overflow,
    };
  }
  // The value at the bottom.
  const place = (part: Code, at: number): Code => I64.shl(extendUnsigned(part), I64.constant(at * bits));
  const pair = I64.or(asLong(size, value), place(get(source.local), 1));
  const joined = size === 2 ? I64.or(pair, place(get(source.local), 2)) : pair;
  return {
    result: [source.code, fromLong(size, I64.shrU(joined, extendUnsigned(count)))],
    carry: lowestBit(8, I64.shrU(joined, extendUnsigned(lessOne(s)))),
    overflow,
  };
};

export const SHIFTS: Readonly<Record<string, Semantic>> = {
  SHL: shift(shiftLeft, byResult),
  SHR: shift(shiftRight, byResult),
  SAR: shift(shiftRightArithmetic, byResult),
  ROL: shift(rotateLeft, carryAndOverflowOnly),
  ROR: shift(rotateRight, carryAndOverflowOnly),
  RCL: shift(rotateLeftThroughCarry, carryAndOverflowOnly),
  RCR: shift(rotateRightThroughCarry, carryAndOverflowOnly),
  SHLD: shift(doubleLeft, byResult, 2),
  SHRD: shift(doubleRight, byResult, 2),
};
