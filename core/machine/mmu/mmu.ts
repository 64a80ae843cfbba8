/**
 * The memory-management unit: modelled TLBs in front of the walker, the registers that choose an address space, and the
 * instructions that invalidate. It reports a page fault or a violation in `status` and returns; who handles it is not
 * its concern. Prices of the instructions themselves are charged by whoever executes them.
 *
 *      reference → L1 TLB → L2 TLB → page walk (walker.ts) → fills L2 and L1
 *
 * Invalidation: Intel SDM vol. 3, 4.10.4 (INVLPG, INVPCID, MOV to CR3) and 29.4.3 (INVEPT, INVVPID).
 */
import { CYCLES } from "../../events/categories.js";
import type { Counters } from "../../events/counters.js";
import { EVENT } from "../../events/events.js";
import { type Gva, highHalf, lowHalf } from "../address.js";
import { REGISTER, type Registers, TIME } from "../registers.js";
import type { Contexts } from "./contexts.js";
import { G } from "./entry.js";
import { FETCH, needOf, permissionsOf } from "./permissions.js";
import { highTag, type Tlb } from "./tlb.js";
import {
  FLAGS,
  FRAME,
  GUEST_MASK,
  MASK,
  stampUse,
  TAG_HI,
  type TranslationStore,
  USE_STEP,
} from "./translations.js";
import type { WalkCaches } from "./walk-caches.js";
import { WALK_DONE, type Walker } from "./walker.js";

export interface MmuParts {
  readonly registers: Registers;
  readonly counters: Counters;
  readonly store: TranslationStore;
  readonly contexts: Contexts;
  readonly l1i: Tlb;
  readonly l1d: Tlb;
  /** Undefined where the profile has one level. */
  readonly l2: Tlb | undefined;
  readonly walker: Walker;
  readonly guestWalkCaches: WalkCaches | undefined;
  /** False: no TLB; every reference walks. */
  readonly tlbEnabled: boolean;
  /** Extra latency of an L2 hit, and the fixed cost of a walk, cycles. */
  readonly l2HitCost: number;
  readonly walkStartCost: number;
}

/** The VPID (or ASID) under which the guest-physical mappings of the one nested table are tagged. */
const NESTED_KEY = 1 << 20;

export class Mmu {
  readonly walker: Walker;
  private vpid = 0;
  private pcid = 0;
  private readonly registers: Registers;

  constructor(readonly parts: MmuParts) {
    this.walker = parts.walker;
    this.registers = parts.registers;
    this.now = USE_STEP;
    this.select(0, 0);
    this.flushNested();
  }

  /** Context tags in place: of the running address space, and of its global pages. */
  get context(): number {
    return this.registers.words[REGISTER.context]!;
  }
  get globalContext(): number {
    return this.registers.words[REGISTER.globalContext]!;
  }

  /** Time of uses, for replacement; one USE_STEP a look-up. */
  get now(): number {
    return this.registers.times[TIME.now]!;
  }
  set now(time: number) {
    this.registers.times[TIME.now] = time;
  }

  /** How the last translation ended: WALK_DONE or another of WALK_* (details in `walker`). */
  get status(): number {
    return this.registers.words[REGISTER.status]!;
  }
  set status(status: number) {
    this.registers.words[REGISTER.status] = status;
  }

  /** Some translation was held in smaller pieces than the guest's page: INVLPG must look for the pieces. */
  private get hasFractures(): boolean {
    return this.registers.words[REGISTER.hasFractures] !== 0;
  }
  private set hasFractures(yes: boolean) {
    this.registers.words[REGISTER.hasFractures] = yes ? 1 : 0;
  }

