/**
 * The memory of a host: every frame is free, or in exactly one entry. Pages become resident when they are first touched (demand
 * paging), are reclaimed when nothing is free (reclaim.ts), shared when a scanner finds them equal (sharing.ts), copied when a
 * shared one is written, and given back when they are released. Hot code.
 *
 * Left out: where in memory a frame lies (so: fragmentation, NUMA), and the reserve that Linux keeps free for itself.
 */
import { invariant } from "../../util/errors.js";
import {
  type AreaId,
  type AreaSpec,
  type ContentId,
  type Faults,
  type MemoryLedger,
  type OwnerId,
  UNIQUE,
  ZERO,
} from "../contracts.js";
import type { EventQueue } from "../event-queue.js";
import { AREA_KINDS, Areas, HUGE, KIND_FILE, MERGEABLE } from "./areas.js";
import { Owners } from "./owners.js";
import { Reclaim } from "./reclaim.js";
import {
  ABSENT,
  isOwn,
  isSwapped,
  MERGED,
  NONE,
  ORIGINAL,
  type PageState,
  PRIVATE,
  Runs,
  SWAPPED_ORIGINAL,
} from "./runs.js";
import { SharedFrames } from "./shared-frames.js";

/** Pages of a huge page: 2 MiB. */
export const HUGE_PAGES = 512;

/** Pages found at a time: a touch of many goes in steps, so that it can be satisfied by swapping its own beginning out. */
const STEP = 1024;

export interface LedgerOptions {
  readonly frames: number;
  /** Pages that fit into swap; 0 is none. */
  readonly swapPages?: number;
  /** Linux's vm.swappiness, 0 to 200: how gladly anonymous memory is reclaimed rather than files; 60. */
  readonly swappiness?: number;
}

/** What went to and came from devices, in pages; counted upwards. */
export interface PageTraffic {
  fileReads: number;
  fileWrites: number;
  swapReads: number;
  swapWrites: number;
}

export class HostMemory implements MemoryLedger {
  readonly framesTotal: number;
  framesFree: number;
  readonly swapTotal: number;
  swapFree: number;
  readonly owners = new Owners();
  readonly areas = new Areas();
  readonly runs = new Runs();
  readonly shared = new SharedFrames();
  readonly traffic: PageTraffic = { fileReads: 0, fileWrites: 0, swapReads: 0, swapWrites: 0 };
  /** Copies of shared pages that were written. */
  copies = 0;
  private readonly reclaim: Reclaim;
  private readonly faults: Faults = { minor: 0, fileReads: 0, swapReads: 0, copies: 0, isSatisfied: true };

  constructor(
    private readonly clock: EventQueue,
    { frames, swapPages = 0, swappiness = 60 }: LedgerOptions,
  ) {
    this.framesTotal = frames;
    this.framesFree = frames;
    this.swapTotal = swapPages;
    this.swapFree = swapPages;
    this.reclaim = new Reclaim(this, clock, swappiness);
  }

  get framesUsed(): number {
    return this.framesTotal - this.framesFree;
  }

  addOwner(parent?: OwnerId): OwnerId {
    return this.owners.add(parent);
  }

  removeOwner(owner: OwnerId): void {
    const { areas, owners } = this;
    for (const file of [...owners.files[owner]!]) this.unmapFile(owner, file);
    for (let area = owners.firstArea[owner]!; area !== NONE; ) {
      const next = areas.nextOfOwner[area]!;
      this.close(area);
      area = next;
    }
    owners.firstArea[owner] = NONE;
    // Files that it brought in stay, on its parent's account (Linux reparents them).
    if (owners.charged[owner]! > 0) this.handOver(owner);
    owners.remove(owner);
  }

  addArea({ owner, kind, pages, content = UNIQUE, isMergeable = false, isHuge = false }: AreaSpec): AreaId {
    invariant(pages > 0, "an area has pages", () => ({ kind, pages }));
    const flags = (isMergeable ? MERGEABLE : 0) | (isHuge ? HUGE : 0);
    const area = this.areas.add(owner, AREA_KINDS.indexOf(kind), pages, content, flags);
    this.areas.nextOfOwner[area] = this.owners.firstArea[owner]!;
    this.owners.firstArea[owner] = area;
    this.runs.open(area, pages);
    return area;
  }

  removeArea(area: AreaId): void {
    const { areas, owners } = this;
    const owner = areas.owner[area]!;
    const next = areas.nextOfOwner[area]!;
    if (owners.firstArea[owner] === area) owners.firstArea[owner] = next;
    else {
      let before = owners.firstArea[owner]!;
      while (areas.nextOfOwner[before] !== area) before = areas.nextOfOwner[before]!;
      areas.nextOfOwner[before] = next;
    }
    this.close(area);
  }

