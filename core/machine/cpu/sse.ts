/**
 * SSE and SSE2 arithmetic, exactly as MXCSR says: every rounding mode, denormals as zeros (DAZ), tiny results as zeros
 * (FTZ), sticky flags, and exceptions that trap (Intel SDM vol. 1, 10.2.3 and 11.5). Engines leave an instruction to this file
 * while MXCSR's controls are others than those of reset (MODE.exactSse); under those of reset they compute the same results
 * themselves, and leave the flags alone.
 */
import type { Instruction } from "../x86/instruction.js";
import { CR4 } from "./control-bits.js";
import type { Core } from "./core.js";
import { GuestFault, undefinedOpcode } from "./fault.js";
import { add, compare, divide, multiply, squareRoot, subtract } from "./floating/arithmetic.js";
import { DOUBLE, type Format, pack, SINGLE, unpack } from "./floating/formats.js";
import {
  BEFORE_RESULT,
  finite,
  firstNan,
  INEXACT,
  INVALID,
  isNan,
  isSignaling,
  operandFlags,
  quiet,
  type Real,
  ROUND,
  UNDERFLOW,
  zero,
} from "./floating/number.js";
import { type Exact, round, toInteger } from "./floating/round.js";
import { MXCSR, MXCSR_FLAGS, MXCSR_MASK_SHIFT, MXCSR_ROUNDING_SHIFT } from "./mxcsr.js";
import { registerOperand } from "./operands.js";
import { CR4_WORD, MXCSR_WORD } from "./places.js";
import { EXCEPTION, RFLAGS } from "./state.js";
import { readVectorOperand, readXmm, writeMm, writeXmm } from "./vector-registers.js";
import { enterMmx, waitForX87 } from "./x87/registers.js";

const XMM_BYTES = 16;
const ROUNDING_BITS = 3;

/** MXCSR's controls, and the exceptions that an instruction's lanes have met. */
class Controls {
  flags = 0;
  readonly mode: number;
  readonly unmasked: number;
  private readonly zeroesOperands: boolean;
  private readonly flushes: boolean;

  constructor(private readonly core: Core) {
    const mxcsr = core.words[MXCSR_WORD]!;
    this.mode = (mxcsr >> MXCSR_ROUNDING_SHIFT) & ROUNDING_BITS;
    this.unmasked = ~(mxcsr >> MXCSR_MASK_SHIFT) & MXCSR_FLAGS;
    this.zeroesOperands = (mxcsr & MXCSR.DAZ) !== 0;
    this.flushes = (mxcsr & MXCSR.FTZ) !== 0;
  }

  /** An operand, as DAZ makes it. */
  operand(format: Format, bits: bigint): Real {
    const value = unpack(format, bits);
    return this.zeroesOperands && value.isDenormal ? zero(value.isNegative) : value;
  }

  /** Rounds a lane's result. */
  result(format: Format, exact: Exact): bigint {
    const { mode, unmasked } = this;
    const flushes = this.flushes && (unmasked & UNDERFLOW) === 0;
    const rounded = round(format, exact, { mode, unmasked, flushes });
    this.flags |= rounded.flags;
    // What an unmasked exception leaves is not stored.
    return (rounded.flags & unmasked) === 0 ? pack(format, rounded.value) : 0n;
  }

  /** Sets the sticky flags. Unmasked exceptions found before a result hide those found after. */
  finish(): void {
    const { core, unmasked } = this;
    const flags = (this.flags & unmasked & BEFORE_RESULT) === 0 ? this.flags : this.flags & BEFORE_RESULT;
    core.words[MXCSR_WORD]! |= flags;
    if ((flags & unmasked) === 0) return;
    if ((core.words[CR4_WORD]! & CR4.OSXMMEXCPT) === 0) throw undefinedOpcode();
    throw new GuestFault(EXCEPTION.XM, 0);
  }
}

/** One lane's result from its two operands' bits. */
type Lane = (controls: Controls, format: Format, left: bigint, right: bigint) => bigint;

