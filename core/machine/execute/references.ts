/**
 * The reference driver: runs batches of references (address.ts) through the modelled TLB, walker and caches. Hot code:
 * everything in the loop is a local; the modelled TLB's hit costs one compare of its entry and one store of its stamp.
 *
 * Two host-speed look-ups, invisible in the results, spare the search of a set:
 * - `predicted`: for a page, the L1 entry that held it last. It is verified against the entry itself, so it can be wrong
 *   but never stale.
 * - the page of the previous reference: its entry already is the last used, so nothing about it would change.
 * And while references miss often, the page-table entries of those to come are read ahead (leaf-hints.ts).
 */
import { CYCLES } from "../../events/categories.js";
import type { Counters } from "../../events/counters.js";
import { EVENT } from "../../events/events.js";
import { REF_FETCH, REF_WRITE } from "../address.js";
import type { Caches } from "../cache.js";
import type { LeafHints } from "../mmu/leaf-hints.js";
import type { Mmu } from "../mmu/mmu.js";
import { FETCH, needOf, READ, WRITE } from "../mmu/permissions.js";
import { FLAGS, FRAME, MASK, TAG_HI, USE_STEP } from "../mmu/translations.js";
import { type Driver, PREDICTIONS, READ_AHEAD } from "./driver.js";

export interface ReferenceDriverParts {
  readonly mmu: Mmu;
  readonly counters: Counters;
  /** Undefined: data references cost nothing beyond their issue. */
  readonly dataCaches: Caches | undefined;
  /** Issue cost of a reference, cycles. */
  readonly referenceCost: number;
  readonly hints: LeafHints;
}

export class ReferenceDriver implements Driver {
  /** Host frame of the last reference made by `once`. */
  frame = 0;
  /** The last chunk walked for one reference in eight or more. */
  private missesOften = false;
  /** What was read ahead: kept so that the reads cannot be optimised away. */
  ahead = 0;
  /** By page: an entry of L1D in the lower half, for fetches of L1I in the upper. */
  private readonly predicted = new Int32Array(2 * PREDICTIONS);

  constructor(private readonly parts: ReferenceDriverParts) {
    this.predicted.fill(parts.mmu.parts.l1d.arrays[0]!.base, 0, PREDICTIONS);
    this.predicted.fill(parts.mmu.parts.l1i.arrays[0]!.base, PREDICTIONS);
  }

  /**
   * Runs references [from, to). Returns `to`, or the index of the reference that could not be translated
   * (`mmu.status`), to be run again once that is resolved.
   */
  run(refs: Int32Array, from: number, to: number, user: boolean): number {
    const { hints, counters } = this.parts;
    for (let start = from; start < to; ) {
      const end = Math.min(start + READ_AHEAD, to);
      if (this.missesOften) this.ahead ^= hints.warm(refs, start, end);
      const walks = counters.events[EVENT.walks]!;
      const reached = this.runChunk(refs, start, end, user);
      if (reached < end) return reached;
      this.missesOften = (counters.events[EVENT.walks]! - walks) * 8 > end - start;
      start = end;
    }
    return to;
  }

