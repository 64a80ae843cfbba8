/**
 * From what a program writes to rows: which rows of a name take these operands, and what the operands are then.
 *
 * Values of labels are not known while rows are chosen. They count as addresses: too wide for simm8 and imm8, right for
 * whatever is wider; that they fit is looked at when they are known.
 */
import type {
  AssemblerOperand,
  Expression,
  FarPointer,
  MemoryReference,
  SizedValue,
  Value,
} from "./assembler-operands.js";
import { numberOf, toExpression } from "./assembler-operands.js";
import { defaultSegment } from "./disassemble.js";
import { isAddressable16, plainAddressSize, plainOperandSize } from "./encode.js";
import {
  BASE_RIP,
  type CodeMode,
  NO_REGISTER,
  type Operand,
  type RegisterOperand,
  type Row,
} from "./instruction.js";
import { type OperandForm, stringMemory } from "./operand-form.js";

/** Sizes asked for by words before the name ("o32", "a16"), and the segment of a string instruction's source. */
export interface Wanted {
  readonly operandSize?: 2 | 4 | 8;
  readonly addressSize?: 2 | 4 | 8;
  /** Bytes of the displacement of a branch: "short" is 1; "near" more. */
  readonly reach?: "short" | "near";
  readonly segment?: number;
}

/** A row that takes the operands as written. */
export interface Match {
  readonly row: Row;
  readonly operandSize: 2 | 4 | 8;
  readonly addressSize: 2 | 4 | 8;
}

/** Value of an expression; labels that are not known yet stand for 0. */
export type Evaluate = (expression: Expression) => bigint;

export type Written = RegisterOperand | MemoryReference | SizedValue | FarPointer | Expression;

export function normalise(operand: AssemblerOperand): Written {
  return typeof operand === "object" ? operand : toExpression(operand as Value);
}

/** The forms that are written: those of string instructions and "<…>" are not. */
export const writtenForms = (row: Row): readonly OperandForm[] =>
  row.forms.some((form) => form.kind === "string" && !form.text.startsWith("<"))
    ? []
    : row.forms.filter((form) => !form.text.startsWith("<"));

/** Does a number fit `bits` bits, read as signed or as unsigned? */
export function fitsBits(value: bigint, bits: number): boolean {
  return value >= -(1n << BigInt(bits - 1)) && value < 1n << BigInt(bits);
}

/** Does a number of `width` bits, sign taken or not, come back when `bits` of it are sign-extended? */
export function fitsSigned(value: bigint, bits: number, width: number): boolean {
  if (!fitsBits(value, width)) return false;
  const signed = BigInt.asIntN(width, value);
  return signed === BigInt.asIntN(bits, signed);
}

function registerFits(register: RegisterOperand, form: OperandForm): boolean {
  if (register.file !== form.file || register.number === BASE_RIP) return false;
  if (form.kind !== "register" && form.kind !== "register-or-memory") return false;
  const hasSize = form.file === "general";
  if (hasSize && register.size !== form.registerSize) return false;
  return form.place !== "implied" || (register.number === form.number && !register.high);
}

function memoryFits(memory: MemoryReference, form: OperandForm): boolean {
  if (form.kind === "offset") {
    if (memory.base !== undefined || memory.index !== undefined) return false;
  } else if (form.kind !== "memory" && form.kind !== "register-or-memory") return false;
  return memory.size === undefined || form.size === 0 || memory.size === form.size;
}

/** `width`: bits of the operation, to which a signed immediate is extended. */
function immediateFits(value: Expression, form: OperandForm, width: number): boolean {
  if (form.kind !== "immediate" && form.kind !== "signed-immediate") return false;
  if (value.terms.length > 0) return form.size >= 2 && form.place === "immediate";
  if (form.place === "implied") return value.constant === BigInt(form.number);
  return form.kind === "signed-immediate"
    ? fitsSigned(value.constant, form.size * 8, width)
    : fitsBits(value.constant, form.size * 8);
}