const arithmetic =
  (operation: (left: Real, right: Real, mode: number) => Exact): Lane =>
  (controls, format, leftBits, rightBits) => {
    const left = controls.operand(format, leftBits);
    const right = controls.operand(format, rightBits);
    const ofOperands = operandFlags(left, right);
    if (isNan(left) || isNan(right)) {
      controls.flags |= ofOperands;
      return pack(format, firstNan(left, right));
    }
    const exact = operation(left, right, controls.mode);
    // An operation that is invalid, or divides by zero, says nothing of denormal operands.
    controls.flags |= exact.flags === 0 ? ofOperands : exact.flags;
    return controls.result(format, exact);
  };

/** Of the source alone. */
const root: Lane = (controls, format, _left, bits) =>
  arithmetic((operand) => squareRoot(operand))(controls, format, bits, bits);

/** MIN (-1) and MAX (1): the second operand unless the first is beyond it; any NaN is invalid. */
const extreme =
  (sign: number): Lane =>
  (controls, format, leftBits, rightBits) => {
    const left = controls.operand(format, leftBits);
    const right = controls.operand(format, rightBits);
    if (isNan(left) || isNan(right)) {
      controls.flags |= INVALID;
      return isNan(right) ? rightBits : pack(format, right);
    }
    controls.flags |= operandFlags(left, right);
    return pack(format, compare(left, right) === sign ? left : right);
  };

const UNORDERED = 2;

/** compare(left, right), or UNORDERED. `isQuiet`: only signaling NaNs are invalid. */
function order(controls: Controls, left: Real, right: Real, isQuiet: boolean): number {
  if (isNan(left) || isNan(right)) {
    if (!isQuiet || isSignaling(left) || isSignaling(right)) controls.flags |= INVALID;
    return UNORDERED;
  }
  controls.flags |= operandFlags(left, right);
  return compare(left, right);
}

/** The predicates EQ LT LE UNORD; their negations have NEGATED set. */
const PREDICATES: readonly ((ordering: number) => boolean)[] = [
  (ordering) => ordering === 0,
  (ordering) => ordering === -1,
  (ordering) => ordering === -1 || ordering === 0,
  (ordering) => ordering === UNORDERED,
];
const NEGATED = 4;

const predicate =
  (number: number): Lane =>
  (controls, format, leftBits, rightBits) => {
    const positive = number % NEGATED;
    // LT and LE, and what negates them, find quiet NaNs invalid too.
    const isQuiet = positive === 0 || positive === UNORDERED + 1;
    const left = controls.operand(format, leftBits);
    const right = controls.operand(format, rightBits);
    const holds = PREDICATES[positive]!(order(controls, left, right, isQuiet));
    return holds === number < NEGATED ? (1n << BigInt(format.bytes * 8)) - 1n : 0n;
  };

type Execute = (core: Core, instruction: Instruction) => void;

/** Applies a lane function to all lanes of operand 0 (operand 1 where there is no other), or to the lowest. */
const lanes =
  (format: Format, isPacked: boolean, laneOf: (instruction: Instruction) => Lane): Execute =>
  (core, instruction) => {
    const controls = new Controls(core);
    const number = registerOperand(instruction, 0);
    const source = readVectorOperand(core, instruction, 1, isPacked ? XMM_BYTES : format.bytes);
    const destination = readXmm(core, number);
    const lane = laneOf(instruction);
    const bits = format.bytes * 8;
    const count = isPacked ? XMM_BYTES / format.bytes : 1;
    let result = isPacked ? 0n : (destination >> BigInt(bits)) << BigInt(bits);
    for (let index = 0; index < count; index++) {
      const at = BigInt(index * bits);
      const part = (value: bigint): bigint => BigInt.asUintN(bits, value >> at);
      result |= lane(controls, format, part(destination), part(source)) << at;
    }
    controls.finish();
    writeXmm(core, number, result);
  };

/** The four instructions of a name. */
function four(name: string, laneOf: (instruction: Instruction) => Lane): Record<string, Execute> {
  return {
    [`${name}PS`]: lanes(SINGLE, true, laneOf),
    [`${name}SS`]: lanes(SINGLE, false, laneOf),
    [`${name}PD`]: lanes(DOUBLE, true, laneOf),
    [`${name}SD`]: lanes(DOUBLE, false, laneOf),
  };
}
const fourOf = (name: string, lane: Lane): Record<string, Execute> => four(name, () => lane);

function predicateOf({ operands }: Instruction): Lane {
  const immediate = operands[2]!;
  return predicate(immediate.kind === "immediate" ? immediate.value & (2 * NEGATED - 1) : 0);
}

