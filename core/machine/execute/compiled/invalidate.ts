/**
 * INVLPG, compiled: what Mmu's `invalidatePage` does (mmu/mmu.ts). Each set that may hold the page is passed once. Of the
 * paging-structure caches all entries of the address space go, whatever the address.
 */
import { CONTEXT_SHIFT } from "../../mmu/contexts.js";
import type { Mmu } from "../../mmu/mmu.js";
import type { Probe } from "../../mmu/tlb.js";
import { ENTRY_WORDS } from "../../mmu/translations.js";
import {
  add,
  and,
  type Code,
  eq,
  type FunctionReference,
  get,
  giveBack,
  ifElse,
  ifThen,
  int,
  type Local,
  lessThan,
  load,
  ne,
  or,
  set,
  shl,
  shrUnsigned,
  store,
  whileLoop,
} from "../../wasm/code.js";
import { I64 } from "../../wasm/integers.js";
import { FIELD, firstOfSet } from "./arrays.js";
import type { Emitter } from "./emitter.js";
import { arraysOf, WalkCacheJournal } from "./walk-cache-journal.js";

const ENTRY = ENTRY_WORDS * 4;
/** Address bits 56..44 in a high tag. */
const HIGH_MASK = (1 << CONTEXT_SHIFT) - 1;
const INVALID = -1;

/**
 * (high half, low half) → whether it was done; not where pages are held in pieces, which all have to be looked for.
 * @param beforeReplacing code that runs before a first-level entry goes.
 */
export function defineInvalidatePage(
  emitter: Emitter,
  mmu: Mmu,
  beforeReplacing: (entry: Code) => Code,
): FunctionReference {
  const { l1i, l1d, l2, guestWalkCaches } = mmu.parts;
  const journal = WalkCacheJournal.of(emitter, guestWalkCaches);
  return emitter.module.define(
    ["i32", "i32"],
    true,
    (builder, hi, lo) => {
      const pageLo = builder.local();
      const tag = builder.local();
      const globalTag = builder.local();
      const entry = builder.local();
      const key = builder.local();

      const invalidateIn = ({ array, order, mask, usedBit }: Probe, before: (entry: Code) => Code): Code => {
        const tagHi = load(get(entry), FIELD.tagHi);
        const isTagged = or(eq(tagHi, get(tag)), eq(tagHi, get(globalTag)));
        const check = ifThen(
          eq(load(get(entry), FIELD.tagLo), get(key)),
          ifThen(and(isTagged, eq(load(get(entry), FIELD.mask), int(mask))), [
            before(get(entry)),
            store(get(entry), int(INVALID), FIELD.tagHi),
          ]),
        );
        return ifThen(and(emitter.register("usedSizes"), int(usedBit)), [
          set(key, and(get(pageLo), int(mask))),
          set(entry, firstOfSet(emitter, array, shrUnsigned(get(pageLo), int(order)))),
          Array.from({ length: array.ways }, () => [check, set(entry, add(get(entry), int(ENTRY)))]),
        ]);
      };
      const high = and(shrUnsigned(get(hi), int(12)), int(HIGH_MASK));
      return [
        ifThen(emitter.register("hasFractures"), giveBack(int(0))),
        set(pageLo, or(shrUnsigned(get(lo), int(12)), shl(get(hi), int(20)))),
        set(tag, or(emitter.register("context"), high)),
        set(globalTag, or(emitter.register("globalContext"), high)),
        [...l1i.probes, ...l1d.probes].map((probe) => invalidateIn(probe, beforeReplacing)),
        (l2?.probes ?? []).map((probe) => invalidateIn(probe, () => [])),
        journal === undefined
          ? arraysOf(guestWalkCaches).map(({ base, end }) => {
              const { store: first } = emitter.places;
              return [
                set(entry, int(first + base * 4)),
                whileLoop(lessThan(get(entry), int(first + end * 4)), [
                  ifThen(isOfContext(emitter, entry), store(get(entry), int(INVALID), FIELD.tagHi)),
                  set(entry, add(get(entry), int(ENTRY))),
                ]),
              ];
            })
          : clearFilled(emitter, journal, entry, builder.local("i64"), builder.local("i64")),
        emitter.count("tlb_page_invalidations"),
        int(1),
      ];
    },
    "invalidatePage",
  );
}

/** Whether an entry is of the running address space. */
function isOfContext(emitter: Emitter, entry: Local): Code {
  const numberOf = (tag: Code): Code => shrUnsigned(tag, int(CONTEXT_SHIFT));
  return eq(numberOf(load(get(entry), FIELD.tagHi)), numberOf(emitter.register("context")));
}

/** Clears what was filled since the last time; entries of other address spaces stay to be looked at. */
function clearFilled(
  emitter: Emitter,
  journal: WalkCacheJournal,
  entry: Local,
  left: Local,
  kept: Local,
): Code {
  const lowest = I64.and(get(left), I64.sub(I64.constant(0), get(left)));
  return [
    set(left, journal.filled),
    set(kept, I64.constant(0)),
    whileLoop(I64.ne(get(left), I64.constant(0)), [
      set(entry, journal.lowest(get(left))),
      ifElse(
        isOfContext(emitter, entry),
        store(get(entry), int(INVALID), FIELD.tagHi),
        ifThen(ne(load(get(entry), FIELD.tagHi), int(INVALID)), set(kept, I64.or(get(kept), lowest))),
      ),
      set(left, I64.and(get(left), I64.sub(get(left), I64.constant(1)))),
    ]),
    journal.setFilled(get(kept)),
  ];
}
