/**
 * The sharing scanner, as Linux's KSM works (mm/ksm.c; Arcangeli, Eidus & Wright, OLS 2009): `scan` looks at so many pages of
 * the areas that allow it, one after another, round and round. A page that equals a shared frame (the stable tree) is merged
 * with it at once. Another one is a candidate once it has not changed between two scans; the second candidate with the same
 * contents (the unstable tree, forgotten at the end of each round) is merged with the first. Writing to a merged page copies it.
 *
 * Pages that differ from all others cost the scan and give nothing. Zero pages are shared like any others.
 */
import { type AreaId, type ContentId, UNIQUE, ZERO } from "../contracts.js";
import { grown } from "../growable.js";
import { MERGEABLE } from "./areas.js";
import type { HostMemory } from "./ledger.js";
import { isOwn, MERGED, ORIGINAL } from "./runs.js";

/** What a scan did, counted upwards. */
export interface SharingWork {
  /** Pages looked at (each costs a checksum, and most a search). */
  scanned: number;
  /** Pages merged. */
  merged: number;
  /** Rounds over all areas that were completed. */
  rounds: number;
}

export class SharingScanner {
  readonly work: SharingWork = { scanned: 0, merged: 0, rounds: 0 };
  private area = 0;
  private page = 0;
  private round = 1;
  /** The unstable tree: by identity, the area of the first candidate of this round, and the round. */
  private candidate = new Int32Array(1024);
  private candidateRound = new Uint32Array(1024);
  /** Zero pages are equal wherever they are, so of their candidate the page is kept too. */
  private zeroPage = 0;

  constructor(private readonly memory: HostMemory) {}

  /** Looks at so many resident pages, or at every page once if there are fewer. */
  scan(pages: number): void {
    const { areas } = this.memory;
    let left = pages;
    let wraps = 0;
    while (left > 0) {
      if (this.area >= areas.end) {
        this.area = 0;
        this.page = 0;
        this.round++;
        this.work.rounds++;
        if (++wraps > 1) return;
      }
      left -= this.isScanned(this.area) ? this.scanArea(this.area, left) : 0;
      if (left > 0) {
        this.area++;
        this.page = 0;
      }
    }
  }

  private isScanned(area: AreaId): boolean {
    const { areas } = this.memory;
    return areas.isAlive(area) && (areas.flags[area]! & MERGEABLE) !== 0 && areas.resident[area]! > 0;
  }

  /** From the page where the last scan stopped. @returns pages looked at: `most`, unless the area ended */
  private scanArea(area: AreaId, most: number): number {
    const { areas, runs } = this.memory;
    const size = areas.pages[area]!;
    let looked = 0;
    while (this.page < size && looked < most) {
      const run = runs.at(area, this.page);
      const state = runs.state[run]!;
      let end = runs.end[run]!;
      if (isOwn(state)) {
        end = Math.min(end, this.page + most - looked);
        looked += end - this.page;
        if (state === ORIGINAL && areas.content[area] !== UNIQUE) this.merge(area, this.page, end);
      }
      this.page = end;
    }
    areas.scanned[area] = Math.max(areas.scanned[area]!, this.page);
    this.work.scanned += looked;
    return looked;
  }

  /** Pages [from, end), in frames of their own and with their area's identity. */
  private merge(area: AreaId, from: number, end: number): void {
    const { memory, work } = this;
    for (let at = from; at < end; ) {
      let to = at;
      while (to < end && memory.shared.has(memory.contentOf(area, to))) to++;
      if (to > at) {
        memory.change(area, at, to, ORIGINAL, MERGED);
        work.merged += to - at;
        at = to;
      } else {
        if (at < memory.areas.scanned[area]!) this.offer(area, at);
        at++;
      }
    }
  }

  /** A page that has not changed since the last scan: it is merged with a candidate, or becomes one. */
  private offer(area: AreaId, page: number): void {
    const { memory, work } = this;
    const content = memory.contentOf(area, page);
    this.candidate = grown(this.candidate, content + 1);
    this.candidateRound = grown(this.candidateRound, content + 1);
    const other = this.candidate[content]!;
    if (this.candidateRound[content] === this.round && memory.areas.isAlive(other)) {
      const otherPage = content === ZERO ? this.zeroPage : content - memory.areas.content[other]!;
      if (this.isStill(other, otherPage, content) && !(other === area && otherPage === page)) {
        memory.change(other, otherPage, otherPage + 1, ORIGINAL, MERGED);
        memory.change(area, page, page + 1, ORIGINAL, MERGED);
        work.merged += 2;
        return;
      }
    }
    this.candidate[content] = area;
    this.candidateRound[content] = this.round;
    if (content === ZERO) this.zeroPage = page;
  }

  /** The candidate is where it was, and holds what it held. */
  private isStill(area: AreaId, page: number, content: ContentId): boolean {
    const { areas, runs } = this.memory;
    if (page < 0 || page >= areas.pages[area]! || this.memory.contentOf(area, page) !== content) return false;
    return runs.state[runs.at(area, page)] === ORIGINAL && (areas.flags[area]! & MERGEABLE) !== 0;
  }
}
