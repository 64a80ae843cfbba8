/** Which instructions quick crossings may do, by the names of their handlers (crossings.ts). */
import { CS, SS } from "../../../cpu/state.js";
import type { Instruction } from "../../../x86/instruction.js";

// biome-ignore format: a list
export const CROSSINGS = [
  "INT", "INT3", "IRET4", "IRET8", "SYSCALL", "SYSRETQ", "SWAPGS", "MOV", "POP", "CR0", "CR2", "CR3", "CR4", "RDTSC",
  "INVLPG4", "INVLPG8",
] as const;
export type CrossingName = (typeof CROSSINGS)[number];

/**
 * Those of kernels that are not at CPL 0, below a monitor that wants to see all else: MOV and POP of data segments leave nowhere
 * and enter nothing.
 */
export const DEPRIVILEGED_CROSSINGS: readonly CrossingName[] = ["MOV", "POP"];
/** Those under shadow paging with hardware assistance, where MOV from CR3 and INVLPG leave. */
export const SHADOWED_CROSSINGS: readonly CrossingName[] = CROSSINGS.filter(
  (name) => name !== "CR3" && !name.startsWith("INVLPG"),
);

/** The handler of an instruction, undefined where there is none: SS casts a shadow, and widths that are rare are left out. */
export function crossingOf({
  row,
  operandSize,
  addressSize,
  operands,
}: Instruction): CrossingName | undefined {
  switch (row.mnemonic) {
    case "INT":
    case "INT3":
    case "SYSCALL":
    case "SYSRETQ":
    case "SWAPGS":
    case "RDTSC":
      return row.mnemonic;
    case "INVLPG":
      return addressSize === 2 ? undefined : addressSize === 4 ? "INVLPG4" : "INVLPG8";
    case "IRET":
      return operandSize === 2 ? undefined : operandSize === 4 ? "IRET4" : "IRET8";
    case "MOV":
    case "POP": {
      const [to, from] = operands;
      if (from?.kind === "register" && from.file === "control") return controlRead(from.number);
      if (row.event !== "segment-load" || to?.kind !== "register") return undefined;
      if (to.number === SS || to.number === CS) return undefined;
      if (row.mnemonic === "POP") return operandSize === 4 ? "POP" : undefined;
      return from?.kind === "register" ? "MOV" : undefined;
    }
    default:
      return undefined;
  }
}

/** MOV from a control register; CR8 is the local APIC's. */
function controlRead(number: number): CrossingName | undefined {
  return ([0, 2, 3, 4] as const).includes(number as 0) ? (`CR${number}` as CrossingName) : undefined;
}
