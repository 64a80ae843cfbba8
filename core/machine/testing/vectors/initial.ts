/**
 * The state a vector starts from, drawn from the code's bytes and the case's number, so that vectors store only what they
 * set on top of it and what comes out. The draws, in order: general registers, flags, XMM registers, the operand area, the
 * top of the stack, x87 registers. README.md says the same for readers in other languages.
 */
import { Random } from "../../../util/random.js";
import type { CodeMode } from "../../x86/instruction.js";
import { codeBase, setSegments, stackBase } from "./environment.js";
import {
  BREAKPOINT,
  CODE_WINDOW,
  DATA_WINDOW,
  type MachineState,
  REGISTERS,
  STACK_WINDOW,
  WINDOW_MIDDLE,
} from "./state.js";
import { drawExtended, drawWord, type ValueKind } from "./values.js";

/** What the x87's registers hold: nothing, as after FNINIT; numbers; or MMX registers. */
export type StackKind = "empty" | "numbers" | "mmx";

/** The `operands` line of a file. */
export interface OperandKinds {
  readonly memory: ValueKind;
  readonly x87: StackKind;
}

/** Bytes at the middle of the data window that are drawn for each case, and at the stack's top. */
export const OPERAND_AREA = 128;
const STACK_AREA = 64;

const RESERVED_FLAG = 1 << 1;
const IF = 1 << 9;
const DF = 1 << 10;
const STATUS_FLAGS = 0x8d5;
/** DF is drawn as 1 once in four times. */
const DIRECTION_DRAW = 0x3000;

const X87_CONTROL = 0x37f;
const MXCSR = 0x1f80;
const MMX_EXPONENT = 0xffff;
const TOP_SHIFT = 11;
const EXTENDED_BYTES = 10;

/** Of the windows' background and of every case. */
const BACKGROUND_SEED = 0x7e57;

const background = (() => {
  const random = new Random(BACKGROUND_SEED);
  const fill = (bytes: number): Uint8Array =>
    new Uint8Array(Int32Array.from({ length: bytes / 4 }, () => random.int32()).buffer);
  return { data: fill(DATA_WINDOW.bytes), stack: fill(STACK_WINDOW.bytes) };
})();

/** FNV-1a (Fowler, Noll, Vo) over mode, number of the case and code. */
function seedOf(mode: CodeMode, code: Uint8Array, ordinal: number): number {
  const FNV_OFFSET = 0x811c_9dc5;
  const FNV_PRIME = 0x0100_0193;
  let hash = FNV_OFFSET;
  for (const byte of [mode, ordinal, ...code]) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash;
}

/** Tags for a stack of random depth, two registers at least, once in eight times none. */
function drawStack(random: Random, state: MachineState): void {
  const draw = random.int32();
  const depth = (draw & 0x70) === 0 ? 0 : 2 + ((draw >>> 8) % 7);
  const top = (8 - depth) & 7;
  state.view.setUint16(REGISTERS.x87Status, top << TOP_SHIFT, true);
  state.view.setUint8(REGISTERS.x87Tags, (0xff00 >>> depth) & 0xff);
  for (let register = 0; register < 8; register++)
    if (register >= 8 - depth) drawExtended(random, state.view, REGISTERS.x87 + register * 16);
}

function drawMmx(random: Random, state: MachineState): void {
  const words = new Int32Array(state.registers);
  state.view.setUint8(REGISTERS.x87Tags, 0xff);
  for (let register = 0; register < 8; register++) {
    const at = REGISTERS.x87 + register * 16;
    drawWord(random, "integer", words, at / 4);
    state.view.setUint16(at + 8, MMX_EXPONENT, true);
  }
}

/** Writes the whole state. `code` lies at the code window's middle, which RIP points to. */
export function drawInitial(
  state: MachineState,
  mode: CodeMode,
  code: Uint8Array,
  ordinal: number,
  kinds: OperandKinds,
): void {
  const random = new Random(seedOf(mode, code, ordinal));
  const words = new Int32Array(state.registers);
  words.fill(0);
  setSegments(state, mode);

  const registers = mode === 64 ? 16 : 8;
  for (let register = 0; register < registers; register++) {
    drawWord(random, "integer", words, register * 2);
    if (mode !== 64) words[register * 2 + 1] = 0;
  }
  state.general[4] = BigInt(STACK_WINDOW.address + WINDOW_MIDDLE - stackBase(mode));
  state.rip = BigInt(CODE_WINDOW.address + WINDOW_MIDDLE - codeBase(mode));
  const draw = random.int32();
  state.flags = RESERVED_FLAG | IF | (draw & STATUS_FLAGS) | ((draw & DIRECTION_DRAW) === 0 ? DF : 0);

  const vectorKind = kinds.memory === "extended" ? "integer" : kinds.memory;
  for (let word = 0; word < (mode === 64 ? 32 : 16); word++)
    drawWord(random, vectorKind, words, REGISTERS.xmm / 4 + word * 2);
  state.mxcsr = MXCSR;

  const { memory } = state;
  memory.code.fill(BREAKPOINT);
  memory.code.set(code, WINDOW_MIDDLE);
  memory.data.set(background.data);
  memory.stack.set(background.stack);
  const operands = new Int32Array(memory.data.buffer, WINDOW_MIDDLE, OPERAND_AREA / 4);
  for (let word = 0; word < operands.length; word += 2) drawWord(random, kinds.memory, operands, word);
  if (kinds.memory === "extended") {
    const view = new DataView(memory.data.buffer);
    for (let at = 0; at + EXTENDED_BYTES <= OPERAND_AREA; at += 16)
      drawExtended(random, view, WINDOW_MIDDLE + at);
  }
  const top = new Int32Array(memory.stack.buffer, WINDOW_MIDDLE, STACK_AREA / 4);
  for (let word = 0; word < top.length; word += 2) drawWord(random, "integer", top, word);

  state.view.setUint16(REGISTERS.x87Control, X87_CONTROL, true);
  if (kinds.x87 === "numbers") drawStack(random, state);
  else if (kinds.x87 === "mmx") drawMmx(random, state);
}
