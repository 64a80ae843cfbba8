/**
 * The integer instructions of WebAssembly in both widths under the same names, so that what an x86 instruction means can
 * be written once for every operand size (WebAssembly Core Specification 2.0, 5.4.7). A comparison leaves an i32.
 */
import { type Code, int, signed, unsigned } from "./code.js";

type Unary = (operand: Code) => Code;
type Binary = (left: Code, right: Code) => Code;
type Load = (address: Code, offset?: number) => Code;
type Store = (address: Code, value: Code, offset?: number) => Code;

export interface Integers {
  readonly type: "i32" | "i64";
  readonly bits: 32 | 64;
  /** A constant: its low bits, sign-extended from a JavaScript number or exactly from a bigint. */
  readonly constant: (value: number | bigint) => Code;
  readonly isZero: Unary;
  readonly eq: Binary;
  readonly ne: Binary;
  readonly ltS: Binary;
  readonly ltU: Binary;
  readonly gtS: Binary;
  readonly gtU: Binary;
  readonly leS: Binary;
  readonly leU: Binary;
  readonly geS: Binary;
  readonly geU: Binary;
  readonly clz: Unary;
  readonly ctz: Unary;
  readonly popcnt: Unary;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly divS: Binary;
  readonly divU: Binary;
  readonly remS: Binary;
  readonly remU: Binary;
  readonly and: Binary;
  readonly or: Binary;
  readonly xor: Binary;
  readonly shl: Binary;
  readonly shrS: Binary;
  readonly shrU: Binary;
  readonly rotl: Binary;
  readonly rotr: Binary;
  /** Sign extension from 8 and 16 bits. */
  readonly extend8: Unary;
  readonly extend16: Unary;
  /** Loads and stores of 1, 2, 4 (and 8) bytes; loads zero-extend. Addresses are i32. */
  readonly load: (bytes: number) => Load;
  readonly loadSigned: (bytes: number) => Load;
  readonly store: (bytes: number) => Store;
}

const binary =
  (opcode: number): Binary =>
  (left, right) => [left, right, opcode];
const unary =
  (opcode: number): Unary =>
  (operand) => [operand, opcode];
const loadOf =
  (opcode: number, alignment: number): Load =>
  (address, offset = 0) => [address, opcode, alignment, unsigned(offset)];
const storeOf =
  (opcode: number, alignment: number): Store =>
  (address, value, offset = 0) => [address, value, opcode, alignment, unsigned(offset)];

/** Signed LEB128 of a 64-bit integer. */
function signed64(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asIntN(64, value);
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    const isLast = (rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0);
    bytes.push(isLast ? byte : byte | 0x80);
    if (isLast) return bytes;
  }
}

const isInt32 = (value: number | bigint): value is number =>
  typeof value === "number" && value === (value | 0);

const WORD_LOADS: Readonly<Record<number, Load>> = {
  1: loadOf(0x2d, 0),
  2: loadOf(0x2f, 0),
  4: loadOf(0x28, 0),
};
const WORD_SIGNED: Readonly<Record<number, Load>> = {
  1: loadOf(0x2c, 0),
  2: loadOf(0x2e, 0),
  4: loadOf(0x28, 0),
};
const WORD_STORES: Readonly<Record<number, Store>> = {
  1: storeOf(0x3a, 0),
  2: storeOf(0x3b, 0),
  4: storeOf(0x36, 0),
};
const LONG_LOADS: Readonly<Record<number, Load>> = {
  1: loadOf(0x31, 0),
  2: loadOf(0x33, 0),
  4: loadOf(0x35, 0),
  8: loadOf(0x29, 0),
};
const LONG_SIGNED: Readonly<Record<number, Load>> = {
  1: loadOf(0x30, 0),
  2: loadOf(0x32, 0),
  4: loadOf(0x34, 0),
  8: loadOf(0x29, 0),
};
const LONG_STORES: Readonly<Record<number, Store>> = {
  1: storeOf(0x3c, 0),
  2: storeOf(0x3d, 0),
  4: storeOf(0x3e, 0),
  8: storeOf(0x37, 0),
};

/** Comparisons follow `eqz` in the opcode space in this order, arithmetic follows `clz`. */
function operations(
  eqz: number,
  clz: number,
): Omit<Integers, "type" | "bits" | "constant" | "extend8" | "extend16" | "load" | "loadSigned" | "store"> {
  return {
    isZero: unary(eqz),
    eq: binary(eqz + 1),
    ne: binary(eqz + 2),
    ltS: binary(eqz + 3),
    ltU: binary(eqz + 4),
    gtS: binary(eqz + 5),
    gtU: binary(eqz + 6),
    leS: binary(eqz + 7),
    leU: binary(eqz + 8),
    geS: binary(eqz + 9),
    geU: binary(eqz + 10),
    clz: unary(clz),
    ctz: unary(clz + 1),
    popcnt: unary(clz + 2),
    add: binary(clz + 3),
    sub: binary(clz + 4),
    mul: binary(clz + 5),
    divS: binary(clz + 6),
    divU: binary(clz + 7),
    remS: binary(clz + 8),
    remU: binary(clz + 9),
    and: binary(clz + 10),
    or: binary(clz + 11),
    xor: binary(clz + 12),
    shl: binary(clz + 13),
    shrS: binary(clz + 14),
    shrU: binary(clz + 15),
    rotl: binary(clz + 16),
    rotr: binary(clz + 17),
  };
}

export const I32: Integers = {
  type: "i32",
  bits: 32,
  constant: (value) => int(typeof value === "number" ? value : Number(BigInt.asIntN(32, value))),
  ...operations(0x45, 0x67),
  extend8: unary(0xc0),
  extend16: unary(0xc1),
  load: (bytes) => WORD_LOADS[bytes]!,
  loadSigned: (bytes) => WORD_SIGNED[bytes]!,
  store: (bytes) => WORD_STORES[bytes]!,
};

export const I64: Integers = {
  type: "i64",
  bits: 64,
  constant: (value) => [0x42, isInt32(value) ? signed(value) : signed64(BigInt(value))],
  ...operations(0x50, 0x79),
  extend8: unary(0xc2),
  extend16: unary(0xc3),
  load: (bytes) => LONG_LOADS[bytes]!,
  loadSigned: (bytes) => LONG_SIGNED[bytes]!,
  store: (bytes) => LONG_STORES[bytes]!,
};

/** The low half of a 64-bit integer. */
export const wrap = unary(0xa7);
/** 32 bits as 64, the upper ones zero or copies of the sign. */
export const extendUnsigned = unary(0xad);
export const extendSigned = unary(0xac);
/** Sign extension of 32 bits within 64. */
export const extend32 = unary(0xc4);
