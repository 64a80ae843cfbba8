/**
 * What is known of the flags while code is emitted: one instruction set them all (flags.ts), or the last one set some and
 * the rest is older (ROL, BT), or it set them on a condition (a shift by CL). A flag is computed from where it comes from
 * when somebody asks, and flags that nobody asks for cost nothing.
 */
import { ARITHMETIC_FLAGS, RFLAGS } from "../../../cpu/state.js";
import { type Code, ifElse, int } from "../../../wasm/code.js";
import { I32 } from "../../../wasm/integers.js";
import {
  allOf,
  carryOf,
  conditionOf,
  type FlagSource,
  overflowOf,
  parityOf,
  signOf,
  zeroOf,
} from "../flags.js";

export type KnownFlags = FlagSource | MergedFlags | ChosenFlags;

/** The flags of `mask` are in `extra`, at their places; the others are those of before. */
interface MergedFlags {
  readonly operation: "merged";
  readonly mask: number;
  readonly extra: Code;
  readonly rest: KnownFlags;
}

/** Those of `then` if the condition holds. */
interface ChosenFlags {
  readonly operation: "chosen";
  readonly condition: Code;
  readonly then: KnownFlags;
  readonly otherwise: KnownFlags;
}

/** Some flags set over those of before; what is hidden by it is forgotten. */
export function merged(mask: number, extra: Code, before: KnownFlags): KnownFlags {
  let rest = before;
  while (rest.operation === "merged" && (rest.mask & ~mask) === 0) rest = rest.rest;
  return { operation: "merged", mask, extra, rest };
}

export const chosen = (condition: Code, then: KnownFlags, otherwise: KnownFlags): KnownFlags => ({
  operation: "chosen",
  condition,
  then,
  otherwise,
});

/** How many sources one lies upon another: code that computes a flag is as long. */
export function depthOf(flags: KnownFlags): number {
  if (flags.operation === "merged") return 1 + depthOf(flags.rest);
  if (flags.operation === "chosen") return 1 + Math.max(depthOf(flags.then), depthOf(flags.otherwise));
  return 0;
}

const choose = ({ condition, then, otherwise }: ChosenFlags, of: (flags: KnownFlags) => Code): Code =>
  ifElse(condition, of(then), of(otherwise), "i32");

type Read = (flags: KnownFlags) => Code;

/** One flag, 0 or 1 (i32). */
function flag(mask: number, of: (source: FlagSource) => Code): Read {
  const read: Read = (flags) => {
    if (flags.operation === "chosen") return choose(flags, read);
    if (flags.operation !== "merged") return of(flags);
    if ((flags.mask & mask) === 0) return read(flags.rest);
    return I32.and(I32.shrU(flags.extra, int(Math.log2(mask))), int(1));
  };
  return read;
}

export const knownCarry = flag(RFLAGS.CF, carryOf);
const overflow = flag(RFLAGS.OF, overflowOf);
const zero = flag(RFLAGS.ZF, zeroOf);
const sign = flag(RFLAGS.SF, signOf);
const parity = flag(RFLAGS.PF, parityOf);
const less: Read = (flags) => I32.xor(sign(flags), overflow(flags));

/** The six flags at their places (i32). */
export const knownFlags: Read = (flags) => {
  if (flags.operation === "chosen") return choose(flags, knownFlags);
  if (flags.operation !== "merged") return allOf(flags);
  const old = ARITHMETIC_FLAGS & ~flags.mask;
  const fresh = I32.and(flags.extra, int(flags.mask));
  return old === 0 ? fresh : I32.or(fresh, I32.and(knownFlags(flags.rest), int(old)));
};

/** By condition code without its lowest bit, which negates. */
const CONDITIONS: readonly Read[] = [
  overflow,
  knownCarry,
  zero,
  (flags) => I32.or(knownCarry(flags), zero(flags)),
  sign,
  parity,
  less,
  (flags) => I32.or(zero(flags), less(flags)),
];

/** A condition 0-15 (SDM vol. 1, B.1), 0 or 1 (i32). */
export function knownCondition(flags: KnownFlags, number: number): Code {
  if (flags.operation === "chosen") return choose(flags, (each) => knownCondition(each, number));
  if (flags.operation !== "merged") return conditionOf(flags, number);
  const value = CONDITIONS[number >> 1]!(flags);
  return (number & 1) === 0 ? value : I32.isZero(value);
}
