/** x87 loads, stores, exchanges, conditional moves and constants (Intel SDM vol. 1, 8.3.3 and 8.3.4; vol. 2 by name). */
import type { Instruction } from "../../x86/instruction.js";
import type { Core } from "../core.js";
import { EXTENDED, INDEFINITE, pack, packExtended } from "../floating/formats.js";
import {
  DEFAULT_NAN,
  finite,
  INEXACT,
  INVALID,
  isNan,
  operandFlags,
  quiet,
  type Real,
  ROUND,
} from "../floating/number.js";
import { round, toInteger } from "../floating/round.js";
import { RFLAGS } from "../state.js";
import { Area, storeOperand } from "./memory.js";
import {
  formatOf,
  hasIntegers,
  integerAsReal,
  isMemory,
  loadReal,
  SIGN_BIT,
  stackIndex,
} from "./operands.js";
import {
  free,
  isEmpty,
  note,
  noteStackFault,
  pop,
  push,
  read,
  readBits,
  roundingOf,
  setC1,
  unmaskedOf,
  writeBits,
} from "./registers.js";

const EXTENDED_ALIGNMENT = 8;

// Loads.

/** FLD, FILD. */
export function load(core: Core, instruction: Instruction): void {
  if (!isMemory(instruction, 0)) {
    const index = stackIndex(instruction, 0);
    const isMissing = isEmpty(core, index);
    if (isMissing && !noteStackFault(core)) return;
    push(core, isMissing ? INDEFINITE : readBits(core, index));
    if (isMissing) setC1(core, false);
    return;
  }
  if (instruction.operands[0]!.size === EXTENDED.bytes) {
    const area = new Area(core, instruction, EXTENDED.bytes, EXTENDED_ALIGNMENT, false);
    push(core, { significand: area.load64(0), signExponent: area.load(8, 2) });
    return;
  }
  const value = loadReal(core, instruction, 0);
  const flags = operandFlags(value);
  // Without room nothing else is looked at. A denormal is loaded even if that is to trap (as Zen processors do).
  if (isEmpty(core, -1) && !note(core, flags) && (flags & INVALID) !== 0) setC1(core, false);
  else push(core, packExtended(isNan(value) ? quiet(value) : value));
}

/** A constant with 128 bits of significand, rounded as RC says; it is not inexact. */
const constant =
  (significand: bigint, exponent: number) =>
  (core: Core): void => {
    const exact = { value: finite(false, significand, exponent), hasMore: true, flags: 0 };
    push(core, packExtended(round(EXTENDED, exact, { mode: roundingOf(core) }).value));
  };
const exactly =
  (value: Real) =>
  (core: Core): void =>
    push(core, packExtended(value));

/** log2(10), log2(e), pi, log10(2), ln(2): 128 bits. */
export const CONSTANTS = {
  FLD1: exactly(integerAsReal(1n)),
  FLDZ: exactly(integerAsReal(0n)),
  FLDL2T: constant(0xd49a_784b_cd1b_8afe_492b_f6ff_4daf_db4cn, -126),
  FLDL2E: constant(0xb8aa_3b29_5c17_f0bb_be87_fed0_691d_3e88n, -127),
  FLDPI: constant(0xc90f_daa2_2168_c234_c4c6_628b_80dc_1cd1n, -126),
  FLDLG2: constant(0x9a20_9a84_fbcf_f798_8f89_59ac_0b7c_9178n, -129),
  FLDLN2: constant(0xb172_17f7_d1cf_79ab_c9e3_b398_03f2_f6afn, -128),
};

// Stores.

/** A result for memory: its bits, and what it met. */
interface Stored {
  readonly bits: bigint;
  readonly flags: number;
  readonly isUp: boolean;
}

