/** The class by which an instruction's base cost is found (events/instruction-classes.ts). */
import { INSTRUCTION_CLASSES, type InstructionClass } from "../../events/instruction-classes.js";
import type { Instruction } from "./instruction.js";

export const COST_CLASSES = INSTRUCTION_CLASSES;
export type CostClass = InstructionClass;

/** Class of an instruction: LOCK, and XCHG with memory without it, are atomic; moves with memory load or store. */
export function costClassOf({ row, lock, operands }: Instruction): CostClass {
  const [destination, source] = operands;
  const stores = destination?.kind === "memory";
  const loads = source?.kind === "memory";
  if (lock || (row.mnemonic === "XCHG" && stores)) return "atomic";
  if (row.costClass !== "move" && row.costClass !== "sse-move") return row.costClass;
  return stores ? "store" : loads ? "load" : row.costClass;
}
