/**
 * The x87 unit's registers and how its instructions meet exceptions (Intel SDM vol. 1, 8.1 and 8.4 to 8.6).
 *
 *      status word  15 B  14 C3  13..11 TOP  10 C2  9 C1  8 C0  7 ES  6 SF  5..0 PE UE OE ZE DE IE
 *      control word 11..10 RC  9..8 PC  5..0 masks
 *
 * ST(i) is physical register TOP + i modulo 8. Tags are kept abridged, one bit for each physical register in use, as FXSAVE
 * has them; the tag word's other two states follow from what is in the register.
 */
import { CR0 } from "../control-bits.js";
import type { Core } from "../core.js";
import { GuestFault } from "../fault.js";
import { type Extended, INDEFINITE, packExtended, unpackExtended } from "../floating/formats.js";
import { BEFORE_RESULT, INVALID, type Real } from "../floating/number.js";
import { CR0_WORD } from "../places.js";
import { EXCEPTION, STATE } from "../state.js";

export const STATUS = {
  SF: 0x40,
  ES: 0x80,
  C0: 0x100,
  C1: 0x200,
  C2: 0x400,
  TOP: 0x3800,
  C3: 0x4000,
  B: 0x8000,
} as const;
export const TOP_SHIFT = 11;
/** Condition codes of a comparison. */
export const CONDITIONS = STATUS.C0 | STATUS.C2 | STATUS.C3;
/** The six exceptions, in the status word and, as masks, in the control word. */
export const EXCEPTIONS = 0x3f;
const AFTER_RESULT = EXCEPTIONS & ~BEFORE_RESULT;

export const CONTROL_WORD = STATE.x87Control >> 2;
export const STATUS_WORD = STATE.x87Status >> 2;
export const TAGS_WORD = STATE.x87Tags >> 2;
const REGISTER_BYTES = 16;
const ALL_IN_USE = 0xff;
const REGISTERS = 8;

/** Rounding and precision control. */
const ROUNDING_SHIFT = 10;
const PRECISION_SHIFT = 8;
const CONTROL_FIELD = 3;
/** Bits of the significand by precision control; 1 is reserved. */
const PRECISIONS = [24, 64, 53, 64] as const;

// Availability.

/** @throws GuestFault #NM while CR0 says that there is no unit, or that it is another task's. */
export function checkAvailable(core: Core): void {
  if ((core.words[CR0_WORD]! & (CR0.EM | CR0.TS)) !== 0) throw new GuestFault(EXCEPTION.NM, 0);
}

/**
 * What every instruction does first that is not of the kind that does not wait.
 * @throws GuestFault #MF if an unmasked exception waits. With CR0.NE clear it would go through FERR# to IRQ 13; absent.
 */
export function waitForX87(core: Core): void {
  const { words } = core;
  if ((words[STATUS_WORD]! & STATUS.ES) !== 0 && (words[CR0_WORD]! & CR0.NE) !== 0)
    throw new GuestFault(EXCEPTION.MF, 0);
}

/** What an MMX instruction leaves: TOP 0, every register in use (SDM vol. 3, table 12-3). */
export function enterMmx(core: Core): void {
  core.words[STATUS_WORD]! &= ~STATUS.TOP;
  core.words[TAGS_WORD] = ALL_IN_USE;
}

// Control.

export const roundingOf = (core: Core): number =>
  (core.words[CONTROL_WORD]! >> ROUNDING_SHIFT) & CONTROL_FIELD;
export const precisionOf = (core: Core): number =>
  PRECISIONS[(core.words[CONTROL_WORD]! >> PRECISION_SHIFT) & CONTROL_FIELD]!;
/** Exceptions that trap. */
export const unmaskedOf = (core: Core): number => ~core.words[CONTROL_WORD]! & EXCEPTIONS;

