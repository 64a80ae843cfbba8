/** Instructions that load segment registers: MOV, POP, LDS and its like; and the bases of FS and GS (SDM vol. 2). */
import type { Instruction } from "../../x86/instruction.js";
import { CR4 } from "../control-bits.js";
import { type Core, SHADOW } from "../core.js";
import { generalProtection, undefinedOpcode } from "../fault.js";
import { readOperand, registerOperand, writeOperand } from "../operands.js";
import { BASE, CR4_WORD, KERNEL_GS_BASE, segmentWord } from "../places.js";
import { loadSelector } from "../segment-load.js";
import { CS, DS, ES, FS, GS, SS } from "../state.js";
import { readFarPointer } from "../transfers/far-pointer.js";

/** Loads a segment register by an instruction: SS keeps interrupts and traps away from the next one (SDM vol. 3, 6.8.3). */
function load(core: Core, segment: number, selector: number): void {
  loadSelector(core, segment, selector);
  if (segment === SS) core.shadow = SHADOW.interruptsAndTraps;
  core.refreshMode();
}

export function moveToSegment(core: Core, instruction: Instruction): void {
  const segment = registerOperand(instruction, 0);
  if (segment === CS || segment > GS) throw undefinedOpcode();
  load(core, segment, readOperand(core, instruction, 1, 2));
}

export function popSegment(core: Core, instruction: Instruction): void {
  const { stack } = core;
  const { operandSize } = instruction;
  stack.useCurrent();
  stack.view(1, operandSize);
  const selector = stack.at(0) & 0xffff;
  stack.move(operandSize);
  load(core, registerOperand(instruction, 0), selector);
  stack.commit();
}

const loadFar =
  (segment: number) =>
  (core: Core, instruction: Instruction): void => {
    const selector = readFarPointer(core, instruction, 1);
    const { returnLow, returnHigh } = core.event;
    load(core, segment, selector);
    writeOperand(core, instruction, 0, returnLow, returnHigh);
  };

export const loadEs = loadFar(ES);
export const loadSs = loadFar(SS);
export const loadDs = loadFar(DS);
export const loadFs = loadFar(FS);
export const loadGs = loadFar(GS);

/** Exchanges GS's base with IA32_KERNEL_GS_BASE. */
export function swapGs(core: Core): void {
  const { words } = core;
  const at = segmentWord(GS) + BASE;
  for (let half = 0; half < 2; half++) {
    const base = words[at + half]!;
    words[at + half] = words[KERNEL_GS_BASE + half]!;
    words[KERNEL_GS_BASE + half] = base;
  }
}

function checkBaseInstructions(core: Core): void {
  if ((core.words[CR4_WORD]! & CR4.FSGSBASE) === 0) throw undefinedOpcode();
}

const readBase =
  (segment: number) =>
  (core: Core, instruction: Instruction): void => {
    checkBaseInstructions(core);
    const at = segmentWord(segment) + BASE;
    writeOperand(core, instruction, 0, core.words[at]!, core.words[at + 1]);
  };

const writeBase =
  (segment: number) =>
  (core: Core, instruction: Instruction): void => {
    checkBaseInstructions(core);
    const low = readOperand(core, instruction, 0);
    if (!core.isCanonical(core.high)) throw generalProtection();
    const at = segmentWord(segment) + BASE;
    core.words[at] = low;
    core.words[at + 1] = core.high;
  };

export const readFsBase = readBase(FS);
export const readGsBase = readBase(GS);
export const writeFsBase = writeBase(FS);
export const writeGsBase = writeBase(GS);