/** COMISS and its like: ZF PF CF. */
const compareFlags =
  (format: Format, isQuiet: boolean): Execute =>
  (core, instruction) => {
    const controls = new Controls(core);
    const left = controls.operand(format, readVectorOperand(core, instruction, 0, format.bytes));
    const right = controls.operand(format, readVectorOperand(core, instruction, 1, format.bytes));
    const ordering = order(controls, left, right, isQuiet);
    controls.finish();
    core.writeFlags((core.readFlags() & ~COMPARED_FLAGS) | ORDER_FLAGS[ordering + 1]!);
  };
const COMPARED_FLAGS = RFLAGS.CF | RFLAGS.PF | RFLAGS.AF | RFLAGS.ZF | RFLAGS.SF | RFLAGS.OF;
/** Less, equal, greater, unordered. */
const ORDER_FLAGS = [RFLAGS.CF, RFLAGS.ZF, 0, RFLAGS.ZF | RFLAGS.PF | RFLAGS.CF];

// Conversions.

const integerAsReal = (value: bigint): Exact => ({
  value: value === 0n ? zero(false) : finite(value < 0n, value < 0n ? -value : value, 0),
  hasMore: false,
  flags: 0,
});

/** From one format to another; NaNs become quiet. */
function reformat(controls: Controls, from: Format, to: Format, bits: bigint): bigint {
  const value = controls.operand(from, bits);
  controls.flags |= operandFlags(value);
  if (isNan(value)) return pack(to, quiet(value));
  return controls.result(to, { value, hasMore: false, flags: 0 });
}

/** To a signed integer of some bits; the indefinite one where it does not fit. Denormals are no exception here. */
function integerOf(controls: Controls, from: Format, bits: bigint, size: number, mode: number): bigint {
  const value = controls.operand(from, bits);
  const limit = 1n << BigInt(size - 1);
  if (value.kind === "finite" || value.kind === "zero") {
    const { integer, isInexact } = toInteger(value, mode);
    if (integer >= -limit && integer < limit) {
      if (isInexact) controls.flags |= INEXACT;
      return BigInt.asUintN(size, integer);
    }
  }
  controls.flags |= INVALID;
  return limit;
}

/** What a conversion is from and to: formats, or signed integers of 32 bits in vectors. */
interface Conversion {
  readonly from: Format | "integer";
  readonly to: Format | "integer";
  /** How many elements. */
  readonly count: number;
  /** Towards zero whatever MXCSR says. */
  readonly truncates?: boolean;
}
const INTEGER_BITS = 32;
const bitsOf = (type: Format | "integer"): number => (type === "integer" ? INTEGER_BITS : type.bytes * 8);

/** The elements of a source converted, at the low end of a result. */
function convert(controls: Controls, { from, to, count, truncates }: Conversion, source: bigint): bigint {
  let result = 0n;
  for (let index = 0; index < count; index++) {
    const bits = BigInt.asUintN(bitsOf(from), source >> BigInt(index * bitsOf(from)));
    let element: bigint;
    if (from === "integer") {
      element = controls.result(to as Format, integerAsReal(BigInt.asIntN(INTEGER_BITS, bits)));
    } else if (to === "integer") {
      element = integerOf(controls, from, bits, INTEGER_BITS, truncates ? ROUND.zero : controls.mode);
    } else element = reformat(controls, from, to, bits);
    result |= element << BigInt(index * bitsOf(to));
  }
  return result;
}

/** Into an XMM register: what the elements do not fill is cleared, or kept. */
const toXmm =
  (conversion: Conversion, keepsRest: boolean): Execute =>
  (core, instruction) => {
    const controls = new Controls(core);
    const usesMmx = instruction.row.forms[1]!.file === "mm";
    if (usesMmx) waitForX87(core);
    const number = registerOperand(instruction, 0);
    const { from, to, count } = conversion;
    const source = readVectorOperand(core, instruction, 1, (bitsOf(from) * count) / 8);
    const result = convert(controls, conversion, source);
    const kept = BigInt(bitsOf(to) * count);
    controls.finish();
    writeXmm(core, number, keepsRest ? ((readXmm(core, number) >> kept) << kept) | result : result);
    if (usesMmx) enterMmx(core);
  };

