/**
 * The store behind every modelled translation cache (TLBs, paging-structure caches, nested TLB), and the set-associative
 * arrays laid out in it. An entry is the place of its first word, so a TLB hit is a number and nothing else.
 * These caches ARE in the results; what merely makes the simulation fast is in execute/. Hot code.
 *
 *      tagLo   address bits 43..12, those below the page size cleared
 *      tagHi   context << 13 | address bits 56..44;  -1 is invalid
 *
 * Replacement is a function of stamps: the last use for LRU and tree-PLRU (whose bits are fully determined by the order of
 * last uses), `filled` for FIFO; random draws from the machine's seed. Invalid entries are always taken first, the
 * lowest way of them.
 */
import type { ReplacementPolicy } from "../../events/profile.js";
import { invariant } from "../../util/errors.js";
import type { Random } from "../../util/random.js";
import type { Allocation } from "../memory.js";
import { ALIVE, CONTEXT_SHIFT } from "./contexts.js";

export interface TranslationStore {
  /** ENTRY_WORDS words an entry. An entry is known by the place of its first word. */
  readonly words: Int32Array;
  /** The same memory as f64: the time of an entry's last use is at `useOf(entry)`. */
  readonly uses: Float64Array;
  /** When each entry was filled, by entry / ENTRY_WORDS. */
  readonly filled: Float64Array;
  /** State of each context (contexts.ts). */
  readonly contexts: Uint8Array;
}

/**
 * The words of an entry, one host cache line for two entries:
 *
 *      0 tag low   1 tag high   2 mask   3 frame   4 flags   5 guest mask   6..7 last use (f64)
 */
export const ENTRY_WORDS = 8;
export const TAG_LO = 0;
export const TAG_HI = 1;
/** Bits of the low tag that this entry's page size compares. */
export const MASK = 2;
/** Host frame of the page's (or table's) first 4 KiB. */
export const FRAME = 3;
/** What the entry allows: permissions.ts for TLBs; rights for walk caches. */
export const FLAGS = 4;
/** Mask of the page as the guest mapped it: wider than MASK where it is held in pieces. */
export const GUEST_MASK = 5;

/** Place of an entry's last use in `uses`. */
export function useOf(entry: number): number {
  return (entry >> 1) + 3;
}

export function allocateTranslations(allocation: Allocation, entries: number, contexts: Uint8Array): TranslationStore {
  const words = allocation.int32(entries * ENTRY_WORDS);
  const uses = new Float64Array(words.buffer, words.byteOffset, words.length / 2);
  return { words, uses, filled: allocation.float64(entries), contexts };
}

export class AssociativeArray {
  /** First word of the first entry, and the one after the last. */
  readonly base: number;
  readonly end: number;
  private readonly words: Int32Array;
  private readonly uses: Float64Array;
  private readonly setMask: number;
  private readonly setWords: number;

  /**
   * @param first number of the array's first entry in the store; `entries` follow, set after set.
   * @param random draws victims under the random policy.
   */
  constructor(
    readonly store: TranslationStore,
    first: number,
    entries: number,
    ways: number,
    private readonly policy: ReplacementPolicy,
    private readonly random: Random,
  ) {
    const sets = entries / ways;
    invariant(Number.isInteger(Math.log2(sets)), "sets of a translation cache are a power of two", () => ({ entries, ways }));
    this.words = store.words;
    this.uses = store.uses;
    this.setMask = sets - 1;
    this.setWords = ways * ENTRY_WORDS;
    this.base = first * ENTRY_WORDS;
    this.end = this.base + entries * ENTRY_WORDS;
    this.clear();
  }

  /** The entry with one of two high tags (context, global) in a set, or -1. */
  find(set: number, tagLo: number, tagHi: number, globalTagHi: number): number {
    const { words } = this;
    let entry = this.base + (set & this.setMask) * this.setWords;
    const end = entry + this.setWords;
    for (; entry < end; entry += ENTRY_WORDS) {
      if (words[entry] === tagLo) {
        const high = words[entry + TAG_HI];
        if (high === tagHi || high === globalTagHi) return entry;
      }
    }
    return -1;
  }

