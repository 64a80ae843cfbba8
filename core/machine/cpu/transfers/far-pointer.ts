/** The far pointer of JMP and CALL: in the instruction, or in memory (offset first, then the selector). */
import type { Instruction } from "../../x86/instruction.js";
import type { Core } from "../core.js";
import { loadFrom } from "../linear.js";
import { effectiveAddress, memoryOperand } from "../operands.js";

/**
 * Reads a far pointer: returns the selector, and leaves the offset in `core.event` as the address to go to.
 * @param index number of the operand. Offsets have the instruction's operand size.
 */
export function readFarPointer(core: Core, instruction: Instruction, index: number): number {
  const { event } = core;
  const operand = instruction.operands[index]!;
  if (operand.kind === "far") {
    event.returnLow = operand.offset | 0;
    event.returnHigh = 0;
    return operand.selector;
  }
  const memory = memoryOperand(instruction, index);
  const size = instruction.operandSize;
  const low = effectiveAddress(core, instruction, memory);
  const high = core.high;
  const offset = loadFrom(core, memory.segment, low, high, size);
  const offsetHigh = core.high;
  let next = (low + size) | 0;
  const nextHigh = instruction.addressSize === 8 ? (high + (next >>> 0 < low >>> 0 ? 1 : 0)) | 0 : 0;
  if (instruction.addressSize === 2) next &= 0xffff;
  const selector = loadFrom(core, memory.segment, next, nextHigh, 2);
  event.returnLow = offset;
  event.returnHigh = offsetHigh;
  return selector;
}
