/** Bit tests and scans, population count, CRC32 (SDM vol. 1, 5.1.6 and 5.12; vol. 2 by name). */
import { RFLAGS } from "../../../cpu/state.js";
import { branchIf, type Code, get, ifThen, int, Label, type Local, loop, set } from "../../../wasm/code.js";
import { I32, I64, type Integers, wrap } from "../../../wasm/integers.js";
import { integersOf } from "../flags.js";
import type { Scope, Semantic } from "../scope.js";
import { asI32, inverted, isMemory, keepSized, signedLong, sizeOf, wrappedAddress } from "./values.js";

/** Where a bit is: in an operand, or in the word of memory that an offset of any size leads to. */
interface Word {
  readonly before: Code;
  readonly read: () => Code;
  readonly modify: (compute: (value: Local) => Code) => Code;
}

function wordOf(scope: Scope, size: number, offset: Local): Word {
  const isString = isMemory(scope, 0) && scope.instruction.operands[1]!.kind === "register";
  if (!isString)
    return { before: [], read: () => scope.read(0), modify: (compute) => scope.modify(0, compute) };
  const words = I64.shrS(signedLong(size, get(offset)), I64.constant(Math.log2(size * 8)));
  const bytes = I64.mul(words, I64.constant(size));
  const address = scope.keep("i64", wrappedAddress(scope, I64.add(scope.address(0), bytes)));
  const segment = scope.segment(0);
  return {
    before: address.code,
    read: () => scope.load(segment, get(address.local), size),
    modify: (compute) => scope.update(segment, get(address.local), size, compute),
  };
}

/** New value of a word from the old one and the mask of a bit. */
type Change = (n: Integers, value: Code, mask: Code) => Code;

/** BT and, with a change, BTS, BTR and BTC. CF is the bit as it was; no other flag changes. */
const bitTest =
  (change?: Change): Semantic =>
  (scope) => {
    const size = sizeOf(scope, 0);
    const n = integersOf(size);
    const offset = keepSized(scope, size, scope.read(1, size));
    const place = n.and(get(offset.local), n.constant(size * 8 - 1));
    const bit = scope.local("i32");
    const test = (value: Code): Code => set(bit, I32.and(asI32(size, n.shrU(value, place)), I32.constant(1)));
    const word = wordOf(scope, size, offset.local);
    return [
      offset.code,
      word.before,
      change === undefined
        ? test(word.read())
        : word.modify((value) => [test(get(value)), change(n, get(value), n.shl(n.constant(1), place))]),
      scope.flags.setSome(RFLAGS.CF, get(bit)),
    ];
  };

/**
 * BSF and BSR: the number of the lowest or highest one. A source of 0 leaves the whole destination as it was, as AMD
 * documents it. ZF says that it was 0; the other flags, undefined, are as if the source had been tested.
 */
const bitScan =
  (number: (n: Integers, source: Code) => Code): Semantic =>
  (scope) => {
    const size = sizeOf(scope, 0);
    const n = integersOf(size);
    const source = keepSized(scope, size, scope.read(1, size));
    return [
      source.code,
      ifThen(n.ne(get(source.local), n.constant(0)), scope.write(0, number(n, get(source.local)), size)),
      scope.flags.setLogic(size, source.local),
    ];
  };

/** TZCNT and LZCNT: zeros at an end; all bits if there is no one. CF: it was 0. ZF: the count is. */
const countZeros =
  (count: (n: Integers, source: Code, bits: number) => Code): Semantic =>
  (scope) => {
    const size = sizeOf(scope, 0);
    const n = integersOf(size);
    const source = keepSized(scope, size, scope.read(1, size));
    const result = keepSized(scope, size, count(n, get(source.local), size * 8));
    return [
      source.code,
      result.code,
      scope.write(0, get(result.local), size),
      scope.flags.setParts(size, result.local, n.isZero(get(source.local))),
    ];
  };

const trailingZeros = (n: Integers, source: Code, bits: number): Code =>
  // A one above the value ends the count.
  n.ctz(bits === n.bits ? source : n.or(source, n.constant(1 << bits)));
const leadingZeros = (n: Integers, source: Code, bits: number): Code =>
  n.sub(n.clz(source), n.constant(n.bits - bits));

/** POPCNT. All flags are cleared, but ZF if the source is 0. */
const populationCount: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  const n = integersOf(size);
  const source = keepSized(scope, size, scope.read(1, size));
  return [
    source.code,
    scope.write(0, n.popcnt(get(source.local)), size),
    scope.flags.setAll(I32.mul(n.isZero(get(source.local)), I32.constant(RFLAGS.ZF))),
  ];
};

/** The polynomial 11EDC6F41H, bits reversed. */
const CRC32C = 0x82f6_3b78;

/** Takes the bits of `crc` through the polynomial one after another. */
function crcSteps(scope: Scope, crc: Local, bits: number): Code {
  const steps = scope.local("i32");
  const start = new Label();
  const one = I32.constant(1);
  // All ones where the lowest bit is one.
  const mask = I32.sub(I32.constant(0), I32.and(get(crc), one));
  return [
    set(steps, int(bits)),
    loop(start, [
      set(crc, I32.xor(I32.shrU(get(crc), one), I32.and(mask, I32.constant(CRC32C)))),
      set(steps, I32.sub(get(steps), one)),
      branchIf(get(steps), start),
    ]),
  ];
}

/** CRC32: adds the source to the CRC-32C in the destination. */
const crc32: Semantic = (scope) => {
  const size = sizeOf(scope, 1);
  const source = keepSized(scope, size, scope.read(1, size));
  const crc = scope.keep("i32", scope.read(0, 4));
  const word = (value: Code, bits: number): Code => [
    set(crc.local, I32.xor(get(crc.local), value)),
    crcSteps(scope, crc.local, bits),
  ];
  const { local } = source;
  const highHalf = wrap(I64.shrU(get(local), I64.constant(32)));
  return [
    source.code,
    crc.code,
    size === 8 ? [word(wrap(get(local)), 32), word(highHalf, 32)] : word(get(local), size * 8),
    // As a write of 4 bytes it clears the upper half of a 64-bit destination.
    scope.write(0, get(crc.local), 4),
  ];
};

export const BITS: Readonly<Record<string, Semantic>> = {
  BT: bitTest(),
  BTS: bitTest((n, value, mask) => n.or(value, mask)),
  BTR: bitTest((n, value, mask) => n.and(value, inverted(n, mask))),
  BTC: bitTest((n, value, mask) => n.xor(value, mask)),
  BSF: bitScan((n, source) => n.ctz(source)),
  BSR: bitScan((n, source) => n.sub(n.constant(n.bits - 1), n.clz(source))),
  TZCNT: countZeros(trailingZeros),
  LZCNT: countZeros(leadingZeros),
  POPCNT: populationCount,
  CRC32: crc32,
};
