/**
 * SSE and SSE2: arithmetic on floats, packed and of the lowest lane, rounded to nearest (Intel SDM vol. 1, 10.4 and 11.4).
 *
 * RCP and RSQRT tell 12 bits of a reciprocal, and how they err differs between processors: the manual promises a relative
 * error below 1.5 * 2^-12. Here they are the exact quotient, rounded to single and then to 12 bits of fraction (half
 * away from zero), so that powers of two come out exact. As the manual says, denormals count as zero and tiny results
 * become zero.
 */
import { type Code, get, type Local, set } from "../../../wasm/code.js";
import { F32 } from "../../../wasm/floats.js";
import {
  bitSelect,
  F32X4,
  I32X4,
  vectorAnd,
  vectorAndNot,
  vectorConstant,
  vectorZero,
} from "../../../wasm/vectors.js";
import type { Scope, Semantic } from "../scope.js";
import { sse, sseArithmetic } from "./sse-guard.js";
import { settleScalar, settleVector } from "./sse-nan.js";
import {
  DOUBLE,
  type Format,
  readScalar,
  readScalarLane,
  readVector,
  SINGLE,
  writeScalar,
  writeVector,
} from "./sse-operands.js";

type Binary = "add" | "sub" | "mul" | "div";

const packed = (format: Format, operation: Binary): Semantic =>
  sseArithmetic((scope) => {
    const right = scope.keep("v128", readVector(scope, 1));
    const left = scope.keep("v128", readVector(scope, 0));
    const result = scope.keep("v128", format.lanes[operation](get(left.local), get(right.local)));
    return [
      right.code,
      left.code,
      result.code,
      settleVector(format, result.local, [left.local, right.local]),
      writeVector(scope, 0, get(result.local)),
    ];
  });

const scalar = (format: Format, operation: Binary): Semantic =>
  sseArithmetic((scope) => {
    const { floats, lanes } = format;
    const right = scope.keep(floats.type, readScalar(scope, 1, format));
    const register = scope.keep("v128", readVector(scope, 0));
    const left = scope.keep(floats.type, lanes.extract(0)(get(register.local)));
    const result = scope.keep(floats.type, floats[operation](get(left.local), get(right.local)));
    return [
      right.code,
      register.code,
      left.code,
      result.code,
      settleScalar(format, result.local, [left.local, right.local]),
      writeScalar(scope, register.local, format, get(result.local)),
    ];
  });

const packedRoot = (format: Format): Semantic =>
  sseArithmetic((scope) => {
    const operand = scope.keep("v128", readVector(scope, 1));
    const result = scope.keep("v128", format.lanes.sqrt(get(operand.local)));
    return [
      operand.code,
      result.code,
      settleVector(format, result.local, [operand.local]),
      writeVector(scope, 0, get(result.local)),
    ];
  });

const scalarRoot = (format: Format): Semantic =>
  sseArithmetic((scope) => {
    const { type, sqrt } = format.floats;
    const operand = scope.keep(type, readScalar(scope, 1, format));
    const result = scope.keep(type, sqrt(get(operand.local)));
    const register = scope.keep("v128", readVector(scope, 0));
    return [
      operand.code,
      result.code,
      settleScalar(format, result.local, [operand.local]),
      register.code,
      writeScalar(scope, register.local, format, get(result.local)),
    ];
  });

/** Left where it is less (greater) than right, else right: so right if one is a NaN, or both are zeros. */
type Extreme = "pseudoMin" | "pseudoMax";

const packedExtreme = ({ lanes }: Format, extreme: Extreme): Semantic =>
  sseArithmetic((scope) => writeVector(scope, 0, lanes[extreme](readVector(scope, 1), readVector(scope, 0))));

const scalarExtreme = (format: Format, extreme: Extreme): Semantic =>
  sseArithmetic((scope) => {
    const { lanes } = format;
    const register = scope.keep("v128", readVector(scope, 0));
    const result = lanes[extreme](readScalarLane(scope, 1, format), get(register.local));
    return [register.code, writeScalar(scope, register.local, format, lanes.extract(0)(result))];
  });

