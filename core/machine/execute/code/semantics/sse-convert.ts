/**
 * SSE and SSE2: conversions between floats and integers and between the two formats (Intel SDM vol. 1, 10.4.5 and 11.4.2).
 * A float that does not fit its integer, or is no number, becomes the "integer indefinite": the sign bit alone.
 */
import { type Code, get, ifThen, type Local, select, set } from "../../../wasm/code.js";
import { demote, F32, F64, promote } from "../../../wasm/floats.js";
import { extendUnsigned, I32, I64, wrap } from "../../../wasm/integers.js";
import {
  anyTrue,
  bitSelect,
  F32X4,
  F64X2,
  I32X4,
  I64X2,
  shuffle,
  vectorZero,
} from "../../../wasm/vectors.js";
import type { Scope, Semantic } from "../scope.js";
import { mmx, sse, sseArithmetic } from "./sse-guard.js";
import { narrowNan, narrowNans, widenNan, widenNans } from "./sse-nan.js";
import {
  DOUBLE,
  type Format,
  isMemory,
  readScalar,
  readScalarLane,
  readVector,
  SINGLE,
  writeScalar,
  writeVector,
} from "./sse-operands.js";

const TOO_LARGE_32 = 2 ** 31;
const TOO_LARGE_64 = 2 ** 63;
const INDEFINITE_32 = -0x8000_0000;
const INDEFINITE_64 = -(2n ** 63n);

/** "nearest" rounds first; "truncate" leaves it to the conversion, which goes towards zero. */
type Rounding = "nearest" | "truncate";

/** CVTSI2SS, CVTSI2SD: from a general register or memory of 4 or 8 bytes. */
const fromInteger = (format: Format): Semantic =>
  sseArithmetic((scope) => {
    const { size } = scope.instruction.operands[1]!;
    const result = scope.keep(format.floats.type, format.floats.convert(size)(scope.read(1)));
    const register = scope.keep("v128", readVector(scope, 0));
    return [result.code, register.code, writeScalar(scope, register.local, format, get(result.local))];
  });

/** CVTSS2SI, CVTTSD2SI and their like: what is too small saturates, which is the indefinite integer already. */
const toInteger = (format: Format, rounding: Rounding): Semantic =>
  sseArithmetic((scope) => {
    const { size } = scope.instruction.operands[0]!;
    const { floats } = format;
    const value = readScalar(scope, 1, format);
    const rounded = scope.keep(floats.type, rounding === "nearest" ? floats.nearest(value) : value);
    const limit = floats.constant(size === 8 ? TOO_LARGE_64 : TOO_LARGE_32);
    const indefinite = size === 8 ? I64.constant(INDEFINITE_64) : I32.constant(INDEFINITE_32);
    const fits = floats.lt(get(rounded.local), limit);
    return [
      rounded.code,
      scope.write(0, select(fits, floats.truncate(size)(get(rounded.local)), indefinite), size),
    ];
  });

/** Four singles as integers; `vector` may be evaluated once. */
function singlesToIntegers(scope: Scope, vector: Code, rounding: Rounding): Code {
  const rounded = scope.keep("v128", rounding === "nearest" ? F32X4.nearest(vector) : vector);
  const fits = F32X4.lt(get(rounded.local), F32X4.splat(F32.constant(TOO_LARGE_32)));
  const indefinite = I32X4.splat(I32.constant(INDEFINITE_32));
  return [rounded.code, bitSelect(fits, I32X4.truncateSingle(get(rounded.local)), indefinite)];
}

/** Two doubles as integers in the lower half, zero above. What does not fit is first made to saturate downwards. */
function doublesToIntegers(scope: Scope, vector: Code, rounding: Rounding): Code {
  const rounded = scope.keep("v128", rounding === "nearest" ? F64X2.nearest(vector) : vector);
  const fits = F64X2.lt(get(rounded.local), F64X2.splat(F64.constant(TOO_LARGE_32)));
  const lowest = F64X2.splat(F64.constant(INDEFINITE_32));
  return [rounded.code, I32X4.truncateDouble(bitSelect(fits, get(rounded.local), lowest))];
}

// Between the formats: a NaN keeps sign and as much of its payload as there is room for, and becomes quiet.

const singleToDouble: Semantic = sseArithmetic((scope) => {
  const operand = scope.keep("f32", readScalar(scope, 1, SINGLE));
  const result = scope.keep("f64", promote(get(operand.local)));
  const register = scope.keep("v128", readVector(scope, 0));
  const nan = F64.fromBits(widenNan(extendUnsigned(F32.toBits(get(operand.local)))));
  return [
    operand.code,
    result.code,
    ifThen(F64.ne(get(result.local), get(result.local)), set(result.local, nan)),
    register.code,
    writeScalar(scope, register.local, DOUBLE, get(result.local)),
  ];
});

const doubleToSingle: Semantic = sseArithmetic((scope) => {
  const operand = scope.keep("f64", readScalar(scope, 1, DOUBLE));
  const result = scope.keep("f32", demote(get(operand.local)));
  const register = scope.keep("v128", readVector(scope, 0));
  const nan = F32.fromBits(wrap(narrowNan(F64.toBits(get(operand.local)))));
  return [
    operand.code,
    result.code,
    ifThen(F32.ne(get(result.local), get(result.local)), set(result.local, nan)),
    register.code,
    writeScalar(scope, register.local, SINGLE, get(result.local)),
  ];
});

