/** What instructions cost besides references and system work, from a CPU profile. */
import type { CpuProfile } from "../../events/profile.js";
import type { Instruction } from "../x86/instruction.js";

export interface InstructionCosts {
  /** Base cycles of an instruction: a multiple of 1/64, so that sums are exact in any order. */
  readonly costOf: (instruction: Instruction) => number;
  /** Cycles of one iteration of a repeated string instruction. */
  readonly iteration: number;
}

export function instructionCosts(_profile: CpuProfile): InstructionCosts {
  return { costOf: () => 1, iteration: 1 };
}
