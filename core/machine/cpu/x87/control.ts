/**
 * The x87 unit's control: its words, its environment, its whole state (Intel SDM vol. 1, 8.1.7 to 8.1.11, figures 8-9 to
 * 8-12; vol. 2 by name). Segment selectors of the pointers to the last instruction and its operand, and its opcode, are not
 * kept and read as 0, as on processors that deprecate them (CPUID leaf 7, EBX bit 13); so an environment in the format of
 * real mode has offsets for linear addresses.
 */
import type { Instruction } from "../../x86/instruction.js";
import type { Core } from "../core.js";
import { unpackExtended } from "../floating/formats.js";
import { readOperand, writeOperand } from "../operands.js";
import { STATE } from "../state.js";
import { Area } from "./memory.js";
import {
  CONTROL_WORD,
  EXCEPTIONS,
  readBits,
  STATUS,
  STATUS_WORD,
  setC1,
  summarize,
  TAGS_WORD,
  topOf,
  turn,
  writeBits,
} from "./registers.js";

const POINTER = STATE.x87Pointer / 4;
const DATA_POINTER = STATE.x87Data / 4;
const OPCODE = STATE.x87Opcode / 4;
const REGISTERS = 8;
const REGISTER_BYTES = 10;

/** Control word after FNINIT: all exceptions masked, extended precision, round to nearest. */
const CONTROL_RESET = 0x37f;
/** Bit 6 of the control word is always 1, bits 7 and 15..13 are 0. */
const CONTROL_FIXED = 0x40;
const CONTROL_DEFINED = 0x1f7f;

export function initialize(core: Core): void {
  const { words } = core;
  words[CONTROL_WORD] = CONTROL_RESET;
  words[STATUS_WORD] = 0;
  words[TAGS_WORD] = 0;
  words[OPCODE] = 0;
  words.fill(0, POINTER, POINTER + 2);
  words.fill(0, DATA_POINTER, DATA_POINTER + 2);
}

export function clearExceptions(core: Core): void {
  core.words[STATUS_WORD]! &= ~(EXCEPTIONS | STATUS.SF | STATUS.ES | STATUS.B);
}

export function setControl(core: Core, value: number): void {
  core.words[CONTROL_WORD] = (value & CONTROL_DEFINED) | CONTROL_FIXED;
  summarize(core);
}

export function setStatus(core: Core, value: number): void {
  core.words[STATUS_WORD] = value & 0xffff;
  summarize(core);
}

export const loadControl = (core: Core, instruction: Instruction): void =>
  setControl(core, readOperand(core, instruction, 0));
export const storeControl = (core: Core, instruction: Instruction): void =>
  writeOperand(core, instruction, 0, core.words[CONTROL_WORD]!);
export const storeStatus = (core: Core, instruction: Instruction): void =>
  writeOperand(core, instruction, 0, core.words[STATUS_WORD]!);

/** FINCSTP and FDECSTP. */
export const turnBy =
  (by: 1 | -1) =>
  (core: Core): void => {
    setC1(core, false);
    turn(core, by);
  };

// The tag word, two bits for each physical register.

const TAG = { valid: 0, zero: 1, special: 2, empty: 3 } as const;

/** The tag word: what is not empty is valid, zero, or special (NaN, infinity, denormal, unsupported). */
function tagWord(core: Core): number {
  const top = topOf(core);
  let word = 0;
  for (let number = 0; number < REGISTERS; number++) {
    let tag: number = TAG.empty;
    if (((core.words[TAGS_WORD]! >> number) & 1) !== 0) {
      const { significand, signExponent } = readBits(core, (number - top) & (REGISTERS - 1));
      const value = unpackExtended(significand, signExponent);
      const isNormal = value.kind === "finite" && !value.isDenormal;
      tag = isNormal ? TAG.valid : value.kind === "zero" ? TAG.zero : TAG.special;
    }
    word |= tag << (2 * number);
  }
  return word;
}

function setTagWord(core: Core, word: number): void {
  let tags = 0;
  for (let number = 0; number < REGISTERS; number++) {
    if (((word >> (2 * number)) & 3) !== TAG.empty) tags |= 1 << number;
  }
  core.words[TAGS_WORD] = tags;
}

