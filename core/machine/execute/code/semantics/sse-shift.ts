/**
 * MMX and SSE2: shifts of packed integers by a count for all lanes, and of a register by bytes (Intel SDM vol. 2, PSLLW and
 * after). A count that is too large leaves zeros, or copies of the sign.
 */
import { type Code, get, type Local, select, set } from "../../../wasm/code.js";
import { I32, I64, wrap } from "../../../wasm/integers.js";
import { I8X16, I16X8, I32X4, I64X2, swizzle, vectorConstant, vectorZero } from "../../../wasm/vectors.js";
import type { Scope, Semantic } from "../scope.js";
import { mmxOrSse, sse } from "./sse-guard.js";
import { immediateByte, readPacked, readVector, writePacked, writeVector } from "./sse-operands.js";

type Shift = (vector: Code, count: Code) => Code;

/** The count, no more than `most` (i32). A register or memory operand is a count of 64 bits. */
function readCount(scope: Scope, most: number): { code: Code; count: Local } {
  const isImmediate = scope.instruction.operands[1]!.kind === "immediate";
  if (isImmediate) {
    const count = scope.keep("i32", immediateByte(scope, 1));
    const limited = select(
      I32.ltU(get(count.local), I32.constant(most)),
      get(count.local),
      I32.constant(most),
    );
    return { code: [count.code, set(count.local, limited)], count: count.local };
  }
  const long = scope.keep("i64", I64X2.extract(0)(readPacked(scope, 1)));
  const isSmall = I64.ltU(get(long.local), I64.constant(most));
  const count = scope.keep("i32", select(isSmall, wrap(get(long.local)), I32.constant(most)));
  return { code: [long.code, count.code], count: count.local };
}

/** A shift that leaves nothing of a lane when the count has reached its bits. */
const logical = (shift: Shift, bits: number): Semantic =>
  mmxOrSse((scope) => {
    const { code, count } = readCount(scope, bits);
    const shifted = shift(readPacked(scope, 0), get(count));
    const isSmall = I32.ltU(get(count), I32.constant(bits));
    return [code, writePacked(scope, 0, select(isSmall, shifted, vectorZero))];
  });

/** A shift that leaves the sign. */
const arithmetic = (shift: Shift, bits: number): Semantic =>
  mmxOrSse((scope) => {
    const { code, count } = readCount(scope, bits - 1);
    return [code, writePacked(scope, 0, shift(readPacked(scope, 0), get(count)))];
  });

const BYTES = 16;
const BYTE_NUMBERS = vectorConstant(
  1,
  Array.from({ length: BYTES }, (_, byte) => byte),
);

/** PSLLDQ and PSRLDQ: each byte comes from `count` places below or above; from outside comes zero. */
const shiftBytes = (place: (numbers: Code, count: Code) => Code): Semantic =>
  sse((scope) => {
    const { code, count } = readCount(scope, BYTES);
    const numbers = place(BYTE_NUMBERS, I8X16.splat(get(count)));
    return [code, writeVector(scope, 0, swizzle(readVector(scope, 0), numbers))];
  });

export const SSE_SHIFTS: Readonly<Record<string, Semantic>> = {
  PSLLW: logical(I16X8.shl, 16),
  PSLLD: logical(I32X4.shl, 32),
  PSLLQ: logical(I64X2.shl, 64),
  PSRLW: logical(I16X8.shrU, 16),
  PSRLD: logical(I32X4.shrU, 32),
  PSRLQ: logical(I64X2.shrU, 64),
  PSRAW: arithmetic(I16X8.shrS, 16),
  PSRAD: arithmetic(I32X4.shrS, 32),
  PSLLDQ: shiftBytes(I8X16.sub),
  PSRLDQ: shiftBytes(I8X16.add),
};
