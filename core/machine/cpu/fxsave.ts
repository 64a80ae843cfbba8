/**
 * FXSAVE and FXRSTOR: the x87 unit, MXCSR and the XMM registers in 512 bytes (Intel SDM vol. 1, 10.5; vol. 2, FXSAVE), and
 * LDMXCSR where the mode depends on what it loads.
 *
 *       0 control   2 status   4 abridged tags   6 opcode   8 instruction pointer   16 operand pointer   24 MXCSR   28 its mask
 *      32 ST(0) to ST(7), 16 bytes each         160 XMM0 to XMM15 (to XMM7 outside 64-bit code)
 *
 * The 64-bit format has pointers of 8 bytes; the other has 4 bytes and a selector, which is 0 here (x87/control.ts). Bytes
 * beyond the registers are not written. Both are hot in a kernel's context switch: no BigInt, and no allocation where the
 * area is in one piece of RAM.
 */
import type { Instruction } from "../x86/instruction.js";
import type { Core } from "./core.js";
import { generalProtection } from "./fault.js";
import { SPAN_READ, SPAN_WRITE } from "./host.js";
import { isExactMxcsr, MXCSR_DEFINED } from "./mxcsr.js";
import { readOperand } from "./operands.js";
import { MXCSR_WORD } from "./places.js";
import { STATE } from "./state.js";
import { setControl, setStatus } from "./x87/control.js";
import { Area } from "./x87/memory.js";
import { CONTROL_WORD, checkAvailable, STATUS_WORD, TAGS_WORD, topOf } from "./x87/registers.js";

const AREA_BYTES = 512;
const ALIGNMENT = 16;

/** Words of the area. */
const CONTROL_AND_STATUS = 0;
const TAGS_AND_OPCODE = 1;
const POINTER = 2;
const DATA = 4;
const MXCSR = 6;
const MXCSR_MASK = 7;
const STACK = 8;
const XMM = 40;
const REGISTER_WORDS = 4;
const STACK_REGISTERS = 8;

const X87 = STATE.x87 / 4;
const XMM_STATE = STATE.xmm / 4;
const X87_POINTER = STATE.x87Pointer / 4;
const X87_DATA = STATE.x87Data / 4;
const X87_OPCODE = STATE.x87Opcode / 4;

const xmmWords = (core: Core): number => (core.is64BitCode ? 16 : 8) * REGISTER_WORDS;
const isLongFormat = ({ row }: Instruction): boolean => row.encoding.w === 1;

/** The area that the operand names. @throws GuestFault #GP(0) where it is not aligned. */
function areaOf(core: Core, instruction: Instruction, isWrite: boolean): Area {
  checkAvailable(core);
  const area = new Area(core, instruction, AREA_BYTES, 1, isWrite);
  if ((area.low & (ALIGNMENT - 1)) !== 0) throw generalProtection();
  return area;
}

/** First word of ST(index) in the state. */
const stackWord = (core: Core, index: number): number =>
  X87 + ((topOf(core) + index) & (STACK_REGISTERS - 1)) * REGISTER_WORDS;

/** Writes the area's words from an index on. */
function fill(core: Core, instruction: Instruction, words: Int32Array, at: number): void {
  const state = core.words;
  const isLong = isLongFormat(instruction);
  words[at + CONTROL_AND_STATUS] = (state[CONTROL_WORD]! & 0xffff) | (state[STATUS_WORD]! << 16);
  words[at + TAGS_AND_OPCODE] = (state[TAGS_WORD]! & 0xff) | (state[X87_OPCODE]! << 16);
  words[at + POINTER] = state[X87_POINTER]!;
  words[at + POINTER + 1] = isLong ? state[X87_POINTER + 1]! : 0;
  words[at + DATA] = state[X87_DATA]!;
  words[at + DATA + 1] = isLong ? state[X87_DATA + 1]! : 0;
  words[at + MXCSR] = state[MXCSR_WORD]!;
  words[at + MXCSR_MASK] = MXCSR_DEFINED;
  for (let index = 0; index < STACK_REGISTERS; index++) {
    const to = at + STACK + index * REGISTER_WORDS;
    const from = stackWord(core, index);
    words[to] = state[from]!;
    words[to + 1] = state[from + 1]!;
    words[to + 2] = state[from + 2]! & 0xffff;
    words[to + 3] = 0;
  }
  const count = xmmWords(core);
  for (let word = 0; word < count; word++) words[at + XMM + word] = state[XMM_STATE + word]!;
}

