/**
 * Bytes to instructions, for 16-, 32- and 64-bit code (Intel SDM vol. 2, chapter 2).
 *
 *      prefixes       REX         opcode           ModRM SIB       displacement   immediate
 *      F0 F2 F3 66    40–4F       [0F [38|3A]] op  mod reg rm      0 1 2 4 (8)    0 1 2 4 8
 *      67 2E 36 …     64-bit only, right before the opcode; VEX (C4, C5) stands for REX, 66, F2, F3 and the map
 *
 * What the processor refuses is refused: LOCK where it is not allowed, prefixes before VEX, registers that are not there,
 * more than 15 bytes. Whether a feature, a mode or a privilege is missing is for the engines: VEX in real mode is one.
 *
 * Hot: called for each instruction of new code. One object for the bytes under way, one for the result and its operands;
 * registers are shared objects.
 */
import { BUCKETS_BY_OPCODE, MAP_BASE, operandSizeOf, SELECT, selectRow, VEX_BASE } from "./dispatch.js";
import {
  BASE_RIP,
  type CodeMode,
  type DecodeFailure,
  type Instruction,
  type MemoryOperand,
  NO_REGISTER,
  type Operand,
  type Row,
  SEGMENT,
} from "./instruction.js";
import { type OperandForm, stringMemory } from "./operand-form.js";
import { CONTROLS, DEBUGS, GENERAL, HIGH_BYTES, MMS, SEGMENTS, STS, XMMS } from "./registers.js";

/** The processor refuses longer ones (SDM vol. 2, 2.3.11). */
export const LONGEST_INSTRUCTION = 15;
/** What is read at most, beyond the end of too long ones: fewer bytes than this are padded. */
const WINDOW = 40;

const BP = 5;
const SP = 4;
const SI = 6;
const DI = 7;
const BX = 3;

/** Base and index of 16-bit addressing by ModRM.rm (SDM vol. 2, table 2-1); 6 without displacement is none. */
const BASES_16 = [BX, BX, BP, BP, SI, DI, BP, BX] as const;
const INDICES_16 = [SI, DI, SI, DI, NO_REGISTER, NO_REGISTER, NO_REGISTER, NO_REGISTER] as const;

/** CR0, CR2, CR3, CR4, CR8 exist. */
const CONTROL_REGISTERS = 0b1_0001_1101;

const REX_W = 8;
const REX_R = 4;
const REX_X = 2;
const REX_B = 1;

/** An instruction's bytes under way: how far they are read, and what the prefixes and ModRM said. */
class Reading {
  segment = NO_REGISTER;
  lock = false;
  has66 = false;
  has67 = false;
  /** SELECT.prefixF3 or SELECT.prefixF2, whichever came last. */
  repeat = 0;
  /** The REX byte, 0 none; VEX gives the same bits. */
  rex = 0;
  isVex = false;
  /** VEX.vvvv as register number; its high bit means nothing outside 64-bit code, but must be clear where none is. */
  vvvv = 0;
  addressSize: 2 | 4 | 8;
  modRm = 0;
  base = NO_REGISTER;
  index = NO_REGISTER;
  scale: 1 | 2 | 4 | 8 = 1;
  displacement = 0;

  constructor(
    readonly code: Uint8Array,
    readonly start: number,
    readonly mode: CodeMode,
    public at: number,
  ) {
    this.addressSize = mode === 64 ? 8 : mode === 32 ? 4 : 2;
  }

  byte(): number {
    return this.code[this.at++]!;
  }

  signedByte(): number {
    return (this.code[this.at++]! << 24) >> 24;
  }

  word(): number {
    return this.byte() | (this.byte() << 8);
  }

  doubleword(): number {
    return this.word() | (this.word() << 16);
  }
}

