/**
 * WebAssembly instructions as nested lists of bytes, one small function for each that is used (WebAssembly Core
 * Specification 2.0, 5.4). Expressions leave one value, statements none. Flattened once, by module.ts.
 */
export type Code = readonly (number | LabelMark | Code)[];

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

/** The end of a block, or the start of a loop, as a target of branches; resolved to a depth when code is flattened. */
export class Label {
  /** Nesting depth at which it is bound, while code is flattened. */
  depth = -1;
}

/** Where a label is bound, or branched to. */
export interface LabelMark {
  readonly label: Label;
  readonly isTarget: boolean;
}

/** Not bytes but marks: a structured instruction begins, or ends. */
export const OPEN = 256;
export const CLOSE = 257;
/** And one before a conditional branch: its condition hardly ever holds (the branch hinting proposal). */
export const UNLIKELY = 258;

/** A local variable of a function: its number. */
export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

/** A mutable i32 global of a module. */
export interface Global {
  readonly index: number;
}

export interface FunctionReference {
  readonly index: number;
}

/** A function's type, for calls through a table. */
export interface FunctionType {
  readonly index: number;
}

/** Numbers of one byte, which most are: arrays made once. */
const ONE_BYTE: readonly (readonly number[])[] = Array.from({ length: 128 }, (_, value) => [value]);