/** The lower two lanes of 32 bits zero-extended to 64, and the low halves of both 64 bits with zeros above them. */
const SPREAD = [0, 1, 2, 3, 16, 16, 16, 16, 4, 5, 6, 7, 16, 16, 16, 16];
const GATHER = [0, 1, 2, 3, 8, 9, 10, 11, 16, 16, 16, 16, 16, 16, 16, 16];
const spread = (vector: Code): Code => shuffle(vector, vectorZero, SPREAD);
const gather = (vector: Code): Code => shuffle(vector, vectorZero, GATHER);

/** Replaces the lanes of a result that are NaNs. */
const putNans = (lanes: Format["lanes"], result: Local, nans: Code): Code => {
  const isNan = lanes.ne(get(result), get(result));
  return ifThen(anyTrue(isNan), set(result, bitSelect(isNan, nans, get(result))));
};

const singlesToDoubles: Semantic = sseArithmetic((scope) => {
  const operand = scope.keep("v128", readScalarLane(scope, 1, DOUBLE));
  const result = scope.keep("v128", F64X2.promoteLow(get(operand.local)));
  return [
    operand.code,
    result.code,
    putNans(F64X2, result.local, widenNans(spread(get(operand.local)))),
    writeVector(scope, 0, get(result.local)),
  ];
});

const doublesToSingles: Semantic = sseArithmetic((scope) => {
  const operand = scope.keep("v128", readVector(scope, 1));
  const result = scope.keep("v128", F32X4.demote(get(operand.local)));
  return [
    operand.code,
    result.code,
    putNans(F32X4, result.local, gather(narrowNans(get(operand.local)))),
    writeVector(scope, 0, get(result.local)),
  ];
});

// Packed integers. MM registers have two.

const packedToIntegers = (rounding: Rounding): Semantic =>
  sseArithmetic((scope) => writeVector(scope, 0, singlesToIntegers(scope, readVector(scope, 1), rounding)));
const packedDoublesToIntegers = (rounding: Rounding): Semantic =>
  sseArithmetic((scope) => writeVector(scope, 0, doublesToIntegers(scope, readVector(scope, 1), rounding)));
const singlesToMmx = (rounding: Rounding): Semantic =>
  sseArithmetic(
    mmx((scope) => {
      const integers = singlesToIntegers(scope, readScalarLane(scope, 1, DOUBLE), rounding);
      return scope.write(0, I64X2.extract(0)(integers), 8);
    }),
  );
const doublesToMmx = (rounding: Rounding): Semantic =>
  sseArithmetic(
    mmx((scope) => {
      const integers = doublesToIntegers(scope, readVector(scope, 1), rounding);
      return scope.write(0, I64X2.extract(0)(integers), 8);
    }),
  );
const mmxToSingles: Semantic = sseArithmetic(
  mmx((scope) => {
    const singles = F32X4.convertS(I64X2.splat(scope.read(1, 8)));
    return writeVector(scope, 0, F64X2.replace(0)(readVector(scope, 0), F64X2.extract(0)(singles)));
  }),
);
const mmxToDoubles: Semantic = (scope) => {
  const semantic: Semantic = () => writeVector(scope, 0, F64X2.convertLowS(I64X2.splat(scope.read(1, 8))));
  // Only the form with a register counts as MMX.
  return sse(isMemory(scope, 1) ? semantic : mmx(semantic))(scope);
};

export const SSE_CONVERSIONS: Readonly<Record<string, Semantic>> = {
  CVTSI2SS: fromInteger(SINGLE),
  CVTSI2SD: fromInteger(DOUBLE),
  CVTSS2SI: toInteger(SINGLE, "nearest"),
  CVTSD2SI: toInteger(DOUBLE, "nearest"),
  CVTTSS2SI: toInteger(SINGLE, "truncate"),
  CVTTSD2SI: toInteger(DOUBLE, "truncate"),
  CVTSS2SD: singleToDouble,
  CVTSD2SS: doubleToSingle,
  CVTPS2PD: singlesToDoubles,
  CVTPD2PS: doublesToSingles,
  CVTDQ2PS: sseArithmetic((scope) => writeVector(scope, 0, F32X4.convertS(readVector(scope, 1)))),
  CVTDQ2PD: sse((scope) => writeVector(scope, 0, F64X2.convertLowS(readScalarLane(scope, 1, DOUBLE)))),
  CVTPS2DQ: packedToIntegers("nearest"),
  CVTTPS2DQ: packedToIntegers("truncate"),
  CVTPD2DQ: packedDoublesToIntegers("nearest"),
  CVTTPD2DQ: packedDoublesToIntegers("truncate"),
  CVTPS2PI: singlesToMmx("nearest"),
  CVTTPS2PI: singlesToMmx("truncate"),
  CVTPD2PI: doublesToMmx("nearest"),
  CVTTPD2PI: doublesToMmx("truncate"),
  CVTPI2PS: mmxToSingles,
  CVTPI2PD: mmxToDoubles,
};
