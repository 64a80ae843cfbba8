/** Flags that an instruction leaves undefined in one case: its row's, narrowed by the count of a shift or rotate. */
import { FLAG, STATUS_FLAGS } from "../../x86/flags.js";
import type { Instruction } from "../../x86/instruction.js";
import type { MachineState } from "./state.js";

/** Instructions with a count, of which 0 changes no flag and 1 defines OF (Intel SDM vol. 2 by name). */
const ROTATES = ["ROL", "ROR", "RCL", "RCR"];
const SHIFTS = ["SHL", "SHR", "SAR"];
const DOUBLE_SHIFTS = ["SHLD", "SHRD"];

const CX = 1;
const COUNT_MASK = 31;
const COUNT_MASK_64 = 63;

/** The count as the processor masks it. */
function countOf(instruction: Instruction, size: number, initial: MachineState): number {
  const last = instruction.operands.at(-1)!;
  const count = last.kind === "immediate" ? last.value : Number(initial.general[CX]! & 0xffn);
  return count & (size === 8 ? COUNT_MASK_64 : COUNT_MASK);
}

function sizeOf(instruction: Instruction): number {
  const first = instruction.operands[0]!;
  return first.kind === "register" || first.kind === "memory" ? first.size : instruction.operandSize;
}

/** A mask over EFLAGS; 0 where the instruction faults, since then it has changed nothing. */
export function undefinedFlags(instruction: Instruction, initial: MachineState, faults: boolean): number {
  const { mnemonic, flagsUndefined } = instruction.row;
  if (faults) return 0;
  const rotate = ROTATES.includes(mnemonic);
  const shift = SHIFTS.includes(mnemonic);
  const double = DOUBLE_SHIFTS.includes(mnemonic);
  if (!rotate && !shift && !double) return flagsUndefined;

  const size = sizeOf(instruction);
  const count = countOf(instruction, size, initial);
  if (count === 0) return 0;
  const overflow = count === 1 ? 0 : FLAG.OF;
  if (rotate) return overflow;
  if (double) return count > size * 8 ? STATUS_FLAGS : overflow | FLAG.AF;
  // The last bit out is beyond the operand; SAR repeats the sign.
  const carry = mnemonic !== "SAR" && count >= size * 8 ? FLAG.CF : 0;
  return overflow | FLAG.AF | carry;
}
