/** Which instructions quick crossings may do, by the names of their handlers (crossings.ts). */
import { CS, SS } from "../../../cpu/state.js";
import type { Instruction } from "../../../x86/instruction.js";

export const CROSSINGS = ["INT", "INT3", "IRET4", "IRET8", "SYSCALL", "SYSRETQ", "MOV", "POP"] as const;
export type CrossingName = (typeof CROSSINGS)[number];

/** The handler of an instruction, undefined where there is none: SS casts a shadow, and widths that are rare are left out. */
export function crossingOf({ row, operandSize, operands }: Instruction): CrossingName | undefined {
  switch (row.mnemonic) {
    case "INT":
    case "INT3":
    case "SYSCALL":
    case "SYSRETQ":
      return row.mnemonic;
    case "IRET":
      return operandSize === 2 ? undefined : operandSize === 4 ? "IRET4" : "IRET8";
    case "MOV":
    case "POP": {
      const [to, from] = operands;
      if (row.event !== "segment-load" || to?.kind !== "register") return undefined;
      if (to.number === SS || to.number === CS) return undefined;
      if (row.mnemonic === "POP") return operandSize === 4 ? "POP" : undefined;
      return from?.kind === "register" ? "MOV" : undefined;
    }
    default:
      return undefined;
  }
}
