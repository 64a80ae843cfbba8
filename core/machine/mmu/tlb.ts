/**
 * One level of the modelled TLB: L1 instruction, L1 data, or the unified L2. A level is one or more set-associative
 * arrays, each for some page sizes, all probed for every look-up. In the first level a page whose size no array holds is
 * held as the largest smaller size that one does (a fractured page); the second level does not hold it. Hot code.
 */
import type { TlbGeometry } from "../../events/profile.js";
import type { Random } from "../../util/random.js";
import { PAGE_SIZES } from "../../util/units.js";
import { REGISTER, type Registers } from "../registers.js";
import { CONTEXT_SHIFT } from "./contexts.js";
import {
  AssociativeArray,
  ENTRY_WORDS,
  GUEST_MASK,
  MASK,
  TAG_HI,
  type TranslationStore,
} from "./translations.js";

/** One page size in one array. */
export interface Probe {
  readonly array: AssociativeArray;
  /** log2 of the page's 4 KiB frames: 0, 9, 10 or 18. */
  readonly order: number;
  /** Bits of the low tag compared. */
  readonly mask: number;
  /** Its bit in the usedSizes register, set once an entry of this size was filled: spares the probe until then. */
  readonly usedBit: number;
}

/** Mask of an entry for a page of 4 KiB. */
export const SMALL_MASK = -1;
/** log2 of the frames of a 1 GiB page. */
const LARGEST_ORDER = 18;

export class Tlb {
  readonly arrays: readonly AssociativeArray[];
  /** Smallest size first. */
  readonly probes: readonly Probe[];
  /** The probe that holds a mapping of 2^order frames, by order. */
  private readonly holder: (Probe | undefined)[] = [];

  /**
   * @param firstProbe number of the level's first probe among all levels'.
   * @param first index of the level's first entry in the store.
   * @param fractures whether a page whose size no array holds is held as a smaller one (else not at all).
   */
  constructor(
    private readonly registers: Registers,
    private readonly store: TranslationStore,
    firstProbe: number,
    first: number,
    geometries: readonly TlbGeometry[],
    fractures: boolean,
    random: Random,
  ) {
    let base = first;
    const probes: Probe[] = [];
    this.arrays = geometries.map((geometry) => {
      const array = new AssociativeArray(
        store,
        base,
        geometry.entries,
        geometry.ways,
        geometry.policy,
        random,
      );
      base += geometry.entries;
      for (const page of geometry.pages) {
        const order = Math.log2(PAGE_SIZES[page] / 4096);
        probes.push({ array, order, mask: -1 << order, usedBit: 1 << (firstProbe + probes.length) });
      }
      return array;
    });
    this.probes = probes.sort((a, b) => a.order - b.order);
    for (let order = 0; order <= LARGEST_ORDER; order++) {
      this.holder.push(
        this.probes.findLast((probe) => (fractures ? probe.order <= order : probe.order === order)),
      );
    }
  }

  /** The entry that translates a page number for a context, or -1. */
  find(pageLo: number, tagHi: number, globalTagHi: number): number {
    for (const probe of this.probes) {
      if ((this.registers.words[REGISTER.usedSizes]! & probe.usedBit) === 0) continue;
      const entry = probe.array.find(
        pageLo >>> probe.order,
        pageLo & probe.mask,
        probe.mask,
        tagHi,
        globalTagHi,
      );
      if (entry >= 0) return entry;
    }
    return -1;
  }

  /**
   * Holds a translation. `frame` is the host frame of the 4 KiB page asked for; `order` the mapping's size, held here
   * in the largest size that is not above it; `guestOrder` the size with which the guest mapped it. `known` is the entry
   * that `find` gave for this address, to be replaced, or -1. Returns the entry, or -1 when no array holds such pages.
   */
  fill(
    known: number,
    pageLo: number,
    tagHi: number,
    order: number,
    guestOrder: number,
    frame: number,
    flags: number,
    now: number,
  ): number {
    const { words } = this.store;
    const probe = this.holder[order];
    if (probe === undefined) return -1;
    this.registers.words[REGISTER.usedSizes]! |= probe.usedBit;
    const { mask } = probe;
    let replaced = known;
    if (known >= 0 && words[known + MASK] !== mask) {
      // The page was mapped with another size before.
      words[known + TAG_HI] = -1;
      replaced = -1;
    }
    const first = frame - (pageLo & ~mask);
    const entry = probe.array.fill(
      replaced,
      pageLo >>> probe.order,
      pageLo & mask,
      tagHi,
      mask,
      first,
      flags,
      now,
    );
    words[entry + GUEST_MASK] = -1 << guestOrder;
    return entry;
  }

  /** Invalidates the translations of one address in a context, and its global ones. */
  invalidate(pageLo: number, tagHi: number, globalTagHi: number): void {
    for (;;) {
      const entry = this.find(pageLo, tagHi, globalTagHi);
      if (entry < 0) return;
      this.store.words[entry + TAG_HI] = -1;
    }
  }

  /** The same where the guest's page may be held in pieces: every piece goes. */
  invalidateFractured(pageLo: number, tagHi: number, globalTagHi: number): void {
    const { words } = this.store;
    for (const { base, end } of this.arrays) {
      for (let entry = base; entry < end; entry += ENTRY_WORDS) {
        const high = words[entry + TAG_HI];
        if (high !== tagHi && high !== globalTagHi) continue;
        if (((words[entry]! ^ pageLo) & words[entry + GUEST_MASK]!) === 0) words[entry + TAG_HI] = -1;
      }
    }
  }

  /** What holds a mapping of 2^order frames, if anything does. */
  holderOf(order: number): Probe | undefined {
    return this.holder[order];
  }

  sweep(): void {
    for (const array of this.arrays) array.sweep();
  }

  clearContext(tag: number): void {
    for (const array of this.arrays) array.clearContext(tag);
  }
}

/** The high tag of an address in a context: the context in place, with address bits 56..44. */
export function highTag(context: number, hi: number): number {
  return context | ((hi >>> 12) & ((1 << CONTEXT_SHIFT) - 1));
}