/** Unsigned LEB128 of a number below 2^32. */
export function unsigned(value: number): readonly number[] {
  if (value < 128) return ONE_BYTE[value]!;
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

/** Signed LEB128 of an int32. */
export function signed(value: number): readonly number[] {
  let rest = value | 0;
  if (rest >= -64 && rest < 64) return ONE_BYTE[rest & 0x7f]!;
  const bytes: number[] = [];
  while (rest < -64 || rest >= 64) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  bytes.push(rest & 0x7f);
  return bytes;
}

const FLOAT = new Float64Array(1);
const FLOAT_BYTES = new Uint8Array(FLOAT.buffer);

/** The eight bytes of a float. */
function bytesOf(value: number): readonly number[] {
  FLOAT[0] = value;
  return [...FLOAT_BYTES];
}

const binary =
  (opcode: number) =>
  (left: Code, right: Code): Code => [left, right, opcode];
const unary =
  (opcode: number) =>
  (operand: Code): Code => [operand, opcode];

// Constants and variables.

export const int = (value: number): Code => [0x41, signed(value)];
export const float = (value: number): Code => [0x44, bytesOf(value)];
export const get = (local: Local): Code => [0x20, unsigned(local.index)];
export const set = (local: Local, value: Code): Code => [value, 0x21, unsigned(local.index)];
export const getGlobal = (global: Global): Code => [0x23, unsigned(global.index)];
export const setGlobal = (global: Global, value: Code): Code => [value, 0x24, unsigned(global.index)];

// 32-bit integers.

export const isZero = unary(0x45);
export const eq = binary(0x46);
export const ne = binary(0x47);
export const lessThan = binary(0x48);
export const greaterThan = binary(0x4a);
export const atMost = binary(0x4c);
export const countLeadingZeros = unary(0x67);
export const add = binary(0x6a);
export const sub = binary(0x6b);
export const mul = binary(0x6c);
export const and = binary(0x71);
export const or = binary(0x72);
export const xor = binary(0x73);
export const shl = binary(0x74);
export const shrUnsigned = binary(0x76);

// 64-bit floats.

export const floatAtMost = binary(0x65);
export const floatAdd = binary(0xa0);
export const floatSubtract = binary(0xa1);
export const floatMax = binary(0xa5);
export const toFloat = unary(0xb7);

const memory = (opcode: Code, align: number, offset: number): Code => [opcode, align, unsigned(offset)];

// Non-negative floats compared by their bits, which order as the floats do: a select on integers needs no branch.

export const loadFloatBits = (address: Code, offset = 0): Code => [address, memory([0x29], 3, offset)];
export const bitsLessThan = binary(0x54);
/**
 * The low 32 bits of the integer that a float holds, given as its bits; below 2^52. Adding 2^52 moves the integer to the
 * low end of the fraction, which spares a conversion and its checks.
 */
export const lowBitsOfFloat = (bits: Code): Code => [bits, 0xbf, float(2 ** 52), 0xa0, 0xbd, 0xa7];

// Memory. Addresses are bytes; `offset` is added by the instruction.

export const load = (address: Code, offset = 0): Code => [address, memory([0x28], 2, offset)];
export const loadByte = (address: Code, offset = 0): Code => [address, memory([0x2d], 0, offset)];
export const loadFloat = (address: Code, offset = 0): Code => [address, memory([0x2b], 3, offset)];
export const store = (address: Code, value: Code, offset = 0): Code => [
  address,
  value,
  memory([0x36], 2, offset),
];
export const storeFloat = (address: Code, value: Code, offset = 0): Code => [
  address,
  value,
  memory([0x39], 3, offset),
];

// Vectors of four 32-bit integers.

const SIMD = 0xfd;
export const loadVector = (address: Code, offset = 0): Code => [address, memory([SIMD, 0x00], 2, offset)];
export const storeVector = (address: Code, value: Code, offset = 0): Code => [
  address,
  value,
  memory([SIMD, 0x0b], 2, offset),
];
/** Stores lanes 0 and 1. */
export const storeTwoLanes = (address: Code, value: Code, offset = 0): Code => [
  address,
  value,
  memory([SIMD, 0x5b], 2, offset),
  0,
];
export const storeLane = (address: Code, value: Code, lane: number, offset = 0): Code => [
  address,
  value,
  memory([SIMD, 0x5a], 2, offset),
  lane,
];
export const splat = (value: Code): Code => [value, SIMD, 0x11];
export const vectorEq = (left: Code, right: Code): Code => [left, right, SIMD, 0x37];
export const vectorOr = (left: Code, right: Code): Code => [left, right, SIMD, 0x50];
export const anyTrue = (value: Code): Code => [value, SIMD, 0x53];

// Control.

const VOID = 0x40;
/** Structured instruction with its body; a label in it is bound to its nesting depth. */
const structured = (opcode: number, type: number, body: Code, label?: Label): Code => [
  opcode,
  type,
  OPEN,
  label === undefined ? [] : [{ label, isTarget: false }],
  body,
  CLOSE,
  0x0b,
];
const TYPE_CODES: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

export const ifThen = (condition: Code, then: Code): Code => [condition, structured(0x04, VOID, then)];
/** With a result type, both sides leave a value. */
export const ifElse = (condition: Code, then: Code, otherwise: Code, result?: ValueType): Code => [
  condition,
  structured(0x04, result === undefined ? VOID : TYPE_CODES[result], [then, 0x05, otherwise]),
];
/** The same where the condition hardly ever holds: engines keep what `then` needs out of the way of the rest. */
export const ifUnlikely = (condition: Code, then: Code): Code => [
  condition,
  UNLIKELY,
  structured(0x04, VOID, then),
];
export const ifUnlikelyElse = (condition: Code, then: Code, otherwise: Code): Code => [
  condition,
  UNLIKELY,
  structured(0x04, VOID, [then, 0x05, otherwise]),
];
/** A branch to the label goes to the block's end. */
export const block = (label: Label, body: Code): Code => structured(0x02, VOID, body, label);
/** A branch to the label goes to the loop's start; without one it ends. */
export const loop = (label: Label, body: Code): Code => structured(0x03, VOID, body, label);
export const branch = (label: Label): Code => [0x0c, { label, isTarget: true }];
export const branchIf = (condition: Code, label: Label): Code => [condition, 0x0d, { label, isTarget: true }];
export const branchIfUnlikely = (condition: Code, label: Label): Code => [
  condition,
  UNLIKELY,
  0x0d,
  { label, isTarget: true },
];
/** Branches to the label with that number, or the last one for all others. */
export const branchTable = (index: Code, labels: readonly Label[], otherwise: Label): Code => [
  index,
  0x0e,
  unsigned(labels.length),
  labels.map((label) => ({ label, isTarget: true })),
  { label: otherwise, isTarget: true },
];
/** Repeats while the condition holds. */
export const whileLoop = (condition: Code, body: Code): Code => {
  const start = new Label();
  return loop(start, ifThen(condition, [body, branch(start)]));
};
export const unreachable: Code = [0x00];
export const drop = (value: Code): Code => [value, 0x1a];
/** Returns from a function that has no result. */
export const leave: Code = [0x0f];
export const giveBack = (value: Code): Code => [value, 0x0f];
export const select = (condition: Code, then: Code, otherwise: Code): Code => [
  then,
  otherwise,
  condition,
  0x1b,
];
export const call = (callee: FunctionReference, ...operands: Code[]): Code => [
  operands,
  0x10,
  unsigned(callee.index),
];

/** Calls the function at an index of table 0. */
export const callIndirect = (type: FunctionType, index: Code, ...operands: Code[]): Code => [
  operands,
  index,
  0x11,
  unsigned(type.index),
  0,
];
/** Calls in place of the caller, whose result is the callee's (WebAssembly tail calls). */
export const tailCall = (callee: FunctionReference, ...operands: Code[]): Code => [
  operands,
  0x12,
  unsigned(callee.index),
];
export const tailCallIndirect = (type: FunctionType, index: Code, ...operands: Code[]): Code => [
  operands,
  index,
  0x13,
  unsigned(type.index),
  0,
];
/** Sets locals to several values that code leaves, in their order. */
export const setEach = (locals: readonly Local[], values: Code): Code => [
  values,
  locals.toReversed().map((local) => [0x21, unsigned(local.index)]),
];
/** Sets a local and leaves its value. */
export const tee = (local: Local, value: Code): Code => [value, 0x22, unsigned(local.index)];
