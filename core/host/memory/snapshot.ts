/**
 * The ledger as a table: where every frame of the host is. The categories cover the host's memory once, which `ledgerOf`
 * asserts by counting the runs anew, page by page states against the counts that were kept on the way.
 */
import { invariant } from "../../util/errors.js";
import { UNIQUE } from "../contracts.js";
import { AREA_KINDS } from "./areas.js";
import type { HostMemory } from "./ledger.js";
import { isOwn, isSwapped, MERGED, NONE, ORIGINAL } from "./runs.js";

/** Frames of the host, each in one of these; their sum is its memory. */
export interface LedgerCategories {
  free: number;
  /** Heaps of processes that are not guests. */
  anonymous: number;
  /** Memory of guests: their applications' data; the rest. */
  guest: number;
  guestSystem: number;
  /** Pages of files: mapped by nobody now, by one instance, by several. */
  fileUnmapped: number;
  filePrivate: number;
  fileShared: number;
  /** The host's own: its kernel, and its services. */
  kernel: number;
  tables: number;
  monitor: number;
  /** Frames that equal pages share. */
  merged: number;
}

export interface Ledger {
  readonly categories: LedgerCategories;
  /** Of the frames: those that hold what another frame holds as well, so that sharing could give them back. */
  readonly duplicate: number;
  /** Pages that refer to the merged frames. */
  readonly mergedPages: number;
  readonly swapped: number;
}

/** @throws Error when a frame is in no entry or in two. */
export function ledgerOf(memory: HostMemory): Ledger {
  const { areas, runs, shared } = memory;
  const categories: LedgerCategories = {
    free: memory.framesFree,
    anonymous: 0,
    guest: 0,
    guestSystem: 0,
    fileUnmapped: 0,
    filePrivate: 0,
    fileShared: 0,
    kernel: 0,
    tables: 0,
    monitor: 0,
    merged: shared.frames,
  };
  const seen = new Contents();
  let [mergedPages, swapped] = [0, 0];
  for (let area = 0; area < areas.end; area++) {
    if (!areas.isAlive(area)) continue;
    let [resident, merged, inSwap, pages] = [0, 0, 0, 0];
    const hasContent = areas.content[area] !== UNIQUE;
    for (let run = runs.head[area]!; run !== NONE; run = runs.next[run]!) {
      const [start, end, state] = [runs.start[run]!, runs.end[run]!, runs.state[run]!];
      invariant(start === pages && end > start, "runs follow one another", () => ({ area, start, pages }));
      pages = end;
      if (isOwn(state)) resident += end - start;
      else if (state === MERGED) merged += end - start;
      else if (isSwapped(state)) inSwap += end - start;
      if ((state === ORIGINAL && hasContent) || state === MERGED)
        for (let page = start; page < end; page++) seen.add(memory.contentOf(area, page), state === MERGED);
    }
    const counted = { resident, merged, inSwap, pages };
    invariant(
      resident === areas.resident[area] &&
        merged === areas.merged[area] &&
        inSwap === areas.swapped[area] &&
        pages === areas.pages[area],
      "an area's counts are those of its runs",
      () => ({ area, counted }),
    );
    mergedPages += merged;
    swapped += inSwap;
    categories[categoryOf(memory, area)] += resident;
  }
  const sum = Object.values(categories).reduce((total, frames) => total + frames, 0);
  invariant(sum === memory.framesTotal, "every frame is in one entry", () => ({ categories, sum }));
  invariant(mergedPages === shared.pages, "shared frames know who shares them", () => shared.pages);
  invariant(memory.swapTotal - memory.swapFree === swapped, "swap holds what was swapped", () => swapped);
  return { categories, duplicate: seen.duplicates, mergedPages, swapped };
}

function categoryOf(memory: HostMemory, area: number): keyof LedgerCategories {
  const kind = AREA_KINDS[memory.areas.kind[area]!]!;
  if (kind === "guest-system") return "guestSystem";
  if (kind === "services") return "kernel";
  if (kind !== "file") return kind;
  const mappers = memory.areas.mappers[area]!;
  return mappers === 0 ? "fileUnmapped" : mappers === 1 ? "filePrivate" : "fileShared";
}

/** Contents that were seen; a frame with one that was seen before is a duplicate. Shared frames count once. */
class Contents {
  duplicates = 0;
  private readonly bits = new Map<number, Uint8Array>();

  add(content: number, isMerged: boolean): void {
    const block = content >>> BLOCK_BITS;
    let bytes = this.bits.get(block);
    if (bytes === undefined) {
      bytes = new Uint8Array(1 << BLOCK_BITS);
      this.bits.set(block, bytes);
    }
    const at = content & ((1 << BLOCK_BITS) - 1);
    const was = bytes[at]!;
    bytes[at] = was | (isMerged ? SEEN_MERGED : SEEN);
    if (isMerged ? was === SEEN : was !== 0) this.duplicates++;
  }
}

const BLOCK_BITS = 16;
const SEEN = 1;
const SEEN_MERGED = 2;
