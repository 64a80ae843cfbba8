/**
 * MMX, SSE and SSE2: lanes moved about, packed and unpacked (Intel SDM vol. 1, 5.4.2, 5.4.4 and 5.6.1.4). Where the order is
 * in an immediate, and that is known, a shuffle has it as constants; else numbers of bytes are computed from it, in vectors: two
 * bits of it are bits 7..6 of its product with 64, 16, 4 or 1.
 */
import { type Code, get } from "../../../wasm/code.js";
import { I32 } from "../../../wasm/integers.js";
import {
  bitSelect,
  I8X16,
  I16X8,
  I32X4,
  shuffle,
  swizzle,
  vectorAnd,
  vectorConstant,
} from "../../../wasm/vectors.js";
import type { Scope, Semantic } from "../scope.js";
import { mmxOrSse, sse, usesMmx } from "./sse-guard.js";
import {
  byImmediate,
  immediateByte,
  readPacked,
  readVector,
  writePacked,
  writeVector,
} from "./sse-operands.js";

const BYTES = 16;
const MM_BYTES = 8;

/** Numbers of the bytes of lanes of `size`; lane numbers of a second vector go on where the first's end. */
const bytesOf = (size: number, lanes: readonly number[]): number[] =>
  lanes.flatMap((lane) => Array.from({ length: size }, (_, byte) => lane * size + byte));

/** PUNPCKL… (half 0) and PUNPCKH… (half 1): lanes of both halves in turn. */
const unpack = (size: 1 | 2 | 4 | 8, half: 0 | 1): Semantic =>
  mmxOrSse((scope) => {
    // Of an MM register the upper half is bytes 7..4, and bytes 15..8 of the result are of no interest.
    const count = BYTES / size;
    const first = half * ((usesMmx(scope) ? MM_BYTES : BYTES) / size / 2);
    const lanes = Array.from({ length: count }, (_, index) => first + (index >> 1) + (index & 1) * count);
    const order = bytesOf(
      size,
      lanes.map((lane) => lane % (2 * count)),
    );
    return writePacked(scope, 0, shuffle(readPacked(scope, 0), readPacked(scope, 1), order));
  });

/** Lower halves of two vectors. */
const LOWER_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

/** PACKSSWB and its like: lanes of both operands, half as wide, saturated. */
const pack = (narrow: (left: Code, right: Code) => Code): Semantic =>
  mmxOrSse((scope) => {
    const left = readPacked(scope, 0);
    const right = readPacked(scope, 1);
    if (!usesMmx(scope)) return writePacked(scope, 0, narrow(left, right));
    const both = scope.keep("v128", shuffle(left, right, LOWER_HALVES));
    return [both.code, writePacked(scope, 0, narrow(get(both.local), get(both.local)))];
  });

// Orders in an immediate.

/** Lanes of 2 or 4 bytes among which fields of the immediate choose. */
interface Choice {
  readonly size: 2 | 4;
  /** For each lane, which field tells where it comes from; -1: it stays. */
  readonly fields: readonly number[];
  /** For each lane, the lane that field value 0 means; for one that stays, itself. */
  readonly first: readonly number[];
}
const LANES: Choice = { size: 4, fields: [0, 1, 2, 3], first: [0, 0, 0, 0] };
const LOW_WORDS: Choice = { size: 2, fields: [0, 1, 2, 3, -1, -1, -1, -1], first: [0, 0, 0, 0, 4, 5, 6, 7] };
const HIGH_WORDS: Choice = { size: 2, fields: [-1, -1, -1, -1, 0, 1, 2, 3], first: [0, 1, 2, 3, 4, 4, 4, 4] };

const FIELD_BITS = 2;
const FIELD_MASK = 3;
const FIELD_SHIFT = 6;

/** Numbers of bytes for an immediate that is known. */
const knownOrder = ({ size, fields, first }: Choice, immediate: number): number[] =>
  bytesOf(
    size,
    fields.map((field, lane) => {
      const value = field < 0 ? 0 : (immediate >> (field * FIELD_BITS)) & FIELD_MASK;
      return first[lane]! + value;
    }),
  );

/** The same computed: a vector of numbers of bytes. */
function computedOrder({ size, fields, first }: Choice, immediate: Code): Code {
  const lanes = size === 2 ? I16X8 : I32X4;
  const every = (value: number): Code =>
    vectorConstant(
      size,
      fields.map(() => value),
    );
  const factors = fields.map((field) => (field < 0 ? 0 : 1 << (FIELD_SHIFT - field * FIELD_BITS)));
  const moved = lanes.shrU(
    lanes.mul(lanes.splat(immediate), vectorConstant(size, factors)),
    I32.constant(FIELD_SHIFT),
  );
  const values = vectorAnd(moved, every(FIELD_MASK));
  // `size` in each byte: a lane further is that many bytes further.
  const inBytes = lanes.mul(values, every(size === 2 ? 0x0202 : 0x0404_0404));
  return I8X16.add(inBytes, vectorConstant(1, bytesOf(size, first)));
}

