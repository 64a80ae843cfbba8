/**
 * Operands of a decoded instruction: effective addresses (SDM vol. 1, 3.7.5), reading and writing. Values are int32, with
 * the high half of 8 bytes in `core.high`.
 */
import { invariant } from "../../util/errors.js";
import { addressOf, type Gva, highHalf, lowHalf } from "../address.js";
import { BASE_RIP, type Instruction, type MemoryOperand, NO_REGISTER } from "../x86/instruction.js";
import type { Core } from "./core.js";
import { loadFrom, storeTo } from "./linear.js";
import { BASE, GENERAL, segmentWord } from "./places.js";
import { FS } from "./state.js";

/** The offset that a memory operand addresses, truncated to the address size; the high half is left in `core.high`. */
export function effectiveAddress(core: Core, instruction: Instruction, operand: MemoryOperand): number {
  const { words } = core;
  let low = operand.displacement;
  let high = operand.displacementHigh;
  if (operand.index !== NO_REGISTER) {
    const shift = 31 - Math.clz32(operand.scale);
    const indexLow = words[GENERAL + 2 * operand.index]!;
    const indexHigh = words[GENERAL + 2 * operand.index + 1]!;
    const upper = shift === 0 ? indexHigh : (indexHigh << shift) | (indexLow >>> (32 - shift));
    const sum = (low + (indexLow << shift)) | 0;
    high = (high + upper + (sum >>> 0 < low >>> 0 ? 1 : 0)) | 0;
    low = sum;
  }
  if (operand.base !== NO_REGISTER) {
    const isRip = operand.base === BASE_RIP;
    const baseLow = isRip ? core.nextLow : words[GENERAL + 2 * operand.base]!;
    const baseHigh = isRip ? core.nextHigh : words[GENERAL + 2 * operand.base + 1]!;
    const sum = (low + baseLow) | 0;
    high = (high + baseHigh + (sum >>> 0 < low >>> 0 ? 1 : 0)) | 0;
    low = sum;
  }
  core.high = instruction.addressSize === 8 ? high : 0;
  return instruction.addressSize === 2 ? low & 0xffff : low;
}

/** The linear address of an offset in a segment; neither limits nor rights are looked at. */
export function linearAddress(core: Core, segment: number, low: number, high: number): Gva {
  const at = segmentWord(segment);
  if (!core.is64BitCode) return addressOf(0, (low + core.words[at + BASE]!) | 0);
  const base = segment >= FS ? addressOf(core.words[at + BASE + 1]!, core.words[at + BASE]!) : 0;
  const linear = base + addressOf(high, low);
  return addressOf(highHalf(linear), lowHalf(linear));
}

/** The linear address of a memory operand, unchecked. */
export function linearOfOperand(core: Core, instruction: Instruction, operand: MemoryOperand): Gva {
  const offset = effectiveAddress(core, instruction, operand);
  return linearAddress(core, operand.segment, offset, core.high);
}

export function memoryOperand(instruction: Instruction, index: number): MemoryOperand {
  const operand = instruction.operands[index];
  invariant(operand?.kind === "memory", "the operand is memory", () => instruction.row.name);
  return operand;
}

/** Number of a register operand. */
export function registerOperand(instruction: Instruction, index: number): number {
  const operand = instruction.operands[index];
  invariant(operand?.kind === "register", "the operand is a register", () => instruction.row.name);
  return operand.number;
}

/** Value of a register, memory or immediate operand; memory has `bytes`, a register its own size unless given. */
export function readOperand(core: Core, instruction: Instruction, index: number, bytes?: number): number {
  const operand = instruction.operands[index]!;
  switch (operand.kind) {
    case "register":
      return core.register(operand.number, bytes ?? operand.size);
    case "memory": {
      const low = effectiveAddress(core, instruction, operand);
      return loadFrom(core, operand.segment, low, core.high, bytes ?? operand.size);
    }
    case "immediate":
      core.high = operand.high;
      return operand.value;
    default:
      throw new Error(`an operand of ${instruction.row.name} has no value`);
  }
}

/** Sets a register or memory operand. A register operand is written in its own size, memory in its. */
export function writeOperand(
  core: Core,
  instruction: Instruction,
  index: number,
  low: number,
  high = 0,
): void {
  const operand = instruction.operands[index]!;
  if (operand.kind === "register") core.setRegister(operand.number, operand.size, low, high);
  else {
    const memory = memoryOperand(instruction, index);
    const offset = effectiveAddress(core, instruction, memory);
    storeTo(core, memory.segment, offset, core.high, memory.size, low, high);
  }
}
