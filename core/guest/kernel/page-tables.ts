/**
 * Trees of page tables, built and taken down through MmuOps: finding and making tables, mapping, unmapping,
 * sharing and protecting ranges. A range has one page size, hence one leaf level. How many entries of a table
 * are in use is kept beside the table, as Linux keeps it in struct page; entries themselves are read by real
 * loads.
 *
 * Hot code: the loops over the entries of one table run once for every page of a mapping.
 */
import { CYCLES } from "../../events/categories.js";
import { type Gfn, type Gva, highHalf, lowHalf } from "../../machine/address.js";
import { A, P, RW } from "../../machine/mmu/entry.js";
import { indexAt } from "../../machine/mmu/format.js";
import { invariant } from "../../util/errors.js";
import type { Vcpu } from "../vcpu.js";
import type { Area } from "./areas.js";
import type { DataPages } from "./data-pages.js";
import { COPY_ON_WRITE, type KernelLayout, linkFlags } from "./layout.js";
import type { MmuOps } from "./mmu-ops.js";

/** Addresses whose translations must be flushed: from the first page to the last. */
export interface FlushRange {
  first: Gva;
  last: Gva;
}

/** The part of a range that one leaf table holds: entries [from, to) of `table`; `from` maps `va`. */
type ChunkVisitor = (table: Gfn, from: number, to: number, va: Gva) => void;

export class PageTables {
  /** Entries in use of each table frame; the kernel's part of a root is not counted. */
  private readonly used: Uint16Array;
  /** Table met at each level by the last `tableAt`. */
  private readonly path = new Int32Array(6);
  private readonly levels: number;

  constructor(
    private readonly cpu: Vcpu,
    private readonly ops: MmuOps,
    private readonly layout: KernelLayout,
    private readonly pages: DataPages,
  ) {
    this.used = new Uint16Array(cpu.memory.backedFrames);
    this.levels = cpu.paging.levels;
  }

  /** Index into the table of a level for an address. */
  indexOf(va: Gva, level: number): number {
    const { shifts, entries, rootEntries, levels } = this.cpu.paging;
    return indexAt(shifts[level]!, level === levels ? rootEntries : entries, highHalf(va), lowHalf(va));
  }

  /**
   * The table of `level` that covers an address, made with all above it if `create`; 0 when there is none.
   */
  tableAt(root: Gfn, va: Gva, level: number, create: boolean): Gfn {
    const { ops, path } = this;
    let table = root;
    for (let above = this.levels; above > level; above--) {
      path[above] = table;
      const index = this.indexOf(va, above);
      ops.readEntry(table, index);
      if ((ops.entryFlags & P) !== 0) table = ops.entryFrame;
      else if (create) table = this.addTable(table, index, above);
      else return 0;
    }
    path[level] = table;
    return table;
  }

  /** Makes the tables that live as long as the space (PAE: what the four PDPTEs point to). */
  addPermanent(root: Gfn): void {
    const { paging } = this.cpu;
    if (this.layout.permanentLevel === this.levels) return;
    const span = 2 ** paging.shifts[this.levels]!;
    for (let va = 0; va < this.layout.userEnd; va += span) this.tableAt(root, va, this.levels - 1, true);
  }

  /** Gives back the tables that `addPermanent` made; they are empty. */
  removePermanent(root: Gfn): void {
    if (this.layout.permanentLevel === this.levels) return;
    const span = 2 ** this.cpu.paging.shifts[this.levels]!;
    for (let va = 0; va < this.layout.userEnd; va += span) {
      const table = this.tableAt(root, va, this.levels - 1, false);
      this.ops.unlinkTable(root, this.indexOf(va, this.levels), table);
      this.used[root]!--;
      this.release(table);
    }
  }

  /** Maps one page where nothing is mapped. @param table the leaf table. */
  mapPage(table: Gfn, index: number, frame: Gfn, flags: number): void {
    this.ops.setEntry(table, index, frame, flags);
    this.used[table]!++;
  }

  /**
   * Maps new zeroed pages wherever nothing is mapped in an area. A new table is filled before it is linked.
   */
  populate(root: Gfn, area: Area, flags: number): void {
    const { ops, pages, levels, used } = this;
    const { level } = area;
    this.eachSpan(area.start, area.end, level, (va, from, to) => {
      let table = root;
      let parent = 0;
      if (level < levels) {
        parent = this.tableAt(root, va, level + 1, true);
        ops.readEntry(parent, this.indexOf(va, level + 1));
        table = (ops.entryFlags & P) !== 0 ? ops.entryFrame : 0;
      }
      if (table === 0) {
        table = this.newTable();
        for (let index = from; index < to; index++) {
          ops.setEntry(table, index, pages.allocateZeroed(level), flags);
        }
        used[table] = to - from;
        this.link(parent, this.indexOf(va, level + 1), level + 1, table);
        return;
      }
      for (let index = from; index < to; index++) {
        ops.readEntry(table, index);
        if ((ops.entryFlags & P) === 0) this.mapPage(table, index, pages.allocateZeroed(level), flags);
      }
    });
  }

