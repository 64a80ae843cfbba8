/**
 * Look-up and fill of one translation array, compiled for its geometry: ways unrolled, victims found by minima and
 * selects without a branch. What they do is AssociativeArray's `find` and `fill` (mmu/translations.ts).
 */
import { ALIVE, CONTEXT_SHIFT } from "../../mmu/contexts.js";
import {
  type AssociativeArray,
  ENTRY_WORDS,
  FLAGS,
  FRAME,
  GUEST_MASK,
  LAST_USE,
  MASK,
  TAG_HI,
  TAG_LO,
  USE_STEP,
} from "../../mmu/translations.js";
import {
  add,
  and,
  bitsLessThan,
  type Code,
  call,
  eq,
  type FunctionReference,
  floatAdd,
  get,
  giveBack,
  ifElse,
  ifThen,
  int,
  isZero,
  lessThan,
  load,
  loadByte,
  loadFloat,
  loadFloatBits,
  lowBitsOfFloat,
  mul,
  ne,
  or,
  select,
  set,
  shrUnsigned,
  store,
  storeFloat,
  sub,
  toFloat,
  whileLoop,
  xor,
} from "../../wasm/code.js";
import type { FunctionBuilder } from "../../wasm/module.js";
import type { Emitter } from "./emitter.js";

/** Bytes of an entry, and where its fields lie in it (mmu/translations.ts). */
const ENTRY = ENTRY_WORDS * 4;
export const FIELD = {
  tagLo: TAG_LO * 4,
  tagHi: TAG_HI * 4,
  mask: MASK * 4,
  frame: FRAME * 4,
  flags: FLAGS * 4,
  guestMask: GUEST_MASK * 4,
  lastUse: LAST_USE * 4,
} as const;
const ENTRY_SHIFT = Math.log2(ENTRY);
/** Sets of more ways are searched by a loop. */
const UNROLLED_WAYS = 16;

/** Policies whose victim is a function of last uses; others are left to the reference driver. */
export function isCompilable(array: AssociativeArray): boolean {
  const isPowerOfTwo = Number.isInteger(Math.log2(array.ways));
  return array.policy === "lru" || (array.policy === "tree-plru" && isPowerOfTwo);
}

/** Stamps an entry's use at the time in a local. */
export function stamp(emitter: Emitter, entry: Code, now: Code): Code {
  const number = and(shrUnsigned(sub(entry, int(emitter.places.store)), int(ENTRY_SHIFT)), int(USE_STEP - 1));
  return storeFloat(entry, floatAdd(now, toFloat(number)), FIELD.lastUse);
}

/** The first entry of a set, whose number may have more bits. */
export function firstOfSet(emitter: Emitter, array: AssociativeArray, setNumber: Code): Code {
  const base = int(emitter.places.store + array.base * 4);
  return array.setMask === 0
    ? base
    : add(base, mul(and(setNumber, int(array.setMask)), int(array.ways * ENTRY)));
}

/** What a look-up compares; some of it is evaluated twice, so it has no side effects. */
export interface Wanted {
  readonly set: Code;
  readonly key: Code;
  readonly mask: Code;
  readonly tag: Code;
  readonly globalTag: Code;
}

/** Code that looks an array up: leaves the entry's address, or 0. */
export type Find = (builder: FunctionBuilder, wanted: Wanted) => Code;

/**
 * Look-up of an array, written where it is used. The way whose low tag fits is chosen without a branch; the few times
 * when that is not the entry (the same page of another context or size), the set is searched.
 */
export function defineFind(emitter: Emitter, array: AssociativeArray): Find {
  const search = defineSearch(emitter, array);
  return (builder, { set: setNumber, key, mask, tag, globalTag }) => {
    const searched = call(search, setNumber, key, mask, tag, globalTag);
    if (array.ways > UNROLLED_WAYS) return searched;
    const first = builder.local();
    const wantedKey = builder.local();
    const entry = builder.local();
    const candidates = Array.from({ length: array.ways }, (_, index) => array.ways - 1 - index).map((way) => {
      const address = add(get(first), int(way * ENTRY));
      return set(entry, select(eq(load(get(first), way * ENTRY), get(wantedKey)), address, get(entry)));
    });
    const tagHi = load(get(entry), FIELD.tagHi);
    const isEntry = and(or(eq(tagHi, tag), eq(tagHi, globalTag)), eq(load(get(entry), FIELD.mask), mask));
    return [
      set(first, firstOfSet(emitter, array, setNumber)),
      set(wantedKey, key),
      set(entry, int(0)),
      candidates,
      ifThen(get(entry), ifThen(isZero(isEntry), set(entry, searched))),
      get(entry),
    ];
  };
}