/** Reads prefixes; returns the first byte after them. Of each kind the last counts, REX only right before the opcode. */
function readPrefixes(reading: Reading): number {
  const long = reading.mode === 64;
  for (;;) {
    const byte = reading.byte();
    switch (byte) {
      case 0x26:
      case 0x2e:
      case 0x36:
      case 0x3e:
        // In 64-bit code ignored: FS or GS before it stays.
        if (!long) reading.segment = (byte >> 3) & 3;
        break;
      case 0x64:
      case 0x65:
        reading.segment = byte - 0x60;
        break;
      case 0x66:
        reading.has66 = true;
        break;
      case 0x67:
        reading.has67 = true;
        break;
      case 0xf0:
        reading.lock = true;
        break;
      case 0xf2:
        reading.repeat = SELECT.prefixF2;
        break;
      case 0xf3:
        reading.repeat = SELECT.prefixF3;
        break;
      default:
        if (!long || (byte & 0xf0) !== 0x40) return byte;
        reading.rex = byte;
        if (reading.at - reading.start > LONGEST_INSTRUCTION) return byte;
        continue;
    }
    reading.rex = 0;
    if (reading.at - reading.start > LONGEST_INSTRUCTION) return byte;
  }
}

/** In legacy code C4 and C5 are LES and LDS when what follows has the memory form of ModRM. */
function isVexPrefix(reading: Reading, byte: number): boolean {
  return (byte & 0xfe) === 0xc4 && (reading.mode === 64 || reading.code[reading.at]! >= 0xc0);
}

/**
 * Reads the rest of a VEX prefix (SDM vol. 2, 2.3.5) and the opcode; returns the bucket's place, or -1 if undefined.
 *
 *      C5  R̅ v̅v̅v̅v̅ L pp                        C4  R̅ X̅ B̅ mmmmm   W v̅v̅v̅v̅ L pp
 */
function readVex(reading: Reading, byte: number): number {
  if (reading.lock || reading.has66 || reading.repeat !== 0 || reading.rex !== 0) return -1;
  const long = reading.mode === 64;
  const isShort = byte === 0xc5;
  const first = reading.byte();
  const last = isShort ? first : reading.byte();
  const map = isShort ? 1 : first & 0x1f;
  const inverted = isShort ? ~(first >> 5) & REX_R : ~(first >> 5) & 7;
  reading.isVex = true;
  if (long) reading.rex = 0x40 | inverted | (isShort ? 0 : (last >> 4) & REX_W);
  reading.vvvv = (~last >> 3) & 15;
  const pp = last & 3;
  reading.has66 = pp === 1;
  reading.repeat = pp === 2 ? SELECT.prefixF3 : pp === 3 ? SELECT.prefixF2 : 0;
  const length = last & 4;
  if (map === 0 || map > 3 || length !== 0) return -1;
  return VEX_BASE + map * 256 + reading.byte();
}

/** Reads the opcode whose first byte is given; returns the bucket's place. */
function readOpcode(reading: Reading, byte: number): number {
  if (byte !== 0x0f) return MAP_BASE[""] + byte;
  const second = reading.byte();
  if (second === 0x38) return MAP_BASE["0F38"] + reading.byte();
  if (second === 0x3a) return MAP_BASE["0F3A"] + reading.byte();
  return MAP_BASE["0F"] + second;
}

function readDisplacement(reading: Reading, mod: number): void {
  if (mod === 1) reading.displacement = reading.signedByte();
  else if (mod === 2) reading.displacement = reading.doubleword();
}

/** Reads what follows a ModRM byte of memory form, 16-bit addressing. */
function readAddress16(reading: Reading, mod: number, rm: number): void {
  if (mod === 0 && rm === 6) {
    reading.displacement = (reading.word() << 16) >> 16;
    return;
  }
  reading.base = BASES_16[rm]!;
  reading.index = INDICES_16[rm]!;
  if (mod === 1) reading.displacement = reading.signedByte();
  else if (mod === 2) reading.displacement = (reading.word() << 16) >> 16;
}