  /**
   * Unmaps an area: drops its pages and unlinks the tables left empty.
   * @param emptied receives those tables, to be given back by `release` once translations are flushed.
   * @returns the range that was mapped, or undefined if nothing was.
   */
  unmap(root: Gfn, area: Area, emptied: Gfn[]): FlushRange | undefined {
    const { ops, pages, used } = this;
    let range: FlushRange | undefined;
    this.eachChunk(root, area, (table, from, to, va) => {
      let cleared = 0;
      for (let index = from; index < to; index++) {
        ops.readEntry(table, index);
        if ((ops.entryFlags & P) === 0) continue;
        const frame = ops.entryFrame;
        ops.setEntry(table, index, 0, 0);
        pages.drop(frame, area.level);
        cleared++;
        range = extend(range, va + (index - from) * area.pageBytes);
      }
      used[table]! -= cleared;
      this.cpu.charge(CYCLES.guest_kernel, cleared * this.cpu.costs.kernel_unmap_entry);
      this.unlinkEmpty(va, area.level, emptied);
    });
    return range;
  }

  /** Shares an area's pages with a new space, write-protected on both sides where they were writable. */
  share(from: Gfn, to: Gfn, area: Area): void {
    const { ops, pages, used, cpu } = this;
    this.eachChunk(from, area, (table, first, end, va) => {
      let copy = 0;
      let shared = 0;
      for (let index = first; index < end; index++) {
        ops.readEntry(table, index);
        let flags = ops.entryFlags;
        if ((flags & P) === 0) continue;
        const frame = ops.entryFrame;
        if ((flags & RW) !== 0) {
          flags = (flags & ~RW) | COPY_ON_WRITE;
          ops.setEntry(table, index, frame, flags);
        }
        if (copy === 0) copy = this.tableAt(to, va, area.level, true);
        ops.setEntry(copy, index, frame, flags & ~A);
        pages.frames.share(frame);
        shared++;
      }
      if (copy !== 0) used[copy]! += shared;
      cpu.charge(CYCLES.guest_kernel, shared * cpu.costs.kernel_fork_entry);
    });
  }

  /**
   * Clears flags in every present leaf of an area that has any of them.
   * @param visit called once for each entry changed. @returns the range changed, or undefined.
   */
  clearFlags(root: Gfn, area: Area, flags: number, visit?: () => void): FlushRange | undefined {
    const { ops } = this;
    let range: FlushRange | undefined;
    this.eachChunk(root, area, (table, from, to, va) => {
      for (let index = from; index < to; index++) {
        ops.readEntry(table, index);
        if ((ops.entryFlags & P) === 0 || (ops.entryFlags & flags) === 0) continue;
        ops.setEntry(table, index, ops.entryFrame, ops.entryFlags & ~flags);
        range = extend(range, va + (index - from) * area.pageBytes);
        visit?.();
      }
    });
    return range;
  }

  /** Gives back a table that is empty and unlinked. */
  release(table: Gfn): void {
    invariant(this.used[table] === 0, "a table that is given back is empty", () => ({ table }));
    this.cpu.charge(CYCLES.guest_kernel, this.cpu.costs.kernel_allocate_page);
    this.ops.releaseTable(table);
  }

  /** An empty table, unlinked; clearing its frame is charged. */
  newTable(): Gfn {
    const { costs } = this.cpu;
    this.cpu.charge(CYCLES.guest_kernel, costs.kernel_allocate_page + costs.kernel_zero_page);
    return this.ops.allocateTable();
  }

  private addTable(parent: Gfn, index: number, level: number): Gfn {
    const table = this.newTable();
    this.link(parent, index, level, table);
    return table;
  }

  private link(parent: Gfn, index: number, level: number, table: Gfn): void {
    this.ops.linkTable(parent, index, table, linkFlags(this.cpu.paging, level, true));
    this.used[parent]!++;
  }

  /** Unlinks the tables on the last path that are empty, from `level` up to below the permanent ones. */
  private unlinkEmpty(va: Gva, level: number, emptied: Gfn[]): void {
    const { path, used } = this;
    for (let l = level; l < this.layout.permanentLevel && used[path[l]!] === 0; l++) {
      const parent = path[l + 1]!;
      this.ops.unlinkTable(parent, this.indexOf(va, l + 1), path[l]!);
      used[parent]!--;
      emptied.push(path[l]!);
    }
  }

  /** Visits the leaf tables that exist for an area, in order of address. */
  private eachChunk(root: Gfn, area: Area, visit: ChunkVisitor): void {
    this.eachSpan(area.start, area.end, area.level, (va, from, to) => {
      const table = this.tableAt(root, va, area.level, false);
      if (table !== 0) visit(table, from, to, va);
    });
  }

  /** Cuts [start, end) at the borders of what one table of `level` covers. */
  private eachSpan(
    start: Gva,
    end: Gva,
    level: number,
    visit: (va: Gva, from: number, to: number) => void,
  ): void {
    const { shifts, entries } = this.cpu.paging;
    const pageBytes = 2 ** shifts[level]!;
    const tableBytes = pageBytes * entries;
    for (let va = start; va < end; ) {
      const next = Math.min(end, (Math.floor(va / tableBytes) + 1) * tableBytes);
      const from = this.indexOf(va, level);
      visit(va, from, from + (next - va) / pageBytes);
      va = next;
    }
  }
}

function extend(range: FlushRange | undefined, va: Gva): FlushRange {
  if (range === undefined) return { first: va, last: va };
  range.last = va;
  return range;
}