// The environment: seven fields of 2 or 4 bytes. Fields of 4 whose upper half means nothing have it all ones.

const FIELDS = 7;
const UNUSED_UPPER = 0xffff_0000 | 0;
const ENVIRONMENT = { control: 0, status: 1, tags: 2, pointer: 3, code: 4, data: 5, dataSegment: 6 } as const;

const fieldBytes = ({ operandSize }: Instruction): 2 | 4 => (operandSize === 2 ? 2 : 4);
export const environmentBytes = (instruction: Instruction): number => FIELDS * fieldBytes(instruction);

function storeEnvironmentTo(core: Core, area: Area, bytes: 2 | 4): void {
  const { words } = core;
  const put = (field: number, value: number): void => area.store(field * bytes, bytes, value);
  put(ENVIRONMENT.control, words[CONTROL_WORD]! | UNUSED_UPPER);
  put(ENVIRONMENT.status, words[STATUS_WORD]! | UNUSED_UPPER);
  put(ENVIRONMENT.tags, tagWord(core) | UNUSED_UPPER);
  put(ENVIRONMENT.pointer, words[POINTER]!);
  put(ENVIRONMENT.code, 0);
  put(ENVIRONMENT.data, words[DATA_POINTER]!);
  put(ENVIRONMENT.dataSegment, UNUSED_UPPER);
}

function loadEnvironmentFrom(core: Core, area: Area, bytes: 2 | 4): void {
  const { words } = core;
  const get = (field: number): number => area.load(field * bytes, bytes);
  // Everything is read before anything changes.
  const [control, status, tags] = [get(ENVIRONMENT.control), get(ENVIRONMENT.status), get(ENVIRONMENT.tags)];
  const [pointer, data] = [get(ENVIRONMENT.pointer), get(ENVIRONMENT.data)];
  words[CONTROL_WORD] = (control & CONTROL_DEFINED) | CONTROL_FIXED;
  setStatus(core, status);
  setTagWord(core, tags);
  words[POINTER] = pointer;
  words[POINTER + 1] = 0;
  words[DATA_POINTER] = data;
  words[DATA_POINTER + 1] = 0;
}

/** FNSTENV; it masks every exception afterwards. */
export function storeEnvironment(core: Core, instruction: Instruction): void {
  const bytes = fieldBytes(instruction);
  storeEnvironmentTo(core, new Area(core, instruction, environmentBytes(instruction), bytes, true), bytes);
  core.words[CONTROL_WORD]! |= EXCEPTIONS;
  summarize(core);
}

export function loadEnvironment(core: Core, instruction: Instruction): void {
  const bytes = fieldBytes(instruction);
  loadEnvironmentFrom(core, new Area(core, instruction, environmentBytes(instruction), bytes, false), bytes);
}

/** FNSAVE: environment and registers, ST(0) first; then as FNINIT. */
export function save(core: Core, instruction: Instruction): void {
  const bytes = fieldBytes(instruction);
  const start = environmentBytes(instruction);
  const area = new Area(core, instruction, start + REGISTERS * REGISTER_BYTES, bytes, true);
  storeEnvironmentTo(core, area, bytes);
  for (let index = 0; index < REGISTERS; index++) {
    const { significand, signExponent } = readBits(core, index);
    area.store64(start + index * REGISTER_BYTES, significand);
    area.store(start + index * REGISTER_BYTES + 8, 2, signExponent);
  }
  initialize(core);
}

export function restore(core: Core, instruction: Instruction): void {
  const bytes = fieldBytes(instruction);
  const start = environmentBytes(instruction);
  const area = new Area(core, instruction, start + REGISTERS * REGISTER_BYTES, bytes, false);
  const registers = Array.from({ length: REGISTERS }, (_, index) => ({
    significand: area.load64(start + index * REGISTER_BYTES),
    signExponent: area.load(start + index * REGISTER_BYTES + 8, 2),
  }));
  loadEnvironmentFrom(core, area, bytes);
  const tags = core.words[TAGS_WORD]!;
  for (const [index, bits] of registers.entries()) writeBits(core, index, bits);
  core.words[TAGS_WORD] = tags;
}
