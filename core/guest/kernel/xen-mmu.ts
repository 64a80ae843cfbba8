/**
 * MmuOps of a kernel ported to Xen's PV interface (Linux arch/x86/xen/mmu_pv.c). Entries hold machine frames.
 * The tables of a pinned tree are read-only, so their entries change by mmu_update, queued in lazy mode; the
 * tables of a tree not yet pinned, and tables not yet linked into one, are written directly. Links between
 * tables take effect at once. A tree is pinned when it is first activated and unpinned before it is torn
 * down. Protection of tables in the direct map is the hypervisor's work here.
 *
 * Left out: the second root that 64-bit Xen keeps for user mode, and writable page tables (trap and emulate).
 */
import { EVENT } from "../../events/events.js";
import type { Gfn, Gva } from "../../machine/address.js";
import { entryHi, entryLo, flagsOf, frameOf, P } from "../../machine/mmu/entry.js";
import type { Vcpu } from "../vcpu.js";
import type { TableFrames } from "./frames.js";
import type { KernelLayout } from "./layout.js";
import type { AddressSpace, MmuOps } from "./mmu-ops.js";
import type { XenHypercalls } from "./xen.js";

export class XenMmu implements MmuOps {
  entryFrame: Gfn = 0;
  entryFlags = 0;
  private readonly directMap: Gva;
  private readonly entryBytes: number;
  /** The space whose tree a table frame is in; undefined while it is in none. */
  private readonly owners: (AddressSpace | undefined)[];
  private readonly queue: Int32Array;
  private queued = 0;
  private isLazy = false;

  constructor(
    private readonly cpu: Vcpu,
    private readonly xen: XenHypercalls,
    layout: KernelLayout,
    private readonly tables: TableFrames,
  ) {
    this.directMap = layout.directMap;
    this.entryBytes = cpu.paging.entryBytes;
    this.owners = new Array<AddressSpace | undefined>(tables.end).fill(undefined);
    this.queue = new Int32Array(3 * xen.batch);
  }

  readEntry(table: Gfn, index: number): void {
    const cpu = this.cpu;
    cpu.load(this.directMap + table * 4096 + index * this.entryBytes);
    this.entryFlags = flagsOf(cpu.loadedLo, cpu.loadedHi);
    const isPresent = (this.entryFlags & P) !== 0;
    this.entryFrame = isPresent ? this.xen.guestFrame(frameOf(cpu.loadedLo, cpu.loadedHi)) : 0;
  }

  setEntry(table: Gfn, index: number, frame: Gfn, flags: number): void {
    this.cpu.counters.events[EVENT.guest_table_writes]!++;
    const machineFrame = (flags & P) !== 0 ? this.xen.machineFrame(frame) : 0;
    const lo = entryLo(machineFrame, flags);
    const hi = entryHi(machineFrame, flags);
    const owner = this.owners[table];
    if (owner === undefined || !owner.pinned) {
      this.cpu.store(this.directMap + table * 4096 + index * this.entryBytes, lo, hi);
      return;
    }
    const at = 3 * this.queued++;
    this.queue[at] = table * 1024 + index;
    this.queue[at + 1] = lo;
    this.queue[at + 2] = hi;
    if (!this.isLazy || this.queued === this.xen.batch) this.flushQueue();
  }

  allocateTable(): Gfn {
    const table = this.tables.allocate();
    this.cpu.store(this.directMap + table * 4096, 0, 0);
    return table;
  }

  releaseTable(table: Gfn): void {
    this.flushQueue();
    this.owners[table] = undefined;
    this.tables.release(table);
  }

  adoptRoot(space: AddressSpace): void {
    this.owners[space.root] = space;
  }

  linkTable(parent: Gfn, index: number, table: Gfn, flags: number): void {
    this.setEntry(parent, index, table, flags);
    this.flushQueue();
    this.owners[table] = this.owners[parent];
  }

  unlinkTable(parent: Gfn, index: number): void {
    this.setEntry(parent, index, 0, 0);
    this.flushQueue();
  }

  activate(space: AddressSpace): void {
    this.flushQueue();
    if (!space.pinned) {
      this.xen.pin(space.root, this.cpu.paging.levels);
      space.pinned = true;
    }
    space.stale = false;
    this.xen.newBasePointer(space.root);
  }

  retire(space: AddressSpace): void {
    this.flushQueue();
    if (!space.pinned) return;
    this.xen.unpin(space.root);
    space.pinned = false;
  }

  flushUser(): void {
    this.flushQueue();
    this.xen.flushLocal();
  }

  flushPage(va: Gva): void {
    this.flushQueue();
    this.xen.invalidatePage(va);
  }

  enterLazy(): void {
    this.isLazy = true;
  }

  leaveLazy(): void {
    this.isLazy = false;
    this.flushQueue();
  }

  private flushQueue(): void {
    if (this.queued === 0) return;
    const count = this.queued;
    this.queued = 0;
    this.xen.mmuUpdate(this.queue, count);
  }
}
