/**
 * What Xen knows of each machine frame (xen/arch/x86/mm.c, "a note on x86 paging"): whose it is, what it is used as, and how
 * often. A frame changes its use only while nothing uses it, so that it is never a page table and writable at once.
 */
import type { Hfn } from "../../machine/address.js";

/**
 * Uses of a frame. `lastL2` is the 32-bit page directory of the last GiB, in which the monitor has entries; `descriptors` a page
 * of the GDT.
 */
export const USE = { none: 0, l1: 1, l2: 2, l3: 3, l4: 4, lastL2: 5, writable: 6, descriptors: 7 } as const;
const LEVELS = [0, 1, 2, 3, 4, 2, 0, 0];
/** Level of a table by its use; 0: it is none. */
export const levelOf = (use: number): number => LEVELS[use]!;

/** Whose a frame is. Shared ones are the monitor's, who lets the guest map them. */
export const OWNED_BY = { monitor: 0, guest: 1, shared: 2 } as const;

export class FrameTypes {
  private readonly owners: Uint8Array;
  private readonly uses: Uint8Array;
  private readonly counts: Int32Array;
  private readonly pins: Uint8Array;
  /** Flush after which the last use ended: look-ups from before it may remain until the next. */
  private readonly releases: Float64Array;
  private flushes = 1;

  constructor(frames: number) {
    this.owners = new Uint8Array(frames);
    this.uses = new Uint8Array(frames);
    this.counts = new Int32Array(frames);
    this.pins = new Uint8Array(frames);
    this.releases = new Float64Array(frames);
  }

  setOwner(frame: Hfn, owner: number): void {
    this.owners[frame] = owner;
  }
  isGuests(frame: Hfn): boolean {
    return this.owners[frame] === OWNED_BY.guest;
  }
  /** The guest may have entries for it. */
  isMappable(frame: Hfn): boolean {
    return (this.owners[frame] ?? OWNED_BY.monitor) !== OWNED_BY.monitor;
  }

  /** What it is used as now; USE.none when nothing uses it. */
  useOf(frame: Hfn): number {
    return this.counts[frame]! > 0 ? this.uses[frame]! : USE.none;
  }

  /** The guest may have it written: it is nothing that the hardware or the monitor trusts. */
  isPlain(frame: Hfn): boolean {
    const use = this.useOf(frame);
    return this.isGuests(frame) && (use === USE.none || use === USE.writable);
  }

  isPinned(frame: Hfn): boolean {
    return this.pins[frame] !== 0;
  }
  setPinned(frame: Hfn, on: boolean): void {
    this.pins[frame] = on ? 1 : 0;
  }

  /** One use more, of the kind that it has. */
  add(frame: Hfn): void {
    this.counts[frame]!++;
  }

  /** The first use. Returns whether look-ups of its former use may remain: they are to be flushed. */
  begin(frame: Hfn, use: number): boolean {
    const isStale = this.uses[frame] !== USE.none && this.uses[frame] !== use;
    this.uses[frame] = use;
    this.counts[frame] = 1;
    return isStale && this.releases[frame] === this.flushes;
  }

  /** One use less. Returns whether it was the last. */
  drop(frame: Hfn): boolean {
    this.counts[frame]!--;
    if (this.counts[frame]! > 0) return false;
    this.releases[frame] = this.flushes;
    return true;
  }

  /** All look-ups were flushed. */
  flushed(): void {
    this.flushes++;
  }
}