/** Reads SIB and displacement after a ModRM byte of memory form, 32- and 64-bit addressing. */
function readAddress32(reading: Reading, mod: number, rm: number): void {
  const extendBase = (reading.rex & REX_B) << 3;
  if (rm === SP) {
    const sib = reading.byte();
    const index = ((sib >> 3) & 7) | ((reading.rex & REX_X) << 2);
    if (index !== SP) {
      reading.index = index;
      reading.scale = (1 << (sib >> 6)) as Reading["scale"];
    }
    if ((sib & 7) === BP && mod === 0) reading.displacement = reading.doubleword();
    else reading.base = (sib & 7) | extendBase;
  } else if (rm === BP && mod === 0) {
    reading.displacement = reading.doubleword();
    if (reading.mode === 64) reading.base = BASE_RIP;
  } else reading.base = rm | extendBase;
  readDisplacement(reading, mod);
}

function memoryOperand(reading: Reading, size: number): MemoryOperand {
  const { base, index, scale, displacement } = reading;
  const implied = base === SP || base === BP ? SEGMENT.SS : SEGMENT.DS;
  const segment = reading.segment === NO_REGISTER ? implied : reading.segment;
  const displacementHigh = displacement >> 31;
  return { kind: "memory", segment, base, index, scale, displacement, displacementHigh, size };
}

/** Memory at an address in the instruction, as wide as the address size. */
function offsetOperand(reading: Reading, size: number): MemoryOperand {
  const { addressSize } = reading;
  const displacement = addressSize === 2 ? reading.word() : reading.doubleword();
  const displacementHigh = addressSize === 8 ? reading.doubleword() : 0;
  return {
    kind: "memory",
    segment: reading.segment === NO_REGISTER ? SEGMENT.DS : reading.segment,
    base: NO_REGISTER,
    index: NO_REGISTER,
    scale: 1,
    displacement,
    displacementHigh,
    size,
  };
}

/** A register by number; undefined where there is none of that number. */
function registerOperand(reading: Reading, form: OperandForm, number: number): Operand | undefined {
  switch (form.file) {
    case "general": {
      const size = form.registerSize as 1 | 2 | 4 | 8;
      if (size === 1 && reading.rex === 0 && number >= 4) return HIGH_BYTES[number - 4];
      return GENERAL[size][number];
    }
    case "xmm":
      return XMMS[number];
    case "mm":
      return MMS[number & 7];
    case "st":
      return STS[number & 7];
    case "segment":
      return SEGMENTS[number & 7];
    case "control":
      return (CONTROL_REGISTERS >> number) & 1 ? CONTROLS[reading.mode === 64 ? 8 : 4][number] : undefined;
    case "debug":
      return number < 8 ? DEBUGS[reading.mode === 64 ? 8 : 4][number] : undefined;
  }
}

function immediateOperand(reading: Reading, form: OperandForm): Operand {
  const { kind, size } = form;
  if (kind === "offset") return offsetOperand(reading, size);
  if (kind === "far") {
    const offset = size === 2 ? reading.word() : reading.doubleword() >>> 0;
    return { kind, selector: reading.word(), offset, size };
  }
  const isSigned = kind !== "immediate";
  let value: number;
  if (size === 1) value = isSigned ? reading.signedByte() : reading.byte();
  else if (size === 2) value = isSigned ? (reading.word() << 16) >> 16 : reading.word();
  else value = reading.doubleword();
  if (kind === "relative") return { kind, displacement: value, size };
  const high = size === 8 ? reading.doubleword() : isSigned ? value >> 31 : 0;
  return { kind: "immediate", value, high, size };
}

