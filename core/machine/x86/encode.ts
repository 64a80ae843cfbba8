/**
 * The inverse of decode: a row with its operands to bytes (Intel SDM vol. 2, chapter 2). Of the ways to write the same
 * memory operand the shortest is taken, unless `wide` says that the displacement takes its full width.
 */
import { invariant } from "../../util/errors.js";
import { defaultSegment } from "./disassemble.js";
import {
  BASE_RIP,
  type CodeMode,
  type MemoryOperand,
  NO_REGISTER,
  type Operand,
  type RegisterOperand,
  type Row,
  SEGMENT,
} from "./instruction.js";

export interface EncodingContext {
  readonly mode: CodeMode;
  /** Wanted operand size; the row must be for it. Undefined: what needs no prefix. */
  readonly operandSize?: 2 | 4 | 8;
  /** Address size; undefined: the mode's own. */
  readonly addressSize?: 2 | 4 | 8;
  readonly lock?: boolean;
  readonly repeat?: "" | "rep" | "repne";
  /** The displacement of memory takes its full width. */
  readonly wide?: boolean;
}

const SP = 4;
const BP = 5;

/** Prefix bytes of segment overrides by segment number. */
const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65] as const;

/** ModRM.rm of 16-bit addressing by base and index (SDM vol. 2, table 2-1). */
const RM_16: Readonly<Record<string, number>> = {
  "3,6": 0,
  "3,7": 1,
  "5,6": 2,
  "5,7": 3,
  "6,-1": 4,
  "7,-1": 5,
  "5,-1": 6,
  "3,-1": 7,
};

/** Can 16-bit addressing express this base and index? */
export const isAddressable16 = (base: number, index: number): boolean =>
  `${base},${index}` in RM_16 || (base === NO_REGISTER && index === NO_REGISTER);

/** Operand size without prefixes, of a row in a mode. */
export function plainOperandSize(row: Row, mode: CodeMode): 2 | 4 | 8 {
  if (mode === 64) return row.longSize === "default-32" ? 4 : 8;
  return mode === 32 ? 4 : 2;
}

/** Address size without prefixes. */
export const plainAddressSize = (mode: CodeMode): 2 | 4 | 8 => (mode / 8) as 2 | 4 | 8;

/** The operand size a row is encoded with if none is asked for; undefined if the mode has none of the row's. */
export function chosenOperandSize(row: Row, mode: CodeMode): 2 | 4 | 8 | undefined {
  const plain = plainOperandSize(row, mode);
  if ((row.operandSizes & plain) !== 0) return plain;
  const possible: readonly (2 | 4 | 8)[] = mode === 64 ? [8, 2] : mode === 32 ? [2] : [4];
  return possible.find((size) => (row.operandSizes & size) !== 0);
}

function littleEndian(low: number, high: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, at) => ((at < 4 ? low : high) >>> (8 * (at & 3))) & 0xff);
}

/** ModRM, SIB and displacement of 16-bit addressing; `reg` is ModRM.reg. */
function address16(operand: MemoryOperand, reg: number, wide: boolean): number[] {
  const { base, index, displacement } = operand;
  if (base === NO_REGISTER && index === NO_REGISTER)
    return [(reg << 3) | 6, ...littleEndian(displacement, 0, 2)];
  const rm = RM_16[`${base},${index}`];
  invariant(rm !== undefined, "16-bit addressing has not these registers", () => operand);
  const value = (displacement << 16) >> 16;
  if (wide || value !== (value << 24) >> 24) return [0x80 | (reg << 3) | rm, ...littleEndian(value, 0, 2)];
  return value === 0 && rm !== 6 ? [(reg << 3) | rm] : [0x40 | (reg << 3) | rm, value & 0xff];
}