function operandFits(
  operand: Written,
  form: OperandForm,
  operandSize: number,
  mode: CodeMode,
  wanted: Wanted,
): boolean {
  switch (operand.kind) {
    case "register":
      return registerFits(operand, form);
    case "memory-reference":
      return memoryFits(operand, form);
    case "sized-value":
      return operand.size === form.size && (form.kind === "immediate" || form.kind === "signed-immediate");
    case "far-pointer":
      return form.kind === "far" && form.size === (operand.size ?? (mode === 16 ? 2 : 4));
    case "expression":
      if (form.kind === "relative")
        return wanted.reach === undefined || (wanted.reach === "short") === (form.size === 1);
      return immediateFits(operand, form, operandSize * 8);
  }
}

/** Address size of the memory operands written; undefined: any. */
function addressSizeOf(operands: readonly Written[]): 2 | 4 | 8 | undefined {
  for (const operand of operands) {
    if (operand.kind !== "memory-reference") continue;
    const register = operand.base ?? operand.index;
    if (register !== undefined) return register.size as 2 | 4 | 8;
  }
  return undefined;
}

function matchRow(row: Row, operands: readonly Written[], mode: CodeMode, wanted: Wanted): Match | undefined {
  if (!(mode === 64 ? row.long : row.legacy)) return undefined;
  const forms = writtenForms(row);
  if (forms.length !== operands.length) return undefined;
  const plain = plainOperandSize(row, mode);
  const plainAddress = plainAddressSize(mode);
  const sizes: readonly (2 | 4 | 8)[] = [plain, ...([4, 2, 8] as const).filter((size) => size !== plain)];
  const isPossible = (size: 2 | 4 | 8): boolean =>
    size === plain || (mode === 64 ? size !== 4 || row.longSize === "default-32" : size !== 8);
  const operandSize =
    wanted.operandSize ?? sizes.find((size) => (row.operandSizes & size) !== 0 && isPossible(size));
  if (operandSize === undefined || !isPossible(operandSize) || (row.operandSizes & operandSize) === 0)
    return undefined;
  const addressed = [2, 4, 8].find((size) => row.addressSizes === size) as 2 | 4 | 8 | undefined;
  const addressSize = wanted.addressSize ?? addressSizeOf(operands) ?? addressed ?? plainAddress;
  if ((row.addressSizes & addressSize) === 0 || !(mode === 64 ? addressSize >= 4 : addressSize <= 4))
    return undefined;
  const fits = operands.every((operand, at) => operandFits(operand, forms[at]!, operandSize, mode, wanted));
  return fits ? { row, operandSize, addressSize } : undefined;
}

/** Is there an operand, register or memory, by which a reader sees the operand size? */
const showsSize = (row: Row): boolean =>
  row.forms.some((form) => form.kind !== "relative" && form.place !== "immediate");

/**
 * The rows that take the operands. Where only the operand size tells rows apart and no operand shows it (PUSH 5, RET),
 * those of the mode's own size are meant. `ambiguous`: nothing says how wide the memory is.
 */
export function matchRows(
  rows: readonly Row[],
  operands: readonly Written[],
  mode: CodeMode,
  wanted: Wanted,
): { matches: readonly Match[]; ambiguous: boolean } {
  const all = rows.flatMap((row) => matchRow(row, operands, mode, wanted) ?? []);
  const isPlain = ({ row, operandSize }: Match): boolean =>
    wanted.operandSize !== undefined || showsSize(row) || operandSize === plainOperandSize(row, mode);
  const matches = all.some(isPlain) ? all.filter(isPlain) : all;
  const unsized = operands.findIndex(
    (operand) => operand.kind === "memory-reference" && operand.size === undefined,
  );
  const widths = new Set(matches.map(({ row }) => writtenForms(row)[unsized]?.size));
  return { matches, ambiguous: unsized >= 0 && widths.size > 1 };
}

function concreteMemory(memory: MemoryReference, form: OperandForm, evaluate: Evaluate): Operand {
  const displacement = evaluate(memory.displacement);
  const base = numberOf(memory.base);
  return {
    kind: "memory",
    segment: memory.segment?.number ?? defaultSegment(base),
    base,
    index: numberOf(memory.index),
    scale: memory.scale,
    displacement: Number(BigInt.asIntN(32, displacement)),
    displacementHigh: Number(BigInt.asIntN(32, displacement >> 32n)),
    size: form.size,
  };
}

/**
 * The operands of a match as the encoder takes them. `next` is the address of the next instruction, from which branches
 * and RIP-relative memory count.
 */
