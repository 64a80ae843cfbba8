/**
 * Instructions to text: Intel syntax, lower case, as `objdump -M intel` and the manual write them.
 *
 *      lock cmpxchg qword ptr [rdi+rcx*8+0x10], rdx        jne 0x100042
 *      rep movsd                                           mov rax, qword ptr fs:[0x28]
 *
 * Memory always says its size; a segment is named where it is not the default. Assembling the text gives the same
 * instruction, if not always the same bytes: the longer of two encodings looks like the shorter.
 */
import {
  BASE_RIP,
  type ImmediateOperand,
  type Instruction,
  type MemoryOperand,
  NO_REGISTER,
  type Operand,
  SEGMENT,
} from "./instruction.js";
import type { OperandForm } from "./operand-form.js";
import { generalName, registerName, SEGMENT_NAMES } from "./registers.js";

export interface DisassemblyOptions {
  /** Where the instruction is. Without it branch targets are relative to it: "jmp $+0x10". */
  readonly address?: bigint;
  /** A name for an address that a branch or a RIP-relative operand refers to. */
  readonly symbol?: (address: bigint) => string | undefined;
}

/** Names of sizes in memory operands; other sizes (FXSAVE) have none. */
export const SIZE_NAMES: Readonly<Record<number, string>> = {
  1: "byte",
  2: "word",
  4: "dword",
  6: "fword",
  8: "qword",
  10: "tbyte",
  16: "xmmword",
};

const SP = 4;
const BP = 5;

/** Decimal up to nine, hexadecimal above. */
function hexText(value: bigint): string {
  return value < 10n ? value.toString() : `0x${value.toString(16)}`;
}

const signedText = (value: bigint): string => (value < 0n ? `-${hexText(-value)}` : hexText(value));

const wide = (low: number, high: number): bigint =>
  BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low >>> 0));

function immediateText(operand: ImmediateOperand, form: OperandForm): string {
  const value = wide(operand.value, operand.high);
  return form.kind === "signed-immediate"
    ? signedText(value)
    : hexText(BigInt.asUintN(operand.size * 8, value));
}

/** The segment that memory is in if nothing else is said. */
export function defaultSegment(base: number): number {
  return base === SP || base === BP ? SEGMENT.SS : SEGMENT.DS;
}

function memoryText(operand: MemoryOperand, instruction: Instruction, options: DisassemblyOptions): string {
  const { base, index, scale, segment } = operand;
  const { addressSize, length } = instruction;
  const displacement = wide(operand.displacement, operand.displacementHigh);
  const size = SIZE_NAMES[operand.size];
  const head = size === undefined ? "" : `${size} ptr `;
  const override = segment === defaultSegment(base) ? "" : `${SEGMENT_NAMES[segment]}:`;
  const terms: string[] = [];
  if (base === BASE_RIP) terms.push(addressSize === 8 ? "rip" : "eip");
  else if (base !== NO_REGISTER) terms.push(generalName(base, addressSize));
  if (index !== NO_REGISTER) terms.push(generalName(index, addressSize) + (scale === 1 ? "" : `*${scale}`));
  if (terms.length === 0)
    return `${head}${override}[${hexText(BigInt.asUintN(addressSize * 8, displacement))}]`;
  let text = terms.join("+");
  const target = (options.address ?? 0n) + BigInt(length) + displacement;
  const name = base === BASE_RIP && options.address !== undefined ? options.symbol?.(target) : undefined;
  if (name !== undefined) text += `+${name}`;
  else if (displacement !== 0n)
    text += displacement < 0n ? signedText(displacement) : `+${hexText(displacement)}`;
  return `${head}${override}[${text}]`;
}

function relativeText(displacement: number, instruction: Instruction, options: DisassemblyOptions): string {
  const distance = BigInt(instruction.length + displacement);
  if (options.address === undefined)
    return distance < 0n ? `$${signedText(distance)}` : `$+${hexText(distance)}`;
  const target = BigInt.asUintN(instruction.operandSize * 8, options.address + distance);
  return options.symbol?.(target) ?? `0x${target.toString(16)}`;
}

function operandText(
  operand: Operand,
  form: OperandForm,
  instruction: Instruction,
  options: DisassemblyOptions,
): string {
  switch (operand.kind) {
    case "register":
      return registerName(operand);
    case "memory":
      return memoryText(operand, instruction, options);
    case "immediate":
      return immediateText(operand, form);
    case "relative":
      return relativeText(operand.displacement, instruction, options);
    case "far":
      return `0x${operand.selector.toString(16)}:0x${operand.offset.toString(16)}`;
  }
}

/** Which operands are written: string instructions say none, unless a segment is overridden; then all. */
function shownForms(instruction: Instruction): readonly OperandForm[] {
  const { forms } = instruction.row;
  const isOverridden = (form: OperandForm, at: number): boolean =>
    form.segment === "DS" && (instruction.operands[at] as MemoryOperand).segment !== SEGMENT.DS;
  if (forms.some(isOverridden)) return forms;
  const isMentioned = (form: OperandForm): boolean => form.text.startsWith("<");
  if (forms.some((form) => form.kind === "string" && !isMentioned(form))) return [];
  return forms.filter((form) => !isMentioned(form));
}

/** The text of an instruction, without its address or bytes. */
export function disassemble(instruction: Instruction, options: DisassemblyOptions = {}): string {
  const { row, lock, repeat, operands } = instruction;
  let head = lock ? "lock " : "";
  if (repeat !== "") head += row.repeat === "repz" && repeat === "rep" ? "repe " : `${repeat} `;
  head += row.name;
  const texts = shownForms(instruction).map((form, at) =>
    operandText(operands[at]!, form, instruction, options),
  );
  return texts.length === 0 ? head : `${head} ${texts.join(", ")}`;
}
