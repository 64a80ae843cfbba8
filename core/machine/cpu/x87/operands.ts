/** What an x87 instruction computes with: registers, and memory in the formats of its row's notation (m32fp, m16int, …). */
import type { Instruction } from "../../x86/instruction.js";
import type { Core } from "../core.js";
import { DOUBLE, type Extended, type Format, SINGLE, unpack } from "../floating/formats.js";
import { finite, type Real, zero } from "../floating/number.js";
import { loadOperand } from "./memory.js";
import { read } from "./registers.js";

/** Number of a stack register operand; ST(0) where the row names none. */
export function stackIndex({ operands }: Instruction, index: number): number {
  const operand = operands[index];
  return operand?.kind === "register" ? operand.number : 0;
}

export const isMemory = ({ operands }: Instruction, index: number): boolean =>
  operands[index]?.kind === "memory";

export const hasIntegers = ({ row }: Instruction, index: number): boolean =>
  row.syntax[index]!.endsWith("int");

/** Single or double format of a memory operand. */
export const formatOf = ({ operands }: Instruction, index: number): Format =>
  operands[index]!.size === SINGLE.bytes ? SINGLE : DOUBLE;

export const integerAsReal = (integer: bigint): Real =>
  integer === 0n ? zero(false) : finite(integer < 0n, integer < 0n ? -integer : integer, 0);

/** A float or integer of 2, 4 or 8 bytes in memory. */
export function loadReal(core: Core, instruction: Instruction, index: number): Real {
  const bits = loadOperand(core, instruction, index);
  if (!hasIntegers(instruction, index)) return unpack(formatOf(instruction, index), bits);
  return integerAsReal(BigInt.asIntN(instruction.operands[index]!.size * 8, bits));
}

/** Value of a register or memory operand; the caller has asked whether the register is empty. */
export const readValue = (core: Core, instruction: Instruction, index: number): Real =>
  isMemory(instruction, index)
    ? loadReal(core, instruction, index)
    : read(core, stackIndex(instruction, index));

/** An encoding whose sign is another. */
export const withSignBit = ({ significand, signExponent }: Extended, sign: number): Extended => ({
  significand,
  signExponent: (signExponent & ~SIGN_BIT) | sign,
});
export const SIGN_BIT = 0x8000;
