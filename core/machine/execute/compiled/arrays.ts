/**
 * Look-up and fill of one translation array, compiled for its geometry: ways unrolled, victims found by minima and
 * selects without a branch. What they do is AssociativeArray's `find` and `fill` (mmu/translations.ts).
 */
import { ALIVE, CONTEXT_SHIFT } from "../../mmu/contexts.js";
import type { AssociativeArray } from "../../mmu/translations.js";
import {
  add, and, call, type Code, eq, floatAdd, floatGreaterThan, floatMax, floatMin, type FunctionReference, get, giveBack, ifElse,
  ifThen, int, lessThan, load, loadByte, loadFloat, lowBits, mul, ne, or, select, set, shrUnsigned, store,
  storeFloat, sub, toFloat, whileLoop,
} from "../../wasm/code.js";
import type { Emitter } from "./emitter.js";

/** Bytes of an entry, and the places of its fields (mmu/translations.ts). */
const ENTRY = 32;
export const FIELD = { tagLo: 0, tagHi: 4, mask: 8, frame: 12, flags: 16, guestMask: 20, lastUse: 24 } as const;
/** Sets of more ways are searched by a loop. */
const UNROLLED_WAYS = 16;

/** Policies whose victim is a function of last uses; others are left to the reference driver. */
export function isCompilable(array: AssociativeArray): boolean {
  const isPowerOfTwo = Number.isInteger(Math.log2(array.ways));
  return array.policy === "lru" || (array.policy === "tree-plru" && isPowerOfTwo);
}

/** Stamps an entry's use at the time in a local. */
export function stamp(emitter: Emitter, entry: Code, now: Code): Code {
  const number = and(shrUnsigned(sub(entry, int(emitter.places.store)), int(5)), int(127));
  return storeFloat(entry, floatAdd(now, toFloat(number)), FIELD.lastUse);
}

function firstOfSet(emitter: Emitter, array: AssociativeArray, setNumber: Code): Code {
  const base = int(emitter.places.store + array.base * 4);
  return array.setMask === 0 ? base : add(base, mul(and(setNumber, int(array.setMask)), int(array.ways * ENTRY)));
}

/** (set, key, mask, tag, globalTag) → address of the entry, or 0. */
export function defineFind(emitter: Emitter, array: AssociativeArray): FunctionReference {
  return emitter.module.define(["i32", "i32", "i32", "i32", "i32"], true, (builder, setNumber, key, mask, tag, globalTag) => {
    const entry = builder.local();
    const tags = or(
      eq(load(get(entry), FIELD.tagHi), get(tag)),
      eq(load(get(entry), FIELD.tagHi), get(globalTag)),
    );
    const isHit = (offset: number): Code => eq(load(get(entry), offset), get(key));
    const check = ifThen(
      isHit(0),
      ifThen(and(tags, eq(load(get(entry), FIELD.mask), get(mask))), giveBack(get(entry))),
    );
    const first = set(entry, firstOfSet(emitter, array, get(setNumber)));
    if (array.ways > UNROLLED_WAYS) {
      const end = builder.local();
      return [
        first,
        set(end, add(get(entry), int(array.ways * ENTRY))),
        whileLoop(ne(get(entry), get(end)), [check, set(entry, add(get(entry), int(ENTRY)))]),
        int(0),
      ];
    }
    const ways = Array.from({ length: array.ways }, (_, way) =>
      way === 0 ? check : [set(entry, add(get(entry), int(ENTRY))), check],
    );
    return [first, ways, int(0)];
  });
}

/** (known, set, key, tagHi, mask, frame, flags, guestMask) → address of the entry written. `now` lies at `nowAddress`. */
export function defineFill(emitter: Emitter, array: AssociativeArray, nowAddress: number): FunctionReference {
  const slot = defineSlot(emitter, array);
  return emitter.module.define(
    ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
    true,
    (builder, known, setNumber, key, tagHi, mask, frame, flags, guestMask) => {
      const entry = builder.local();
      return [
        set(entry, get(known)),
        ifThen(
          eq(get(entry), int(0)),
          set(entry, call(slot, firstOfSet(emitter, array, get(setNumber)))),
        ),
        store(get(entry), get(key), FIELD.tagLo),
        store(get(entry), get(tagHi), FIELD.tagHi),
        store(get(entry), get(mask), FIELD.mask),
        store(get(entry), get(frame), FIELD.frame),
        store(get(entry), get(flags), FIELD.flags),
        store(get(entry), get(guestMask), FIELD.guestMask),
        stamp(emitter, get(entry), loadFloat(int(0), nowAddress)),
        get(entry),
      ];
    },
  );
}

/** (first entry of a set) → the entry to overwrite: the first invalid one, else the policy's victim. */
function defineSlot(emitter: Emitter, array: AssociativeArray): FunctionReference {
  return emitter.module.define(["i32"], true, (builder, start) => {
    const high = builder.local();
    const isFlushed = ne(loadByte(shrUnsigned(get(high), int(CONTEXT_SHIFT)), emitter.places.contexts), int(ALIVE));
    const takeFree = Array.from({ length: array.ways }, (_, way) => {
      const take = giveBack(add(get(start), int(way * ENTRY)));
      return [
        set(high, load(get(start), way * ENTRY + FIELD.tagHi)),
        ifElse(lessThan(get(high), int(0)), take, ifThen(isFlushed, take)),
      ];
    });
    const use = (way: number): Code => loadFloat(get(start), way * ENTRY + FIELD.lastUse);
    const stampOfVictim =
      array.policy === "lru"
        ? Array.from({ length: array.ways }, (_, way) => way).slice(1).reduce((oldest, way) => floatMin(oldest, use(way)), use(0))
        : treeVictim(use, 0, array.ways);
    // The stamp's low bits number the entry within the store.
    const number = builder.local();
    const firstNumber = and(shrUnsigned(sub(get(start), int(emitter.places.store)), int(5)), int(127));
    return [
      takeFree,
      set(number, and(lowBits(stampOfVictim), int(127))),
      add(get(start), mul(and(sub(get(number), firstNumber), int(127)), int(ENTRY))),
    ];
  });
}

/** Latest use among ways [first, first + count). */
function latestUse(use: (way: number) => Code, first: number, count: number): Code {
  return count === 1 ? use(first) : floatMax(latestUse(use, first, count / 2), latestUse(use, first + count / 2, count / 2));
}

/** tree-PLRU over ways [first, first + count): each node points to the half whose latest use is older. */
function treeVictim(use: (way: number) => Code, first: number, count: number): Code {
  if (count === 1) return use(first);
  const half = count / 2;
  if (half === 1) return floatMin(use(first), use(first + 1));
  const isLeftNewer = floatGreaterThan(latestUse(use, first, half), latestUse(use, first + half, half));
  return select(isLeftNewer, treeVictim(use, first + half, half), treeVictim(use, first, half));
}
