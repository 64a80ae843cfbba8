/** What interceptions of both vendors look up of an instruction that may leave its guest. */
import type { Instruction } from "../x86/instruction.js";

/** MOV is several instructions. */
const MOVES: ReadonlySet<string> = new Set(["control-register", "debug-register"]);

/** By which name an interception knows an instruction: its mnemonic, but `MOV control-register` and `MOV debug-register`. */
export function leavingName({ row }: Instruction): string {
  return row.mnemonic === "MOV" && MOVES.has(row.event) ? `MOV ${row.event}` : row.mnemonic;
}

/** Bytes of a port access: the accumulator's, or those of the string's element. */
export function portSizeOf(instruction: Instruction, isIn: boolean): number {
  const memory = instruction.operands.find((operand) => operand.kind === "memory");
  const operand = memory ?? instruction.operands[isIn ? 0 : 1]!;
  return operand.kind === "register" || operand.kind === "memory" ? operand.size : 1;
}
