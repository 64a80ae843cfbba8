/**
 * Exchange, and what LOCK is for (SDM vol. 1, 5.1.1, 7.3.1; vol. 2 by name). There is one processor, so nothing more is
 * needed for atomicity: each is one access that reads and writes.
 */
import { RFLAGS } from "../../../cpu/state.js";
import { type Code, get, ifElse, int, type Local, select, tee } from "../../../wasm/code.js";
import { extendUnsigned, I32, I64, wrap } from "../../../wasm/integers.js";
import { I64X2 } from "../../../wasm/vectors.js";
import { integersOf } from "../flags.js";
import type { Scope, Semantic } from "../scope.js";
import { change, isMemory, keepSized, RAX, RBX, RCX, RDX, sizeOf, truncated } from "./values.js";

/** XCHG. Memory, which may fault, is written before the register. */
const exchange: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  const [place, other] = isMemory(scope, 1) ? [1, 0] : [0, 1];
  const value = keepSized(scope, size, scope.read(other, size));
  const changed = change(scope, place, () => get(value.local));
  return [value.code, changed.code, scope.write(other, get(changed.old), size)];
};

/** XADD: source and destination exchanged, then added. Of a register with itself the sum remains. */
const exchangeAndAdd: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  const n = integersOf(size);
  const source = keepSized(scope, size, scope.read(1, size));
  const sum = scope.local(n.type);
  const add = (old: Local): Code => tee(sum, truncated(size, n.add(get(old), get(source.local))));
  if (isMemory(scope, 0)) {
    const changed = change(scope, 0, add);
    return [
      source.code,
      changed.code,
      scope.write(1, get(changed.old), size),
      scope.flags.setAdd(size, changed.old, source.local, sum),
    ];
  }
  const old = keepSized(scope, size, scope.read(0, size));
  return [
    source.code,
    old.code,
    scope.write(1, get(old.local), size),
    scope.write(0, add(old.local), size),
    scope.flags.setAdd(size, old.local, source.local, sum),
  ];
};

/**
 * CMPXCHG: compares accumulator and destination; if they are equal, destination := source, else accumulator :=
 * destination. Memory is written in either case. Of two registers only the one that is meant changes: the other keeps its
 * upper half.
 */
const compareAndExchange: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  const n = integersOf(size);
  const source = keepSized(scope, size, scope.read(1, size));
  const expected = keepSized(scope, size, scope.register(RAX, size));
  const isEqual = (old: Local): Code => n.eq(get(old), get(expected.local));
  const flags = (old: Local): Code => {
    const result = keepSized(scope, size, truncated(size, n.sub(get(expected.local), get(old))));
    return [result.code, scope.flags.setSub(size, expected.local, old, result.local)];
  };
  if (isMemory(scope, 0)) {
    const changed = change(scope, 0, (old) => select(isEqual(old), get(source.local), get(old)));
    const fetched = ifElse(isEqual(changed.old), [], scope.setRegister(RAX, size, get(changed.old)));
    return [source.code, expected.code, changed.code, fetched, flags(changed.old)];
  }
  const old = keepSized(scope, size, scope.read(0, size));
  return [
    source.code,
    expected.code,
    old.code,
    ifElse(
      isEqual(old.local),
      scope.write(0, get(source.local), size),
      scope.setRegister(RAX, size, get(old.local)),
    ),
    flags(old.local),
  ];
};

/** Sets ZF alone. */
const setZero = ({ flags }: Scope, isEqual: Code): Code =>
  flags.setSome(RFLAGS.ZF, I32.mul(isEqual, int(RFLAGS.ZF)));

/** Sets a register of `size` to a value unless the condition holds: then all of it stays. */
const setUnless = (scope: Scope, condition: Local, number: number, size: number, value: Code): Code =>
  ifElse(get(condition), [], scope.setRegister(number, size, value));

/** CMPXCHG8B: EDX:EAX against 8 bytes of memory, ECX:EBX to put there. */
const compareAndExchange8: Semantic = (scope) => {
  const pair = (high: number, low: number): Code =>
    I64.or(
      I64.shl(extendUnsigned(scope.register(high, 4)), I64.constant(32)),
      extendUnsigned(scope.register(low, 4)),
    );
  const expected = scope.keep("i64", pair(RDX, RAX));
  const isEqual = scope.local("i32");
  const changed = change(scope, 0, (old) =>
    select(tee(isEqual, I64.eq(get(old), get(expected.local))), pair(RCX, RBX), get(old)),
  );
  const old = get(changed.old);
  return [
    expected.code,
    changed.code,
    setUnless(scope, isEqual, RAX, 4, wrap(old)),
    setUnless(scope, isEqual, RDX, 4, wrap(I64.shrU(old, I64.constant(32)))),
    setZero(scope, get(isEqual)),
  ];
};

/** CMPXCHG16B: RDX:RAX against 16 aligned bytes of memory, RCX:RBX to put there. */
const compareAndExchange16: Semantic = (scope) => {
  const pair = (high: number, low: number): Code =>
    I64X2.replace(1)(I64X2.splat(scope.register(low, 8)), scope.register(high, 8));
  const isEqual = scope.local("i32");
  const lane = (vector: Local, number: number): Code => I64X2.extract(number)(get(vector));
  const compare = (old: Local): Code =>
    I32.and(I64.eq(lane(old, 0), scope.register(RAX, 8)), I64.eq(lane(old, 1), scope.register(RDX, 8)));
  const exchange = (old: Local): Code => ifElse(tee(isEqual, compare(old)), pair(RCX, RBX), get(old), "v128");
  const { code, old } = change(scope, 0, exchange, { aligned: true });
  return [
    code,
    setUnless(scope, isEqual, RAX, 8, lane(old, 0)),
    setUnless(scope, isEqual, RDX, 8, lane(old, 1)),
    setZero(scope, get(isEqual)),
  ];
};

export const ATOMICS: Readonly<Record<string, Semantic>> = {
  XCHG: exchange,
  XADD: exchangeAndAdd,
  CMPXCHG: compareAndExchange,
  CMPXCHG8B: compareAndExchange8,
  CMPXCHG16B: compareAndExchange16,
};
