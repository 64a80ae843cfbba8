/**
 * A host-speed trick, invisible in results: which entries of the guest's paging-structure caches were filled since they
 * were last cleared, one bit an entry. INVLPG clears all of an address space; most of the time these are one or two.
 */

import { type AssociativeArray, ENTRY_WORDS } from "../../mmu/translations.js";
import type { WalkCaches } from "../../mmu/walk-caches.js";
import { add, type Code, int, shl, shrUnsigned } from "../../wasm/code.js";
import { extendUnsigned, I64, wrap } from "../../wasm/integers.js";
import type { Emitter } from "./emitter.js";

const ENTRY_SHIFT = Math.log2(ENTRY_WORDS * 4);
/** Entries that one word speaks of. */
const MOST_ENTRIES = 64;

export function arraysOf(walkCaches: WalkCaches | undefined): AssociativeArray[] {
  return (walkCaches?.prefixes ?? []).flatMap((prefix) => (prefix === undefined ? [] : [prefix.array]));
}

export class WalkCacheJournal {
  private constructor(
    /** Where the word lies. */
    private readonly address: number,
    /** Address of the entry that bit 0 speaks of. */
    private readonly first: number,
  ) {}

  /** Undefined where none is kept, where there are no caches, or too many entries for it. */
  static of(emitter: Emitter, walkCaches: WalkCaches | undefined): WalkCacheJournal | undefined {
    const { walkCacheJournal, store } = emitter.places;
    const arrays = arraysOf(walkCaches);
    if (walkCacheJournal === undefined || arrays.length === 0) return undefined;
    const first = Math.min(...arrays.map((array) => array.base));
    const entries = (Math.max(...arrays.map((array) => array.end)) - first) / ENTRY_WORDS;
    if (entries > MOST_ENTRIES) return undefined;
    return new WalkCacheJournal(walkCacheJournal, store + first * 4);
  }

  get filled(): Code {
    return I64.load(8)(int(0), this.address);
  }

  setFilled(bits: Code): Code {
    return I64.store(8)(int(0), bits, this.address);
  }

  /** An entry is filled. */
  note(entry: Code): Code {
    const number = shrUnsigned(add(entry, int(-this.first)), int(ENTRY_SHIFT));
    return this.setFilled(I64.or(this.filled, I64.shl(I64.constant(1), extendUnsigned(number))));
  }

  /** The entry of the lowest bit that is set. */
  lowest(bits: Code): Code {
    return add(shl(wrap(I64.ctz(bits)), int(ENTRY_SHIFT)), int(this.first));
  }
}
