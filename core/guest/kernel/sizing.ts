/**
 * How much guest-physical memory a workload needs: frames with contents for page tables, and data frames
 * after them. Upper bounds, not estimates: a guest of this size never runs out of memory for the footprint
 * that was stated.
 */
import type { PagingFormat } from "../../machine/mmu/format.js";
import { PAGE_SIZES, type PageSizeName } from "../../util/units.js";
import type { WorkloadFootprint } from "../workloads/workload.js";

export interface GuestMemory {
  /** Frames with contents, from 0: the guest's page tables. */
  readonly backedFrames: number;
  /** All frames: tables, then data. */
  readonly frames: number;
}

/** Areas that a process may have besides its large one; each may need a table of its own at every level. */
const AREAS = 16;
/** Data frames to spare for small areas. */
const SPARE_DATA_BYTES = 16 * 1024 * 1024;

/**
 * Guest-physical memory for a workload.
 * @param page page size of its data. @param largePages the direct map may use them
 * (`Vcpu.features.largePages`).
 */
export function guestMemoryFor(
  footprint: WorkloadFootprint,
  format: PagingFormat,
  page: PageSizeName,
  largePages: boolean,
): GuestMemory {
  const largeFrames = 2 ** (format.shifts[2]! - 12);
  const pageFrames = PAGE_SIZES[page] / 4096;
  const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;
  // Room to align the first page, and for a last page that is not full.
  const spare = SPARE_DATA_BYTES / 4096 + 2 * Math.max(pageFrames, largeFrames);
  const dataFrames = roundUp(footprint.dataBytes / 4096 + spare, largeFrames);

  const perProcess = tablesFor(format, footprint.mappedBytes) + AREAS * format.levels;
  const processTables = (footprint.processes + 1) * perProcess;
  const tablesOfDirectMap = (frames: number): number =>
    tablesFor(format, largePages ? Math.ceil(frames / largeFrames) * 4096 : frames * 4096) +
    2 * format.levels;
  // The direct map's tables map themselves too; a second pass covers what the first adds.
  const first = processTables + tablesOfDirectMap(dataFrames + processTables);
  const second = processTables + tablesOfDirectMap(dataFrames + 2 * first);
  const backedFrames = roundUp(second, largeFrames);
  return { backedFrames, frames: backedFrames + dataFrames };
}

/** Tables that map a span of 4 KiB pages from an aligned start, one more at each level for the end. */
function tablesFor(format: PagingFormat, bytes: number): number {
  let tables = 1;
  for (let level = 1; level < format.levels; level++) {
    tables += Math.ceil(bytes / 2 ** format.shifts[level + 1]!) + 1;
  }
  return tables;
}
