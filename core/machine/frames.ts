/**
 * The machine's frames and the ledger of who owns them. Two zones: backed frames (with contents) below a limit, bare
 * frames above it. Allocation is deterministic: freed chunks first (last freed first; a larger one is broken), then the next untouched frame;
 * larger chunks are naturally aligned. Physical fragmentation is not modelled.
 */
import { MEMORY_OWNERS } from "../events/memory-owners.js";
import { UnsupportedError } from "../util/errors.js";
import type { Hfn } from "./address.js";

/** One zone of consecutive frames. */
class Zone {
  private next: number;
  /** Freed chunks by log2 of their frames. */
  private readonly freed = new Map<number, number[]>();

  constructor(
    readonly start: number,
    readonly end: number,
  ) {
    this.next = start;
  }

  /** A chunk of 2^order frames, aligned to its size, or -1 when none is left. */
  take(order: number): number {
    const recycled = this.freed.get(order)?.pop();
    if (recycled !== undefined) return recycled;
    const piece = this.split(order);
    if (piece >= 0) return piece;
    const size = 2 ** order;
    const aligned = Math.ceil(this.next / size) * size;
    if (aligned + size > this.end) return -1;
    // What alignment skips becomes free chunks of the largest sizes that fit.
    while (this.next < aligned) {
      let skip = 0;
      while (this.next % 2 ** (skip + 1) === 0 && this.next + 2 ** (skip + 1) <= aligned) skip++;
      this.give(this.next, skip);
      this.next += 2 ** skip;
    }
    this.next = aligned + size;
    return aligned;
  }

  give(frame: number, order: number): void {
    const list = this.freed.get(order);
    if (list === undefined) this.freed.set(order, [frame]);
    else list.push(frame);
  }

  /** A chunk broken off the smallest larger free one, or -1. */
  private split(order: number): number {
    let from = Number.POSITIVE_INFINITY;
    for (const [size, list] of this.freed) if (size > order && list.length > 0 && size < from) from = size;
    if (from === Number.POSITIVE_INFINITY) return -1;
    const frame = this.freed.get(from)!.pop()!;
    while (from > order) {
      from--;
      this.give(frame + 2 ** from, from);
    }
    return frame;
  }
}

export class Frames {
  /** Frames now owned, by OWNER.<name>. */
  readonly owned = new Float64Array(MEMORY_OWNERS.length);
  /** Most frames owned at any time, by OWNER.<name>. */
  readonly peak = new Float64Array(MEMORY_OWNERS.length);
  private readonly backedZone: Zone;
  private readonly bareZone: Zone;

  /** @param backed frames with contents. @param total all frames, below 2^30. */
  constructor(
    readonly backed: number,
    readonly total: number,
  ) {
    this.backedZone = new Zone(0, backed);
    this.bareZone = new Zone(backed, total);
  }

  /** A chunk of 2^order backed frames. Contents are whatever was there: clear what must be clear. @throws UnsupportedError */
  takeBacked(owner: number, order = 0): Hfn {
    return this.account(owner, order, this.backedZone.take(order), "frames with contents");
  }

  /** A chunk of 2^order bare frames. @throws UnsupportedError */
  takeBare(owner: number, order = 0): Hfn {
    return this.account(owner, order, this.bareZone.take(order), "frames");
  }

  /** A chunk of 2^order backed frames that nobody owns, to be claimed one by one; -1 when none is left. */
  reserveBacked(order: number): Hfn {
    return this.backedZone.take(order);
  }

  /** Gives one frame of a reserved chunk its owner. Returns it. */
  claim(owner: number, frame: Hfn): Hfn {
    return this.account(owner, 0, frame, "frames with contents");
  }

  give(owner: number, frame: Hfn, order = 0): void {
    this.owned[owner]! -= 2 ** order;
    (frame < this.backed ? this.backedZone : this.bareZone).give(frame, order);
  }

  /** A new region of interest: peaks restart from what is owned now. */
  resetPeaks(): void {
    this.peak.set(this.owned);
  }

  private account(owner: number, order: number, frame: number, what: string): Hfn {
    if (frame < 0)
      throw new UnsupportedError(`machine memory exhausted: no ${2 ** order} ${what} left of ${this.total}`);
    this.owned[owner]! += 2 ** order;
    if (this.owned[owner]! > this.peak[owner]!) this.peak[owner] = this.owned[owner]!;
    return frame;
  }
}
