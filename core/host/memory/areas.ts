/**
 * The table of areas, in typed arrays: what each is, how many of its pages are in which state, and two lists: all areas of an
 * owner, and the areas that can be reclaimed in the order in which they were last used (file-backed and anonymous apart, as
 * Linux keeps them: mm/vmscan.c). Pages of an area are used alike, so age is kept for the area, not for the page. Hot code.
 */
import type { AreaKind, ContentId } from "../contracts.js";
import { grown } from "../growable.js";
import { ABSENT, isOwn, MERGED, NONE } from "./runs.js";

export const AREA_KINDS = [
  "anonymous",
  "services",
  "guest",
  "guest-system",
  "file",
  "kernel",
  "tables",
  "monitor",
] as const satisfies readonly AreaKind[];
export const KIND_FILE = AREA_KINDS.indexOf("file");
const KIND_GUEST = AREA_KINDS.indexOf("guest");
const KIND_GUEST_SYSTEM = AREA_KINDS.indexOf("guest-system");
export const KIND_KERNEL = AREA_KINDS.indexOf("kernel");
export const KIND_TABLES = AREA_KINDS.indexOf("tables");

/** Flags of an area. */
export const MERGEABLE = 1;
/** Backed by 2 MiB pages where a whole one fits. */
export const HUGE = 2;

const FIRST_CAPACITY = 1024;

export class Areas {
  owner = new Int32Array(FIRST_CAPACITY);
  /** Whose limit its frames are charged to: the owner, or of a file who brought it in. */
  payer = new Int32Array(FIRST_CAPACITY);
  kind = new Uint8Array(FIRST_CAPACITY);
  flags = new Uint8Array(FIRST_CAPACITY);
  pages = new Int32Array(FIRST_CAPACITY);
  content = new Float64Array(FIRST_CAPACITY);
  /** Pages in frames of its own; in shared frames; in swap. The rest is absent. */
  resident = new Int32Array(FIRST_CAPACITY);
  merged = new Int32Array(FIRST_CAPACITY);
  swapped = new Int32Array(FIRST_CAPACITY);
  /** Owners that map it (files). */
  mappers = new Int32Array(FIRST_CAPACITY);
  /** Pages touched since the working-set estimate was last made. */
  touched = new Float64Array(FIRST_CAPACITY);
  /** When it was last used, ns. */
  lastUse = new Float64Array(FIRST_CAPACITY);
  /** Pages below this one have been scanned at least once (sharing). */
  scanned = new Int32Array(FIRST_CAPACITY);
  nextOfOwner = new Int32Array(FIRST_CAPACITY);
  /** Neighbours in the list of reclaim: before it the older, after it the younger; of file and anonymous areas apart. */
  older = new Int32Array(FIRST_CAPACITY);
  younger = new Int32Array(FIRST_CAPACITY);
  private listed = new Uint8Array(FIRST_CAPACITY);
  readonly oldest: [number, number] = [NONE, NONE];
  private readonly youngest: [number, number] = [NONE, NONE];
  /** Areas in use; numbers of closed ones are used again. */
  count = 0;
  /** One past the greatest number in use. */
  end = 0;
  private readonly unused: number[] = [];

  add(owner: number, kind: number, pages: number, content: ContentId, flags: number): number {
    const area = this.unused.pop() ?? this.end++;
    if (area >= this.owner.length) this.grow(area + 1);
    this.owner[area] = owner;
    this.payer[area] = owner;
    this.kind[area] = kind;
    this.flags[area] = flags;
    this.pages[area] = pages;
    this.content[area] = content;
    this.resident[area] = 0;
    this.merged[area] = 0;
    this.swapped[area] = 0;
    this.mappers[area] = 0;
    this.touched[area] = 0;
    this.lastUse[area] = 0;
    this.scanned[area] = 0;
    this.listed[area] = 0;
    this.count++;
    return area;
  }

  remove(area: number): void {
    this.unlist(area);
    this.pages[area] = 0;
    this.owner[area] = NONE;
    this.unused.push(area);
    this.count--;
  }

  isAlive(area: number): boolean {
    return area < this.end && this.owner[area] !== NONE;
  }

  /** Whether it is memory that a guest takes for its own. */
  isOfGuest(area: number): boolean {
    const kind = this.kind[area]!;
    return kind === KIND_GUEST || kind === KIND_GUEST_SYSTEM;
  }

  /** 0 for what is dropped (files), 1 for what is swapped. */
  listOf(area: number): 0 | 1 {
    return this.kind[area] === KIND_FILE ? 0 : 1;
  }

  /** It was used: it becomes the youngest of its list. What has no frames of its own, or can never be reclaimed, is in none. */
  use(area: number, now: number): void {
    this.lastUse[area] = now;
    const kind = this.kind[area]!;
    if (kind === KIND_KERNEL || kind === KIND_TABLES || this.resident[area] === 0) return;
    const list = this.listOf(area);
    if (this.youngest[list] === area) return;
    this.unlist(area);
    const before = this.youngest[list];
    this.older[area] = before;
    this.younger[area] = NONE;
    if (before === NONE) this.oldest[list] = area;
    else this.younger[before] = area;
    this.youngest[list] = area;
    this.listed[area] = 1;
  }

  unlist(area: number): void {
    if (this.listed[area] === 0) return;
    const list = this.listOf(area);
    const [before, after] = [this.older[area]!, this.younger[area]!];
    if (before === NONE) this.oldest[list] = after;
    else this.younger[before] = after;
    if (after === NONE) this.youngest[list] = before;
    else this.older[after] = before;
    this.listed[area] = 0;
  }

  /** Counts pages that leave one state for another. */
  recount(area: number, from: number, to: number, pages: number): void {
    this.countState(area, from, -pages);
    this.countState(area, to, pages);
  }

  private countState(area: number, state: number, change: number): void {
    if (state === ABSENT) return;
    if (isOwn(state)) this.resident[area]! += change;
    else if (state === MERGED) this.merged[area]! += change;
    else this.swapped[area]! += change;
  }

  private grow(needed: number): void {
    this.owner = grown(this.owner, needed);
    this.payer = grown(this.payer, needed);
    this.kind = grown(this.kind, needed);
    this.flags = grown(this.flags, needed);
    this.pages = grown(this.pages, needed);
    this.content = grown(this.content, needed);
    this.resident = grown(this.resident, needed);
    this.merged = grown(this.merged, needed);
    this.swapped = grown(this.swapped, needed);
    this.mappers = grown(this.mappers, needed);
    this.touched = grown(this.touched, needed);
    this.lastUse = grown(this.lastUse, needed);
    this.scanned = grown(this.scanned, needed);
    this.nextOfOwner = grown(this.nextOfOwner, needed);
    this.older = grown(this.older, needed);
    this.younger = grown(this.younger, needed);
    this.listed = grown(this.listed, needed);
  }
}