// Reciprocals.

const SIGN = 0x8000_0000;
const EXPONENT = 0x7f80_0000;
const ALL_BITS = 0xffff_ffff;
const lanes32 = (bits: number): Code => vectorConstant(4, [bits, bits, bits, bits]);
/** Fraction bits of a single that are rounded away, and half of the last one kept. */
const DROPPED = 0x7ff;
const HALF = 0x400;

/** Lanes with exponent 0 (zeros and denormals) become zeros with their sign. */
const flushed = (vector: Local): Code =>
  vectorAnd(
    get(vector),
    bitSelect(
      I32X4.eq(vectorAnd(get(vector), lanes32(EXPONENT)), vectorZero),
      lanes32(SIGN),
      lanes32(ALL_BITS),
    ),
  );

/** The approximation for each lane of a vector; `exact` is the function that it approximates. */
function approximate(
  scope: Scope,
  vector: Code,
  exact: (operand: Code) => Code,
): { code: Code; result: Local } {
  const operand = scope.keep("v128", vector);
  const result = scope.keep("v128", exact(get(operand.local)));
  const rounded = vectorAndNot(I32X4.add(get(result.local), lanes32(HALF)), lanes32(DROPPED));
  const isNumber = F32X4.eq(get(result.local), get(result.local));
  const code = [
    operand.code,
    set(operand.local, flushed(operand.local)),
    result.code,
    settleVector(SINGLE, result.local, [operand.local]),
    set(result.local, bitSelect(isNumber, rounded, get(result.local))),
    set(result.local, flushed(result.local)),
  ];
  return { code, result: result.local };
}

const one = F32X4.splat(F32.constant(1));
const reciprocal = (operand: Code): Code => F32X4.div(one, operand);
const reciprocalRoot = (operand: Code): Code => F32X4.div(one, F32X4.sqrt(operand));

const packedApproximation = (exact: (operand: Code) => Code): Semantic =>
  sse((scope) => {
    const { code, result } = approximate(scope, readVector(scope, 1), exact);
    return [code, writeVector(scope, 0, get(result))];
  });

const scalarApproximation = (exact: (operand: Code) => Code): Semantic =>
  sse((scope) => {
    const { code, result } = approximate(scope, readScalarLane(scope, 1, SINGLE), exact);
    const register = scope.keep("v128", readVector(scope, 0));
    return [code, register.code, writeScalar(scope, register.local, SINGLE, F32X4.extract(0)(get(result)))];
  });

/** The four instructions of a name: PS, SS, PD, SD. */
function four(
  name: string,
  ofPacked: (format: Format) => Semantic,
  ofScalar: (format: Format) => Semantic,
): Readonly<Record<string, Semantic>> {
  return {
    [`${name}PS`]: ofPacked(SINGLE),
    [`${name}SS`]: ofScalar(SINGLE),
    [`${name}PD`]: ofPacked(DOUBLE),
    [`${name}SD`]: ofScalar(DOUBLE),
  };
}
const binary = (name: string, operation: Binary): Readonly<Record<string, Semantic>> =>
  four(
    name,
    (format) => packed(format, operation),
    (format) => scalar(format, operation),
  );
const extreme = (name: string, which: Extreme): Readonly<Record<string, Semantic>> =>
  four(
    name,
    (format) => packedExtreme(format, which),
    (format) => scalarExtreme(format, which),
  );

export const SSE_ARITHMETIC: Readonly<Record<string, Semantic>> = {
  ...binary("ADD", "add"),
  ...binary("SUB", "sub"),
  ...binary("MUL", "mul"),
  ...binary("DIV", "div"),
  ...extreme("MIN", "pseudoMin"),
  ...extreme("MAX", "pseudoMax"),
  ...four("SQRT", packedRoot, scalarRoot),
  RCPPS: packedApproximation(reciprocal),
  RCPSS: scalarApproximation(reciprocal),
  RSQRTPS: packedApproximation(reciprocalRoot),
  RSQRTSS: scalarApproximation(reciprocalRoot),
};
