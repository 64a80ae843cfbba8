/** Decimal arithmetic, packed and unpacked (SDM vol. 1, 5.1.3; vol. 2 by name). OF, undefined, is mostly cleared. */
import { EXCEPTION, RFLAGS } from "../../../cpu/state.js";
import { type Code, get, ifThen, int, type Local, select } from "../../../wasm/code.js";
import { I32, type Integers } from "../../../wasm/integers.js";
import type { Semantic } from "../scope.js";
import { RAX, truncated } from "./values.js";

const { AF, CF } = RFLAGS;
type Compute = Integers["add"];

const hasFlag = (flags: Local, flag: number): Code => I32.ne(I32.and(get(flags), int(flag)), int(0));

/** The digit in bits 3..0 overflowed or borrowed: it is above 9, or AF says so (0 or 1). */
const digitOverflows = (al: Local, flags: Local): Code =>
  I32.or(I32.gtU(I32.and(get(al), int(0xf)), int(9)), hasFlag(flags, AF));

/** DAA and DAS: corrects AL after a sum or difference of packed digits, by 6 in each digit that overflowed. */
const adjustPacked =
  (compute: Compute, carriesBelow: (al: Local) => Code): Semantic =>
  (scope) => {
    const flags = scope.keep("i32", scope.flags.all());
    const al = scope.keep("i32", scope.register(RAX, 1));
    const low = scope.keep("i32", digitOverflows(al.local, flags.local));
    const high = scope.keep("i32", I32.or(I32.gtU(get(al.local), int(0x99)), hasFlag(flags.local, CF)));
    const correction = I32.add(I32.mul(get(low.local), int(0x06)), I32.mul(get(high.local), int(0x60)));
    const result = scope.keep("i32", truncated(1, compute(get(al.local), correction)));
    const carry = I32.or(get(high.local), I32.and(get(low.local), carriesBelow(al.local)));
    return [
      flags.code,
      al.code,
      low.code,
      high.code,
      result.code,
      scope.setRegister(RAX, 1, get(result.local)),
      scope.flags.setParts(1, result.local, I32.or(carry, I32.mul(get(low.local), int(AF)))),
    ];
  };

/** AAA and AAS: the same for one digit in AL, carried into AH, or borrowed from it. */
const adjustUnpacked =
  (compute: Compute): Semantic =>
  (scope) => {
    const flags = scope.keep("i32", scope.flags.all());
    const ax = scope.keep("i32", scope.register(RAX, 2));
    const isAdjusted = scope.keep("i32", digitOverflows(ax.local, flags.local));
    const adjusted = select(get(isAdjusted.local), compute(get(ax.local), int(0x106)), get(ax.local));
    const result = scope.keep("i32", I32.and(adjusted, int(0xff0f)));
    const al = scope.keep("i32", truncated(1, get(result.local)));
    return [
      flags.code,
      ax.code,
      isAdjusted.code,
      result.code,
      al.code,
      scope.setRegister(RAX, 2, get(result.local)),
      scope.flags.setParts(1, al.local, I32.mul(get(isAdjusted.local), int(AF | CF))),
    ];
  };

/** AAM: AL into two digits of a base, which is 10 unless somebody wrote another. #DE for 0. */
const splitDigits: Semantic = (scope) => {
  const base = scope.keep("i32", scope.read(0, 1));
  const al = scope.keep("i32", scope.register(RAX, 1));
  const digit = scope.keep("i32", I32.remU(get(al.local), get(base.local)));
  const upper = I32.divU(get(al.local), get(base.local));
  return [
    base.code,
    ifThen(I32.isZero(get(base.local)), scope.raise(EXCEPTION.DE)),
    al.code,
    digit.code,
    scope.setRegister(RAX, 2, I32.or(I32.shl(upper, int(8)), get(digit.local))),
    scope.flags.setLogic(1, digit.local),
  ];
};

/** AAD: two digits into AL; AH becomes 0. CF, OF and AF, undefined, are those of the sum, as in Zen processors. */
const joinDigits: Semantic = (scope) => {
  const ax = scope.keep("i32", scope.register(RAX, 2));
  const al = scope.keep("i32", truncated(1, get(ax.local)));
  const upper = truncated(1, I32.mul(I32.shrU(get(ax.local), int(8)), scope.read(0, 1)));
  const product = scope.keep("i32", upper);
  const sum = scope.keep("i32", truncated(1, I32.add(get(al.local), get(product.local))));
  return [
    ax.code,
    al.code,
    product.code,
    sum.code,
    scope.setRegister(RAX, 2, get(sum.local)),
    scope.flags.setAdd(1, al.local, product.local, sum.local),
  ];
};

export const DECIMAL: Readonly<Record<string, Semantic>> = {
  DAA: adjustPacked(I32.add, () => int(0)),
  DAS: adjustPacked(I32.sub, (al) => I32.ltU(get(al), int(6))),
  AAA: adjustUnpacked(I32.add),
  AAS: adjustUnpacked(I32.sub),
  AAM: splitDigits,
  AAD: joinDigits,
};
