/**
 * Host frames for a guest that is code, in runs of 2 MiB: neighbours in guest-physical memory are neighbours in the host's, as
 * from an allocator that has much free memory. So a guest frame has the colour in physically indexed caches that it has
 * natively, and what techniques differ by is not chance of placement. Frames get their owner one by one.
 */
import type { Gfn, Hfn } from "../../machine/address.js";
import type { Frames } from "../../machine/frames.js";

const RUN_ORDER = 9;
const RUN_FRAMES = 2 ** RUN_ORDER;

export class HostRuns {
  /** By number of the guest's run; -1: the host had none left. */
  private readonly runs = new Map<number, Hfn>();
  /** Guest frames that had theirs: whoever has it now, it is not taken from the run again. */
  private readonly taken = new Set<Gfn>();

  constructor(private readonly frames: Frames) {}

  /** The frame for a guest frame, for an owner (OWNER.*). @throws UnsupportedError when memory is exhausted */
  take(gfn: Gfn, owner: number): Hfn {
    const number = Math.floor(gfn / RUN_FRAMES);
    let first = this.runs.get(number);
    if (first === undefined) {
      first = this.frames.reserveBacked(RUN_ORDER);
      this.runs.set(number, first);
    }
    if (first < 0 || this.taken.has(gfn)) return this.frames.takeBacked(owner);
    this.taken.add(gfn);
    return this.frames.claim(owner, first + (gfn % RUN_FRAMES));
  }
}
