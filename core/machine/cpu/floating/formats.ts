/** The formats of floating-point numbers and their encodings (Intel SDM vol. 1, 4.2.2 and figure 4-3). */
import {
  bitLength,
  finite,
  INTEGER_BIT,
  infinity,
  nan,
  QUIET_BIT,
  type Real,
  unsupported,
  zero,
} from "./number.js";

export interface Format {
  readonly bytes: number;
  /** Bits of the significand, the integer bit included. */
  readonly precision: number;
  /** Exponents of the smallest and the largest normal number. */
  readonly lowest: number;
  readonly highest: number;
}

export const SINGLE: Format = { bytes: 4, precision: 24, lowest: -126, highest: 127 };
export const DOUBLE: Format = { bytes: 8, precision: 53, lowest: -1022, highest: 1023 };
export const EXTENDED: Format = { bytes: 10, precision: 64, lowest: -16_382, highest: 16_383 };

const ones = (bits: number): bigint => (1n << BigInt(bits)) - 1n;
/** Bits of the fraction of single and double format, and where the exponent ends. */
const fractionBits = (format: Format): number => format.precision - 1;
const exponentBits = (format: Format): number => format.bytes * 8 - format.precision;
/** How far a NaN's fraction is to the left of that of the format in the extended one. */
const nanShift = (format: Format): bigint => BigInt(EXTENDED.precision - format.precision);

/** A number in single or double format. */
export function unpack(format: Format, bits: bigint): Real {
  const isNegative = bits >> BigInt(format.bytes * 8 - 1) !== 0n;
  const fraction = bits & ones(fractionBits(format));
  const exponent = Number((bits >> BigInt(fractionBits(format))) & ones(exponentBits(format)));
  const quantum = format.lowest - fractionBits(format);
  if (exponent === Number(ones(exponentBits(format)))) {
    return fraction === 0n
      ? infinity(isNegative)
      : nan(isNegative, INTEGER_BIT | (fraction << nanShift(format)));
  }
  if (exponent === 0) return fraction === 0n ? zero(isNegative) : finite(isNegative, fraction, quantum, true);
  return finite(isNegative, fraction | (1n << BigInt(fractionBits(format))), quantum + exponent - 1);
}

/** Finite numbers as significand and biased exponent: normal with the integer bit, denormal without and exponent 0. */
function normalized(
  format: Format,
  { significand, exponent }: Real,
): { significand: bigint; biased: number } {
  const quantum = format.lowest - fractionBits(format);
  const shift = Math.min(format.precision - bitLength(significand), exponent - quantum);
  const scaled = shift >= 0 ? significand << BigInt(shift) : significand >> BigInt(-shift);
  const isNormal = bitLength(scaled) === format.precision;
  return { significand: scaled, biased: isNormal ? exponent - shift - quantum + 1 : 0 };
}

/** The encoding in single or double format of a number that has one: rounded, its NaN quiet. */
export function pack(format: Format, value: Real): bigint {
  const sign = value.isNegative ? 1n << BigInt(format.bytes * 8 - 1) : 0n;
  const highest = ones(exponentBits(format)) << BigInt(fractionBits(format));
  switch (value.kind) {
    case "zero":
      return sign;
    case "infinity":
      return sign | highest;
    case "finite": {
      const { significand, biased } = normalized(format, value);
      return (
        sign | (BigInt(biased) << BigInt(fractionBits(format))) | (significand & ones(fractionBits(format)))
      );
    }
    default:
      return sign | highest | ((value.significand >> nanShift(format)) & ones(fractionBits(format)));
  }
}

const EXTENDED_SIGN = 0x8000;
const EXTENDED_EXPONENT = 0x7fff;
const EXTENDED_QUANTUM = EXTENDED.lowest - 63;

/** A number in extended format: 64 bits of significand; sign and exponent. */
export function unpackExtended(significand: bigint, signExponent: number): Real {
  const isNegative = (signExponent & EXTENDED_SIGN) !== 0;
  const exponent = signExponent & EXTENDED_EXPONENT;
  const hasInteger = (significand & INTEGER_BIT) !== 0n;
  if (exponent === 0) {
    // With the integer bit it is a pseudo-denormal, which counts as if its exponent were 1.
    return significand === 0n ? zero(isNegative) : finite(isNegative, significand, EXTENDED_QUANTUM, true);
  }
  if (!hasInteger) return unsupported(isNegative);
  if (exponent === EXTENDED_EXPONENT) {
    return significand === INTEGER_BIT ? infinity(isNegative) : nan(isNegative, significand);
  }
  return finite(isNegative, significand, EXTENDED_QUANTUM + exponent - 1);
}

/** An encoding in extended format. */
export interface Extended {
  readonly significand: bigint;
  readonly signExponent: number;
}

/** The encoding in extended format of a number that has one. */
export function packExtended(value: Real): Extended {
  const sign = value.isNegative ? EXTENDED_SIGN : 0;
  switch (value.kind) {
    case "zero":
      return { significand: 0n, signExponent: sign };
    case "infinity":
      return { significand: INTEGER_BIT, signExponent: sign | EXTENDED_EXPONENT };
    case "finite": {
      const { significand, biased } = normalized(EXTENDED, value);
      return { significand, signExponent: sign | biased };
    }
    default:
      return { significand: value.significand, signExponent: sign | EXTENDED_EXPONENT };
  }
}

/** The indefinite NaN's encoding. */
export const INDEFINITE: Extended = {
  significand: INTEGER_BIT | QUIET_BIT,
  signExponent: EXTENDED_SIGN | EXTENDED_EXPONENT,
};