/** The lanes of a vector in an immediate's order; the vector may be evaluated once. */
function reorder(scope: Scope, choice: Choice, vector: Code, immediate: number): Code {
  const known = scope.constant(immediate);
  if (known === undefined) return swizzle(vector, computedOrder(choice, immediateByte(scope, immediate)));
  const kept = scope.keep("v128", vector);
  return [kept.code, shuffle(get(kept.local), get(kept.local), knownOrder(choice, known))];
}

/** PSHUFD, PSHUFLW, PSHUFHW, PSHUFW. */
const shuffleOne = (choice: Choice): Semantic =>
  mmxOrSse((scope) => writePacked(scope, 0, reorder(scope, choice, readPacked(scope, 1), 2)));

/** The lower half of one vector below the upper half of another. */
const LOWER_AND_UPPER = [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31];

/** SHUFPS: two lanes of the destination, then two of the source. */
const shuffleSingles: Semantic = sse((scope) => {
  const right = scope.keep("v128", readVector(scope, 1));
  const upper = reorder(scope, LANES, get(right.local), 2);
  const lower = reorder(scope, LANES, readVector(scope, 0), 2);
  return [right.code, writeVector(scope, 0, shuffle(lower, upper, LOWER_AND_UPPER))];
});

/** SHUFPD: one lane of each, by one bit each. */
const shuffleDoubles: Semantic = sse((scope) => {
  const right = scope.keep("v128", readVector(scope, 1));
  const left = scope.keep("v128", readVector(scope, 0));
  const result = byImmediate(scope, 2, 2, (bits) =>
    shuffle(get(left.local), get(right.local), bytesOf(8, [bits & 1, 2 + (bits >> 1)])),
  );
  return [right.code, left.code, writeVector(scope, 0, result)];
});

/** How many words an immediate chooses among. */
const wordsOf = (scope: Scope): number => (usesMmx(scope) ? MM_BYTES : BYTES) / 2;

const extractWord: Semantic = mmxOrSse((scope) => {
  const mask = wordsOf(scope) - 1;
  const known = scope.constant(2);
  const vector = readPacked(scope, 1);
  if (known !== undefined) return scope.write(0, I16X8.extract(known & mask)(vector), 4);
  const lane = I32.and(immediateByte(scope, 2), I32.constant(mask));
  const order = I8X16.add(
    I8X16.splat(I32.shl(lane, I32.constant(1))),
    vectorConstant(
      1,
      bytesOf(
        2,
        Array.from({ length: BYTES / 2 }, () => 0),
      ),
    ),
  );
  return scope.write(0, I16X8.extract(0)(swizzle(vector, order)), 4);
});

const WORD_NUMBERS = vectorConstant(2, [0, 1, 2, 3, 4, 5, 6, 7]);

const insertWord: Semantic = mmxOrSse((scope) => {
  const mask = wordsOf(scope) - 1;
  const known = scope.constant(2);
  const word = scope.read(1, 2);
  const vector = readPacked(scope, 0);
  if (known !== undefined) return writePacked(scope, 0, I16X8.replace(known & mask)(vector, word));
  const lane = I32.and(immediateByte(scope, 2), I32.constant(mask));
  const isChosen = I16X8.eq(WORD_NUMBERS, I16X8.splat(lane));
  return writePacked(scope, 0, bitSelect(isChosen, I16X8.splat(word), vector));
});

export const SSE_SHUFFLES: Readonly<Record<string, Semantic>> = {
  PUNPCKLBW: unpack(1, 0),
  PUNPCKLWD: unpack(2, 0),
  PUNPCKLDQ: unpack(4, 0),
  PUNPCKLQDQ: unpack(8, 0),
  PUNPCKHBW: unpack(1, 1),
  PUNPCKHWD: unpack(2, 1),
  PUNPCKHDQ: unpack(4, 1),
  PUNPCKHQDQ: unpack(8, 1),
  UNPCKLPS: unpack(4, 0),
  UNPCKLPD: unpack(8, 0),
  UNPCKHPS: unpack(4, 1),
  UNPCKHPD: unpack(8, 1),
  PACKSSWB: pack(I8X16.narrowS),
  PACKUSWB: pack(I8X16.narrowU),
  PACKSSDW: pack(I16X8.narrowS),
  PSHUFD: shuffleOne(LANES),
  PSHUFLW: shuffleOne(LOW_WORDS),
  PSHUFHW: shuffleOne(HIGH_WORDS),
  PSHUFW: shuffleOne(LOW_WORDS),
  SHUFPS: shuffleSingles,
  SHUFPD: shuffleDoubles,
  PEXTRW: extractWord,
  PINSRW: insertWord,
};