export function concreteOperands(
  { row }: Match,
  operands: readonly Written[],
  wanted: Wanted,
  evaluate: Evaluate,
  next: bigint,
): Operand[] {
  const forms = writtenForms(row);
  return row.forms.map((form): Operand => {
    const operand = operands[forms.indexOf(form)];
    if (operand === undefined) return impliedOperand(form, wanted);
    switch (operand.kind) {
      case "register":
        return operand;
      case "memory-reference": {
        if (operand.base?.number !== BASE_RIP) return concreteMemory(operand, form, evaluate);
        const displacement = evaluate(operand.displacement) - next;
        return concreteMemory(operand, form, () => displacement);
      }
      case "far-pointer":
        return {
          kind: "far",
          selector: operand.selector,
          offset: Number(BigInt.asUintN(32, evaluate(operand.offset))),
          size: form.size,
        };
      default: {
        const value = evaluate(operand.kind === "sized-value" ? operand.value : operand);
        if (form.kind === "relative")
          return { kind: "relative", displacement: Number(BigInt.asIntN(32, value - next)), size: form.size };
        return {
          kind: "immediate",
          value: Number(BigInt.asIntN(32, value)),
          high: Number(BigInt.asIntN(32, value >> 32n)),
          size: form.size,
        };
      }
    }
  });
}

/** An operand that nobody writes: the memory of a string instruction, the register beside it. */
function impliedOperand(form: OperandForm, wanted: Wanted): Operand {
  if (form.kind !== "string")
    return { kind: "register", file: form.file, number: form.number, size: form.registerSize, high: false };
  return stringMemory(form, wanted.segment ?? defaultSegment(NO_REGISTER));
}

/** Does the value of a written operand fit its form? Labels count with the values `evaluate` gives them. */
function valueFits(
  operand: Written,
  form: OperandForm,
  { operandSize, addressSize }: Match,
  evaluate: Evaluate,
  next: bigint,
): boolean {
  switch (operand.kind) {
    case "register":
      return true;
    case "memory-reference": {
      const displacement = evaluate(operand.displacement);
      if (operand.base?.number === BASE_RIP) return fitsSigned(displacement - next, 32, 64);
      if (form.kind === "offset" || addressSize !== 8) return fitsBits(displacement, addressSize * 8);
      return fitsSigned(displacement, 32, 64);
    }
    case "far-pointer":
      return fitsBits(evaluate(operand.offset), form.size * 8);
    default: {
      const value = evaluate(operand.kind === "sized-value" ? operand.value : operand);
      if (form.kind === "relative") return fitsSigned(value - next, form.size * 8, operandSize * 8);
      return form.kind === "signed-immediate"
        ? fitsSigned(value, form.size * 8, operandSize * 8)
        : fitsBits(value, form.size * 8);
    }
  }
}

/** The first operand whose value does not fit, or undefined. */
export function firstMisfit(
  match: Match,
  operands: readonly Written[],
  evaluate: Evaluate,
  next: bigint,
): Written | undefined {
  const forms = writtenForms(match.row);
  return operands.find((operand, at) => !valueFits(operand, forms[at]!, match, evaluate, next));
}

/** What is wrong with the registers of a memory operand, or undefined. */
export function memoryProblem(memory: MemoryReference, mode: CodeMode): string | undefined {
  const { base, index, scale } = memory;
  const isGeneral = (register: RegisterOperand): boolean => register.file === "general" && register.size >= 2;
  const registers = [base, index].filter((register) => register !== undefined);
  if (!registers.every(isGeneral)) return "memory is addressed by general registers of 16, 32 or 64 bits";
  if (base !== undefined && index !== undefined && base.size !== index.size)
    return "base and index are not of one size";
  const bits = (registers[0]?.size ?? 0) * 8;
  if (bits === (mode === 64 ? 16 : 64)) return `${mode}-bit code cannot address by ${bits}-bit registers`;
  if (index !== undefined && (index.number === 4 || index.number === BASE_RIP))
    return "esp, rsp and rip are no index registers";
  if (registers[0]?.size === 2 && (scale !== 1 || !isAddressable16(numberOf(base), numberOf(index))))
    return "16-bit addressing has [bx|bp] + [si|di] and no scale";
  return undefined;
}
