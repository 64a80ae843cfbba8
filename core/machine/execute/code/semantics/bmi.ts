/** BMI1 and BMI2 (SDM vol. 1, 5.1.16; vol. 2 by name); MULX is with the multiplications. Undefined flags are cleared. */
import { type Code, get, ifThen, type Local, select, set, whileLoop } from "../../../wasm/code.js";
import type { Integers } from "../../../wasm/integers.js";
import { integersOf } from "../flags.js";
import type { Semantic } from "../scope.js";
import { inverted, keepSized, sizeOf } from "./values.js";

/** destination := op source; SF and ZF by the result, CF by the source. */
const lowestOne =
  (compute: (n: Integers, source: Code) => Code, carry: (n: Integers, source: Code) => Code): Semantic =>
  (scope) => {
    const size = sizeOf(scope, 0);
    const n = integersOf(size);
    const source = keepSized(scope, size, scope.read(1, size));
    const result = keepSized(scope, size, compute(n, get(source.local)));
    return [
      source.code,
      result.code,
      scope.write(0, get(result.local), size),
      scope.flags.setParts(size, result.local, carry(n, get(source.local))),
    ];
  };

const lessOne = (n: Integers, value: Code): Code => n.sub(value, n.constant(1));
const isZero = (n: Integers, value: Code): Code => n.isZero(value);
const isNotZero = (n: Integers, value: Code): Code => n.ne(value, n.constant(0));

/** ANDN: the second operand inverted, and the third. */
const andNot: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  const n = integersOf(size);
  const left = inverted(n, scope.read(1, size));
  const result = keepSized(scope, size, n.and(left, scope.read(2, size)));
  return [result.code, scope.write(0, get(result.local), size), scope.flags.setLogic(size, result.local)];
};

/** The lowest `count` ones; all from the type's width on. */
const onesBelow = (n: Integers, count: Local): Code =>
  select(n.ltU(get(count), n.constant(n.bits)), lessOne(n, n.shl(n.constant(1), get(count))), n.constant(-1));

/** BEXTR: bits of the source from the place in bits 7..0 of the control on, as many as its bits 15..8 say. */
const extract: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  const n = integersOf(size);
  const control = keepSized(scope, size, scope.read(2, size));
  const source = keepSized(scope, size, scope.read(1, size));
  const start = n.and(get(control.local), n.constant(0xff));
  const length = keepSized(scope, size, n.and(n.shrU(get(control.local), n.constant(8)), n.constant(0xff)));
  const shifted = select(n.ltU(start, n.constant(n.bits)), n.shrU(get(source.local), start), n.constant(0));
  const result = keepSized(scope, size, n.and(shifted, onesBelow(n, length.local)));
  return [
    control.code,
    source.code,
    length.code,
    result.code,
    scope.write(0, get(result.local), size),
    scope.flags.setLogic(size, result.local),
  ];
};

/** BZHI: bits of the source below the place in bits 7..0 of the index. CF: there are none above it. */
const zeroHigh: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  const n = integersOf(size);
  const source = keepSized(scope, size, scope.read(1, size));
  const index = keepSized(scope, size, n.and(scope.read(2, size), n.constant(0xff)));
  const result = keepSized(scope, size, n.and(get(source.local), onesBelow(n, index.local)));
  return [
    source.code,
    index.code,
    result.code,
    scope.write(0, get(result.local), size),
    scope.flags.setParts(size, result.local, n.geU(get(index.local), n.constant(n.bits))),
  ];
};

/**
 * PDEP and PEXT walk over the ones of the mask from the lowest: the k-th one and bit k of the packed side belong together.
 * `from` and `to` pick, of the bit in the packed and in the spread side, where it is taken and where it is put.
 */
const scatter =
  (from: "packed" | "spread", to: "packed" | "spread"): Semantic =>
  (scope) => {
    const size = sizeOf(scope, 0);
    const n = integersOf(size);
    const source = keepSized(scope, size, scope.read(1, size));
    const mask = keepSized(scope, size, scope.read(2, size));
    const result = keepSized(scope, size, n.constant(0));
    const packed = keepSized(scope, size, n.constant(1));
    const [left, one] = [get(mask.local), n.constant(1)];
    const bit = { packed: get(packed.local), spread: n.and(left, n.sub(n.constant(0), left)) };
    return [
      source.code,
      mask.code,
      result.code,
      packed.code,
      whileLoop(isNotZero(n, left), [
        ifThen(
          isNotZero(n, n.and(get(source.local), bit[from])),
          set(result.local, n.or(get(result.local), bit[to])),
        ),
        set(packed.local, n.shl(get(packed.local), one)),
        set(mask.local, n.and(left, n.sub(left, one))),
      ]),
      scope.write(0, get(result.local), size),
    ];
  };

/** RORX, SHLX, SHRX and SARX: three operands, no flags. WebAssembly takes the count modulo the width, as they do. */
const shiftWithoutFlags =
  (operation: "rotr" | "shl" | "shrU" | "shrS"): Semantic =>
  (scope) => {
    const size = sizeOf(scope, 0);
    const source = keepSized(scope, size, scope.read(1, size));
    return [
      source.code,
      scope.write(0, integersOf(size)[operation](get(source.local), scope.read(2, size)), size),
    ];
  };

export const BMI: Readonly<Record<string, Semantic>> = {
  ANDN: andNot,
  BEXTR: extract,
  BZHI: zeroHigh,
  BLSR: lowestOne((n, source) => n.and(source, lessOne(n, source)), isZero),
  BLSMSK: lowestOne((n, source) => n.xor(source, lessOne(n, source)), isZero),
  BLSI: lowestOne((n, source) => n.and(source, n.sub(n.constant(0), source)), isNotZero),
  PDEP: scatter("packed", "spread"),
  PEXT: scatter("spread", "packed"),
  RORX: shiftWithoutFlags("rotr"),
  SHLX: shiftWithoutFlags("shl"),
  SHRX: shiftWithoutFlags("shrU"),
  SARX: shiftWithoutFlags("shrS"),
};
