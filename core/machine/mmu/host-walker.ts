/**
 * The second dimension: from guest-physical to host-physical through the EPT or NPT (Intel SDM vol. 3, 29.3; AMD APM
 * vol. 2, 15.25), with the nested TLB and the nested paging-structure caches in front. Both formats have 512 entries of
 * 8 bytes a table; they differ in which bits mean what:
 *
 *             present   write   execute   A     D     PS
 *      EPT    2..0 ≠ 0  1       2         8     9     7      A and D only where enabled
 *      NPT    0         1       not 63    5     6     7      must be user pages
 *
 * One level is a flat table, hardware that was proposed (Ahn, Jin & Huh, ISCA 2012): its frames follow one another, and a
 * guest frame's number is the index of its entry, so that a translation reads one.
 *
 * Accesses to guest tables count as writes where A and D bits are on (SDM 29.3.5) and always under NPT (APM 15.25.5).
 * Hot code: nothing is allocated, results are fields.
 */

import { CYCLES } from "../../events/categories.js";
import type { Counters } from "../../events/counters.js";
import { EVENT } from "../../events/events.js";
import type { Caches } from "../cache.js";
import { REGISTER, type Registers, TIME } from "../registers.js";
import { A, D, EPT_A, EPT_D, EPT_W, EPT_X, frameOf, NX, P, PS, RW } from "./entry.js";
import type { LeafHints } from "./leaf-hints.js";
import { type AssociativeArray, FLAGS, FRAME, stampUse, USE_STEP } from "./translations.js";
import type { WalkCaches } from "./walk-caches.js";

export type NestedFormat = "ept" | "npt";
/** Levels of the nested table; 1 is a flat one. */
export type NestedLevels = 1 | 4 | 5;

export interface HostWalkerParts {
  readonly registers: Registers;
  readonly ram: Int32Array;
  readonly counters: Counters;
  /** Undefined: every reference costs `flatLatency`. */
  readonly caches: Caches | undefined;
  readonly flatLatency: number;
  readonly nestedTlb: AssociativeArray | undefined;
  readonly walkCaches: WalkCaches | undefined;
  readonly format: NestedFormat;
  readonly levels: number;
  /** A and D bits on. */
  readonly accessedDirty: boolean;
  /** Price of setting them, cycles. */
  readonly entryBitsCost: number;
  /** Whether the walker's reads of guest tables count as writes. */
  readonly tableReadsAreWrites: boolean;
  readonly hints: LeafHints;
}

/** Flags kept in the nested TLB: what the mapping allows, and whether its D bit is set. */
export const MAY_WRITE = 1;
export const MAY_EXECUTE = 2;
export const DIRTY = 4;
/** The mapping's order (log2 of its frames) stands above the flags. */
export const ORDER_SHIFT = 8;

export class HostWalker {
  /** log2 of the frames of the mapping that the last translation used. */
  order = 0;
  /** Whether the last translation may be executed, and written without another walk. */
  executable = true;
  writable = true;
  /** Entries read since the walk began; the guest dimension resets it. */
  references = 0;
  private readonly presentMask: number;
  private readonly accessedBit: number;
  private readonly writeBit: number;
  private readonly dirtyBit: number;
  private readonly isEpt: boolean;
  /** By level, for what is done only once the walk has succeeded: each entry's word in RAM, */
  private readonly path = new Int32Array(6);
  /** and each table below the first with the rights of the levels above it. */
  private readonly tables = new Int32Array(6);
  private readonly rights = new Int32Array(6);

  constructor(readonly parts: HostWalkerParts) {
    this.isEpt = parts.format === "ept";
    this.presentMask = this.isEpt ? 7 : P;
    this.accessedBit = this.isEpt ? EPT_A : A;
    this.writeBit = this.isEpt ? EPT_W : RW;
    this.dirtyBit = this.isEpt ? EPT_D : D;
  }

  /** Root of the EPT or NPT. */
  get root(): number {
    return this.parts.registers.words[REGISTER.hostRoot]!;
  }
  set root(frame: number) {
    this.parts.registers.words[REGISTER.hostRoot] = frame;
  }

  /** Tag of the guest-physical mappings' context, in place. */
  get context(): number {
    return this.parts.registers.words[REGISTER.hostContext]!;
  }
  set context(tag: number) {
    this.parts.registers.words[REGISTER.hostContext] = tag;
  }

