/**
 * DIV and IDIV (SDM vol. 2 by name). #DE for a divisor of 0 and for a quotient that does not fit, before anything changes.
 * The flags, all undefined, are left alone.
 */
import { EXCEPTION } from "../../../cpu/state.js";
import {
  branchIf,
  type Code,
  get,
  ifElse,
  ifThen,
  int,
  Label,
  type Local,
  loop,
  select,
  set,
} from "../../../wasm/code.js";
import { extendUnsigned, I32, I64 } from "../../../wasm/integers.js";
import { asLong } from "../flags.js";
import type { Scope, Semantic } from "../scope.js";
import { setHalves } from "./multiply.js";
import { fromLong, RAX, RDX, signExtendedLong, signedLong, sizeOf } from "./values.js";

const raiseIf = (scope: Scope, condition: Code): Code => ifThen(condition, scope.raise(EXCEPTION.DE));
const zero = I64.constant(0);

/** AX, or EDX:EAX and DX:AX as i64; with its sign, or zero-extended. */
function dividend(scope: Scope, size: number, isSigned: boolean): Code {
  const extend = isSigned ? signedLong : asLong;
  if (size === 1) return extend(2, scope.register(RAX, 2));
  const high = extend(size, scope.register(RDX, size));
  return I64.or(I64.shl(high, I64.constant(size * 8)), asLong(size, scope.register(RAX, size)));
}

/** Sets quotient and remainder from i64. */
const finish = (scope: Scope, size: number, quotient: Local, rest: Code): Code =>
  setHalves(scope, size, fromLong(size, get(quotient)), fromLong(size, rest));

/** Dividends of up to 64 bits. */
function divide(scope: Scope, size: number): Code {
  const divisor = scope.keep("i64", asLong(size, scope.read(0, size)));
  const whole = scope.keep("i64", dividend(scope, size, false));
  const quotient = scope.keep("i64", I64.divU(get(whole.local), get(divisor.local)));
  const high = I64.shrU(get(whole.local), I64.constant(size * 8));
  return [
    divisor.code,
    whole.code,
    // The quotient fits if, and only if, the upper half is below the divisor; so it is not if that is 0.
    raiseIf(scope, I64.geU(high, get(divisor.local))),
    quotient.code,
    finish(scope, size, quotient.local, rest(whole.local, quotient.local, divisor.local)),
  ];
}

/** dividend - quotient * divisor. */
const rest = (whole: Local, quotient: Local, divisor: Local): Code =>
  I64.sub(get(whole), I64.mul(get(quotient), get(divisor)));

/** The same with signs. The quotient is rounded towards 0; the rest has the dividend's sign. */
function divideSigned(scope: Scope, size: number): Code {
  const divisor = scope.keep("i64", signedLong(size, scope.read(0, size)));
  const whole = scope.keep("i64", dividend(scope, size, true));
  const quotient = scope.keep("i64", divideOrNegate(whole.local, divisor.local));
  return [
    divisor.code,
    whole.code,
    raiseIf(scope, I64.isZero(get(divisor.local))),
    quotient.code,
    raiseIf(scope, I64.ne(get(quotient.local), signExtendedLong(size, get(quotient.local)))),
    finish(scope, size, quotient.local, rest(whole.local, quotient.local, divisor.local)),
  ];
}

/** WebAssembly's division traps where -2^63 is divided by -1; negation gives -2^63, which fits no smaller size. */
function divideOrNegate(whole: Local, divisor: Local): Code {
  return ifElse(
    I64.eq(get(divisor), I64.constant(-1)),
    I64.sub(zero, get(whole)),
    I64.divS(get(whole), get(divisor)),
    "i64",
  );
}

/**
 * Divides 128 bits, `high` below the divisor, by shift and subtraction: a bit of the quotient comes into `low` as one of
 * the dividend goes out of it into `high`, where the rest remains.
 */
