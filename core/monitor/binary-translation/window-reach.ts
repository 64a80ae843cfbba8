/**
 * Whether an instruction may reach the monitor's window at the end of a 64-bit address space: what is executed at CPL 0 in the
 * guest's stead is kept from it by nothing else. Where that takes more than a look at operands and stack pointers, it may.
 */
import { addressOf, type Gva } from "../../machine/address.js";
import type { Core } from "../../machine/cpu/core.js";
import { linearOfOperand } from "../../machine/cpu/operands.js";
import { GENERAL, RSP } from "../../machine/cpu/places.js";
import type { Instruction, Operand } from "../../machine/x86/instruction.js";
import { LONG_WINDOW_BASE } from "../deprivileged/window.js";

const RBP = 5;
/** More than an instruction reads or writes on the stack: ENTER with all its levels has 33 items. */
const STACK_REACH = 512;

/** @param core with the registers as they are before the instruction, and RIP of the next one noted in it. */
export function mayReachWindow(core: Core, instruction: Instruction): boolean {
  const { row, operands } = instruction;
  if (FAR_REACHING.has(row.mnemonic) || row.forms.some(({ kind }) => kind === "string")) return true;
  for (const register of [RSP, RBP]) {
    const at = GENERAL + 2 * register;
    const pointer = addressOf(core.words[at + 1]!, core.words[at]!);
    if (pointer >= LONG_WINDOW_BASE - STACK_REACH && pointer < STACK_REACH) return true;
  }
  return operands.some((operand) => isIn(core, instruction, operand));
}

function isIn(core: Core, instruction: Instruction, operand: Operand): boolean {
  if (operand.kind !== "memory") return false;
  const linear: Gva = linearOfOperand(core, instruction, operand);
  return linear < 0 && linear + operand.size > LONG_WINDOW_BASE;
}

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
