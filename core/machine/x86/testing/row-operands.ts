/**
 * Operands for each row of the table: registers low, high and in between, memory of every addressing form, immediates at
 * their limits, so that a test can encode a row and look at what comes back.
 */
import type { Random } from "../../../util/random.js";
import { defaultSegment } from "../disassemble.js";
import {
  BASE_RIP,
  type CodeMode,
  type MemoryOperand,
  NO_REGISTER,
  type Operand,
  type Row,
  SEGMENT,
} from "../instruction.js";
import type { OperandForm } from "../operand-form.js";
import { CONTROLS, DEBUGS, GENERAL, HIGH_BYTES, MMS, SEGMENTS, STS, XMMS } from "../registers.js";

const pick = <T>(random: Random, choices: readonly T[]): T => choices[random.below(choices.length)]!;

const CONTROL_NUMBERS = [0, 2, 3, 4, 8];

function register(random: Random, form: OperandForm, mode: CodeMode, needsRex: boolean): Operand {
  const extended = mode === 64 ? 16 : 8;
  const wide = mode === 64 ? 8 : 4;
  if (form.place === "implied" && form.file === "general")
    return GENERAL[form.registerSize as 1 | 2 | 4 | 8][form.number]!;
  switch (form.file) {
    case "general": {
      const size = form.registerSize as 1 | 2 | 4 | 8;
      if (size !== 1) return GENERAL[size][random.below(extended)]!;
      if (mode !== 64 || (!needsRex && random.below(4) === 0))
        return pick(random, [...GENERAL[1].slice(0, 4), ...HIGH_BYTES]);
      return GENERAL[1][random.below(4)]!;
    }
    case "xmm":
      return XMMS[random.below(extended)]!;
    case "mm":
      return MMS[random.below(8)]!;
    case "st":
      return STS[form.place === "implied" ? form.number : random.below(8)]!;
    case "segment":
      if (form.place === "implied") return SEGMENTS[form.number]!;
      return SEGMENTS[pick(random, [0, 2, 3, 4, 5])]!;
    case "control":
      return CONTROLS[wide][CONTROL_NUMBERS[random.below(mode === 64 ? 5 : 4)]!]!;
    case "debug":
      return DEBUGS[wide][random.below(8)]!;
  }
}

const BASES_16 = [
  [3, 6],
  [3, 7],
  [5, 6],
  [5, 7],
  [6, -1],
  [7, -1],
  [5, -1],
  [3, -1],
  [-1, -1],
] as const;

function memory(random: Random, size: number, mode: CodeMode, addressSize: number): MemoryOperand {
  const displacement = pick(random, [0, 1, -1, 127, -128, 128, -129, 0x1234]);
  const segment = (base: number): number => {
    const overrides = mode === 64 ? [4, 5] : [0, 1, 2, 3, 4, 5];
    return random.below(3) === 0 ? pick(random, overrides) : defaultSegment(base);
  };
  const make = (base: number, index: number, scale: 1 | 2 | 4 | 8): MemoryOperand => ({
    kind: "memory",
    segment: segment(base),
    base,
    index,
    scale,
    displacement,
    displacementHigh: displacement >> 31,
    size,
  });
  if (addressSize === 2) {
    const [base, index] = pick(random, BASES_16);
    return make(base, index, 1);
  }
  const numbers = mode === 64 ? 16 : 8;
  const bases = [...Array(numbers).keys(), NO_REGISTER, ...(mode === 64 ? [BASE_RIP] : [])];
  const base = pick(random, bases);
  const index = base === BASE_RIP || random.below(2) === 0 ? NO_REGISTER : random.below(numbers);
  if (index === NO_REGISTER || index === 4) return make(base, NO_REGISTER, 1);
  return make(base, index, pick(random, [1, 2, 4, 8]));
}

function immediate(random: Random, form: OperandForm, addressSize: number, mode: CodeMode): Operand {
  const { kind, size } = form;
  if (kind === "offset") {
    const segment = pick(
      random,
      mode === 64 ? [SEGMENT.DS, SEGMENT.FS] : [SEGMENT.DS, SEGMENT.ES, SEGMENT.GS],
    );
    const displacement = addressSize === 2 ? 0x1234 : 0x12345678;
    const displacementHigh = addressSize === 8 ? 0x1a : 0;
    const none = { base: NO_REGISTER, index: NO_REGISTER, scale: 1 } as const;
    return { kind: "memory", segment, ...none, displacement, displacementHigh, size };
  }
  if (kind === "far") return { kind, selector: 0x1238, offset: size === 2 ? 0xfedc : 0xfedcba98, size };
  const signed = pick(random, [0, 1, -1, 127, -128]);
  if (kind === "relative") return { kind, displacement: signed, size };
  if (kind === "signed-immediate") return { kind: "immediate", value: signed, high: signed >> 31, size };
  if (form.place === "implied") return { kind: "immediate", value: form.number, high: 0, size };
  if (size === 8) return { kind: "immediate", value: signed, high: 0x12345678, size };
  return {
    kind: "immediate",
    value: size === 4 ? signed : signed & (size === 1 ? 0xff : 0xffff),
    high: 0,
    size,
  };
}

/** Operands that fit a row. `addressSize` is the one that the instruction will have. */
export function operandsFor(random: Random, row: Row, mode: CodeMode, addressSize: 2 | 4 | 8): Operand[] {
  // A high byte goes with no REX prefix: with one byte register high, others must be low and nothing be extended.
  const onlyBytes = row.forms.every((form) => form.registerSize <= 1 && form.kind === "register");
  return row.forms.map((form): Operand => {
    switch (form.kind) {
      case "register":
        return register(random, form, mode, !onlyBytes);
      case "register-or-memory":
        return random.below(3) === 0
          ? register(random, form, mode, true)
          : memory(random, form.size, mode, addressSize);
      case "memory":
        return memory(random, form.size, mode, addressSize);
      case "string":
        return {
          kind: "memory",
          segment: form.segment === "ES" ? SEGMENT.ES : pick(random, [SEGMENT.DS, SEGMENT.FS]),
          base: form.number,
          index: NO_REGISTER,
          scale: 1,
          displacement: 0,
          displacementHigh: 0,
          size: form.size,
        };
      default:
        return immediate(random, form, addressSize, mode);
    }
  });
}