/** Into an MM register. */
const toMm =
  (conversion: Conversion): Execute =>
  (core, instruction) => {
    const controls = new Controls(core);
    waitForX87(core);
    const bytes = (bitsOf(conversion.from) * conversion.count) / 8;
    const result = convert(controls, conversion, readVectorOperand(core, instruction, 1, bytes));
    controls.finish();
    writeMm(core, registerOperand(instruction, 0), result);
    enterMmx(core);
  };

/** CVTSS2SI and its like: into a general register. */
const toGeneral =
  (from: Format, truncates: boolean): Execute =>
  (core, instruction) => {
    const controls = new Controls(core);
    const { size } = instruction.operands[0]!;
    const bits = readVectorOperand(core, instruction, 1, from.bytes);
    const value = integerOf(controls, from, bits, size * 8, truncates ? ROUND.zero : controls.mode);
    controls.finish();
    const low = Number(BigInt.asIntN(32, value));
    core.setRegister(registerOperand(instruction, 0), size, low, Number(BigInt.asIntN(32, value >> 32n)));
  };

/** CVTSI2SS, CVTSI2SD: from a general register or memory. */
const fromGeneral =
  (to: Format): Execute =>
  (core, instruction) => {
    const controls = new Controls(core);
    const number = registerOperand(instruction, 0);
    const { size } = instruction.operands[1]!;
    const value = BigInt.asIntN(size * 8, readVectorOperand(core, instruction, 1, size));
    const result = controls.result(to, integerAsReal(value));
    controls.finish();
    const kept = BigInt(to.bytes * 8);
    writeXmm(core, number, ((readXmm(core, number) >> kept) << kept) | result);
  };

/** Every instruction that engines leave to TypeScript under MODE.exactSse, by mnemonic. */
export const EXACT_SSE: Readonly<Record<string, Execute>> = {
  ...fourOf("ADD", arithmetic(add)),
  ...fourOf("SUB", arithmetic(subtract)),
  ...fourOf("MUL", arithmetic(multiply)),
  ...fourOf("DIV", arithmetic(divide)),
  ...fourOf("SQRT", root),
  ...fourOf("MIN", extreme(-1)),
  ...fourOf("MAX", extreme(1)),
  ...four("CMP", predicateOf),
  COMISS: compareFlags(SINGLE, false),
  COMISD: compareFlags(DOUBLE, false),
  UCOMISS: compareFlags(SINGLE, true),
  UCOMISD: compareFlags(DOUBLE, true),
  CVTSI2SS: fromGeneral(SINGLE),
  CVTSI2SD: fromGeneral(DOUBLE),
  CVTSS2SI: toGeneral(SINGLE, false),
  CVTSD2SI: toGeneral(DOUBLE, false),
  CVTTSS2SI: toGeneral(SINGLE, true),
  CVTTSD2SI: toGeneral(DOUBLE, true),
  CVTSS2SD: toXmm({ from: SINGLE, to: DOUBLE, count: 1 }, true),
  CVTSD2SS: toXmm({ from: DOUBLE, to: SINGLE, count: 1 }, true),
  CVTPS2PD: toXmm({ from: SINGLE, to: DOUBLE, count: 2 }, false),
  CVTPD2PS: toXmm({ from: DOUBLE, to: SINGLE, count: 2 }, false),
  CVTDQ2PS: toXmm({ from: "integer", to: SINGLE, count: 4 }, false),
  CVTPS2DQ: toXmm({ from: SINGLE, to: "integer", count: 4 }, false),
  CVTTPS2DQ: toXmm({ from: SINGLE, to: "integer", count: 4, truncates: true }, false),
  CVTPD2DQ: toXmm({ from: DOUBLE, to: "integer", count: 2 }, false),
  CVTTPD2DQ: toXmm({ from: DOUBLE, to: "integer", count: 2, truncates: true }, false),
  CVTPI2PS: toXmm({ from: "integer", to: SINGLE, count: 2 }, true),
  CVTPS2PI: toMm({ from: SINGLE, to: "integer", count: 2 }),
  CVTTPS2PI: toMm({ from: SINGLE, to: "integer", count: 2, truncates: true }),
  CVTPD2PI: toMm({ from: DOUBLE, to: "integer", count: 2 }),
  CVTTPD2PI: toMm({ from: DOUBLE, to: "integer", count: 2, truncates: true }),
};
