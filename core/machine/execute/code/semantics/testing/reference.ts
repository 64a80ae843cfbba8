/** The arithmetic of the manual in unbounded integers, to compare with; and how instructions on registers are encoded. */
import { RFLAGS } from "../../../../cpu/state.js";

export const { CF, PF, AF, ZF, SF, OF } = RFLAGS;
export const SIZES = [1, 2, 4, 8] as const;
export type Size = (typeof SIZES)[number];

/** Values at the edges of every size, and some between. */
export const EDGES: readonly bigint[] = [
  0n,
  1n,
  2n,
  9n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn,
  0x0123_4567_89ab_cdefn,
];

export const unsigned = (size: number, value: bigint): bigint => BigInt.asUintN(size * 8, value);
export const signed = (size: number, value: bigint): bigint => BigInt.asIntN(size * 8, value);
export const flag = (mask: number, isSet: boolean): number => (isSet ? mask : 0);
export const bit = (value: bigint, place: number | bigint): boolean => ((value >> BigInt(place)) & 1n) === 1n;

/** SF, ZF and PF of a result. */
export function resultFlags(size: number, result: bigint): number {
  let ones = 0;
  for (let place = 0; place < 8; place++) ones += bit(result, place) ? 1 : 0;
  return (
    flag(SF, bit(result, size * 8 - 1)) | flag(ZF, unsigned(size, result) === 0n) | flag(PF, ones % 2 === 0)
  );
}

export interface Result {
  readonly value: bigint;
  readonly flags: number;
}

/** left + right + carry; operands unsigned. */
export function sum(size: number, left: bigint, right: bigint, carry = 0): Result {
  const value = unsigned(size, left + right + BigInt(carry));
  const exact = signed(size, left) + signed(size, right) + BigInt(carry);
  const flags =
    resultFlags(size, value) |
    flag(CF, left + right + BigInt(carry) !== value) |
    flag(AF, (left & 15n) + (right & 15n) + BigInt(carry) > 15n) |
    flag(OF, exact !== signed(size, value));
  return { value, flags };
}

/** left - right - borrow. */
export function difference(size: number, left: bigint, right: bigint, borrow = 0): Result {
  const value = unsigned(size, left - right - BigInt(borrow));
  const exact = signed(size, left) - signed(size, right) - BigInt(borrow);
  const flags =
    resultFlags(size, value) |
    flag(CF, left < right + BigInt(borrow)) |
    flag(AF, (left & 15n) < (right & 15n) + BigInt(borrow)) |
    flag(OF, exact !== signed(size, value));
  return { value, flags };
}

/** What a register holds after `value` of a size was written to it: 4 bytes clear the upper half. */
export function written(size: number, before: bigint, value: bigint): bigint {
  if (size >= 4) return unsigned(size, value);
  return ((before >> BigInt(size * 8)) << BigInt(size * 8)) | unsigned(size, value);
}

const hex = (...bytes: number[]): string => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** ModRM of two registers. */
export const pair = (reg: number, rm: number): string => hex(0xc0 | (reg << 3) | rm);

/**
 * An instruction of an operand size in 64-bit code.
 * @param opcode that of the byte form; where there is a form of its own for bytes, the next one is for other sizes.
 * @param tail everything after the opcode.
 */
export function sized(size: Size, opcode: string, tail: string, hasByteForm = true): string {
  const prefix = { 1: "", 2: "66", 4: "", 8: "48" }[size];
  // A mandatory prefix comes before REX.
  const mandatory = /^(f2|f3)/.exec(opcode)?.[0] ?? "";
  const rest = opcode.slice(mandatory.length);
  const last = Number.parseInt(rest.slice(-2), 16) + (hasByteForm && size > 1 ? 1 : 0);
  const code = rest.slice(0, -2) + hex(last) + tail;
  return size === 2 ? prefix + mandatory + code : mandatory + prefix + code;
}
