/**
 * The guest's frame allocators: one for page tables (single frames that have contents), one for data (4 KiB,
 * large and 1 GiB pages, contents not modelled). Deterministic: fresh memory from the lowest address up,
 * freed memory last in, first out, as Linux's per-CPU lists give it. A larger chunk is split when smaller
 * ones run out and never merged again.
 *
 * Shared frames (copy-on-write) have a count of further mappings besides the first, kept for a page's first
 * frame.
 */
import type { Gfn } from "../../machine/address.js";
import { invariant } from "../../util/errors.js";
import { GuestFailure } from "./guest-failure.js";

/** A stack of frame numbers that grows. */
class FrameStack {
  size = 0;
  private items = new Int32Array(64);

  push(frame: Gfn): void {
    if (this.size === this.items.length) {
      const grown = new Int32Array(2 * this.items.length);
      grown.set(this.items);
      this.items = grown;
    }
    this.items[this.size++] = frame;
  }

  pop(): Gfn {
    return this.items[--this.size]!;
  }
}

/** Frames for page tables: [1, end). Frame 0 is never a table, so that 0 can mean "none". */
export class TableFrames {
  inUse = 0;
  /** Most in use since it was last set. */
  peak = 0;
  private next = 1;
  private readonly freed = new FrameStack();

  constructor(readonly end: Gfn) {}

  /** @throws GuestFailure when none is left. */
  allocate(): Gfn {
    if (this.freed.size === 0 && this.next >= this.end) {
      throw new GuestFailure(`guest out of memory: all ${this.end} frames for page tables are in use`);
    }
    this.inUse++;
    if (this.inUse > this.peak) this.peak = this.inUse;
    return this.freed.size > 0 ? this.freed.pop() : this.next++;
  }

  release(frame: Gfn): void {
    this.inUse--;
    this.freed.push(frame);
  }
}

/** Memory never yet handed out: chunks from `next` up to `end`. */
interface FreshRun {
  next: Gfn;
  readonly end: Gfn;
}

export class DataFrames {
  /** Frames (4 KiB each) handed out. */
  inUse = 0;
  /** Most in use since it was last set. */
  peak = 0;
  private readonly freed: FrameStack[];
  private readonly fresh: FreshRun[][];
  /** Mappings of a page besides the first. */
  private readonly shares: Uint16Array;

  /**
   * @param base first frame, @param end one past the last.
   * @param pageFrames frames of a page by leaf level (from 1), each dividing the next; pages are aligned by
   * their size.
   */
  constructor(
    readonly base: Gfn,
    readonly end: Gfn,
    readonly pageFrames: readonly number[],
  ) {
    this.freed = pageFrames.map(() => new FrameStack());
    this.fresh = pageFrames.map(() => []);
    this.shares = new Uint16Array(Math.max(0, end - base));
    this.addFresh(base, end, pageFrames.length - 1);
  }

  /** A page's first frame. @throws GuestFailure when memory is out. */
  allocate(level: number): Gfn {
    const frame = this.take(level);
    if (frame < 0) {
      const total = this.end - this.base;
      throw new GuestFailure(
        `guest out of memory: ${this.inUse} of ${total} data frames in use, no page of ${this.pageFrames[level]} left`,
      );
    }
    this.inUse += this.pageFrames[level]!;
    if (this.inUse > this.peak) this.peak = this.inUse;
    return frame;
  }

  /** One more mapping of a page. */
  share(frame: Gfn): void {
    invariant(this.shares[frame - this.base]! < 0xffff, "a frame has at most 65,536 mappings");
    this.shares[frame - this.base]!++;
  }

  isShared(frame: Gfn): boolean {
    return this.shares[frame - this.base] !== 0;
  }

  /** Mappings of an allocated page. */
  mappings(frame: Gfn): number {
    return this.shares[frame - this.base]! + 1;
  }

  /** One mapping less; frees the page with the last. */
  drop(frame: Gfn, level: number): void {
    if (this.shares[frame - this.base]! > 0) {
      this.shares[frame - this.base]!--;
      return;
    }
    this.inUse -= this.pageFrames[level]!;
    this.freed[level]!.push(frame);
  }

  private take(level: number): Gfn {
    const freed = this.freed[level];
    if (freed === undefined) return -1;
    if (freed.size > 0) return freed.pop();
    const from = this.nextSource(level);
    if (from < 0) return -1;
    const chunk = this.fresh[from]!.length > 0 ? this.takeFresh(from) : this.freed[from]!.pop();
    // What is left of a larger chunk stays fresh: at each level below, all but its first page.
    for (let below = from - 1; below >= level; below--) {
      const run = { next: chunk + this.pageFrames[below]!, end: chunk + this.pageFrames[below + 1]! };
      this.fresh[below]!.unshift(run);
    }
    return chunk;
  }

  /**
   * The level to take a page from: that of the lowest fresh address, else the first with a freed page; or -1.
   */
  private nextSource(level: number): number {
    let lowest = -1;
    let best = Number.POSITIVE_INFINITY;
    for (let l = level; l < this.fresh.length; l++) {
      const run = this.fresh[l]![0];
      if (run === undefined || run.next >= best) continue;
      best = run.next;
      lowest = l;
    }
    return lowest >= 0 ? lowest : this.freed.findIndex((stack, l) => l > level && stack.size > 0);
  }

  private takeFresh(level: number): Gfn {
    const run = this.fresh[level]![0]!;
    const frame = run.next;
    run.next += this.pageFrames[level]!;
    if (run.next >= run.end) this.fresh[level]!.shift();
    return frame;
  }

  /** Gives [start, end) out as the largest aligned pages that fit, from `level` down. */
  private addFresh(start: Gfn, end: Gfn, level: number): void {
    const size = this.pageFrames[level]!;
    const first = Math.ceil(start / size) * size;
    const last = Math.floor(end / size) * size;
    if (first >= last) {
      if (level > 1 && start < end) this.addFresh(start, end, level - 1);
      return;
    }
    if (start < first) this.addFresh(start, first, level - 1);
    this.fresh[level]!.push({ next: first, end: last });
    if (last < end) this.addFresh(last, end, level - 1);
  }
}