  /**
   * Writes an entry: over `known` if that is not -1, else an invalid one, else the policy's victim. Returns it.
   * @param known the entry that has this tag already, as `find` said; -1 if none has.
   */
  fill(known: number, set: number, tagLo: number, tagHi: number, mask: number, frame: number, flags: number, now: number): number {
    const { words, store } = this;
    const entry = known >= 0 ? known : this.slot(this.base + (set & this.setMask) * this.setWords);
    words[entry] = tagLo;
    words[entry + TAG_HI] = tagHi;
    words[entry + MASK] = mask;
    words[entry + FRAME] = frame;
    words[entry + FLAGS] = flags;
    words[entry + GUEST_MASK] = mask;
    this.uses[useOf(entry)] = now;
    store.filled[entry / ENTRY_WORDS] = now;
    return entry;
  }

  clear(): void {
    for (let entry = this.base; entry < this.end; entry += ENTRY_WORDS) this.words[entry + TAG_HI] = -1;
  }

  /** Invalidates every entry whose context was flushed. */
  sweep(): void {
    const { words } = this;
    const { contexts } = this.store;
    for (let entry = this.base; entry < this.end; entry += ENTRY_WORDS) {
      const high = words[entry + TAG_HI]!;
      if (high >= 0 && contexts[high >>> CONTEXT_SHIFT] !== ALIVE) words[entry + TAG_HI] = -1;
    }
  }

  /** Invalidates every entry of a context. `tag` is the context in place. */
  clearContext(tag: number): void {
    const { words } = this;
    for (let entry = this.base; entry < this.end; entry += ENTRY_WORDS) {
      const high = words[entry + TAG_HI]!;
      if (high >= 0 && high >>> CONTEXT_SHIFT === tag >>> CONTEXT_SHIFT) words[entry + TAG_HI] = -1;
    }
  }

  private slot(start: number): number {
    const { words, uses } = this;
    const { contexts } = this.store;
    const end = start + this.setWords;
    let oldest = start;
    let oldestUse = Number.POSITIVE_INFINITY;
    for (let entry = start; entry < end; entry += ENTRY_WORDS) {
      const high = words[entry + TAG_HI]!;
      if (high < 0 || contexts[high >>> CONTEXT_SHIFT] !== ALIVE) return entry;
      const use = uses[useOf(entry)]!;
      if (use < oldestUse) {
        oldestUse = use;
        oldest = entry;
      }
    }
    return this.policy === "lru" ? oldest : this.victim(start);
  }

  private victim(start: number): number {
    const ways = this.setWords / ENTRY_WORDS;
    if (this.policy === "random") return start + ((this.random.int32() >>> 0) % ways) * ENTRY_WORDS;
    if (this.policy === "fifo") {
      const { filled } = this.store;
      let first = start;
      for (let entry = start; entry < start + this.setWords; entry += ENTRY_WORDS) {
        if (filled[entry / ENTRY_WORDS]! < filled[first / ENTRY_WORDS]!) first = entry;
      }
      return first;
    }
    return this.treeVictim(start, ways);
  }

  /**
   * tree-PLRU: each node of a binary tree over the ways points away from its half used last. So the pointed-to half is
   * the one whose latest use is older.
   */
  private treeVictim(start: number, ways: number): number {
    let low = start;
    for (let half = ways >>> 1; half > 0; half >>>= 1) {
      if (this.latest(low, half) >= this.latest(low + half * ENTRY_WORDS, half)) low += half * ENTRY_WORDS;
    }
    return low;
  }

  private latest(start: number, count: number): number {
    const { uses } = this;
    let latest = uses[useOf(start)]!;
    for (let way = 1; way < count; way++) {
      const use = uses[useOf(start + way * ENTRY_WORDS)]!;
      if (use > latest) latest = use;
    }
    return latest;
  }
}
