/**
 * Runs of pages: for each area, its pages from 0 to the last as a list of runs of equal state, in typed arrays. Every page is
 * in exactly one run; neighbours of equal state are one run. Areas are used in stretches, so the lists stay short, and ten
 * thousand instances of a hundred thousand pages each cost what their runs cost. Hot code.
 */
import { grown } from "../growable.js";

/** Not in memory, and nothing in swap: never used, given back, or a file's page that is on its device alone. */
export const ABSENT = 0;
/** In a frame of the area's own, holding what the area's identity says. */
export const ORIGINAL = 1;
/** In a frame of the area's own, holding something that no other page holds. */
export const PRIVATE = 2;
/** In a frame that equal pages share, found by the sharing scanner. */
export const MERGED = 3;
/** In swap, with the area's identity. */
export const SWAPPED_ORIGINAL = 4;
/** In swap. */
export const SWAPPED = 5;
/** State of a page, and what it holds: the area's identity (ORIGINAL), or something nobody else holds (PRIVATE). */
export type PageState = number;

/** In a frame of the area's own. */
export function isOwn(state: PageState): boolean {
  return state === ORIGINAL || state === PRIVATE;
}

export function isSwapped(state: PageState): boolean {
  return state === SWAPPED || state === SWAPPED_ORIGINAL;
}

/** No run. */
export const NONE = -1;

export class Runs {
  start = new Int32Array(4096);
  /** One past the last page. */
  end = new Int32Array(4096);
  state = new Uint8Array(4096);
  next = new Int32Array(4096);
  /** First run of each area. */
  head = new Int32Array(1024).fill(NONE);
  /** Runs in use. */
  count = 0;
  private used = 0;
  private unused = NONE;

  /** Begins an area: all its pages are absent. */
  open(area: number, pages: number): void {
    this.head = grown(this.head, area + 1, NONE);
    this.head[area] = this.make(0, pages, ABSENT, NONE);
  }

  close(area: number): void {
    for (let run = this.head[area]!; run !== NONE; ) {
      const next = this.next[run]!;
      this.recycle(run);
      run = next;
    }
    this.head[area] = NONE;
  }

  /** The run that holds a page. */
  at(area: number, page: number): number {
    let run = this.head[area]!;
    while (this.end[run]! <= page) run = this.next[run]!;
    return run;
  }

  /** Gives pages [from, to) a state. */
  assign(area: number, from: number, to: number, state: PageState): void {
    if (from >= to) return;
    let before = NONE;
    let run = this.head[area]!;
    while (this.end[run]! <= from) {
      before = run;
      run = this.next[run]!;
    }
    if (this.state[run] === state && this.end[run]! >= to) return;
    if (this.start[run]! < from) {
      const rest = this.make(from, this.end[run]!, this.state[run]!, this.next[run]!);
      this.end[run] = from;
      this.next[run] = rest;
      before = run;
      run = rest;
    }
    // `run` begins at `from`: it takes over what lies up to `to`.
    let last = run;
    while (this.end[last]! < to) last = this.next[last]!;
    let after = this.next[last]!;
    if (this.end[last]! > to) after = this.make(to, this.end[last]!, this.state[last]!, after);
    for (let inner = this.next[run]!; run !== last && inner !== NONE; ) {
      const next = this.next[inner]!;
      const isLast = inner === last;
      this.recycle(inner);
      if (isLast) break;
      inner = next;
    }
    this.end[run] = to;
    this.state[run] = state;
    this.next[run] = after;
    this.join(run);
    if (before !== NONE) this.join(before);
  }

  /** Makes one run of a run and its successor if they are alike. */
  private join(run: number): void {
    const next = this.next[run]!;
    if (next === NONE || this.state[next] !== this.state[run]) return;
    this.end[run] = this.end[next]!;
    this.next[run] = this.next[next]!;
    this.recycle(next);
  }

  private make(start: number, end: number, state: PageState, next: number): number {
    let run = this.unused;
    if (run !== NONE) this.unused = this.next[run]!;
    else {
      run = this.used++;
      if (run === this.start.length) this.grow();
    }
    this.start[run] = start;
    this.end[run] = end;
    this.state[run] = state;
    this.next[run] = next;
    this.count++;
    return run;
  }

  private recycle(run: number): void {
    this.next[run] = this.unused;
    this.unused = run;
    this.count--;
  }

  private grow(): void {
    const needed = this.start.length + 1;
    this.start = grown(this.start, needed);
    this.end = grown(this.end, needed);
    this.state = grown(this.state, needed);
    this.next = grown(this.next, needed);
  }
}