/** ModRM, SIB and displacement of 32- and 64-bit addressing. */
function address32(operand: MemoryOperand, reg: number, mode: CodeMode, wide: boolean): number[] {
  const { base, index, scale, displacement } = operand;
  const head = (mod: number, rm: number): number => (mod << 6) | (reg << 3) | rm;
  const full = littleEndian(displacement, 0, 4);
  const sib = (sibBase: number): number =>
    (Math.log2(scale) << 6) | ((index === NO_REGISTER ? SP : index & 7) << 3) | sibBase;
  if (base === BASE_RIP) return [head(0, BP), ...full];
  if (base === NO_REGISTER)
    return index === NO_REGISTER && mode !== 64 ? [head(0, BP), ...full] : [head(0, SP), sib(BP), ...full];
  const needsSib = index !== NO_REGISTER || (base & 7) === SP;
  const tail = needsSib ? [sib(base & 7)] : [];
  const rm = needsSib ? SP : base & 7;
  if (wide || displacement !== (displacement << 24) >> 24) return [head(2, rm), ...tail, ...full];
  if (displacement === 0 && (base & 7) !== BP) return [head(0, rm), ...tail];
  return [head(1, rm), ...tail, displacement & 0xff];
}

/** The operands sorted by where they go. */
interface Places {
  reg: RegisterOperand | undefined;
  rm: RegisterOperand | MemoryOperand | undefined;
  opcode: RegisterOperand | undefined;
  vvvv: RegisterOperand | undefined;
  /** Memory that takes a segment override: ModRM.rm, moffs, or a string's source. */
  memory: MemoryOperand | undefined;
  immediates: number[];
  needsRex: boolean;
  forbidsRex: boolean;
}

function sortOperands(row: Row, operands: readonly Operand[], addressSize: number): Places {
  const places: Places = {
    reg: undefined,
    rm: undefined,
    opcode: undefined,
    vvvv: undefined,
    memory: undefined,
    immediates: [],
    needsRex: false,
    forbidsRex: false,
  };
  row.forms.forEach((form, at) => {
    const operand = operands[at]!;
    if (operand.kind === "memory" && form.segment !== "ES") places.memory = operand;
    if (operand.kind === "register" && operand.file === "general" && operand.size === 1) {
      if (operand.high) places.forbidsRex = true;
      else if (operand.number >= 4) places.needsRex = true;
    }
    if (form.place === "rm") places.rm = operand as RegisterOperand | MemoryOperand;
    else if (form.place === "immediate")
      places.immediates.push(...immediateBytes(operand, form.size, addressSize));
    else if (form.place !== "implied") places[form.place] = operand as RegisterOperand;
  });
  return places;
}

function immediateBytes(operand: Operand, size: number, addressSize: number): number[] {
  switch (operand.kind) {
    case "immediate":
      return littleEndian(operand.value, operand.high, size);
    case "relative":
      return littleEndian(operand.displacement, 0, size);
    case "far":
      return [...littleEndian(operand.offset, 0, size), ...littleEndian(operand.selector, 0, 2)];
    case "memory":
      return littleEndian(operand.displacement, operand.displacementHigh, addressSize);
    default:
      throw new Error("invariant failed: a register is no immediate");
  }
}

const codeOf = (register: RegisterOperand | undefined): number =>
  register === undefined ? 0 : register.high ? register.number + 4 : register.number;

const isExtended = (register: RegisterOperand | undefined): boolean =>
  codeOf(register) >= 8 && !register!.high;

/** The R, X and B bits, as in REX. */
function extensionBits({ reg, rm, opcode }: Places): number {
  const isMemory = rm?.kind === "memory";
  const base = isMemory ? rm.base : codeOf(rm ?? opcode);
  const index = isMemory ? rm.index : 0;
  return (isExtended(reg) ? 4 : 0) | (index >= 8 ? 2 : 0) | (base >= 8 && base !== BASE_RIP ? 1 : 0);
}

const MAPS = { "": [], "0F": [0x0f], "0F38": [0x0f, 0x38], "0F3A": [0x0f, 0x3a] } as const;
const MANDATORY = { "": [], NP: [], NFx: [], "66": [0x66], F2: [0xf2], F3: [0xf3] } as const;
const VEX_MAPS = { "": 0, "0F": 1, "0F38": 2, "0F3A": 3 } as const;
const VEX_PREFIXES = { "": 0, NP: 0, NFx: 0, "66": 1, F3: 2, F2: 3 } as const;

