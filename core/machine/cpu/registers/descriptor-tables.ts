/** GDTR, IDTR, LDTR and TR: LGDT, LIDT, LLDT, LTR, and the four that tell (SDM vol. 2; vol. 3, 2.4, 2.8.1). */
import type { Instruction } from "../../x86/instruction.js";
import type { Core } from "../core.js";
import { BUSY, isNull, SYSTEM_TYPE } from "../descriptor.js";
import { generalProtection, notPresent } from "../fault.js";
import { linearOf, loadFrom } from "../linear.js";
import { effectiveAddress, memoryOperand, readOperand, writeOperand } from "../operands.js";
import { GDTR_BASE, GDTR_LIMIT, IDTR_BASE, IDTR_LIMIT } from "../places.js";
import { loadNull, loadSystemSegment } from "../segments.js";
import { LDTR, TR } from "../state.js";
import { checkUserInstruction } from "./control.js";

const TI = 4;
/** A base of 16-bit operand size has 24 bits, as the 286 had. */
const NARROW_BASE = 0xff_ffff;

export const loadGdt = (core: Core, instruction: Instruction): void =>
  loadTable(core, instruction, GDTR_BASE, GDTR_LIMIT);
export const loadIdt = (core: Core, instruction: Instruction): void =>
  loadTable(core, instruction, IDTR_BASE, IDTR_LIMIT);
export const storeGdt = (core: Core, instruction: Instruction): void =>
  storeTable(core, instruction, GDTR_BASE, GDTR_LIMIT);
export const storeIdt = (core: Core, instruction: Instruction): void =>
  storeTable(core, instruction, IDTR_BASE, IDTR_LIMIT);

/** Limit (2 bytes), then the base (4, in 64-bit mode 8). */
function loadTable(core: Core, instruction: Instruction, base: number, limit: number): void {
  const operand = memoryOperand(instruction, 0);
  const low = effectiveAddress(core, instruction, operand);
  const { high } = core;
  const size = core.is64BitCode ? 8 : 4;
  const newLimit = loadFrom(core, operand.segment, low, high, 2);
  const next = (low + 2) | 0;
  const newBase = loadFrom(
    core,
    operand.segment,
    next,
    high + (next >>> 0 < low >>> 0 && size === 8 ? 1 : 0),
    size,
  );
  const newHigh = core.high;
  if (!core.isCanonical(newHigh)) throw generalProtection();
  core.words[base] = instruction.operandSize === 2 ? newBase & NARROW_BASE : newBase;
  core.words[base + 1] = newHigh;
  core.words[limit] = newLimit;
  core.forgetCrossings();
}

function storeTable(core: Core, instruction: Instruction, base: number, limit: number): void {
  checkUserInstruction(core);
  const operand = memoryOperand(instruction, 0);
  const offset = effectiveAddress(core, instruction, operand);
  const size = core.is64BitCode ? 8 : 4;
  const { memory, words, isUser } = core;
  const low = linearOf(core, operand.segment, offset, core.high, 2 + size, true);
  const { high } = core;
  memory.checkWrite(high, low, 2 + size, isUser);
  memory.write(high, low, 2, words[limit]!, isUser);
  const next = (low + 2) | 0;
  const nextHigh = next >>> 0 < low >>> 0 && size === 8 ? (high + 1) | 0 : high;
  if (size === 8) memory.write64(nextHigh, next, words[base]!, words[base + 1]!, isUser);
  else memory.write(nextHigh, next, 4, words[base]!, isUser);
}

export function loadLdt(core: Core, instruction: Instruction): void {
  const selector = readOperand(core, instruction, 0, 2);
  if (isNull(selector)) {
    loadNull(core, LDTR, selector);
    core.forgetCrossings();
    return;
  }
  const upper = fetchSystem(core, selector, SYSTEM_TYPE.ldt);
  loadSystemSegment(core, LDTR, selector, core.gate, upper);
}

export function loadTask(core: Core, instruction: Instruction): void {
  const selector = readOperand(core, instruction, 0, 2);
  if (isNull(selector)) throw generalProtection();
  const upper = fetchSystem(core, selector, SYSTEM_TYPE.tss32);
  core.gate.writeHigh(core.gate.high | (BUSY << 8));
  loadSystemSegment(core, TR, selector, core.gate, upper);
}

/** Fetches an LDT's or an available TSS's descriptor into `core.gate`; returns bits 63..32 of its base. */
function fetchSystem(core: Core, selector: number, wanted: number): number {
  const { gate, isLong } = core;
  if ((selector & TI) !== 0 || !gate.fetchSystem(selector)) throw generalProtection(selector);
  const type = gate.systemType;
  const isWanted = type === wanted || (wanted === SYSTEM_TYPE.tss32 && type === SYSTEM_TYPE.tss16 && !isLong);
  if (!isWanted) throw generalProtection(selector);
  if (!gate.isPresent) throw notPresent(selector);
  if (!isLong) return 0;
  const upper = gate.readUpper();
  if (!core.isCanonical(upper)) throw generalProtection(selector);
  return upper;
}

export const storeLdt = (core: Core, instruction: Instruction): void =>
  storeSelector(core, instruction, LDTR);
export const storeTask = (core: Core, instruction: Instruction): void => storeSelector(core, instruction, TR);

function storeSelector(core: Core, instruction: Instruction, segment: number): void {
  checkUserInstruction(core);
  writeOperand(core, instruction, 0, core.selector(segment));
}