function realForMemory(core: Core, instruction: Instruction): Stored {
  const format = formatOf(instruction, 0);
  const value = read(core, 0);
  const invalid = operandFlags(value) & INVALID;
  if (value.kind === "unsupported") return { bits: pack(format, DEFAULT_NAN), flags: invalid, isUp: false };
  if (isNan(value)) return { bits: pack(format, quiet(value)), flags: invalid, isUp: false };
  const unmasked = unmaskedOf(core);
  const rounded = round(format, { value, hasMore: false, flags: 0 }, { mode: roundingOf(core), unmasked });
  // An unmasked overflow or underflow stores nothing, and nothing else is said.
  const trapped = rounded.flags & unmasked & ~INEXACT;
  if (trapped !== 0) return { bits: 0n, flags: trapped, isUp: false };
  return { bits: pack(format, rounded.value), flags: rounded.flags, isUp: rounded.isUp };
}

const indefiniteInteger = (bytes: number): bigint => 1n << BigInt(bytes * 8 - 1);

function integerForMemory(core: Core, instruction: Instruction, mode: number): Stored {
  const bytes = instruction.operands[0]!.size;
  const value = read(core, 0);
  const limit = indefiniteInteger(bytes);
  if (value.kind === "finite" || value.kind === "zero") {
    const { integer, isInexact, isUp } = toInteger(value, mode);
    if (integer >= -limit && integer < limit)
      return { bits: BigInt.asUintN(bytes * 8, integer), flags: isInexact ? INEXACT : 0, isUp };
  }
  return { bits: limit, flags: INVALID, isUp: false };
}

/** The store of ST(0) to memory. Returns whether it happened, so that FSTP may pop. */
function storeToMemory(core: Core, instruction: Instruction, mode = roundingOf(core)): boolean {
  const isInteger = hasIntegers(instruction, 0);
  if (isEmpty(core, 0)) {
    const { size } = instruction.operands[0]!;
    const indefinite = isInteger ? indefiniteInteger(size) : pack(formatOf(instruction, 0), DEFAULT_NAN);
    return finishStore(core, instruction, { bits: indefinite, flags: INVALID, isUp: false }, true);
  }
  const stored = isInteger ? integerForMemory(core, instruction, mode) : realForMemory(core, instruction);
  return finishStore(core, instruction, stored, false);
}

/** Memory first: where it faults nothing is noted. Only an inexact result is stored although that is unmasked. */
function finishStore(core: Core, instruction: Instruction, stored: Stored, isStackFault: boolean): boolean {
  const { bits, flags, isUp } = stored;
  const isStored = (flags & unmaskedOf(core) & ~INEXACT) === 0;
  if (isStored) storeOperand(core, instruction, 0, bits);
  else checkStore(core, instruction);
  setC1(core, isUp);
  if (isStackFault) noteStackFault(core);
  else note(core, flags);
  return isStored;
}

/** Faults as a store would. */
function checkStore(core: Core, instruction: Instruction): void {
  const { size } = instruction.operands[0]!;
  new Area(core, instruction, size, size, true);
}

function storeExtended(core: Core, instruction: Instruction): boolean {
  const area = new Area(core, instruction, EXTENDED.bytes, EXTENDED_ALIGNMENT, true);
  const isMissing = isEmpty(core, 0);
  setC1(core, false);
  if (isMissing && !noteStackFault(core)) return false;
  const { significand, signExponent } = isMissing ? INDEFINITE : readBits(core, 0);
  area.store64(0, significand);
  area.store(8, 2, signExponent);
  return true;
}

function storeToRegister(core: Core, index: number): boolean {
  const isMissing = isEmpty(core, 0);
  setC1(core, false);
  if (isMissing && !noteStackFault(core)) return false;
  writeBits(core, index, isMissing ? INDEFINITE : readBits(core, 0));
  return true;
}

/** FST, FIST. Returns whether it was done. */
export function store(core: Core, instruction: Instruction): boolean {
  if (!isMemory(instruction, 0)) return storeToRegister(core, stackIndex(instruction, 0));
  if (instruction.operands[0]!.size === EXTENDED.bytes) return storeExtended(core, instruction);
  return storeToMemory(core, instruction);
}

/** FSTP, FISTP. */
export function storeAndPop(core: Core, instruction: Instruction): void {
  if (isUnchecked(instruction)) storeUnchecked(core, stackIndex(instruction, 0));
  else if (!store(core, instruction)) return;
  pop(core);
}

