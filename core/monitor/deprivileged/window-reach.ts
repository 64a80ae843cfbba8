/**
 * Whether an instruction may reach the monitor's window at the end of the address space. Where that takes more than a look at
 * operands and stack pointers, it may.
 */
import type { Gva } from "../../machine/address.js";
import type { Core } from "../../machine/cpu/core.js";
import { linearAddress, linearOfOperand } from "../../machine/cpu/operands.js";
import { GENERAL, RSP } from "../../machine/cpu/places.js";
import { SS } from "../../machine/cpu/state.js";
import type { Instruction } from "../../machine/x86/instruction.js";
import { LONG_WINDOW_BASE, WINDOW_BASE } from "./window.js";

const RBP = 5;
/** More than an instruction reads or writes on the stack: ENTER with all its levels has 33 items. */
const STACK_REACH = 512;

/** @param core with the registers as they are before the instruction, and RIP of the next one noted in it. */
export function mayReachWindow(core: Core, instruction: Instruction): boolean {
  if (isStackNearWindow(core) || mayReferToWindow(core, instruction)) return true;
  return BY_FRAME_POINTER.has(instruction.row.mnemonic) && isNearWindow(core, RBP);
}

/** The same of its operands alone. */
export function mayReferToWindow(core: Core, instruction: Instruction): boolean {
  return instruction.operands.some((operand) => {
    if (operand.kind !== "memory") return false;
    if (isFarReaching(instruction)) return true;
    return isInWindow(core, linearOfOperand(core, instruction, operand), operand.size);
  });
}

/** Whether what is next on the stack may be there. */
export const isStackNearWindow = (core: Core): boolean => isNearWindow(core, RSP);

/** @param register that points to the stack. */
function isNearWindow(core: Core, register: number): boolean {
  const at = GENERAL + 2 * register;
  const first = linearAddress(core, SS, core.words[at]!, core.words[at + 1]!) - STACK_REACH;
  return isInWindow(core, core.is64BitCode ? first : first >>> 0, 2 * STACK_REACH);
}

function isInWindow(core: Core, linear: Gva, bytes: number): boolean {
  if (!core.is64BitCode) return linear + bytes > WINDOW_BASE;
  return linear < 0 && linear + bytes > LONG_WINDOW_BASE;
}

const isFarReaching = ({ row }: Instruction): boolean =>
  FAR_REACHING.has(row.mnemonic) || row.forms.some(({ kind }) => kind === "string");

const BY_FRAME_POINTER: ReadonlySet<string> = new Set(["ENTER", "LEAVE"]);

/** A register says how far from their operand they go. */
const FAR_REACHING: ReadonlySet<string> = new Set([
  "BT",
  "BTS",
  "BTR",
  "BTC",
  "XLAT",
  "MASKMOVQ",
  "MASKMOVDQU",
]);
