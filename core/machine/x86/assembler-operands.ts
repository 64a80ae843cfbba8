/**
 * What is written as operands of the assembler: registers (REGISTERS), memory, and values, which may name labels.
 *
 *      mem(qword, rbx, { index: rcx, scale: 8, displacement: 16 })     qword ptr [rbx+rcx*8+16]
 *      mem(dword, "counter")                                          dword ptr [counter]
 *      mem(rip, { displacement: "table" })                            [rip+table], width as the other operand says
 *      plus("stack", 4096), minus("end", "start")                      values of labels
 */
import { type ImmediateOperand, NO_REGISTER, type RegisterOperand } from "./instruction.js";

/** A sum of labels and a constant; `terms` counts each label with its sign. */
export interface Expression {
  readonly kind: "expression";
  readonly terms: readonly { readonly label: string; readonly sign: 1n | -1n }[];
  readonly constant: bigint;
}

/** A number (an integer), a label's name, or a sum of them. */
export type Value = number | bigint | string | Expression;

export function toExpression(value: Value): Expression {
  if (typeof value === "string")
    return { kind: "expression", terms: [{ label: value, sign: 1n }], constant: 0n };
  if (typeof value === "object") return value;
  return { kind: "expression", terms: [], constant: BigInt(value) };
}

/** The sum of two values: `plus("table", 16)`. */
export function plus(left: Value, right: Value): Expression {
  const [a, b] = [toExpression(left), toExpression(right)];
  return { kind: "expression", terms: [...a.terms, ...b.terms], constant: a.constant + b.constant };
}

/** The difference of two values: `minus("end", "start")`. */
export function minus(left: Value, right: Value): Expression {
  const [a, b] = [toExpression(left), toExpression(right)];
  const negated = b.terms.map(({ label, sign }) => ({ label, sign: sign === 1n ? -1n : 1n }) as const);
  return { kind: "expression", terms: [...a.terms, ...negated], constant: a.constant - b.constant };
}

/** Width of memory. */
export interface Size {
  readonly kind: "size";
  readonly bytes: number;
}

const size = (bytes: number): Size => ({ kind: "size", bytes });

/** Widths by name: `const { byte, dword, qword } = SIZES`. fword is 6 bytes (16:32), tbyte 10. */
export const SIZES = {
  byte: size(1),
  word: size(2),
  dword: size(4),
  fword: size(6),
  qword: size(8),
  tbyte: size(10),
  xmmword: size(16),
} as const;

export interface MemoryReference {
  readonly kind: "memory-reference";
  /** Bytes, or undefined: as the other operand or the instruction says. */
  readonly size: number | undefined;
  readonly base: RegisterOperand | undefined;
  readonly index: RegisterOperand | undefined;
  readonly scale: 1 | 2 | 4 | 8;
  readonly displacement: Expression;
  readonly segment: RegisterOperand | undefined;
}

export interface MemoryParts {
  readonly index?: RegisterOperand;
  readonly scale?: 1 | 2 | 4 | 8;
  /** Added to base and index; under `rip` the address itself, a label as a rule. */
  readonly displacement?: Value;
  /** Segment override. */
  readonly segment?: RegisterOperand;
}

const isSize = (value: unknown): value is Size => (value as Size | undefined)?.kind === "size";
const isRegister = (value: unknown): value is RegisterOperand =>
  (value as RegisterOperand | undefined)?.kind === "register";

/** Memory of a width at a base register or address, or at an index alone. The width may be left out. */
export function mem(width: Size, base?: RegisterOperand | Value, parts?: MemoryParts): MemoryReference;
export function mem(base: RegisterOperand | Value, parts?: MemoryParts): MemoryReference;
export function mem(
  first: Size | RegisterOperand | Value,
  second?: RegisterOperand | Value | MemoryParts,
  third?: MemoryParts,
): MemoryReference {
  const base = (isSize(first) ? second : first) as RegisterOperand | Value | undefined;
  const parts = (isSize(first) ? third : (second as MemoryParts | undefined)) ?? {};
  const address = base === undefined || isRegister(base) ? 0 : base;
  return {
    kind: "memory-reference",
    size: isSize(first) ? first.bytes : undefined,
    base: isRegister(base) ? base : undefined,
    index: parts.index,
    scale: parts.scale ?? 1,
    displacement: plus(address, parts.displacement ?? 0),
    segment: parts.segment,
  };
}

/** A value that takes this many bytes in the instruction, whatever it is: `imm("kernel", 8)`. */
export interface SizedValue {
  readonly kind: "sized-value";
  readonly value: Expression;
  readonly size: ImmediateOperand["size"];
}
export const imm = (value: Value, bytes: 1 | 2 | 4 | 8): SizedValue => ({
  kind: "sized-value",
  value: toExpression(value),
  size: bytes,
});

/** A far pointer: selector and offset, 2 or 4 bytes of offset; as wide as the code if left out. */
export interface FarPointer {
  readonly kind: "far-pointer";
  readonly selector: number;
  readonly offset: Expression;
  readonly size: 2 | 4 | undefined;
}
export const far = (selector: number, offset: Value, bytes?: 2 | 4): FarPointer => ({
  kind: "far-pointer",
  selector,
  offset: toExpression(offset),
  size: bytes,
});

export type AssemblerOperand = RegisterOperand | MemoryReference | SizedValue | FarPointer | Value;

/** Register number for a memory operand. */
export const numberOf = (register: RegisterOperand | undefined): number => register?.number ?? NO_REGISTER;