  mapFile(owner: OwnerId, file: AreaId): void {
    this.areas.mappers[file]!++;
    this.owners.files[owner]!.push(file);
  }

  unmapFile(owner: OwnerId, file: AreaId): void {
    const files = this.owners.files[owner]!;
    const at = files.indexOf(file);
    invariant(at >= 0, "only a mapped file can be unmapped", () => ({ owner, file }));
    files.splice(at, 1);
    this.areas.mappers[file]!--;
  }

  touch(
    area: AreaId,
    first: number,
    pages: number,
    isWrite: boolean,
    by = this.areas.owner[area]!,
  ): Readonly<Faults> {
    const { areas, faults } = this;
    this.begin(area, pages, by);
    const size = areas.pages[area]!;
    const isWhole = areas.resident[area] === size;
    // All its pages are in frames of its own, and a write changes nothing that anybody could notice.
    if (isWhole && (!isWrite || areas.content[area] === UNIQUE)) return faults;
    let from = first;
    let end = first + pages;
    invariant(from >= 0 && end <= size, "a touch stays within its area", () => ({
      area,
      first,
      pages,
      size,
    }));
    if ((areas.flags[area]! & HUGE) !== 0) {
      from -= from % HUGE_PAGES;
      end = Math.min(size, Math.ceil(end / HUGE_PAGES) * HUGE_PAGES);
    }
    for (; from < end && faults.isSatisfied; from += STEP)
      this.bringIn(area, from, Math.min(end, from + STEP), isWrite);
    areas.use(area, this.clock.now);
    return faults;
  }

  touchSome(
    area: AreaId,
    pages: number,
    isWrite: boolean,
    fraction: number,
    by = this.areas.owner[area]!,
  ): Readonly<Faults> {
    const { areas, faults } = this;
    const size = areas.pages[area]!;
    const used = Math.min(pages, size);
    this.begin(area, used, by);
    const here = areas.resident[area]! + (isWrite ? 0 : areas.merged[area]!);
    let wanted = Math.floor((used * (size - here)) / size + fraction);
    for (let at = 0; wanted > 0 && at < size && faults.isSatisfied; ) {
      const run = this.runs.at(area, at);
      const state = this.runs.state[run]!;
      const end = Math.min(this.runs.end[run]!, at + Math.min(wanted, STEP));
      if (isOwn(state) || (state === MERGED && !isWrite)) {
        at = this.runs.end[run]!;
        continue;
      }
      this.bringIn(area, at, end, isWrite);
      wanted -= end - at;
      at = end;
    }
    areas.use(area, this.clock.now);
    return faults;
  }

  /** So many resident pages of an area were used, whichever: its age and its working set know. */
  use(area: AreaId, pages: number): void {
    this.areas.touched[area]! += pages;
    this.areas.use(area, this.clock.now);
  }

  release(area: AreaId, first: number, pages: number): number {
    const before = this.framesFree;
    const end = first + pages;
    for (let from = first; from < end; ) {
      const run = this.runs.at(area, from);
      const to = Math.min(end, this.runs.end[run]!);
      this.change(area, from, to, this.runs.state[run]!, ABSENT);
      from = to;
    }
    if (this.areas.resident[area] === 0) this.areas.unlist(area);
    return this.framesFree - before;
  }

  limit(owner: OwnerId, limits: { maximum?: number; soft?: number; swap?: number }): void {
    const { owners } = this;
    owners.maximum[owner] = limits.maximum ?? Number.POSITIVE_INFINITY;
    owners.soft[owner] = limits.soft ?? Number.POSITIVE_INFINITY;
    owners.swapMaximum[owner] = limits.swap ?? Number.POSITIVE_INFINITY;
    if (limits.soft === undefined) owners.softLimited.delete(owner);
    else owners.softLimited.add(owner);
  }

  residentOf(owner: OwnerId): number {
    return this.owners.charged[owner]!;
  }

  swappedOf(owner: OwnerId): number {
    return this.owners.swapped[owner]!;
  }

  /** What a page of an area holds when it has the area's identity. */
  contentOf(area: AreaId, page: number): ContentId {
    const content = this.areas.content[area]!;
    return content <= ZERO ? content : content + page;
  }

