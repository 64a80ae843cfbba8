/**
 * The bucket in which a block is found: a multiplicative hash of its physical address and mode, for TypeScript, which puts blocks
 * there, and as WebAssembly, which looks for them.
 */
import { add, type Code, int, mul, shl, shrUnsigned, xor } from "../../wasm/code.js";

const BUCKETS_LOG2 = 14;
export const BUCKETS = 1 << BUCKETS_LOG2;
/** 2^32 over the golden ratio (Knuth, The Art of Computer Programming, vol. 3, 6.4). */
const MULTIPLIER = 0x9e37_79b1 | 0;
const FRAME_SHIFT = 12;
const MODE_SHIFT = 20;
const RESULT_SHIFT = 32 - BUCKETS_LOG2;

/** @param mode low half of the mode word. */
export function bucketNumber(frame: number, pageOffset: number, mode: number): number {
  const key = (((frame << FRAME_SHIFT) + pageOffset) | 0) ^ (mode << MODE_SHIFT);
  return Math.imul(key, MULTIPLIER) >>> RESULT_SHIFT;
}

/** The same of operands (i32). */
export function bucketOf(frame: Code, pageOffset: Code, mode: Code): Code {
  const key = xor(add(shl(frame, int(FRAME_SHIFT)), pageOffset), shl(mode, int(MODE_SHIFT)));
  return shrUnsigned(mul(key, int(MULTIPLIER)), int(RESULT_SHIFT));
}