  private runChunk(refs: Int32Array, from: number, to: number, user: boolean): number {
    const { mmu, dataCaches } = this.parts;
    const { words, uses } = mmu.parts.store;
    const { predicted } = this;
    const { tlbEnabled } = mmu.parts;
    const writeProtect = mmu.walker.writeProtect;
    const needRead = needOf(READ, user, writeProtect);
    const needWrite = needOf(WRITE, user, writeProtect);
    const needFetch = needOf(FETCH, user, writeProtect);
    const context = mmu.context;
    const globalContext = mmu.globalContext;
    const l1Tags = dataCaches === undefined ? undefined : dataCaches.l1.tags;
    const l1Ways = dataCaches === undefined ? 0 : dataCaches.l1.ways;
    const l1Latency = dataCaches === undefined ? 0 : dataCaches.l1.latency;
    // The inline check of a line knows only caches of 64 sets, where a line's number is its set; others go the long way.
    const inlineCache = dataCaches !== undefined && dataCaches.l1.setMask === 63;
    let now = mmu.now;
    let stall = 0;
    let writes = 0;
    let fetches = 0;
    // The page of the previous data reference; no page has the high half 2^31 - 1.
    let lastPage = 0;
    let lastHi = 0x7fffffff;
    let lastFlags = 0;
    let lastFrame = 0;
    let index = from;
    for (; index < to; index++) {
      const word = refs[2 * index]!;
      const hi = refs[2 * index + 1]!;
      const pageLo = (word >>> 12) | (hi << 20);
      let physical: number;
      const isData = (word & REF_FETCH) === 0;
      const need = isData ? ((word & REF_WRITE) === 0 ? needRead : needWrite) : needFetch;
      if (pageLo === lastPage && hi === lastHi && (lastFlags & need) !== 0 && isData) {
        physical = lastFrame;
      } else {
        const slot = (pageLo & (PREDICTIONS - 1)) | (isData ? 0 : PREDICTIONS);
        let entry = predicted[slot]!;
        const address = (hi >>> 12) & 0x1fff;
        const tag = words[entry + TAG_HI];
        if (
          ((words[entry]! ^ pageLo) & words[entry + MASK]!) === 0 &&
          (tag === (context | address) || tag === (globalContext | address)) &&
          (words[entry + FLAGS]! & need) !== 0
        ) {
          uses[(entry >> 1) + 3] = now + ((entry >> 3) & 127);
          now += USE_STEP;
        } else {
          mmu.now = now;
          entry = mmu.translate(hi, word & ~7, word & 3, user);
          now = mmu.now;
          if (entry < 0) break;
          predicted[slot] = entry;
        }
        physical = words[entry + FRAME]! + (pageLo & ~words[entry + MASK]!);
        if (isData && tlbEnabled) {
          lastPage = pageLo;
          lastHi = hi;
          lastFlags = words[entry + FLAGS]!;
          lastFrame = physical;
        }
      }
      if (l1Tags !== undefined) {
        const line = (word >>> 6) & 63;
        if (!inlineCache || l1Tags[line * l1Ways] !== physical + 1) {
          stall += dataCaches!.access(physical, line) - l1Latency;
        }
      }
      writes += word & 1;
      fetches += (word >>> 1) & 1;
    }
    mmu.now = now;
    this.count(index - from, writes, fetches, stall, user);
    if (index < to) this.parts.counters.events[EVENT.tlb_lookups]!++;
    return index;
  }

  /** One reference; the same as a batch of one, with its host frame left in `frame`. Returns whether it was made. */
  once(hi: number, lo: number, kind: number, user: boolean): boolean {
    const { mmu, dataCaches, counters } = this.parts;
    const { words } = mmu.parts.store;
    const entry = mmu.translate(hi, lo, kind, user);
    if (entry < 0) {
      counters.events[EVENT.tlb_lookups]!++;
      return false;
    }
    const pageLo = (lo >>> 12) | (hi << 20);
    this.frame = words[entry + FRAME]! + (pageLo & ~words[entry + MASK]!);
    const stall =
      dataCaches === undefined ? 0 : dataCaches.access(this.frame, (lo >>> 6) & 63) - dataCaches.l1.latency;
    this.count(1, kind === WRITE ? 1 : 0, kind === FETCH ? 1 : 0, stall, user);
    return true;
  }

  private count(references: number, writes: number, fetches: number, stall: number, user: boolean): void {
    const { events, cycles } = this.parts.counters;
    events[EVENT.references]! += references;
    events[EVENT.writes]! += writes;
    events[EVENT.fetches]! += fetches;
    events[EVENT.reads]! += references - writes - fetches;
    events[EVENT.tlb_lookups]! += references;
    if (!user) events[EVENT.kernel_references]! += references;
    cycles[user ? CYCLES.guest_user : CYCLES.guest_kernel]! += references * this.parts.referenceCost;
    cycles[CYCLES.guest_memory]! += stall;
  }
}