/** ES and B say whether an unmasked exception is noted; to be called when either word was set. */
export function summarize(core: Core): void {
  const { words } = core;
  const waits = (words[STATUS_WORD]! & unmaskedOf(core)) !== 0;
  words[STATUS_WORD] = (words[STATUS_WORD]! & ~(STATUS.ES | STATUS.B)) | (waits ? STATUS.ES | STATUS.B : 0);
}

/** Sets C1: the result was rounded up, or a stack fault was an overflow. */
export function setC1(core: Core, on: boolean): void {
  const { words } = core;
  words[STATUS_WORD] = on ? words[STATUS_WORD]! | STATUS.C1 : words[STATUS_WORD]! & ~STATUS.C1;
}

export function setConditions(core: Core, codes: number): void {
  core.words[STATUS_WORD] = (core.words[STATUS_WORD]! & ~CONDITIONS) | codes;
}

/**
 * Notes exceptions. Returns whether the instruction goes on, with the masked response: an unmasked exception that is found
 * before there is a result hides those found after, and leaves the operands as they are, and TOP too.
 */
export function note(core: Core, flags: number): boolean {
  const goesOn = (flags & unmaskedOf(core) & BEFORE_RESULT) === 0;
  core.words[STATUS_WORD]! |= goesOn ? flags : flags & ~AFTER_RESULT;
  summarize(core);
  return goesOn;
}

/** A register is empty that should not be, or the other way round (overflow). Returns whether to go on, as `note`. */
export function noteStackFault(core: Core, isOverflow = false): boolean {
  setC1(core, isOverflow);
  return note(core, INVALID | STATUS.SF);
}

// The stack.

/** Number of the physical register that is ST(0). */
export const topOf = (core: Core): number => (core.words[STATUS_WORD]! & STATUS.TOP) >> TOP_SHIFT;
const physical = (core: Core, index: number): number => (topOf(core) + index) & (REGISTERS - 1);

/** Turns the stack by some registers: 1 after a pop, -1 before a push. */
export function turn(core: Core, by: number): void {
  const { words } = core;
  words[STATUS_WORD] = (words[STATUS_WORD]! & ~STATUS.TOP) | (physical(core, by) << TOP_SHIFT);
}

/** Whether ST(index) is empty. */
export const isEmpty = (core: Core, index: number): boolean =>
  ((core.words[TAGS_WORD]! >> physical(core, index)) & 1) === 0;

export function free(core: Core, index: number): void {
  core.words[TAGS_WORD]! &= ~(1 << physical(core, index));
}

export function pop(core: Core): void {
  free(core, 0);
  turn(core, 1);
}

/** The bits of ST(index), whether it is empty or not. */
export function readBits(core: Core, index: number): Extended {
  const at = STATE.x87 + physical(core, index) * REGISTER_BYTES;
  const { longs, words } = core.state;
  return { significand: BigInt.asUintN(64, longs[at / 8]!), signExponent: words[at / 4 + 2]! & 0xffff };
}

/** Sets ST(index), which is in use then. */
export function writeBits(core: Core, index: number, { significand, signExponent }: Extended): void {
  const number = physical(core, index);
  const at = STATE.x87 + number * REGISTER_BYTES;
  const { longs, words } = core.state;
  longs[at / 8] = BigInt.asIntN(64, significand);
  words[at / 4 + 2] = signExponent;
  words[TAGS_WORD]! |= 1 << number;
}

export function read(core: Core, index: number): Real {
  const { significand, signExponent } = readBits(core, index);
  return unpackExtended(significand, signExponent);
}

export const write = (core: Core, index: number, value: Real): void =>
  writeBits(core, index, packExtended(value));

/** Pushes a value, or the indefinite NaN where there is no room. */
export function push(core: Core, value: Extended): void {
  const hasRoom = isEmpty(core, -1);
  setC1(core, false);
  if (!hasRoom && !noteStackFault(core, true)) return;
  turn(core, -1);
  writeBits(core, 0, hasRoom ? value : INDEFINITE);
}
