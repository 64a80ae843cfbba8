/**
 * The vector instructions of WebAssembly (WebAssembly Core Specification 2.0, 5.4.8) that SSE's meanings use. A v128 is
 * seen as lanes of a shape; shapes offer the same operations under the same names. Lane 0 is the lowest.
 */
import { type Code, unsigned } from "./code.js";

type Unary = (operand: Code) => Code;
type Binary = (left: Code, right: Code) => Code;

const VECTOR = 0xfd;
const opcode = (number: number): Code => [VECTOR, unsigned(number)];
const unary =
  (number: number): Unary =>
  (operand) => [operand, opcode(number)];
const binary =
  (number: number): Binary =>
  (left, right) => [left, right, opcode(number)];

// All 128 bits.

/** A constant of lanes of `bytes` each. */
export function vectorConstant(bytes: 1 | 2 | 4 | 8, lanes: readonly (number | bigint)[]): Code {
  const value = new DataView(new ArrayBuffer(16));
  lanes.forEach((lane, index) => {
    const bits = BigInt.asUintN(64, BigInt(lane));
    for (let byte = 0; byte < bytes; byte++)
      value.setUint8(index * bytes + byte, Number((bits >> BigInt(8 * byte)) & 0xffn));
  });
  return [opcode(12), [...new Uint8Array(value.buffer)]];
}
export const vectorZero: Code = vectorConstant(8, [0, 0]);
export const vectorNot = unary(77);
export const vectorAnd = binary(78);
/** left and not right. */
export const vectorAndNot = binary(79);
export const vectorOr = binary(80);
export const vectorXor = binary(81);
/** Bits of `then` where the mask has ones, of `otherwise` elsewhere. */
export const bitSelect = (mask: Code, then: Code, otherwise: Code): Code => [
  then,
  otherwise,
  mask,
  opcode(82),
];
export const anyTrue = unary(83);

// Bytes moved.

/** Sixteen bytes by number: 0 to 15 of `left`, 16 to 31 of `right`. */
export const shuffle = (left: Code, right: Code, bytes: readonly number[]): Code => [
  left,
  right,
  opcode(13),
  [...bytes],
];
/** Bytes of a vector by the numbers in another; 0 where the number is above 15. */
export const swizzle = binary(14);

/** A lane shape's operations on integers; `extract` of narrow lanes zero-extends. */
interface IntegerLanes {
  /** All lanes alike. Lanes of 4 bytes and less are i32, those of 8 i64. */
  readonly splat: Unary;
  readonly extract: (lane: number) => Unary;
  readonly replace: (lane: number) => Binary;
  /** All ones where it holds. */
  readonly eq: Binary;
  readonly gtS: Binary;
  /** Counts (i32) are taken modulo the lane's bits. */
  readonly shl: Binary;
  readonly shrS: Binary;
  readonly shrU: Binary;
  readonly add: Binary;
  readonly sub: Binary;
  /** The lanes' sign bits, lane 0 lowest (i32). */
  readonly bitmask: Unary;
}

interface LaneOpcodes {
  readonly splat: number;
  readonly extract: number;
  readonly replace: number;
  readonly eq: number;
  readonly gtS: number;
  readonly bitmask: number;
  readonly shl: number;
  readonly add: number;
  readonly sub: number;
}

const extractor =
  (number: number) =>
  (lane: number): Unary =>
  (operand) => [operand, opcode(number), lane];
const replacer =
  (number: number) =>
  (lane: number): Binary =>
  (vector, value) => [vector, value, opcode(number), lane];

const integerLanes = (at: LaneOpcodes): IntegerLanes => ({
  splat: unary(at.splat),
  extract: extractor(at.extract),
  replace: replacer(at.replace),
  eq: binary(at.eq),
  gtS: binary(at.gtS),
  bitmask: unary(at.bitmask),
  shl: binary(at.shl),
  shrS: binary(at.shl + 1),
  shrU: binary(at.shl + 2),
  add: binary(at.add),
  sub: binary(at.sub),
});

