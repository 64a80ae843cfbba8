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
 *
 * A use is stamped with its time, a multiple of USE_STEP, plus the entry's number modulo USE_STEP. So the smallest stamp
 * of a set also says which entry it is: the oldest is found by minima alone, with no branch to mispredict.
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
/** The two words of the f64 stamp. */
export const LAST_USE = 6;

/** Time between two uses; the most ways that a set may have. */
export const USE_STEP = 128;

/** Stamps the use of an entry at a time. */
export function stampUse(store: TranslationStore, entry: number, now: number): void {
  store.uses[(entry >> 1) + 3] = now + ((entry >> 3) & 127);
}

export function allocateTranslations(
  allocation: Allocation,
  entries: number,
  contexts: Uint8Array,
): TranslationStore {
  const words = allocation.int32(entries * ENTRY_WORDS);
  const uses = new Float64Array(words.buffer, words.byteOffset, words.length / 2);
  return { words, uses, filled: allocation.float64(entries), contexts };
}

// The same as constants that the engine folds: it loads and checks an import or export at every use.
const STEP = ENTRY_WORDS;
const STEP_SHIFT = 3;
const HI = TAG_HI;
const LIVE = ALIVE;
const CONTEXT = CONTEXT_SHIFT;

export class AssociativeArray {
  /** First word of the first entry, and the one after the last. */
  readonly base: number;
  readonly end: number;
  private readonly words: Int32Array;
  private readonly uses: Float64Array;
  readonly setMask: number;
  private readonly setWords: number;

  /**
   * @param first number of the array's first entry in the store; `entries` follow, set after set.
   * @param random draws victims under the random policy.
   */
  constructor(
    readonly store: TranslationStore,
    first: number,
    entries: number,
    readonly ways: number,
    readonly policy: ReplacementPolicy,
    private readonly random: Random,
  ) {
    const sets = entries / ways;
    invariant(Number.isInteger(Math.log2(sets)), "sets of a translation cache are a power of two", () => ({
      entries,
      ways,
    }));
    invariant(
      policy !== "tree-plru" || Number.isInteger(Math.log2(ways)),
      "tree-PLRU has a power of two of ways",
      () => ({ ways }),
    );
    this.words = store.words;
    this.uses = store.uses;
    this.setMask = sets - 1;
    this.setWords = ways * STEP;
    this.base = first * STEP;
    this.end = this.base + entries * STEP;
    this.clear();
  }

  /**
   * The entry with one of two high tags (context, global) in a set, or -1. `mask` is that of the size looked for: an array
   * of several sizes may hold a small page that begins where a large one would.
   */
  find(set: number, tagLo: number, mask: number, tagHi: number, globalTagHi: number): number {
    const { words } = this;
    let entry = this.base + (set & this.setMask) * this.setWords;
    const end = entry + this.setWords;
    for (; entry < end; entry += STEP) {
      if (words[entry] === tagLo && words[entry + 2] === mask) {
        const high = words[entry + HI];
        if (high === tagHi || high === globalTagHi) return entry;
      }
    }
    return -1;
  }

  /**
   * Writes an entry: over `known` if that is not -1, else an invalid one, else the policy's victim. Returns it.
   * @param known the entry that has this tag already, as `find` said; -1 if none has.
   */
  fill(
    known: number,
    set: number,
    tagLo: number,
    tagHi: number,
    mask: number,
    frame: number,
    flags: number,
    now: number,
  ): number {
    const { words, store } = this;
    const entry = known >= 0 ? known : this.slot(this.base + (set & this.setMask) * this.setWords);
    words[entry] = tagLo;
    words[entry + HI] = tagHi;
    words[entry + 2] = mask;
    words[entry + 3] = frame;
    words[entry + 4] = flags;
    words[entry + 5] = mask;
    this.uses[(entry >> 1) + 3] = now + ((entry >> 3) & 127);
    if (this.policy === "fifo") store.filled[entry >> STEP_SHIFT] = now;
    return entry;
  }

  clear(): void {
    for (let entry = this.base; entry < this.end; entry += STEP) this.words[entry + HI] = -1;
  }

  /** Invalidates every entry whose context was flushed. */
  sweep(): void {
    const { words } = this;
    const { contexts } = this.store;
    for (let entry = this.base; entry < this.end; entry += STEP) {
      const high = words[entry + HI]!;
      if (high >= 0 && contexts[high >>> CONTEXT] !== LIVE) words[entry + HI] = -1;
    }
  }

  /** Invalidates every entry of a context. `tag` is the context in place. */
  clearContext(tag: number): void {
    const { words } = this;
    for (let entry = this.base; entry < this.end; entry += STEP) {
      const high = words[entry + HI]!;
      if (high >= 0 && high >>> CONTEXT === tag >>> CONTEXT) words[entry + HI] = -1;
    }
  }

  private slot(start: number): number {
    const { words, uses } = this;
    const { contexts } = this.store;
    const end = start + this.setWords;
    let oldest = Number.POSITIVE_INFINITY;
    for (let entry = start; entry < end; entry += STEP) {
      const high = words[entry + HI]!;
      if (high < 0 || contexts[high >>> CONTEXT] !== LIVE) return entry;
      oldest = Math.min(oldest, uses[(entry >> 1) + 3]!);
    }
    if (this.policy === "lru") return this.stamped(start, oldest);
    if (this.policy === "tree-plru") return this.stamped(start, this.treeVictim(start));
    return this.policy === "fifo" ? this.firstFilled(start) : start + this.randomWay() * STEP;
  }

  /** The entry of a set that carries a stamp. */
  private stamped(start: number, stamp: number): number {
    const number = stamp - Math.floor(stamp / 128) * 128;
    return start + ((number - ((start >> STEP_SHIFT) & 127)) & 127) * STEP;
  }

  private randomWay(): number {
    return (this.random.int32() >>> 0) % (this.setWords / STEP);
  }

  private firstFilled(start: number): number {
    const { filled } = this.store;
    let first = start;
    for (let entry = start; entry < start + this.setWords; entry += STEP) {
      if (filled[entry >> STEP_SHIFT]! < filled[first >> STEP_SHIFT]!) first = entry;
    }
    return first;
  }

  /**
   * tree-PLRU: each node of a binary tree over the ways points away from its half used last. So the pointed-to half is
   * the one whose latest use is older; at the lowest nodes, the older of two. Returns the victim's stamp.
   */
  private treeVictim(start: number): number {
    const { uses } = this;
    let first = (start >> 1) + 3;
    for (let half = this.setWords / STEP / 2; half > 1; half >>>= 1) {
      let left = 0;
      let right = 0;
      for (let way = 0; way < half; way++) {
        left = Math.max(left, uses[first + way * 4]!);
        right = Math.max(right, uses[first + (half + way) * 4]!);
      }
      if (left > right) first += half * 4;
    }
    return this.setWords === STEP ? uses[first]! : Math.min(uses[first]!, uses[first + 4]!);
  }
}
