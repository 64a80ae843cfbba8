/**
 * SSE and SSE2: comparisons of floats, to masks and to EFLAGS (Intel SDM vol. 2, CMPPS and COMISS). The ordered and
 * unordered forms differ only in which NaNs are an exception (MXCSR), so COMIS and UCOMIS are one here.
 */
import { type Code, get } from "../../../wasm/code.js";
import { I32 } from "../../../wasm/integers.js";
import { vectorNot, vectorOr } from "../../../wasm/vectors.js";
import type { Semantic } from "../scope.js";
import { sseArithmetic } from "./sse-guard.js";
import {
  byImmediate,
  DOUBLE,
  type Format,
  readScalar,
  readScalarLane,
  readVector,
  SINGLE,
  writeScalar,
  writeVector,
} from "./sse-operands.js";

/** Bits of the immediate that number the predicate: EQ LT LE UNORD, and their negations NEQ NLT NLE ORD. */
const PREDICATE_BITS = 3;
const NEGATED = 4;

/** All ones in the lanes for which a predicate holds. */
function predicate({ lanes }: Format, number: number, left: Code, right: Code): Code {
  const positive = [
    lanes.eq(left, right),
    lanes.lt(left, right),
    lanes.le(left, right),
    vectorOr(lanes.ne(left, left), lanes.ne(right, right)),
  ][number % NEGATED]!;
  return number < NEGATED ? positive : vectorNot(positive);
}

const compare = (format: Format, isPacked: boolean): Semantic =>
  sseArithmetic((scope) => {
    const source = isPacked ? readVector(scope, 1) : readScalarLane(scope, 1, format);
    const right = scope.keep("v128", source);
    const left = scope.keep("v128", readVector(scope, 0));
    const mask = byImmediate(scope, 2, PREDICATE_BITS, (number) =>
      predicate(format, number, get(left.local), get(right.local)),
    );
    return [
      right.code,
      left.code,
      isPacked
        ? writeVector(scope, 0, mask)
        : writeScalar(scope, left.local, format, format.lanes.extract(0)(mask)),
    ];
  });

/** ZF PF CF at their places: 000 greater, 001 less, 100 equal, 111 unordered. */
const compareFlags = (format: Format): Semantic =>
  sseArithmetic((scope) => {
    const { type, lt, gt, ge } = format.floats;
    const right = scope.keep(type, readScalar(scope, 1, format));
    const left = scope.keep(type, readScalar(scope, 0, format));
    const operands = [get(left.local), get(right.local)] as const;
    const isLess = scope.keep("i32", lt(...operands));
    const isGreaterOrEqual = scope.keep("i32", ge(...operands));
    const carry = I32.isZero(get(isGreaterOrEqual.local));
    const parity = I32.isZero(I32.or(get(isLess.local), get(isGreaterOrEqual.local)));
    const zero = I32.isZero(I32.or(get(isLess.local), gt(...operands)));
    return [
      right.code,
      left.code,
      isLess.code,
      isGreaterOrEqual.code,
      scope.flags.setAll(
        I32.or(I32.or(carry, I32.shl(parity, I32.constant(2))), I32.shl(zero, I32.constant(6))),
      ),
    ];
  });

export const SSE_COMPARES: Readonly<Record<string, Semantic>> = {
  CMPPS: compare(SINGLE, true),
  CMPSS: compare(SINGLE, false),
  CMPPD: compare(DOUBLE, true),
  CMPSD: compare(DOUBLE, false),
  COMISS: compareFlags(SINGLE),
  UCOMISS: compareFlags(SINGLE),
  COMISD: compareFlags(DOUBLE),
  UCOMISD: compareFlags(DOUBLE),
};
