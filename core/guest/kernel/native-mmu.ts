/**
 * MmuOps of an unmodified kernel: entries are stored through the direct map, CR3 is written by MOV, pages are
 * invalidated by INVLPG (Intel SDM vol. 3, 4.10.4). Hot code: `setEntry` and `readEntry` run once for every
 * page.
 */
import { EVENT } from "../../events/events.js";
import type { Gfn, Gva } from "../../machine/address.js";
import { entryHi, entryLo, flagsOf, frameOf } from "../../machine/mmu/entry.js";
import type { Vcpu } from "../vcpu.js";
import type { TableFrames } from "./frames.js";
import type { KernelLayout } from "./layout.js";
import type { AddressSpace, MmuOps } from "./mmu-ops.js";
import type { PcidSlots } from "./pcids.js";

export class NativeMmu implements MmuOps {
  entryFrame: Gfn = 0;
  entryFlags = 0;
  private pcid = 0;
  private readonly directMap: Gva;
  private readonly entryBytes: number;

  /** @param pcids undefined without PCIDs. */
  constructor(
    private readonly cpu: Vcpu,
    layout: KernelLayout,
    private readonly tables: TableFrames,
    private readonly pcids: PcidSlots | undefined,
  ) {
    this.directMap = layout.directMap;
    this.entryBytes = cpu.paging.entryBytes;
  }

  readEntry(table: Gfn, index: number): void {
    const cpu = this.cpu;
    cpu.load(this.directMap + table * 4096 + index * this.entryBytes);
    this.entryFrame = frameOf(cpu.loadedLo, cpu.loadedHi);
    this.entryFlags = flagsOf(cpu.loadedLo, cpu.loadedHi);
  }

  setEntry(table: Gfn, index: number, frame: Gfn, flags: number): void {
    const address = this.directMap + table * 4096 + index * this.entryBytes;
    this.cpu.counters.events[EVENT.guest_table_writes]!++;
    this.cpu.store(address, entryLo(frame, flags), entryHi(frame, flags));
  }

  allocateTable(): Gfn {
    const { cpu } = this;
    const table = this.tables.allocate();
    // Tables are given back empty, so one store stands for clearing the frame; the clearing itself is charged.
    cpu.store(this.directMap + table * 4096, 0, 0);
    return table;
  }

  releaseTable(table: Gfn): void {
    this.tables.release(table);
  }

  adoptRoot(): void {}

  linkTable(parent: Gfn, index: number, table: Gfn, flags: number): void {
    this.setEntry(parent, index, table, flags);
  }

  unlinkTable(parent: Gfn, index: number): void {
    this.setEntry(parent, index, 0, 0);
  }

  activate(space: AddressSpace): void {
    let keep = false;
    if (this.pcids !== undefined) {
      keep = this.pcids.assign(space.id) && !space.stale;
      this.pcid = this.pcids.pcid;
    }
    space.stale = false;
    this.cpu.writeCr3(space.root, this.pcid, keep);
  }

  retire(): void {}

  flushUser(space: AddressSpace): void {
    this.cpu.writeCr3(space.root, this.pcid, false);
  }

  flushPage(va: Gva): void {
    this.cpu.invalidatePage(va);
  }

  enterLazy(): void {}

  leaveLazy(): void {}
}