  /**
   * Translates one reference that the fast look-up did not resolve. Returns the L1 entry to use, or -1 and `status`.
   * @param hi,lo halves of the address. @param kind READ, WRITE or FETCH.
   */
  translate(hi: number, lo: number, kind: number, user: boolean): number {
    const { store, counters, l2, l1i, l1d, tlbEnabled } = this.parts;
    const { words } = store;
    const { events } = counters;
    const { now } = this;
    this.now = now + USE_STEP;
    const pageLo = (lo >>> 12) | (hi << 20);
    const tag = highTag(this.context, hi);
    const globalTag = highTag(this.globalContext, hi);
    const need = needOf(kind, user, this.walker.writeProtect);
    const l1 = kind === FETCH ? l1i : l1d;
    let first = -1;
    let second = -1;
    if (tlbEnabled) {
      first = l1.find(pageLo, tag, globalTag);
      if (first >= 0) {
        if ((words[first + FLAGS]! & need) !== 0) {
          stampUse(store, first, now);
          return first;
        }
        events[EVENT.tlb_permission_walks]!++;
        if (l2 !== undefined) second = l2.find(pageLo, tag, globalTag);
      } else {
        events[kind === FETCH ? EVENT.tlb_l1i_misses : EVENT.tlb_l1d_misses]!++;
        if (l2 !== undefined) second = l2.find(pageLo, tag, globalTag);
        if (second >= 0 && (words[second + FLAGS]! & need) !== 0) {
          events[EVENT.tlb_l2_hits]!++;
          counters.cycles[CYCLES.tlb_l2]! += this.parts.l2HitCost;
          stampUse(store, second, now);
          return this.promote(l1, second, pageLo, now);
        }
        events[second < 0 ? EVENT.tlb_misses : EVENT.tlb_permission_walks]!++;
      }
    } else events[EVENT.tlb_misses]!++;
    if (!this.walk(hi, lo, kind, user, tag, now)) return -1;
    return this.fill(l1, first, second, pageLo, tag, globalTag, now);
  }

  private walk(hi: number, lo: number, kind: number, user: boolean, tag: number, now: number): boolean {
    const { walker } = this;
    this.parts.counters.cycles[CYCLES.walk_guest]! += this.parts.walkStartCost;
    this.status = walker.walk(hi, lo, kind, user, tag, now);
    return this.status === WALK_DONE;
  }

  /** Holds what the walker found, in place of the entries that were not enough. */
  private fill(
    l1: Tlb,
    first: number,
    second: number,
    pageLo: number,
    tag: number,
    globalTag: number,
    now: number,
  ): number {
    const { l2, store, tlbEnabled } = this.parts;
    const { order, guestOrder, frame, rights } = this.walker;
    const tagHi = (rights & G) === 0 ? tag : globalTag;
    const flags = permissionsOf(rights);
    if (order !== guestOrder) this.hasFractures = true;
    l2?.fill(second, pageLo, tagHi, order, guestOrder, frame, flags, now);
    const entry = l1.fill(first, pageLo, tagHi, order, guestOrder, frame, flags, now);
    if (store.words[entry + MASK] !== -1 << guestOrder) this.hasFractures = true;
    // Without a TLB the entry carries this one translation to the caller and never matches again.
    if (!tlbEnabled) store.words[entry + TAG_HI] = -1;
    return entry;
  }

  /** Copies an L2 entry into L1. */
  private promote(l1: Tlb, second: number, pageLo: number, now: number): number {
    const { words } = this.parts.store;
    const mask = words[second + MASK]!;
    const order = 31 - Math.clz32(-mask);
    const guestOrder = 31 - Math.clz32(-words[second + GUEST_MASK]!);
    const frame = words[second + FRAME]! + (pageLo & ~mask);
    return l1.fill(
      -1,
      pageLo,
      words[second + TAG_HI]!,
      order,
      guestOrder,
      frame,
      words[second + FLAGS]!,
      now,
    );
  }

  // Address spaces.

  /** Runs the address space of a VPID and PCID; nothing is flushed. */
  select(vpid: number, pcid: number): void {
    const { contexts } = this.parts;
    this.vpid = vpid;
    this.pcid = pcid;
    this.registers.words[REGISTER.context] = contexts.tag(vpid, pcid);
    this.registers.words[REGISTER.globalContext] = contexts.globalTag(vpid);
  }