  /** The host frame of a guest frame for an access, or -1: a violation. */
  translate(gfn: number, write: boolean, fetch: boolean): number {
    const { nestedTlb, counters, registers } = this.parts;
    // A time of its own: one walk of the guest's looks up several times in this dimension.
    const now = registers.times[TIME.hostNow]! + USE_STEP;
    registers.times[TIME.hostNow] = now;
    if (nestedTlb === undefined) return this.walk(gfn, write, fetch, -1, now);
    const entry = nestedTlb.find(gfn, gfn, -1, this.context, this.context);
    if (entry >= 0) {
      const { words } = nestedTlb.store;
      const allowed = words[entry + FLAGS]!;
      if (
        (!write || (allowed & (MAY_WRITE | DIRTY)) === (MAY_WRITE | DIRTY)) &&
        (!fetch || (allowed & MAY_EXECUTE) !== 0)
      ) {
        counters.events[EVENT.nested_tlb_hits]!++;
        stampUse(nestedTlb.store, entry, now);
        this.order = allowed >>> ORDER_SHIFT;
        this.executable = (allowed & MAY_EXECUTE) !== 0;
        this.writable = (allowed & (MAY_WRITE | DIRTY)) === (MAY_WRITE | DIRTY);
        return words[entry + FRAME]!;
      }
    }
    counters.events[EVENT.nested_tlb_misses]!++;
    return this.walk(gfn, write, fetch, entry, now);
  }

  /** @param known the nested TLB's entry that did not allow the access, or -1. */
  private walk(gfn: number, write: boolean, fetch: boolean, known: number, now: number): number {
    const { ram, walkCaches, levels, accessedDirty, nestedTlb, counters, hints } = this.parts;
    let level = levels;
    let table = levels === 1 ? this.root + (gfn >>> 9) : this.root;
    let rights = MAY_WRITE | MAY_EXECUTE;
    if (walkCaches !== undefined) {
      for (let lowest = 1; lowest < levels; lowest++) {
        const entry = walkCaches.find(lowest, gfn, this.context, now);
        if (entry < 0) continue;
        level = lowest;
        table = walkCaches.store.words[entry + FRAME]!;
        rights = walkCaches.store.words[entry + FLAGS]!;
        counters.events[EVENT.walk_cache_host_hits]!++;
        break;
      }
    }
    const start = level;
    let lo = 0;
    let hi = 0;
    for (; ; level--) {
      const index = level === 5 ? 0 : (gfn >>> (9 * (level - 1))) & 511;
      const word = table * 1024 + index * 2;
      this.path[level] = word;
      this.reference(word, level);
      lo = ram[word]!;
      hi = ram[word + 1]!;
      if ((lo & this.presentMask) === 0) return -1;
      if ((lo & this.writeBit) === 0) rights &= ~MAY_WRITE;
      if (this.isEpt ? (lo & EPT_X) === 0 : (hi & NX) !== 0) rights &= ~MAY_EXECUTE;
      if (level === 1 || (lo & PS) !== 0) break;
      table = frameOf(lo, hi);
      this.tables[level - 1] = table;
      this.rights[level - 1] = rights;
    }
    const writable = (rights & MAY_WRITE) !== 0;
    const executable = (rights & MAY_EXECUTE) !== 0;
    if ((write && !writable) || (fetch && !executable)) return -1;
    if (accessedDirty) {
      this.setBits(start, level, write);
      lo = ram[this.path[level]!]!;
    }
    if (level === 1) hints.noteHost(gfn, table);
    if (walkCaches !== undefined) {
      for (let below = start - 1; below >= level; below--) {
        walkCaches.fill(below, gfn, this.context, this.tables[below]!, this.rights[below]!, now);
      }
    }
    const order = 9 * (level - 1);
    const dirty = !accessedDirty || (lo & this.dirtyBit) !== 0;
    const frame = frameOf(lo, hi) + (gfn & ((1 << order) - 1));
    this.order = order;
    this.executable = executable;
    this.writable = writable && dirty;
    if (nestedTlb !== undefined) {
      const flags = rights | (dirty ? DIRTY : 0) | (order << ORDER_SHIFT);
      nestedTlb.fill(known, gfn, gfn, this.context, -1, frame, flags, now);
    }
    return frame;
  }

  /** Sets A on the way and D at the leaf, where they are clear. */
  private setBits(start: number, leaf: number, write: boolean): void {
    const { ram, counters, entryBitsCost } = this.parts;
    for (let level = start; level >= leaf; level--) {
      const word = this.path[level]!;
      const wanted = level === leaf && write ? this.accessedBit | this.dirtyBit : this.accessedBit;
      if ((ram[word]! & wanted) === wanted) continue;
      ram[word]! |= wanted;
      counters.events[EVENT.entry_bits_set]!++;
      counters.cycles[CYCLES.walk_host]! += entryBitsCost;
    }
  }

  /** One entry is read: counted and priced. `word` is its place in RAM. */
  protected reference(word: number, level: number): void {
    const { counters, caches, flatLatency } = this.parts;
    const { events, cycles } = counters;
    this.references++;
    events[EVENT.walk_refs_host_l1 + level - 1]!++;
    if (caches === undefined) {
      cycles[CYCLES.walk_host]! += flatLatency;
      return;
    }
    cycles[CYCLES.walk_host]! += caches.access(word >>> 10, (word >>> 4) & 63);
    events[EVENT.walk_hits_l1 + caches.level - 1]!++;
  }
}