/** D9 D8+i, which the manual does not list: FSTP that takes an empty register as it is. */
const isUnchecked = ({ row }: Instruction): boolean =>
  row.encoding.opcode === 0xd9 && row.encoding.mod === "register";

function storeUnchecked(core: Core, index: number): void {
  const isMissing = isEmpty(core, 0);
  setC1(core, false);
  writeBits(core, index, readBits(core, 0));
  if (isMissing) free(core, index);
}

/** FISTTP: towards zero whatever RC says. */
export function storeTruncated(core: Core, instruction: Instruction): void {
  if (storeToMemory(core, instruction, ROUND.zero)) pop(core);
}

// Packed decimal: 18 digits, and a sign in the highest byte.

const DECIMAL_BYTES = 10;
const DIGITS = 18;
/** FFFF C000 0000 0000 0000: the packed decimal indefinite. */
const DECIMAL_INDEFINITE = { digits: 0xc000_0000_0000_0000n, sign: 0xffff };

export function loadDecimal(core: Core, instruction: Instruction): void {
  const area = new Area(core, instruction, DECIMAL_BYTES, 1, false);
  const digits = area.load64(0) | (BigInt(area.load(8, 1)) << 64n);
  const isNegative = (area.load(9, 1) & 0x80) !== 0;
  let value = 0n;
  for (let digit = DIGITS - 1; digit >= 0; digit--)
    value = value * 10n + ((digits >> BigInt(digit * 4)) & 0xfn);
  const { significand, signExponent } = packExtended(integerAsReal(value));
  push(core, { significand, signExponent: signExponent | (isNegative ? SIGN_BIT : 0) });
}

export function storeDecimal(core: Core, instruction: Instruction): void {
  const area = new Area(core, instruction, DECIMAL_BYTES, 1, true);
  const isMissing = isEmpty(core, 0);
  setC1(core, false);
  if (isMissing && !noteStackFault(core)) return;
  let { digits, sign } = DECIMAL_INDEFINITE;
  const value = read(core, 0);
  const isNumber = !isMissing && (value.kind === "finite" || value.kind === "zero");
  const rounded = isNumber ? toInteger(value, roundingOf(core)) : undefined;
  const magnitude =
    rounded === undefined ? undefined : rounded.integer < 0n ? -rounded.integer : rounded.integer;
  if (rounded !== undefined && magnitude! < 10n ** BigInt(DIGITS)) {
    digits = BigInt(`0x${magnitude}`);
    sign = (value.isNegative ? SIGN_BIT : 0) | Number(digits >> 64n);
    setC1(core, rounded.isUp);
    if (rounded.isInexact) note(core, INEXACT);
  } else if (!isMissing && !note(core, INVALID)) return;
  area.store64(0, digits);
  area.store(8, 2, sign);
  pop(core);
}

// Between registers.

/** FXCH: empty registers become the indefinite NaN first. */
export function exchange(core: Core, instruction: Instruction): void {
  const index = stackIndex(instruction, 0);
  const isFault = isEmpty(core, 0) || isEmpty(core, index);
  setC1(core, false);
  if (isFault && !noteStackFault(core)) return;
  const first = isEmpty(core, 0) ? INDEFINITE : readBits(core, 0);
  const second = isEmpty(core, index) ? INDEFINITE : readBits(core, index);
  writeBits(core, 0, second);
  writeBits(core, index, first);
}

/** FCMOVcc: the row reads the flags of which one at least is to be set, or none. */
export const moveIf =
  (whenSet: boolean) =>
  (core: Core, instruction: Instruction): void => {
    const index = stackIndex(instruction, 1);
    setC1(core, false);
    if (isEmpty(core, 0) || isEmpty(core, index)) {
      if (noteStackFault(core)) writeBits(core, 0, INDEFINITE);
      return;
    }
    const isSet = (core.readFlags() & instruction.row.flagsRead & CONDITION_FLAGS) !== 0;
    if (isSet === whenSet) writeBits(core, 0, readBits(core, index));
  };
const CONDITION_FLAGS = RFLAGS.CF | RFLAGS.ZF | RFLAGS.PF;
