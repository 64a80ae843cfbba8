/** MOV between a general register and a control or debug register, taken apart for those who watch or emulate it. */
import type { Instruction } from "./instruction.js";

export interface RegisterMove {
  /** From the special register to the general one. */
  readonly isRead: boolean;
  /** Of the control or debug register. */
  readonly number: number;
  /** Of the general register. */
  readonly general: number;
}

/** Undefined for an instruction that is no such move. */
export function registerMoveOf(
  { operands }: Instruction,
  file: "control" | "debug",
): RegisterMove | undefined {
  const [to, from] = operands;
  if (to?.kind !== "register" || from?.kind !== "register") return undefined;
  if (from.file === file) return { isRead: true, number: from.number, general: to.number };
  if (to.file === file) return { isRead: false, number: to.number, general: from.number };
  return undefined;
}

/** Whether it is MOV to CR3. */
export function loadsCr3(instruction: Instruction): boolean {
  const move = registerMoveOf(instruction, "control");
  return move?.number === 3 && !move.isRead;
}
