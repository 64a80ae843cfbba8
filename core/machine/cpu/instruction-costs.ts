/** What instructions cost besides references and system work, from a CPU profile. */

import { inGrains } from "../../events/costs.js";
import { INSTRUCTION_CLASSES } from "../../events/instruction-classes.js";
import type { CpuProfile } from "../../events/profile.js";
import { costClassOf } from "../x86/cost-class.js";
import type { Instruction } from "../x86/instruction.js";

export interface InstructionCosts {
  /** Base cycles of an instruction: a multiple of 1/64, so that sums are exact in any order. */
  readonly costOf: (instruction: Instruction) => number;
  /** Cycles of one iteration of a repeated string instruction. */
  readonly iteration: number;
}

export function instructionCosts({ instructions }: CpuProfile): InstructionCosts {
  const byClass = new Map(INSTRUCTION_CLASSES.map((name) => [name, inGrains(instructions[name].value)]));
  return {
    costOf: (instruction) => byClass.get(costClassOf(instruction))!,
    iteration: byClass.get("string")!,
  };
}