function readOperand(reading: Reading, form: OperandForm, opcode: number): Operand | undefined {
  const { rex, modRm } = reading;
  switch (form.place) {
    case "rm":
      return modRm >= 0xc0 || form.kind === "register"
        ? registerOperand(reading, form, (modRm & 7) | ((rex & REX_B) << 3))
        : memoryOperand(reading, form.size);
    case "reg":
      return registerOperand(reading, form, ((modRm >> 3) & 7) | ((rex & REX_R) << 1));
    case "vvvv":
      return registerOperand(reading, form, reading.mode === 64 ? reading.vvvv : reading.vvvv & 7);
    case "opcode":
      return registerOperand(reading, form, (opcode & 7) | ((rex & REX_B) << 3));
    case "immediate":
      return immediateOperand(reading, form);
    case "implied":
      if (form.kind === "string")
        return stringMemory(form, reading.segment === NO_REGISTER ? SEGMENT.DS : reading.segment);
      if (form.kind === "immediate")
        return { kind: "immediate", value: form.number, high: 0, size: form.size };
      return form.file === "general"
        ? GENERAL[form.registerSize as 1 | 2 | 4 | 8][form.number]
        : registerOperand(reading, form, form.number);
  }
}

/** Is what the row and its operands ask for there? MOV to CS, LOCK on a register, VEX.vvvv without use are not. */
function isAllowed(reading: Reading, row: Row, operands: readonly Operand[]): boolean {
  const destination = operands[0];
  if (reading.lock && !(row.lockable && destination!.kind === "memory")) return false;
  if (row.forms[0]?.text === "Sreg" && destination === SEGMENTS[SEGMENT.CS]) return false;
  return !reading.isVex || reading.vvvv === 0 || row.forms.some((form) => form.place === "vvvv");
}

/** Reads everything but checks no length. */
function read(reading: Reading): Instruction | "undefined" {
  const { mode } = reading;
  const first = readPrefixes(reading);
  const place = isVexPrefix(reading, first) ? readVex(reading, first) : readOpcode(reading, first);
  const bucket = BUCKETS_BY_OPCODE[place];
  if (bucket === undefined) return "undefined";
  if (reading.has67) reading.addressSize = mode === 32 ? 2 : 4;
  const { addressSize, rex } = reading;
  const selection =
    SELECT.mode[mode] |
    (rex & REX_W ? SELECT.w : 0) |
    (reading.has66 ? SELECT.prefix66 : 0) |
    reading.repeat |
    (rex & REX_B ? SELECT.rexB : 0) |
    ((addressSize >> 2) << SELECT.addressShift);
  if (bucket.hasModRm) reading.modRm = reading.byte();
  const { modRm } = reading;
  const row = selectRow(bucket, selection, modRm);
  if (row === undefined) return "undefined";
  if (bucket.hasModRm && modRm < 0xc0 && row.encoding.mod !== "ignored") {
    if (addressSize === 2) readAddress16(reading, modRm >> 6, modRm & 7);
    else readAddress32(reading, modRm >> 6, modRm & 7);
  }
  const operands: Operand[] = [];
  for (const form of row.forms) {
    const operand = readOperand(reading, form, place);
    if (operand === undefined) return "undefined";
    operands.push(operand);
  }
  if (!isAllowed(reading, row, operands)) return "undefined";
  const { repeat, lock } = reading;
  return {
    row,
    length: reading.at - reading.start,
    operandSize: operandSizeOf(row, selection),
    addressSize,
    lock,
    repeat: row.repeat === "" || repeat === 0 ? "" : repeat === SELECT.prefixF3 ? "rep" : "repne",
    operands,
  };
}

/**
 * Decodes the instruction at `offset`. Never throws and reads nothing beyond `bytes`: what does not end within them is
 * "truncated", unless it is undefined or too long whatever follows.
 */
export function decode(bytes: Uint8Array, offset: number, mode: CodeMode): Instruction | DecodeFailure {
  const available = bytes.length - offset;
  let reading: Reading;
  if (available >= WINDOW) reading = new Reading(bytes, offset, mode, offset);
  else {
    const padded = new Uint8Array(WINDOW);
    padded.set(bytes.subarray(offset));
    reading = new Reading(padded, 0, mode, 0);
  }
  const result = read(reading);
  const length = reading.at - reading.start;
  if (length > available && available < LONGEST_INSTRUCTION) return "truncated";
  return length > LONGEST_INSTRUCTION ? "too-long" : result;
}
