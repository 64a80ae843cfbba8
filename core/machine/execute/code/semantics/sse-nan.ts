/**
 * NaNs as x86 makes them (Intel SDM vol. 1, table 4-7 and 4.8.3.5), where WebAssembly leaves sign and payload open: the
 * first operand if it is a NaN, else the second, made quiet; and the default NaN, negative and without payload, when
 * neither is. Results are computed first and put right in a branch that is hardly ever taken.
 */
import { type Code, get, ifThen, type Local, select, set } from "../../../wasm/code.js";
import { I32, I64, type Integers } from "../../../wasm/integers.js";
import { anyTrue, bitSelect, I64X2, vectorAnd, vectorConstant, vectorOr } from "../../../wasm/vectors.js";
import type { Format } from "./sse-operands.js";

/** The bit that makes a NaN quiet, and the default NaN. */
const QUIET = { 4: 0x0040_0000n, 8: 0x0008_0000_0000_0000n } as const;
const DEFAULT_NAN = { 4: 0xffc0_0000n, 8: 0xfff8_0000_0000_0000n } as const;

const lanesOf = (size: 4 | 8, value: bigint): Code =>
  vectorConstant(
    size,
    Array.from({ length: 16 / size }, () => value),
  );
const integersOf = (size: 4 | 8): Integers => (size === 8 ? I64 : I32);

/** Puts right the NaNs among the lanes of a result. */
export function settleVector({ lanes, size }: Format, result: Local, operands: readonly Local[]): Code {
  const isNan = (value: Local): Code => lanes.ne(get(value), get(value));
  const nan = operands.reduceRight<Code>(
    (otherwise, operand) =>
      bitSelect(isNan(operand), vectorOr(get(operand), lanesOf(size, QUIET[size])), otherwise),
    lanesOf(size, DEFAULT_NAN[size]),
  );
  return ifThen(anyTrue(isNan(result)), set(result, bitSelect(isNan(result), nan, get(result))));
}

/** Puts right a result that is a NaN. */
export function settleScalar({ floats, size }: Format, result: Local, operands: readonly Local[]): Code {
  const n = integersOf(size);
  const isNan = (value: Local): Code => floats.ne(get(value), get(value));
  const nan = operands.reduceRight<Code>(
    (otherwise, operand) =>
      select(isNan(operand), n.or(floats.toBits(get(operand)), n.constant(QUIET[size])), otherwise),
    n.constant(DEFAULT_NAN[size]),
  );
  return ifThen(isNan(result), set(result, floats.fromBits(nan)));
}

/** Bitwise operations on 64 bits, of one i64 or of both lanes of a v128. */
interface Bits {
  readonly constant: (value: bigint) => Code;
  readonly and: (left: Code, right: Code) => Code;
  readonly or: (left: Code, right: Code) => Code;
  readonly shl: (value: Code, count: number) => Code;
  readonly shrU: (value: Code, count: number) => Code;
}
const LONG: Bits = {
  constant: I64.constant,
  and: I64.and,
  or: I64.or,
  shl: (value, count) => I64.shl(value, I64.constant(count)),
  shrU: (value, count) => I64.shrU(value, I64.constant(count)),
};
const LONGS: Bits = {
  constant: (value) => lanesOf(8, value),
  and: vectorAnd,
  or: vectorOr,
  shl: (value, count) => I64X2.shl(value, I32.constant(count)),
  shrU: (value, count) => I64X2.shrU(value, I32.constant(count)),
};

/** Bits of fraction that a double has more than a single. */
const FRACTION_DIFFERENCE = 29;
const SIGN_64 = 0x8000_0000_0000_0000n;
const QUIET_NAN_64 = 0x7ff8_0000_0000_0000n;
const FRACTION_64 = 0x000f_ffff_ffff_ffffn;
const SIGN_32 = 0x8000_0000n;
const QUIET_NAN_32 = 0x7fc0_0000n;
const FRACTION_32 = 0x007f_ffffn;

/** A NaN in single format, in the low half of 64 bits, as a double: payload on the left, quiet. */
function widen(bits: Bits, single: Code): Code {
  const fraction = bits.and(bits.shl(single, FRACTION_DIFFERENCE), bits.constant(FRACTION_64));
  const sign = bits.and(bits.shl(single, 32), bits.constant(SIGN_64));
  return bits.or(bits.or(fraction, sign), bits.constant(QUIET_NAN_64));
}

/** A NaN in double format as a single in the low half of 64 bits. */
function narrow(bits: Bits, double: Code): Code {
  const fraction = bits.and(bits.shrU(double, FRACTION_DIFFERENCE), bits.constant(FRACTION_32));
  const sign = bits.and(bits.shrU(double, 32), bits.constant(SIGN_32));
  return bits.or(bits.or(fraction, sign), bits.constant(QUIET_NAN_32));
}

/** The NaN of one or two doubles that singles become. `single` is i64 or v128, zero-extended in each 64 bits. */
export const widenNan = (single: Code): Code => widen(LONG, single);
export const widenNans = (single: Code): Code => widen(LONGS, single);
/** The NaN of one or two singles, in the low halves of 64 bits, that doubles become. */
export const narrowNan = (double: Code): Code => narrow(LONG, double);
export const narrowNans = (double: Code): Code => narrow(LONGS, double);