function divideLong(scope: Scope, high: Local, low: Local, divisor: Local): Code {
  const carry = scope.local("i64");
  const steps = scope.local("i32");
  const start = new Label();
  const one = I64.constant(1);
  const takes = I32.or(I64.ne(get(carry), zero), I64.geU(get(high), get(divisor)));
  return [
    set(steps, int(64)),
    loop(start, [
      set(carry, I64.shrU(get(high), I64.constant(63))),
      set(high, I64.or(I64.shl(get(high), one), I64.shrU(get(low), I64.constant(63)))),
      set(low, I64.shl(get(low), one)),
      ifThen(takes, [set(high, I64.sub(get(high), get(divisor))), set(low, I64.or(get(low), one))]),
      set(steps, I32.sub(get(steps), int(1))),
      branchIf(get(steps), start),
    ]),
  ];
}

/** RDX:RAX and the divisor. */
function longOperands(scope: Scope): { code: Code; high: Local; low: Local; divisor: Local } {
  const divisor = scope.keep("i64", scope.read(0, 8));
  const high = scope.keep("i64", scope.register(RDX, 8));
  const low = scope.keep("i64", scope.register(RAX, 8));
  return {
    code: [divisor.code, high.code, low.code],
    high: high.local,
    low: low.local,
    divisor: divisor.local,
  };
}

const divide128: Semantic = (scope) => {
  const { code, high, low, divisor } = longOperands(scope);
  const quotient = scope.local("i64");
  return [
    code,
    raiseIf(scope, I64.geU(get(high), get(divisor))),
    ifElse(
      I64.isZero(get(high)),
      [
        set(quotient, I64.divU(get(low), get(divisor))),
        set(high, rest(low, quotient, divisor)),
        set(low, get(quotient)),
      ],
      divideLong(scope, high, low, divisor),
    ),
    setHalves(scope, 8, get(low), get(high)),
  ];
};

const divideSigned128: Semantic = (scope) => {
  const { code, high, low, divisor } = longOperands(scope);
  const [quotient, isNegative, restIsNegative] = [scope.local("i64"), scope.local("i32"), scope.local("i32")];
  const isSingle = I64.eq(get(high), I64.shrS(get(low), I64.constant(63)));
  const negate = (condition: Local, value: Local): Code =>
    set(value, select(get(condition), I64.sub(zero, get(value)), get(value)));
  const long: Code = [
    // Magnitudes.
    set(restIsNegative, I64.ltS(get(high), zero)),
    set(isNegative, I32.xor(get(restIsNegative), I64.ltS(get(divisor), zero))),
    ifThen(get(restIsNegative), [
      set(high, I64.sub(I64.sub(zero, get(high)), extendUnsigned(I64.ne(get(low), zero)))),
      set(low, I64.sub(zero, get(low))),
    ]),
    set(divisor, select(I64.ltS(get(divisor), zero), I64.sub(zero, get(divisor)), get(divisor))),
    raiseIf(scope, I64.geU(get(high), get(divisor))),
    divideLong(scope, high, low, divisor),
    // 2^63 fits only with a minus.
    raiseIf(scope, I64.gtU(get(low), I64.add(I64.constant(LARGEST), extendUnsigned(get(isNegative))))),
    negate(isNegative, low),
    negate(restIsNegative, high),
  ];
  return [
    code,
    raiseIf(scope, I64.isZero(get(divisor))),
    // 64-bit division can do a dividend of one half, but for -2^63 by -1.
    ifElse(
      I32.and(isSingle, I64.ne(get(divisor), I64.constant(-1))),
      [
        set(quotient, I64.divS(get(low), get(divisor))),
        set(high, rest(low, quotient, divisor)),
        set(low, get(quotient)),
      ],
      long,
    ),
    setHalves(scope, 8, get(low), get(high)),
  ];
};
const LARGEST = 2n ** 63n - 1n;

export const DIVIDE: Readonly<Record<string, Semantic>> = {
  DIV: (scope) => (sizeOf(scope, 0) === 8 ? divide128(scope) : divide(scope, sizeOf(scope, 0))),
  IDIV: (scope) => (sizeOf(scope, 0) === 8 ? divideSigned128(scope) : divideSigned(scope, sizeOf(scope, 0))),
};
