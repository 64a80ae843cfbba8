/**
 * Small words in which the meanings of the integer instructions are written: sizes of operands, values of a size, and the
 * general registers that instructions imply. Values are as scope.ts has them: 1 and 2 bytes zero-extended in an i32.
 */
import { type Code, get, type Local } from "../../../wasm/code.js";
import {
  extend32,
  extendSigned,
  extendUnsigned,
  I32,
  I64,
  type Integers,
  wrap,
} from "../../../wasm/integers.js";
import type { RegisterFile } from "../../../x86/instruction.js";
import { asLong, integersOf, signExtended } from "../flags.js";
import type { AccessOptions, Scope } from "../scope.js";

/** General registers by number (SDM vol. 2, 2.1.5). */
export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;

/** Bytes of a register or memory operand, as the instruction says it. */
export const sizeOf = (scope: Scope, operand: number): number => scope.instruction.operands[operand]!.size;

export const isMemory = (scope: Scope, operand: number): boolean =>
  scope.instruction.operands[operand]!.kind === "memory";

/** Register file of an operand, "" where it is no register. */
export function fileOf(scope: Scope, operand: number): RegisterFile | "" {
  const given = scope.instruction.operands[operand]!;
  return given.kind === "register" ? given.file : "";
}

/** A value cut to its size: what is above 1 or 2 bytes goes. */
export function truncated(size: number, value: Code): Code {
  if (size >= 4) return value;
  return I32.and(value, I32.constant(size === 1 ? 0xff : 0xffff));
}

/** The low bytes of an i64 as a value of a size. */
export const fromLong = (size: number, value: Code): Code =>
  size === 8 ? value : truncated(size, wrap(value));

/** A value of one size as one of another: cut, or zero-extended. */
export function resized(from: number, to: number, value: Code): Code {
  if (to === 8) return asLong(from, value);
  return from === 8 ? fromLong(to, value) : truncated(to, value);
}

/** A value as i64, with its sign. */
export const signedLong = (size: number, value: Code): Code =>
  size === 8 ? value : extendSigned(signExtended(size, value));

/** An i64 sign-extended from its low bytes. */
export function signExtendedLong(size: number, value: Code): Code {
  return size === 1
    ? I64.extend8(value)
    : size === 2
      ? I64.extend16(value)
      : size === 4
        ? extend32(value)
        : value;
}

/** An i32 as an integer of a size's type, zero-extended: a count, or a flag. */
export const counted = (size: number, value: Code): Code => (size === 8 ? extendUnsigned(value) : value);

/** The low 32 bits of a value as i32. */
export const asI32 = (size: number, value: Code): Code => (size === 8 ? wrap(value) : value);

/** One bit of a value, 0 or 1 (i32). */
export function bitOf(size: number, value: Code, place: number): Code {
  const n = integersOf(size);
  return I32.and(asI32(size, n.shrU(value, n.constant(place))), I32.constant(1));
}

/** The sign bit, 0 or 1 (i32). */
export function signBit(size: number, value: Code): Code {
  const n = integersOf(size);
  return asI32(size, n.shrU(value, n.constant(size * 8 - 1)));
}

/** The complement. */
export const inverted = (n: Integers, value: Code): Code => n.xor(value, n.constant(-1));

/** `value` once, and the local with it. */
export const keepSized = (scope: Scope, size: number, value: Code): { code: Code; local: Local } =>
  scope.keep(integersOf(size).type, value);

/** `scope.modify`, and the local that keeps the old value for what follows. */
export function change(
  scope: Scope,
  operand: number,
  compute: (old: Local) => Code,
  options?: AccessOptions,
): { readonly code: Code; readonly old: Local } {
  let old: Local | undefined;
  const remember = (value: Local): Code => {
    old = value;
    return compute(value);
  };
  const code = scope.modify(operand, remember, options);
  return { code, old: old! };
}

/** An address (i64) cut to the instruction's address size. */
export function wrappedAddress(scope: Scope, address: Code): Code {
  const { addressSize } = scope.instruction;
  if (addressSize === 8) return address;
  return I64.and(address, I64.constant(addressSize === 4 ? 0xffff_ffff : 0xffff));
}

/** Turns the bytes of a value round; `value` is evaluated up to four times. */
export function byteSwapped(size: number, value: Local): Code {
  const n = integersOf(size);
  const v = get(value);
  if (size === 2) return truncated(2, n.or(n.shl(v, n.constant(8)), n.shrU(v, n.constant(8))));
  // Each byte is at its place in one of two rotations.
  const turned = (half: Code): Code =>
    I32.or(
      I32.and(I32.rotl(half, I32.constant(8)), I32.constant(0x00ff_00ff)),
      I32.and(I32.rotr(half, I32.constant(8)), I32.constant(0xff00_ff00)),
    );
  if (size === 4) return turned(v);
  const high = wrap(I64.shrU(v, I64.constant(32)));
  return I64.or(I64.shl(extendUnsigned(turned(wrap(v))), I64.constant(32)), extendUnsigned(turned(high)));
}
