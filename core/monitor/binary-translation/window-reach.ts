/**
 * Whether an instruction that is executed in the guest's stead may reach the monitor's window: in 64-bit mode, at CPL 0, nothing
 * else keeps it away; in 32-bit code nothing does by CS. Where that takes more than a look at operands and stack pointers, it may.
 */
import { addressOf, type Gva } from "../../machine/address.js";
import type { Core } from "../../machine/cpu/core.js";
import { linearOfOperand } from "../../machine/cpu/operands.js";
import { GENERAL, RSP } from "../../machine/cpu/places.js";
import { type Instruction, type Operand, SEGMENT } from "../../machine/x86/instruction.js";
import { LONG_WINDOW_BASE, WINDOW_BASE } from "../deprivileged/window.js";

const RBP = 5;
/** More than an instruction reads or writes on the stack: ENTER with all its levels has 33 items. */
const STACK_REACH = 512;

/** @param core with the registers as they are before the instruction, and RIP of the next one noted in it. */
export function mayReachWindow(core: Core, instruction: Instruction): boolean {
  const { operands } = instruction;
  if (!core.isLong) return operands.some((operand) => isInByCode(core, instruction, operand));
  if (isFarReaching(instruction)) return true;
  for (const register of [RSP, RBP]) {
    const at = GENERAL + 2 * register;
    const pointer = addressOf(core.words[at + 1]!, core.words[at]!);
    if (pointer >= LONG_WINDOW_BASE - STACK_REACH && pointer < STACK_REACH) return true;
  }
  return operands.some((operand) => isIn(core, instruction, operand));
}

/** In 32-bit code: the other segments end where the window begins. */
function isInByCode(core: Core, instruction: Instruction, operand: Operand): boolean {
  if (operand.kind !== "memory" || operand.segment !== SEGMENT.CS) return false;
  if (isFarReaching(instruction)) return true;
  return linearOfOperand(core, instruction, operand) + operand.size > WINDOW_BASE;
}

function isIn(core: Core, instruction: Instruction, operand: Operand): boolean {
  if (operand.kind !== "memory") return false;
  const linear: Gva = linearOfOperand(core, instruction, operand);
  return linear < 0 && linear + operand.size > LONG_WINDOW_BASE;
}

const isFarReaching = ({ row }: Instruction): boolean =>
  FAR_REACHING.has(row.mnemonic) || row.forms.some(({ kind }) => kind === "string");

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