export const I8X16 = {
  ...integerLanes({
    splat: 15,
    extract: 22,
    replace: 23,
    eq: 35,
    gtS: 39,
    bitmask: 100,
    shl: 107,
    add: 110,
    sub: 113,
  }),
  addSaturateS: binary(111),
  addSaturateU: binary(112),
  subSaturateS: binary(114),
  subSaturateU: binary(115),
  minU: binary(119),
  maxU: binary(121),
  averageU: binary(123),
  /** Lanes of 16 bits of both vectors, saturated to 8. */
  narrowS: binary(101),
  narrowU: binary(102),
};

export const I16X8 = {
  ...integerLanes({
    splat: 16,
    extract: 25,
    replace: 26,
    eq: 45,
    gtS: 49,
    bitmask: 132,
    shl: 139,
    add: 142,
    sub: 145,
  }),
  addSaturateS: binary(143),
  addSaturateU: binary(144),
  subSaturateS: binary(146),
  subSaturateU: binary(147),
  mul: binary(149),
  minS: binary(150),
  maxS: binary(152),
  averageU: binary(155),
  narrowS: binary(133),
  /** Sums of neighbouring unsigned bytes. */
  addPairsU: unary(125),
};

export const I32X4 = {
  ...integerLanes({
    splat: 17,
    extract: 27,
    replace: 28,
    eq: 55,
    gtS: 59,
    bitmask: 164,
    shl: 171,
    add: 174,
    sub: 177,
  }),
  mul: binary(181),
  /** Sums of neighbouring unsigned 16-bit lanes. */
  addPairsU: unary(127),
  /** Sums of two neighbouring products of signed 16-bit lanes. */
  dotS: binary(186),
  /** Products of the lower, or upper, four lanes of 16 bits. */
  mulLowS: binary(188),
  mulHighS: binary(189),
  mulLowU: binary(190),
  mulHighU: binary(191),
  /** Of f32 lanes, and of two f64 lanes with zeros above them: towards zero, saturating, 0 of NaN. */
  truncateSingle: unary(248),
  truncateDouble: unary(252),
};

export const I64X2 = {
  ...integerLanes({
    splat: 18,
    extract: 29,
    replace: 30,
    eq: 214,
    gtS: 217,
    bitmask: 196,
    shl: 203,
    add: 206,
    sub: 209,
  }),
  /** Products of the lower two unsigned lanes of 32 bits. */
  mulLowU: binary(220 + 2),
};

/** A lane shape's operations on floats. */
export interface FloatLanes {
  /** Bytes of a lane. */
  readonly size: 4 | 8;
  readonly splat: Unary;
  readonly extract: (lane: number) => Unary;
  readonly replace: (lane: number) => Binary;
  readonly eq: Binary;
  readonly ne: Binary;
  readonly lt: Binary;
  readonly le: Binary;
  readonly nearest: Unary;
  readonly sqrt: Unary;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  /** right < left ? right : left, and left < right ? right : left, the operands' bits unchanged. */
  readonly pseudoMin: Binary;
  readonly pseudoMax: Binary;
}

/** Comparisons follow `eq` (with gt between lt and le), arithmetic follows `sqrt`. */
const floatLanes = (
  size: 4 | 8,
  splat: number,
  extract: number,
  eq: number,
  sqrt: number,
  nearest: number,
): FloatLanes => ({
  size,
  splat: unary(splat),
  extract: extractor(extract),
  replace: replacer(extract + 1),
  eq: binary(eq),
  ne: binary(eq + 1),
  lt: binary(eq + 2),
  le: binary(eq + 4),
  nearest: unary(nearest),
  sqrt: unary(sqrt),
  add: binary(sqrt + 1),
  sub: binary(sqrt + 2),
  mul: binary(sqrt + 3),
  div: binary(sqrt + 4),
  pseudoMin: binary(sqrt + 7),
  pseudoMax: binary(sqrt + 8),
});

export const F32X4 = {
  ...floatLanes(4, 19, 31, 65, 227, 106),
  convertS: unary(250),
  /** Two f64 lanes rounded, and zeros above them. */
  demote: unary(94),
};

export const F64X2 = {
  ...floatLanes(8, 20, 33, 71, 239, 148),
  /** Of the lower two lanes, exactly. */
  convertLowS: unary(254),
  promoteLow: unary(95),
};
