/**
 * The store behind every modelled translation cache (TLBs, paging-structure caches, nested TLB), and the set-associative
 * arrays laid out in it. One entry is one index into parallel typed arrays, so a TLB hit is an index and nothing else.
 * These caches ARE in the results; what merely makes the simulation fast is in execute/. Hot code.
 *
 *      tagLo   address bits 43..12, those below the page size cleared
 *      tagHi   context << 13 | address bits 56..44;  -1 is invalid
 *
 * Replacement is a function of stamps: `lastUse` for LRU and tree-PLRU (whose bits are fully determined by the order of
 * last uses), `filled` for FIFO; random draws from the machine's seed. Invalid entries are always taken first, the
 * lowest way of them.
 */
import type { ReplacementPolicy } from "../../events/profile.js";
import { invariant } from "../../util/errors.js";
import type { Random } from "../../util/random.js";
import type { Allocation } from "../memory.js";
import { ALIVE, CONTEXT_SHIFT } from "./contexts.js";

export interface TranslationStore {
  readonly tagLo: Int32Array;
  readonly tagHi: Int32Array;
  /** Bits of the low tag that this entry's page size compares. */
  readonly mask: Int32Array;
  /** Host frame of the page's (or table's) first 4 KiB. */
  readonly frame: Int32Array;
  /** What the entry allows: see permissions.ts for TLBs; entry flags for walk caches. */
  readonly flags: Int32Array;
  /** Mask of the page as the guest mapped it: wider than `mask` where the host's page is smaller. */
  readonly guestMask: Int32Array;
  readonly lastUse: Float64Array;
  readonly filled: Float64Array;
  /** State of each context (contexts.ts). */
  readonly contexts: Uint8Array;
}

export function allocateTranslations(allocation: Allocation, entries: number, contexts: Uint8Array): TranslationStore {
  return {
    tagLo: allocation.int32(entries),
    tagHi: allocation.int32(entries),
    mask: allocation.int32(entries),
    frame: allocation.int32(entries),
    flags: allocation.int32(entries),
    guestMask: allocation.int32(entries),
    lastUse: allocation.float64(entries),
    filled: allocation.float64(entries),
    contexts,
  };
}

export class AssociativeArray {
  readonly setMask: number;
  readonly end: number;

  /**
   * @param base first entry in the store; the array has `entries` of them, set after set.
   * @param random draws victims under the random policy.
   */
  constructor(
    readonly store: TranslationStore,
    readonly base: number,
    entries: number,
    readonly ways: number,
    private readonly policy: ReplacementPolicy,
    private readonly random: Random,
  ) {
    const sets = entries / ways;
    invariant(Number.isInteger(Math.log2(sets)), "sets of a translation cache are a power of two", () => ({ entries, ways }));
    this.setMask = sets - 1;
    this.end = base + entries;
    this.clear();
  }

  /** The entry with one of two high tags (context, global) in a set, or -1. */
  find(set: number, tagLo: number, tagHi: number, globalTagHi: number): number {
    const { tagLo: lows, tagHi: highs } = this.store;
    const start = this.base + (set & this.setMask) * this.ways;
    const end = start + this.ways;
    for (let entry = start; entry < end; entry++) {
      if (lows[entry] === tagLo) {
        const high = highs[entry];
        if (high === tagHi || high === globalTagHi) return entry;
      }
    }
    return -1;
  }

  /** Writes an entry: over one with the same tag, else an invalid one, else the policy's victim. Returns its index. */
  fill(set: number, tagLo: number, tagHi: number, mask: number, frame: number, flags: number, now: number): number {
    const { store } = this;
    const entry = this.slot(this.base + (set & this.setMask) * this.ways, tagLo, tagHi);
    store.tagLo[entry] = tagLo;
    store.tagHi[entry] = tagHi;
    store.mask[entry] = mask;
    store.guestMask[entry] = mask;
    store.frame[entry] = frame;
    store.flags[entry] = flags;
    store.lastUse[entry] = now;
    store.filled[entry] = now;
    return entry;
  }

  clear(): void {
    this.store.tagHi.fill(-1, this.base, this.end);
  }

  /** Invalidates every entry whose context was flushed. */
  sweep(): void {
    const { tagHi, contexts } = this.store;
    for (let entry = this.base; entry < this.end; entry++) {
      if (tagHi[entry]! >= 0 && contexts[tagHi[entry]! >>> CONTEXT_SHIFT] !== ALIVE) tagHi[entry] = -1;
    }
  }

  /** Invalidates every entry of a context. `tag` is the context in place. */
  clearContext(tag: number): void {
    const { tagHi } = this.store;
    for (let entry = this.base; entry < this.end; entry++) {
      if (tagHi[entry]! >= 0 && tagHi[entry]! >>> CONTEXT_SHIFT === tag >>> CONTEXT_SHIFT) tagHi[entry] = -1;
    }
  }

  private slot(start: number, tagLo: number, tagHi: number): number {
    const { tagLo: lows, tagHi: highs, contexts, lastUse } = this.store;
    const end = start + this.ways;
    let free = -1;
    let oldest = start;
    let oldestUse = lastUse[start]!;
    for (let entry = start; entry < end; entry++) {
      const high = highs[entry]!;
      if (high === tagHi && lows[entry] === tagLo) return entry;
      if (free < 0 && (high < 0 || contexts[high >>> CONTEXT_SHIFT] !== ALIVE)) free = entry;
      const use = lastUse[entry]!;
      if (use < oldestUse) {
        oldestUse = use;
        oldest = entry;
      }
    }
    if (free >= 0) return free;
    return this.policy === "lru" ? oldest : this.victim(start);
  }

  private victim(start: number): number {
    if (this.policy === "random") return start + (this.random.int32() >>> 0) % this.ways;
    if (this.policy === "fifo") {
      let first = start;
      for (let entry = start + 1; entry < start + this.ways; entry++) {
        if (this.store.filled[entry]! < this.store.filled[first]!) first = entry;
      }
      return first;
    }
    return this.treeVictim(start);
  }

  /**
   * tree-PLRU: each node of a binary tree over the ways points away from its half used last. So the pointed-to half is
   * the one whose latest use is older.
   */
  private treeVictim(start: number): number {
    let low = start;
    let size = this.ways;
    while (size > 1) {
      const half = size >>> 1;
      if (this.latest(low, half) < this.latest(low + half, size - half)) size = half;
      else {
        low += half;
        size -= half;
      }
    }
    return low;
  }

  private latest(start: number, count: number): number {
    let latest = this.store.lastUse[start]!;
    for (let entry = start + 1; entry < start + count; entry++) {
      if (this.store.lastUse[entry]! > latest) latest = this.store.lastUse[entry]!;
    }
    return latest;
  }
}
