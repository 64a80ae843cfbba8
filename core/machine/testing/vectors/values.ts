/** Operand values: edges of a kind and random ones, drawn as 64-bit words of two halves. */
import type { Random } from "../../../util/random.js";

/** What the words of memory and of XMM registers are likely to hold. */
export type ValueKind = "integer" | "single" | "double" | "extended";

const EDGES_INTEGER: readonly bigint[] = [
  0n,
  1n,
  2n,
  0xffff_ffff_ffff_ffffn,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0x5555_5555_5555_5555n,
  0xaaaa_aaaa_aaaa_aaaan,
];

/** IEEE 754 binary32: zeros, ones, halves that round, infinities, NaNs, denormals, limits of conversions. */
const EDGES_SINGLE: readonly number[] = [
  0x0000_0000, 0x8000_0000, 0x3f80_0000, 0xbf80_0000, 0x3f00_0000, 0xbf00_0000, 0x3fc0_0000, 0x4020_0000,
  0xc020_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0xffc0_1234, 0x7f80_0001, 0xffa0_0000, 0x0000_0001,
  0x807f_ffff, 0x0080_0000, 0x7f7f_ffff, 0xff7f_ffff, 0x4eff_ffff, 0x4f00_0000, 0xcf00_0000, 0x5f00_0000,
  0x3f80_0001, 0x4b80_0001, 0x3eaa_aaab, 0x40a0_0000,
];

/** The same in binary64. */
const EDGES_DOUBLE: readonly bigint[] = [
  0x0000_0000_0000_0000n,
  0x8000_0000_0000_0000n,
  0x3ff0_0000_0000_0000n,
  0xbff0_0000_0000_0000n,
  0x3fe0_0000_0000_0000n,
  0xbfe0_0000_0000_0000n,
  0x3ff8_0000_0000_0000n,
  0x4004_0000_0000_0000n,
  0xc004_0000_0000_0000n,
  0x7ff0_0000_0000_0000n,
  0xfff0_0000_0000_0000n,
  0x7ff8_0000_0000_0000n,
  0xfff8_0000_0000_1234n,
  0x7ff0_0000_0000_0001n,
  0xfff4_0000_0000_0000n,
  0x0000_0000_0000_0001n,
  0x800f_ffff_ffff_ffffn,
  0x0010_0000_0000_0000n,
  0x7fef_ffff_ffff_ffffn,
  0xffef_ffff_ffff_ffffn,
  0x41df_ffff_ffc0_0000n,
  0x41e0_0000_0000_0000n,
  0xc1e0_0000_0020_0000n,
  0x43e0_0000_0000_0000n,
  0x3ff0_0000_0000_0001n,
  0x36a0_0000_0000_0000n,
  0x47ef_ffff_f000_0000n,
  0x3fd5_5555_5555_5555n,
];

/** Sign and exponent, then significand, of the x87's 80 bits. */
const EDGES_EXTENDED: readonly (readonly [number, bigint])[] = [
  [0x0000, 0n],
  [0x8000, 0n],
  [0x3fff, 0x8000_0000_0000_0000n],
  [0xbfff, 0x8000_0000_0000_0000n],
  [0x3ffe, 0x8000_0000_0000_0000n],
  [0x4000, 0xa000_0000_0000_0000n],
  [0xc000, 0xc90f_daa2_2168_c235n],
  [0x7fff, 0x8000_0000_0000_0000n],
  [0xffff, 0x8000_0000_0000_0000n],
  [0x7fff, 0xc000_0000_0000_0000n],
  [0x7fff, 0xa000_0000_0000_0001n],
  [0x0000, 0x0000_0000_0000_0001n],
  [0x8000, 0x7fff_ffff_ffff_ffffn],
  [0x0001, 0x8000_0000_0000_0000n],
  [0x7ffe, 0xffff_ffff_ffff_ffffn],
  [0x401e, 0x8000_0000_0000_0000n],
  [0x403e, 0x8000_0000_0000_0000n],
  [0x3ffd, 0xaaaa_aaaa_aaaa_aaabn],
];

const halves = (values: readonly bigint[]): Int32Array =>
  Int32Array.from(values.flatMap((value) => [Number(value & 0xffff_ffffn), Number(value >> 32n)]));

const INTEGER_HALVES = halves(EDGES_INTEGER);
const SINGLES = Int32Array.from(EDGES_SINGLE);
const DOUBLE_HALVES = halves(EDGES_DOUBLE);

/** A draw's low four bits choose between an edge, a value of ordinary size, and any bits; the bits above, which edge. */
const CHOICE = 15;
const EDGE_CHOICES = 7;
const ORDINARY_CHOICES = 12;
const choose = (draw: number, count: number): number => (draw >>> 8) % count;

/** Sign and a few bits of exponent about that of 1.0, over random fraction. */
const ordinarySingle = (bits: number): number => (bits & 0x83ff_ffff) | 0x3c00_0000;
const ordinaryDoubleHigh = (bits: number): number => (bits & 0x807f_ffff) | 0x3f80_0000;

function single(random: Random): number {
  const draw = random.int32();
  const choice = draw & CHOICE;
  if (choice < EDGE_CHOICES) return SINGLES[choose(draw, SINGLES.length)]!;
  const bits = random.int32();
  return choice < ORDINARY_CHOICES ? ordinarySingle(bits) : bits;
}

function pair(random: Random, edges: Int32Array, ordinary: (low: number, high: number) => [number, number]) {
  const draw = random.int32();
  const choice = draw & CHOICE;
  if (choice < EDGE_CHOICES) {
    const edge = choose(draw, edges.length / 2) * 2;
    return [edges[edge]!, edges[edge + 1]!] as const;
  }
  const low = random.int32();
  const high = random.int32();
  return choice < ORDINARY_CHOICES ? ordinary(low, high) : ([low, high] as const);
}

/** A 64-bit word of a kind into two halves of `words`. "extended" words are integers: see `drawExtended`. */
export function drawWord(random: Random, kind: ValueKind, words: Int32Array, at: number): void {
  if (kind === "single") {
    words[at] = single(random);
    words[at + 1] = single(random);
    return;
  }
  const [low, high] =
    kind === "double"
      ? pair(random, DOUBLE_HALVES, (a, b) => [a, ordinaryDoubleHigh(b)])
      : pair(random, INTEGER_HALVES, (a, b) => (b & 1 ? [a & 0xff, 0] : [a, b]));
  words[at] = low;
  words[at + 1] = high;
}

const ORDINARY_EXPONENTS = 0x3fef;

/** Ten bytes of an x87 number. Significands of random ones have the integer bit, as all valid normal numbers have. */
export function drawExtended(random: Random, view: DataView, at: number): void {
  const draw = random.int32();
  if ((draw & CHOICE) < EDGE_CHOICES) {
    const [exponent, significand] = EDGES_EXTENDED[choose(draw, EDGES_EXTENDED.length)]!;
    view.setBigUint64(at, significand, true);
    view.setUint16(at + 8, exponent, true);
    return;
  }
  view.setInt32(at, random.int32(), true);
  view.setInt32(at + 4, random.int32() | 0x8000_0000, true);
  view.setUint16(at + 8, (draw & 0x1_0000 ? 0x8000 : 0) | (ORDINARY_EXPONENTS + ((draw >>> 20) & 31)), true);
}