  /** MOV to CR3. `keep` is bit 63: do not drop this PCID's translations. The PAE format reads its PDPTEs apart. */
  loadCr3(root: number, pcid: number, keep: boolean): void {
    this.walker.root = root;
    this.parts.counters.events[EVENT.cr3_loads]!++;
    if (!keep) {
      this.countFlush();
      this.parts.contexts.flush(this.vpid, pcid);
    }
    this.select(this.vpid, pcid);
  }

  // Invalidation.

  /** INVLPG: one page of the current PCID, global ones too; all paging-structure caches of that PCID. */
  invalidatePage(va: Gva): void {
    this.parts.counters.events[EVENT.tlb_page_invalidations]!++;
    this.invalidateIn(this.context, va, this.globalContext);
  }

  /** INVPCID type 0: one page of a PCID, global ones kept. */
  invalidatePageOf(pcid: number, va: Gva): void {
    this.parts.counters.events[EVENT.tlb_page_invalidations]!++;
    const context = this.parts.contexts.tag(this.vpid, pcid);
    this.invalidateIn(context, va, context);
    this.select(this.vpid, this.pcid);
  }

  private invalidateIn(context: number, va: Gva, globalContext: number): void {
    const { l1i, l1d, l2, guestWalkCaches } = this.parts;
    const hi = highHalf(va);
    const pageLo = (lowHalf(va) >>> 12) | (hi << 20);
    const tag = highTag(context, hi);
    const globalTag = highTag(globalContext, hi);
    for (const level of l2 === undefined ? [l1i, l1d] : [l1i, l1d, l2]) {
      if (this.hasFractures) level.invalidateFractured(pageLo, tag, globalTag);
      else level.invalidate(pageLo, tag, globalTag);
    }
    guestWalkCaches?.clearContext(context);
  }

  /** INVPCID type 1: everything of a PCID but global pages. */
  invalidatePcid(pcid: number): void {
    this.countFlush();
    this.parts.contexts.flush(this.vpid, pcid);
    this.select(this.vpid, this.pcid);
  }

  /** INVVPID type 0: one page of a VPID, under all its PCIDs, global ones too. */
  invalidateVpidPage(vpid: number, va: Gva): void {
    this.parts.counters.events[EVENT.tlb_page_invalidations]!++;
    for (const tag of this.parts.contexts.tagsOf(vpid)) this.invalidateIn(tag, va, tag);
  }

  /** INVVPID type 1 (single-context), or type 3 if global pages are kept. */
  invalidateVpid(vpid: number, keepGlobal: boolean): void {
    this.countFlush();
    this.parts.contexts.flushVpid(vpid, keepGlobal);
    this.select(this.vpid, this.pcid);
  }

  /** INVVPID type 2: everything of every VPID but 0. */
  invalidateAllVpids(): void {
    this.countFlush();
    this.parts.contexts.flushGuests();
    this.select(this.vpid, this.pcid);
  }

  /** Everything of the current VPID: toggling CR4.PGE, INVPCID type 2. `keepGlobal`: INVPCID type 3. */
  flushAll(keepGlobal: boolean): void {
    this.invalidateVpid(this.vpid, keepGlobal);
  }

  /** INVEPT: guest-physical mappings, and all combined mappings. */
  invalidateNested(): void {
    this.countFlush();
    this.parts.contexts.flushGuests();
    this.parts.contexts.flushVpid(this.vpid, false);
    this.flushNested();
    this.select(this.vpid, this.pcid);
  }

  /** A flush of instruction translations; what a cache of decoded code has by linear address goes with them. */
  private countFlush(): void {
    this.parts.counters.events[EVENT.tlb_full_flushes]!++;
    this.registers.words[REGISTER.codeEpoch]!++;
  }

  private flushNested(): void {
    const { contexts } = this.parts;
    contexts.flush(NESTED_KEY, 0);
    const host = this.walker.host;
    if (host !== undefined) host.context = contexts.tag(NESTED_KEY, 0);
  }
}
