/**
 * Paging-structure caches: for a prefix of the address, where the table of the next level is and what the levels above
 * allow (Intel SDM vol. 3, 4.10.3; for the nested dimension 29.4). Under nested paging the guest's are *combined*
 * mappings: they give the table's host frame, so a hit spares the nested translation of every table above as well.
 *
 * `level1` points to level-1 tables (Intel's PDE cache), `level2` to level-2 tables (PDPTE cache), and so on. Hot code.
 */
import type { CpuProfile, WalkCacheGeometry, WalkCacheLevel } from "../../events/profile.js";
import type { Random } from "../../util/random.js";
import { AssociativeArray, stampUse, type TranslationStore } from "./translations.js";

const LEVELS: readonly WalkCacheLevel[] = ["level1", "level2", "level3", "level4"];

/** One level's cache and how an address is cut to its prefix. */
export interface Prefix {
  readonly array: AssociativeArray;
  /** Bits to drop from the page number for the set index. */
  readonly shift: number;
  readonly maskLo: number;
  readonly maskHi: number;
}

/** Entries that a profile's caches for one dimension need. */
export function walkCacheEntries(geometry: CpuProfile["walkCaches"]["guest"]): number {
  return LEVELS.reduce((sum, level) => sum + (geometry[level]?.entries ?? 0), 0);
}

export class WalkCaches {
  /** By the level of the table pointed to; index 0 unused. */
  readonly prefixes: (Prefix | undefined)[] = [undefined];

  /**
   * @param shifts of the paging format: the prefix of level k is the address above `shifts[k + 1]`.
   * @param levels of the format; there is no cache for the root.
   */
  constructor(
    readonly store: TranslationStore,
    first: number,
    geometry: Readonly<Partial<Record<WalkCacheLevel, WalkCacheGeometry>>>,
    shifts: readonly number[],
    levels: number,
    random: Random,
  ) {
    let base = first;
    LEVELS.forEach((name, index) => {
      const level = index + 1;
      const size = geometry[name];
      if (size === undefined || level >= levels) {
        this.prefixes.push(undefined);
        return;
      }
      const array = new AssociativeArray(store, base, size.entries, size.ways, "lru", random);
      base += size.entries;
      const shift = shifts[level + 1]! - 12;
      this.prefixes.push({
        array,
        shift,
        maskLo: shift >= 32 ? 0 : -1 << shift,
        maskHi: shift >= 32 ? -1 << (shift - 32) : -1,
      });
    });
  }

  /** The entry for the table of a level on the way to an address, or -1. `hi` is the high tag (tlb.ts). */
  find(level: number, pageLo: number, hi: number, now: number): number {
    const prefix = this.prefixes[level];
    if (prefix === undefined) return -1;
    const tagHi = hi & prefix.maskHi;
    const set = prefix.shift >= 32 ? tagHi : pageLo >>> prefix.shift;
    const entry = prefix.array.find(set, pageLo & prefix.maskLo, prefix.maskLo, tagHi, tagHi);
    if (entry >= 0) stampUse(this.store, entry, now);
    return entry;
  }

  /** Remembers where the table of a level is, and the rights so far; `find` has just missed it. */
  fill(level: number, pageLo: number, hi: number, frame: number, rights: number, now: number): void {
    const prefix = this.prefixes[level];
    if (prefix === undefined) return;
    const tagHi = hi & prefix.maskHi;
    const set = prefix.shift >= 32 ? tagHi : pageLo >>> prefix.shift;
    prefix.array.fill(-1, set, pageLo & prefix.maskLo, tagHi, prefix.maskLo, frame, rights, now);
  }

  /** Drops everything of a context (INVLPG does, whatever the address: SDM vol. 3, 4.10.4.1). */
  clearContext(tag: number): void {
    for (const prefix of this.prefixes) prefix?.array.clearContext(tag);
  }

  sweep(): void {
    for (const prefix of this.prefixes) prefix?.array.sweep();
  }
}