/** (set, key, mask, tag, globalTag) → address of the entry, or 0. */
function defineSearch(emitter: Emitter, array: AssociativeArray): FunctionReference {
  return emitter.module.define(
    ["i32", "i32", "i32", "i32", "i32"],
    true,
    (builder, setNumber, key, mask, tag, globalTag) => {
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
    },
  );
}

/**
 * (known, set, key, tagHi, mask, frame, flags, guestMask) → address of the entry written. `now` lies at `nowAddress`.
 * @param beforeReplacing code that runs before an entry is overwritten.
 */
export function defineFill(
  emitter: Emitter,
  array: AssociativeArray,
  nowAddress: number,
  beforeReplacing: (entry: Code) => Code = () => [],
): FunctionReference {
  const slot = defineSlot(emitter, array);
  return emitter.module.define(
    ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
    true,
    (builder, known, setNumber, key, tagHi, mask, frame, flags, guestMask) => {
      const entry = builder.local();
      return [
        set(entry, get(known)),
        ifThen(eq(get(entry), int(0)), set(entry, call(slot, firstOfSet(emitter, array, get(setNumber))))),
        beforeReplacing(get(entry)),
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
export function defineSlot(emitter: Emitter, array: AssociativeArray): FunctionReference {
  return emitter.module.define(["i32"], true, (builder, start) => {
    const high = builder.local();
    const isFlushed = ne(
      loadByte(shrUnsigned(get(high), int(CONTEXT_SHIFT)), emitter.places.contexts),
      int(ALIVE),
    );
    const takeFree = Array.from({ length: array.ways }, (_, way) => {
      const take = giveBack(add(get(start), int(way * ENTRY)));
      return [
        set(high, load(get(start), way * ENTRY + FIELD.tagHi)),
        ifElse(lessThan(get(high), int(0)), take, ifThen(isFlushed, take)),
      ];
    });
    const use = (way: number): Code => loadFloatBits(get(start), way * ENTRY + FIELD.lastUse);
    const temporaries = new Temporaries(builder);
    const victim =
      array.policy === "lru"
        ? oldestUse(temporaries, use, 0, array.ways)
        : treeVictim(temporaries, use, 0, array.ways);
    // The stamp's low bits number the entry within the store.
    const number = builder.local();
    const firstNumber = and(
      shrUnsigned(sub(get(start), int(emitter.places.store)), int(ENTRY_SHIFT)),
      int(USE_STEP - 1),
    );
    // Where all are of the running address space none is free: the usual case, seen without a branch for each.
    const context = emitter.register("context");
    const strangers = Array.from({ length: array.ways }, (_, way) =>
      xor(load(get(start), way * ENTRY + FIELD.tagHi), get(high)),
    ).reduce(or);
    return [
      set(high, context),
      ifThen(and(strangers, int(-1 << CONTEXT_SHIFT)), takeFree),
      set(number, and(lowBitsOfFloat(victim), int(USE_STEP - 1))),
      add(get(start), mul(and(sub(get(number), firstNumber), int(USE_STEP - 1)), int(ENTRY))),
    ];
  });
}

/** Locals for the operands of minima and maxima, each of which is needed twice. */
class Temporaries {
  constructor(private readonly builder: FunctionBuilder) {}

  /** One of two stamps, without a branch: `chosen` gets whether the left is less. */
  choose(left: Code, right: Code, chosen: (isLess: Code, left: Code, right: Code) => Code): Code {
    const a = this.builder.local("i64");
    const b = this.builder.local("i64");
    return [set(a, left), set(b, right), chosen(bitsLessThan(get(a), get(b)), get(a), get(b))];
  }
}

function oldestUse(temporaries: Temporaries, use: (way: number) => Code, first: number, count: number): Code {
  if (count === 1) return use(first);
  const half = count >>> 1;
  return temporaries.choose(
    oldestUse(temporaries, use, first, half),
    oldestUse(temporaries, use, first + half, count - half),
    (isLess, left, right) => select(isLess, left, right),
  );
}

function latestUse(temporaries: Temporaries, use: (way: number) => Code, first: number, count: number): Code {
  if (count === 1) return use(first);
  const half = count >>> 1;
  return temporaries.choose(
    latestUse(temporaries, use, first, half),
    latestUse(temporaries, use, first + half, count - half),
    (isLess, left, right) => select(isLess, right, left),
  );
}

/** tree-PLRU over ways [first, first + count): each node points to the half whose latest use is older. */
function treeVictim(
  temporaries: Temporaries,
  use: (way: number) => Code,
  first: number,
  count: number,
): Code {
  if (count <= 2) return oldestUse(temporaries, use, first, count);
  const half = count / 2;
  return temporaries.choose(
    latestUse(temporaries, use, first, half),
    latestUse(temporaries, use, first + half, half),
    (isLeftOlder) =>
      select(
        isLeftOlder,
        treeVictim(temporaries, use, first, half),
        treeVictim(temporaries, use, first + half, half),
      ),
  );
}
