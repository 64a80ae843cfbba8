/**
 * MUL, IMUL and MULX (SDM vol. 2 by name). CF and OF say that the upper half of the product means something. SF, ZF and PF,
 * undefined, are those of the lower half and AF is cleared, as Intel processors have it: that is cheap, where keeping the
 * old ones, as Zen processors do, would have them computed.
 */
import { RFLAGS } from "../../../cpu/state.js";
import { type Code, get, type Local, tee } from "../../../wasm/code.js";
import { I32, I64 } from "../../../wasm/integers.js";
import { asLong } from "../flags.js";
import type { Scope, Semantic } from "../scope.js";
import { fromLong, keepSized, RAX, RDX, signExtendedLong, signedLong, sizeOf } from "./values.js";

/** Upper 64 bits of the unsigned product of two i64, from four products of 32-bit halves. */
function highProduct(scope: Scope, left: Code, right: Code): Code {
  const [middle, other] = [scope.local("i64"), scope.local("i64")];
  const low = (value: Code): Code => I64.and(value, I64.constant(0xffff_ffff));
  const high = (value: Code): Code => I64.shrU(value, I64.constant(32));
  const lowest = I64.mul(low(left), low(right));
  // Neither sum overflows: (2^32 - 1)^2 + 2^32 - 1 < 2^64.
  const firstMiddle = tee(middle, I64.add(I64.mul(high(left), low(right)), high(lowest)));
  const secondMiddle = tee(other, I64.add(I64.mul(low(left), high(right)), low(firstMiddle)));
  return I64.add(I64.add(high(secondMiddle), high(get(middle))), I64.mul(high(left), high(right)));
}

/** The same of the signed product: a negative factor counted 2^64 times the other too much. */
function signedHighProduct(scope: Scope, left: Code, right: Code): Code {
  const excess = (factor: Code, other: Code): Code => I64.and(I64.shrS(factor, I64.constant(63)), other);
  return I64.sub(I64.sub(highProduct(scope, left, right), excess(left, right)), excess(right, left));
}

interface Product {
  readonly code: Code;
  /** Halves, of the size's type; the upper one is left to be evaluated, once, by who wants it. */
  readonly low: Local;
  readonly high: Code;
  /** Whether the upper half, given here, is not what the lower one implies: 0, or its sign (i32). */
  readonly isWide: (high: Code) => Code;
}

function product(scope: Scope, size: number, isSigned: boolean, left: Local, right: Local): Product {
  const factor = (local: Local): Code => (isSigned ? signedLong : asLong)(size, get(local));
  const { code, local } = scope.keep("i64", I64.mul(factor(left), factor(right)));
  const whole = get(local);
  if (size === 8) {
    return {
      code,
      low: local,
      high: (isSigned ? signedHighProduct : highProduct)(scope, get(left), get(right)),
      isWide: (high) => I64.ne(high, isSigned ? I64.shrS(whole, I64.constant(63)) : I64.constant(0)),
    };
  }
  const low = scope.keep("i32", fromLong(size, whole));
  const high = I64.shrU(whole, I64.constant(size * 8));
  const isWide = isSigned ? I64.ne(whole, signExtendedLong(size, whole)) : I64.ne(high, I64.constant(0));
  return { code: [code, low.code], low: low.local, high: fromLong(size, high), isWide: () => isWide };
}

const setFlags = (scope: Scope, size: number, low: Local, wide: Code): Code =>
  scope.flags.setParts(size, low, I32.mul(wide, I32.constant(RFLAGS.CF | RFLAGS.OF)));

/** Both halves of a register times an operand, kept: what becomes of them may change either. */
function keptProduct(scope: Scope, isSigned: boolean, register: number, operand: number) {
  const size = sizeOf(scope, 0);
  const right = keepSized(scope, size, scope.read(operand, size));
  const left = keepSized(scope, size, scope.register(register, size));
  const { code, low, high, isWide } = product(scope, size, isSigned, left.local, right.local);
  const kept = keepSized(scope, size, high);
  return { size, code: [right.code, left.code, code, kept.code], low, high: kept.local, isWide };
}

/** One operand: AX, or DX:AX of the size, := accumulator * operand. */
function wholeProduct(scope: Scope, isSigned: boolean): Code {
  const { size, code, low, high, isWide } = keptProduct(scope, isSigned, RAX, 0);
  return [code, setHalves(scope, size, get(low), get(high)), setFlags(scope, size, low, isWide(get(high)))];
}

/** Sets AH:AL, or DX:AX of the size. */
export function setHalves(scope: Scope, size: number, low: Code, high: Code): Code {
  if (size === 1) return scope.setRegister(RAX, 2, I32.or(low, I32.shl(high, I32.constant(8))));
  return [scope.setRegister(RAX, size, low), scope.setRegister(RDX, size, high)];
}

/** Two or three operands: the first := the product of the last two, cut. */
function cutProduct(scope: Scope): Code {
  const { operands } = scope.instruction;
  const size = sizeOf(scope, 0);
  const left = keepSized(scope, size, scope.read(operands.length - 2, size));
  const right = keepSized(scope, size, scope.read(operands.length - 1, size));
  const { code, low, high, isWide } = product(scope, size, true, left.local, right.local);
  return [
    left.code,
    right.code,
    code,
    scope.write(0, get(low), size),
    setFlags(scope, size, low, isWide(high)),
  ];
}

/** MULX: high and low half of RDX * source into two registers, no flags. If they are the same, it gets the high half. */
const multiplyWithoutFlags: Semantic = (scope) => {
  const { size, code, low, high } = keptProduct(scope, false, RDX, 2);
  return [code, scope.write(1, get(low), size), scope.write(0, get(high), size)];
};

export const MULTIPLY: Readonly<Record<string, Semantic>> = {
  MUL: (scope) => wholeProduct(scope, false),
  IMUL: (scope) => (scope.instruction.operands.length === 1 ? wholeProduct(scope, true) : cutProduct(scope)),
  MULX: multiplyWithoutFlags,
};