function save(core: Core, instruction: Instruction): void {
  const { memory, isUser } = core;
  const area = areaOf(core, instruction, true);
  const place = memory.span(area.high, area.low, AREA_BYTES, SPAN_WRITE, isUser);
  if (place >= 0) {
    fill(core, instruction, memory.words, place);
    return;
  }
  const image = new Int32Array(XMM + xmmWords(core));
  fill(core, instruction, image, 0);
  for (const [word, value] of image.entries()) area.store(word * 4, 4, value);
}

function take(core: Core, instruction: Instruction, words: Int32Array, at: number): void {
  const state = core.words;
  const mxcsr = words[at + MXCSR]!;
  if ((mxcsr & ~MXCSR_DEFINED) !== 0) throw generalProtection();
  const isLong = isLongFormat(instruction);
  setControl(core, words[at + CONTROL_AND_STATUS]! & 0xffff);
  setStatus(core, words[at + CONTROL_AND_STATUS]! >>> 16);
  state[TAGS_WORD] = words[at + TAGS_AND_OPCODE]! & 0xff;
  state[X87_OPCODE] = words[at + TAGS_AND_OPCODE]! >>> 16;
  state[X87_POINTER] = words[at + POINTER]!;
  state[X87_POINTER + 1] = isLong ? words[at + POINTER + 1]! : 0;
  state[X87_DATA] = words[at + DATA]!;
  state[X87_DATA + 1] = isLong ? words[at + DATA + 1]! : 0;
  for (let index = 0; index < STACK_REGISTERS; index++) {
    const from = at + STACK + index * REGISTER_WORDS;
    const to = stackWord(core, index);
    state[to] = words[from]!;
    state[to + 1] = words[from + 1]!;
    state[to + 2] = words[from + 2]! & 0xffff;
  }
  const count = xmmWords(core);
  for (let word = 0; word < count; word++) state[XMM_STATE + word] = words[at + XMM + word]!;
  setMxcsr(core, mxcsr);
}

function restore(core: Core, instruction: Instruction): void {
  const { memory, isUser } = core;
  const area = areaOf(core, instruction, false);
  const place = memory.span(area.high, area.low, AREA_BYTES, SPAN_READ, isUser);
  if (place >= 0) {
    take(core, instruction, memory.words, place);
    return;
  }
  const image = Int32Array.from({ length: XMM + xmmWords(core) }, (_, word) => area.load(word * 4, 4));
  take(core, instruction, image, 0);
}

function setMxcsr(core: Core, value: number): void {
  const { words } = core;
  const changesMode = isExactMxcsr(words[MXCSR_WORD]!) !== isExactMxcsr(value);
  words[MXCSR_WORD] = value;
  if (changesMode) core.updateMode();
}

/** Engines do it themselves where the mode stays as it is, and have checked what needs CR0 and CR4. */
function loadMxcsr(core: Core, instruction: Instruction): void {
  const value = readOperand(core, instruction, 0, 4);
  if ((value & ~MXCSR_DEFINED) !== 0) throw generalProtection();
  setMxcsr(core, value);
}

/** Instructions on the state of SSE and x87 together, by mnemonic; RIP is still their own, and stays. */
export const SSE_STATE: Readonly<Record<string, (core: Core, instruction: Instruction) => void>> = {
  FXSAVE: save,
  FXSAVE64: save,
  FXRSTOR: restore,
  FXRSTOR64: restore,
  LDMXCSR: loadMxcsr,
};
