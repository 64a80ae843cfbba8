/**
 * The guest kernel's page-fault handler: demand-zero pages, copy-on-write, and segmentation faults, after
 * Linux's handle_mm_fault (mm/memory.c: do_anonymous_page, do_wp_page).
 *
 * Left out: the shared zero page for reads, fault-around, swapping, stack growth.
 */
import type { Gva } from "../../machine/address.js";
import { D, P, PF_FETCH, PF_RESERVED, PF_WRITE, RW } from "../../machine/mmu/entry.js";
import { invariant } from "../../util/errors.js";
import type { Vcpu } from "../vcpu.js";
import type { Area } from "./areas.js";
import type { DataPages } from "./data-pages.js";
import { GuestFailure } from "./guest-failure.js";
import { COPY_ON_WRITE, userFlags } from "./layout.js";
import type { MmuOps } from "./mmu-ops.js";
import type { PageTables } from "./page-tables.js";
import type { Process } from "./process.js";

export class FaultHandler {
  constructor(
    private readonly cpu: Vcpu,
    private readonly ops: MmuOps,
    private readonly tables: PageTables,
    private readonly pages: DataPages,
  ) {}

  /**
   * Resolves the fault that `cpu` reports, in the active process. Fixed costs are the caller's.
   * @throws GuestFailure for an access that no area allows, or when memory is out.
   */
  handle(process: Process): void {
    const { faultAddress: va, faultCode: code } = this.cpu;
    invariant((code & PF_RESERVED) === 0, "the kernel sets no reserved bits", () => ({ va, code }));
    const area = process.areas.find(va);
    if (area === undefined || !isAllowed(area, code)) throw segmentationFault(va, code);

    const { ops, tables } = this;
    const table = tables.tableAt(process.root, va, area.level, true);
    const index = tables.indexOf(va, area.level);
    ops.readEntry(table, index);
    const isWrite = (code & PF_WRITE) !== 0;
    if ((ops.entryFlags & P) === 0) {
      const flags = userFlags(this.cpu.paging, area.level, area) | (isWrite ? D : 0);
      tables.mapPage(table, index, this.pages.allocateZeroed(area.level), flags);
    } else if (isWrite && (ops.entryFlags & RW) === 0) {
      this.makeWritable(table, index, va, area);
    }
    // Otherwise the entry already allows the access: the hardware knew an older one.
  }

  /**
   * Breaks copy-on-write for the entry just read: by a copy, or by taking over the page when nobody else has
   * it.
   */
  private makeWritable(table: number, index: number, va: Gva, area: Area): void {
    const { ops, pages } = this;
    const frame = ops.entryFrame;
    const flags = (ops.entryFlags & ~COPY_ON_WRITE) | RW | D;
    if (!pages.frames.isShared(frame)) {
      ops.setEntry(table, index, frame, flags);
      return;
    }
    ops.setEntry(table, index, pages.allocateCopy(frame, area.level), flags);
    pages.drop(frame, area.level);
    ops.flushPage(Math.floor(va / area.pageBytes) * area.pageBytes);
  }
}

function isAllowed(area: Area, code: number): boolean {
  if ((code & PF_WRITE) !== 0) return area.writable;
  return (code & PF_FETCH) === 0 || area.executable;
}

function segmentationFault(va: Gva, code: number): GuestFailure {
  const access = (code & PF_WRITE) !== 0 ? "write to" : (code & PF_FETCH) !== 0 ? "fetch from" : "read of";
  return new GuestFailure(`guest segmentation fault: ${access} 0x${va.toString(16)}`);
}