/** The three bytes of VEX (SDM vol. 2, 2.3.5): R, X, B and vvvv are inverted. */
function vexBytes(row: Row, places: Places): number[] {
  const { map, prefix, w } = row.encoding;
  const vvvv = places.vvvv === undefined ? 0 : places.vvvv.number;
  return [
    0xc4,
    ((~extensionBits(places) & 7) << 5) | VEX_MAPS[map],
    (w === 1 ? 0x80 : 0) | ((~vvvv & 15) << 3) | VEX_PREFIXES[prefix],
  ];
}

function modRmBytes(row: Row, places: Places, context: EncodingContext, addressSize: number): number[] {
  const { hasModRm, digit, rm: literal } = row.encoding;
  if (!hasModRm) return [];
  const reg = digit >= 0 ? digit : codeOf(places.reg) & 7;
  const { rm } = places;
  if (rm?.kind !== "memory") return [0xc0 | (reg << 3) | (literal >= 0 ? literal : codeOf(rm) & 7)];
  const wide = context.wide === true;
  return addressSize === 2 ? address16(rm, reg, wide) : address32(rm, reg, context.mode, wide);
}

/** Does writing this memory need a segment prefix? In 64-bit code only FS and GS mean anything. */
function segmentPrefix(memory: MemoryOperand | undefined, row: Row, mode: CodeMode): number[] {
  if (memory === undefined) return [];
  const isImplied = row.forms.some((form) => form.segment === "DS");
  const plain = isImplied ? SEGMENT.DS : defaultSegment(memory.base);
  if (memory.segment === plain || (mode === 64 && memory.segment < SEGMENT.FS)) return [];
  return [SEGMENT_PREFIXES[memory.segment]!];
}

/** Bytes of an instruction. The row must be valid in the mode and the operands of its forms. */
export function encode(row: Row, operands: readonly Operand[], context: EncodingContext): number[] {
  const { mode } = context;
  const { encoding } = row;
  const addressSize = context.addressSize ?? plainAddressSize(mode);
  const operandSize = context.operandSize ?? chosenOperandSize(row, mode);
  invariant(operandSize !== undefined, `${row.opcode} is not for ${mode}-bit code`);
  const places = sortOperands(row, operands, addressSize);
  const isLong = operandSize === 8 && plainOperandSize(row, mode) !== 8;
  const bytes: number[] = segmentPrefix(places.memory, row, mode);
  if (addressSize !== plainAddressSize(mode)) bytes.push(0x67);
  if (context.lock === true) bytes.push(0xf0);
  if (context.repeat === "rep") bytes.push(0xf3);
  if (context.repeat === "repne") bytes.push(0xf2);
  if (operandSize !== plainOperandSize(row, mode) && !isLong) bytes.push(0x66);
  if (encoding.vex) bytes.push(...vexBytes(row, places));
  else {
    bytes.push(...MANDATORY[encoding.prefix]);
    const rex = extensionBits(places) | (isLong || encoding.w === 1 ? 8 : 0);
    if (rex !== 0 || places.needsRex) bytes.push(0x40 | rex);
    bytes.push(...MAPS[encoding.map]);
  }
  bytes.push(encoding.opcode | (encoding.opcodeRegister ? codeOf(places.opcode) & 7 : 0));
  bytes.push(...modRmBytes(row, places, context, addressSize), ...places.immediates);
  return bytes;
}

/** Do the operands agree on a REX prefix? AH and its like exist only without one, R8 and SPL only with one. */
export function hasRexConflict(row: Row, operands: readonly Operand[]): boolean {
  const places = sortOperands(row, operands, 4);
  const wantsRex = places.needsRex || row.encoding.w === 1 || extensionBits(places) !== 0;
  return places.forbidsRex && wantsRex;
}
