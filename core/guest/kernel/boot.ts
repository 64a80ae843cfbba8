/**
 * Boot: builds the kernel's own page tables, the direct map of guest-physical memory, with the largest page
 * that format and CPU allow (a Xen PV guest has no large pages: its frames are contiguous in guest-physical
 * but not in machine memory). No CR3 is loaded yet, so the tables are stored by guest-physical address.
 */
import { type Gfn, type Gva, highHalf, lowHalf } from "../../machine/address.js";
import { entryHi, entryLo } from "../../machine/mmu/entry.js";
import { indexAt } from "../../machine/mmu/format.js";
import { invariant } from "../../util/errors.js";
import type { Vcpu } from "../vcpu.js";
import type { TableFrames } from "./frames.js";
import { directFlags, type KernelLayout, linkFlags } from "./layout.js";

/** The kernel's root table, and which of its entries every process shares. */
export interface KernelTables {
  readonly root: Gfn;
  /** Entries [firstEntry, endEntry) of the root. */
  readonly firstEntry: number;
  readonly endEntry: number;
}

/** Largest level at which the direct map has leaves. */
function directMapLevel(cpu: Vcpu): number {
  if (!cpu.features.largePages) return 1;
  return cpu.features.page1G && cpu.paging.leafLevel["1G"] !== undefined ? 3 : 2;
}

/** Builds the direct map. @throws GuestFailure when table frames run out. */
export function buildKernelTables(cpu: Vcpu, layout: KernelLayout, tables: TableFrames): KernelTables {
  const { paging } = cpu;
  const { pageFrames, directMap, directFrames } = layout;
  invariant(tables.end <= directFrames, "table frames lie within the direct map", () => cpu.memory);
  const largest = directMapLevel(cpu);
  const root = tables.allocate();
  // By level: the table being filled, and the first frame it maps.
  const current = new Int32Array(6);
  const covers = new Float64Array(6).fill(-1);
  current[paging.levels] = root;

  const indexIn = (level: number, va: Gva): number => {
    const entries = level === paging.levels ? paging.rootEntries : paging.entries;
    return indexAt(paging.shifts[level]!, entries, highHalf(va), lowHalf(va));
  };
  const store = (table: Gfn, index: number, frame: Gfn, flags: number): void => {
    const held = cpu.xen === undefined ? frame : cpu.xen.machineFrame(frame);
    cpu.store(table * 4096 + index * paging.entryBytes, entryLo(held, flags), entryHi(held, flags));
  };
  const tableFor = (level: number, frame: Gfn, va: Gva): Gfn => {
    if (level === paging.levels) return root;
    const start = Math.floor(frame / spanOf(level));
    if (covers[level] === start) return current[level]!;
    const parent = tableFor(level + 1, frame, va);
    const table = tables.allocate();
    store(parent, indexIn(level + 1, va), table, linkFlags(paging, level + 1, false));
    covers[level] = start;
    current[level] = table;
    return table;
  };
  /**
   * Frames that a table of a level covers. The direct map is aligned to 2^39 bytes or to what the root's
   * entry maps.
   */
  const spanOf = (level: number): number => 2 ** (paging.shifts[level + 1]! - 12);

  for (let frame = 0; frame < directFrames; ) {
    let level = largest;
    while (level > 1 && (frame % pageFrames[level]! !== 0 || frame + pageFrames[level]! > directFrames))
      level--;
    const va = directMap + frame * 4096;
    store(tableFor(level, frame, va), indexIn(level, va), frame, directFlags(paging, level));
    frame += pageFrames[level]!;
  }
  const lastVa = directMap + (directFrames - 1) * 4096;
  return {
    root,
    firstEntry: indexIn(paging.levels, directMap),
    endEntry: indexIn(paging.levels, lastVa) + 1,
  };
}
