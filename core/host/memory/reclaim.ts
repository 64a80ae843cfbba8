/**
 * Where frames come from when none is free: the pages that were not used for longest. A file's pages are dropped (written back
 * first where they were changed), others go to swap. Between the oldest file and the oldest anonymous area, age decides,
 * weighed by swappiness as Linux weighs its two lists (mm/vmscan.c, get_scan_count: anonymous by swappiness, files by
 * 200 − swappiness). An owner beyond its limit pays with its own pages; owners beyond their soft limit before others.
 */
import type { OwnerId } from "../contracts.js";
import type { EventQueue } from "../event-queue.js";
import { KIND_FILE, KIND_KERNEL, KIND_TABLES } from "./areas.js";
import type { HostMemory } from "./ledger.js";
import { ABSENT, isOwn, NONE, ORIGINAL, PRIVATE, SWAPPED, SWAPPED_ORIGINAL } from "./runs.js";

/** Frames that are reclaimed at the least once something must be: SWAP_CLUSTER_MAX of mm/internal.h. */
const CLUSTER = 32;
const SWAPPINESS_SUM = 200;

export class Reclaim {
  constructor(
    private readonly memory: HostMemory,
    private readonly clock: EventQueue,
    private readonly swappiness: number,
  ) {}

  /** True when as many frames are free, and the owner and all above it may take them. */
  makeRoom(frames: number, owner: OwnerId): boolean {
    const { memory } = this;
    const { owners } = memory;
    for (let at = owner; at !== NONE; at = owners.parent[at]!) {
      const beyond = owners.charged[at]! + frames - owners.maximum[at]!;
      if (beyond > 0 && this.fromOwner(at, Math.max(beyond, CLUSTER), 0) < beyond) return false;
    }
    if (memory.framesFree < frames) this.fromSoftLimited(frames);
    while (memory.framesFree < frames) {
      const area = this.oldest();
      if (area === NONE || this.evict(area, Math.max(frames - memory.framesFree, CLUSTER)) === 0)
        return false;
    }
    return true;
  }

  /** Reclaims from an owner and those below it, oldest first, while more than `floor` frames are charged to it. @returns frames */
  private fromOwner(owner: OwnerId, wanted: number, floor: number): number {
    const { owners } = this.memory;
    let got = 0;
    while (got < wanted && owners.charged[owner]! > floor) {
      const area = this.oldestBelow(owner, NONE);
      if (area === NONE) break;
      const room = Math.min(wanted - got, owners.charged[owner]! - floor);
      const taken = this.evict(area, room);
      if (taken === 0) break;
      got += taken;
    }
    return got;
  }

  private fromSoftLimited(frames: number): void {
    const { memory } = this;
    const { owners } = memory;
    for (const owner of owners.softLimited) {
      if (memory.framesFree >= frames) return;
      this.fromOwner(owner, Math.max(frames - memory.framesFree, CLUSTER), owners.soft[owner]!);
    }
  }

  private oldest(): number {
    const { areas } = this.memory;
    const [file] = areas.oldest;
    const anonymous = this.memory.swapFree > 0 ? this.swappable(areas.oldest[1]) : NONE;
    if (file === NONE || anonymous === NONE) return file === NONE ? anonymous : file;
    return this.isRatherThan(anonymous, file) ? anonymous : file;
  }

  /** The oldest from here on that its owner may swap. */
  private swappable(from: number): number {
    const { areas, owners } = this.memory;
    let area = from;
    while (area !== NONE && owners.swapRoom(areas.owner[area]!) === 0) area = areas.younger[area]!;
    return area;
  }

  private isRatherThan(a: number, b: number): boolean {
    return this.weighedAge(a) > this.weighedAge(b);
  }

  private weighedAge(area: number): number {
    const { areas } = this.memory;
    const weight = areas.kind[area] === KIND_FILE ? SWAPPINESS_SUM - this.swappiness : this.swappiness;
    return (this.clock.now - areas.lastUse[area]! + 1) * weight;
  }

  private oldestBelow(owner: OwnerId, best: number): number {
    const { areas, owners } = this.memory;
    let oldest = best;
    const consider = (area: number): void => {
      if (!this.isReclaimable(area)) return;
      if (oldest === NONE || this.isRatherThan(area, oldest)) oldest = area;
    };
    for (let area = owners.firstArea[owner]!; area !== NONE; area = areas.nextOfOwner[area]!) consider(area);
    for (const file of owners.files[owner]!) if (areas.payer[file] === owner) consider(file);
    for (let child = owners.firstChild[owner]!; child !== NONE; child = owners.nextSibling[child]!)
      oldest = this.oldestBelow(child, oldest);
    return oldest;
  }

  private isReclaimable(area: number): boolean {
    const { areas, owners, swapFree } = this.memory;
    const kind = areas.kind[area]!;
    if (areas.resident[area] === 0 || kind === KIND_KERNEL || kind === KIND_TABLES) return false;
    return kind === KIND_FILE || (swapFree > 0 && owners.swapRoom(areas.owner[area]!) > 0);
  }

  /** Takes up to so many frames from an area. @returns how many */
  private evict(area: number, wanted: number): number {
    const { memory } = this;
    const { areas, runs, traffic } = memory;
    const isFile = areas.kind[area] === KIND_FILE;
    const room = isFile
      ? Number.POSITIVE_INFINITY
      : Math.min(memory.swapFree, memory.owners.swapRoom(areas.owner[area]!));
    const most = Math.min(wanted, room, areas.resident[area]!);
    let taken = 0;
    for (let at = 0; taken < most; ) {
      const run = runs.at(area, at);
      const state = runs.state[run]!;
      const start = Math.max(at, runs.start[run]!);
      const end = Math.min(runs.end[run]!, start + most - taken);
      at = end;
      if (!isOwn(state)) continue;
      const pages = end - start;
      if (!isFile) traffic.swapWrites += pages;
      else if (state === PRIVATE) traffic.fileWrites += pages;
      memory.change(
        area,
        start,
        end,
        state,
        isFile ? ABSENT : state === ORIGINAL ? SWAPPED_ORIGINAL : SWAPPED,
      );
      taken += pages;
    }
    if (areas.resident[area] === 0) areas.unlist(area);
    return taken;
  }
}