  /** Pages [from, to), all in one state, change to another; frames, swap and charges follow. Used by reclaim and sharing. */
  change(area: AreaId, from: number, to: number, before: PageState, after: PageState): void {
    if (before === after) return;
    const pages = to - from;
    const payer = this.areas.payer[area]!;
    let frames = (isOwn(after) ? pages : 0) - (isOwn(before) ? pages : 0);
    if (frames !== 0) this.owners.charge(payer, frames);
    if (before === MERGED)
      for (let page = from; page < to; page++) if (this.shared.leave(this.contentOf(area, page))) frames--;
    if (after === MERGED)
      for (let page = from; page < to; page++) {
        const content = this.contentOf(area, page);
        if (!this.shared.has(content)) frames++;
        this.shared.join(content);
      }
    const swap = (isSwapped(after) ? pages : 0) - (isSwapped(before) ? pages : 0);
    if (swap !== 0) {
      this.swapFree -= swap;
      this.owners.chargeSwap(payer, swap);
    }
    this.framesFree -= frames;
    invariant(this.framesFree >= 0 && this.swapFree >= 0, "memory is given out once", () => ({
      free: this.framesFree,
      swap: this.swapFree,
    }));
    this.areas.recount(area, before, after, pages);
    this.runs.assign(area, from, to, after);
  }

  private begin(area: AreaId, pages: number, by: OwnerId): void {
    const { areas, faults } = this;
    faults.minor = 0;
    faults.fileReads = 0;
    faults.swapReads = 0;
    faults.copies = 0;
    faults.isSatisfied = true;
    areas.touched[area]! += pages;
    // Who brings a file in pays for it.
    if (areas.kind[area] === KIND_FILE && areas.resident[area] === 0) areas.payer[area] = by;
    areas.use(area, this.clock.now);
  }

  /** Pages [from, to) become resident; what that took is added to `faults`. */
  private bringIn(area: AreaId, from: number, to: number, isWrite: boolean): void {
    const needed = this.framesNeeded(area, from, to, isWrite);
    if (needed > 0 && !this.reclaim.makeRoom(needed, this.areas.payer[area]!)) {
      this.faults.isSatisfied = false;
      return;
    }
    // Making room may have taken pages of this very range.
    if (needed > 0 && this.framesNeeded(area, from, to, isWrite) > this.framesFree) {
      this.faults.isSatisfied = false;
      return;
    }
    const { runs, areas, faults, traffic } = this;
    const isFile = areas.kind[area] === KIND_FILE;
    const hasContent = areas.content[area] !== UNIQUE;
    const fresh = hasContent && !isWrite ? ORIGINAL : PRIVATE;
    for (let at = from; at < to; ) {
      const run = runs.at(area, at);
      const end = Math.min(to, runs.end[run]!);
      const state = runs.state[run]!;
      const pages = end - at;
      if (state === ABSENT) {
        this.change(area, at, end, state, fresh);
        if (isFile) {
          faults.fileReads += pages;
          traffic.fileReads += pages;
        } else faults.minor += pages;
      } else if (isSwapped(state)) {
        this.change(area, at, end, state, state === SWAPPED_ORIGINAL && !isWrite ? ORIGINAL : PRIVATE);
        faults.swapReads += pages;
        traffic.swapReads += pages;
      } else if (state === MERGED && isWrite) {
        this.change(area, at, end, state, PRIVATE);
        faults.copies += pages;
        this.copies += pages;
      } else if (state === ORIGINAL && isWrite) this.change(area, at, end, state, PRIVATE);
      at = end;
    }
  }

  private framesNeeded(area: AreaId, from: number, to: number, isWrite: boolean): number {
    const { runs } = this;
    let needed = 0;
    for (let run = runs.at(area, from); run !== NONE && runs.start[run]! < to; run = runs.next[run]!) {
      const state = runs.state[run]!;
      if (isOwn(state) || (state === MERGED && !isWrite)) continue;
      needed += Math.min(to, runs.end[run]!) - Math.max(from, runs.start[run]!);
    }
    return needed;
  }

  private close(area: AreaId): void {
    const { areas } = this;
    invariant(areas.mappers[area] === 0, "a file that is mapped stays", () => area);
    this.release(area, 0, areas.pages[area]!);
    this.runs.close(area);
    areas.remove(area);
  }

  private handOver(owner: OwnerId): void {
    const { areas, owners } = this;
    for (let area = 0; area < areas.end; area++) {
      if (areas.payer[area] !== owner || !areas.isAlive(area)) continue;
      const heir = owners.parent[owner]! === NONE ? areas.owner[area]! : owners.parent[owner]!;
      owners.charge(owner, -areas.resident[area]!);
      owners.charge(heir, areas.resident[area]!);
      areas.payer[area] = heir;
    }
  }
}
