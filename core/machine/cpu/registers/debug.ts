/**
 * Debug registers (SDM vol. 3, 18.2; vol. 2, MOV—Move to/from Debug Registers) and the debug exception's cause. What breakpoints
 * on addresses mean is in breakpoints.ts.
 */
import type { Instruction } from "../../x86/instruction.js";
import {
  CR4,
  DR6,
  DR6_BREAKPOINTS,
  DR6_FIXED,
  DR6_WRITABLE,
  DR7_FIXED,
  DR7_GD,
  DR7_WRITABLE,
} from "../control-bits.js";
import type { Core } from "../core.js";
import { GuestFault, generalProtection, undefinedOpcode } from "../fault.js";
import { readOperand, registerOperand, writeOperand } from "../operands.js";
import { CR4_WORD, DEBUG, DR6_WORD, DR7_WORD } from "../places.js";
import { EXCEPTION } from "../state.js";

/** DR4 and DR5 stand for DR6 and DR7 unless CR4.DE; general detect faults before the access. */
function select(core: Core, number: number): number {
  const { words } = core;
  if (number > 7 || ((number === 4 || number === 5) && (words[CR4_WORD]! & CR4.DE) !== 0))
    throw undefinedOpcode();
  if ((words[DR7_WORD]! & DR7_GD) !== 0) {
    noteDebugCause(core, DR6.BD);
    words[DR7_WORD] = words[DR7_WORD]! & ~DR7_GD;
    throw new GuestFault(EXCEPTION.DB, 0);
  }
  return number === 4 || number === 5 ? number + 2 : number;
}

/**
 * Sets a cause in DR6, where they add up until software clears them. But bits 3..0 are those of the last breakpoint: SDM vol. 3,
 * 18.2.3, has them cleared by "certain debug exceptions", and Linux' KVM takes it so (DR_TRAP_BITS).
 */
export function noteDebugCause(core: Core, cause: number): void {
  const kept = (cause & DR6_BREAKPOINTS) === 0 ? -1 : ~DR6_BREAKPOINTS;
  core.words[DR6_WORD] = (core.words[DR6_WORD]! & kept) | cause;
}

export function moveToDebug(core: Core, instruction: Instruction): void {
  const { words } = core;
  const number = select(core, registerOperand(instruction, 0));
  const low = readOperand(core, instruction, 1);
  const { high } = core;
  if (number >= 6 && high !== 0) throw generalProtection();
  if (number === 6) words[DR6_WORD] = (low & DR6_WRITABLE) | DR6_FIXED;
  else if (number === 7) {
    words[DR7_WORD] = (low & DR7_WRITABLE) | DR7_FIXED;
    core.refreshMode();
  } else {
    words[DEBUG + 2 * number] = low;
    words[DEBUG + 2 * number + 1] = high;
  }
}

export function moveFromDebug(core: Core, instruction: Instruction): void {
  const { words } = core;
  const number = select(core, registerOperand(instruction, 1));
  const at = number === 6 ? DR6_WORD : number === 7 ? DR7_WORD : DEBUG + 2 * number;
  writeOperand(core, instruction, 0, words[at]!, words[at + 1]);
}
