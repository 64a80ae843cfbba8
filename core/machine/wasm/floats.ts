/**
 * The floating-point instructions of WebAssembly in both widths under the same names (WebAssembly Core Specification 2.0,
 * 5.4.7). They round to nearest, ties to even; which NaN an operation makes is left open by the specification, so whoever
 * wants the same bits on every host puts NaNs right himself. A comparison leaves an i32.
 */
import type { Code } from "./code.js";

type Unary = (operand: Code) => Code;
type Binary = (left: Code, right: Code) => Code;

export interface Floats {
  readonly type: "f32" | "f64";
  /** Bytes. */
  readonly size: 4 | 8;
  readonly constant: (value: number) => Code;
  readonly eq: Binary;
  readonly ne: Binary;
  readonly lt: Binary;
  readonly gt: Binary;
  readonly le: Binary;
  readonly ge: Binary;
  /** To an integer, ties to even. */
  readonly nearest: Unary;
  readonly sqrt: Unary;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  /** The same bits as an integer of that size, and back. */
  readonly toBits: Unary;
  readonly fromBits: Unary;
  /** Of a signed integer of 4 or 8 bytes. */
  readonly convert: (bytes: number) => Unary;
  /** To a signed integer of 4 or 8 bytes, towards zero; saturates, and makes 0 of NaN. */
  readonly truncate: (bytes: number) => Unary;
}

const binary =
  (opcode: number): Binary =>
  (left, right) => [left, right, opcode];
const unary =
  (...opcode: number[]): Unary =>
  (operand) => [operand, ...opcode];

/** Numeric instructions beyond one byte, among them saturating truncations. */
const NUMERIC = 0xfc;

/** Comparisons follow `eq` in the opcode space in this order, arithmetic follows `nearest`. */
function operations(
  eq: number,
  nearest: number,
): Pick<
  Floats,
  "eq" | "ne" | "lt" | "gt" | "le" | "ge" | "nearest" | "sqrt" | "add" | "sub" | "mul" | "div"
> {
  return {
    eq: binary(eq),
    ne: binary(eq + 1),
    lt: binary(eq + 2),
    gt: binary(eq + 3),
    le: binary(eq + 4),
    ge: binary(eq + 5),
    nearest: unary(nearest),
    sqrt: unary(nearest + 1),
    add: binary(nearest + 2),
    sub: binary(nearest + 3),
    mul: binary(nearest + 4),
    div: binary(nearest + 5),
  };
}

export const F32: Floats = {
  type: "f32",
  size: 4,
  constant: (value) => [0x43, [...new Uint8Array(new Float32Array([value]).buffer)]],
  ...operations(0x5b, 0x90),
  toBits: unary(0xbc),
  fromBits: unary(0xbe),
  convert: (bytes) => unary(bytes === 8 ? 0xb4 : 0xb2),
  truncate: (bytes) => unary(NUMERIC, bytes === 8 ? 4 : 0),
};

export const F64: Floats = {
  type: "f64",
  size: 8,
  constant: (value) => [0x44, [...new Uint8Array(new Float64Array([value]).buffer)]],
  ...operations(0x61, 0x9e),
  toBits: unary(0xbd),
  fromBits: unary(0xbf),
  convert: (bytes) => unary(bytes === 8 ? 0xb9 : 0xb7),
  truncate: (bytes) => unary(NUMERIC, bytes === 8 ? 6 : 2),
};

/** An f64 as f32, rounded; and an f32 as f64, exactly. */
export const demote = unary(0xb6);
export const promote = unary(0xbb);
