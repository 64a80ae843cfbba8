/**
 * Linear addresses that are the monitor's in every address space of a 32-bit guest: the last 4 MiB. Each format's tables for
 * them are the monitor's own and point to the same pages; the guest's entries there are never used.
 */
import { OWNER } from "../../events/memory-owners.js";
import type { Hfn } from "../../machine/address.js";
import type { Machine } from "../../machine/machine.js";
import { A, D, entryLo, P, RW } from "../../machine/mmu/entry.js";
import type { PagingName } from "../../machine/mmu/format.js";
import { UnsupportedError } from "../../util/errors.js";
import type { ReservedEntries } from "../memory/shadow/shadow-hardware.js";

/** First address. */
export const WINDOW_BASE = 0xffc0_0000;
const WINDOW_PAGES = 1024;
/** Pages of one PAE table, and the first of the two entries of the last page directory that point to them. */
const PAE_PAGES = 512;
const PAE_FIRST = 510;
const LAST_PDE = 1023;
const LAST_PDPTE = 3;

export class MonitorWindow {
  private readonly own = new Set<Hfn>();
  /** Page table of 32-bit paging; page tables and page directory of PAE. */
  private readonly plainTable: Hfn;
  private readonly paeTables: readonly [Hfn, Hfn];
  private readonly paeDirectory: Hfn;
  private pages = 0;

  constructor(private readonly machine: Machine) {
    this.plainTable = this.newFrame(OWNER.shadow_tables);
    this.paeTables = [this.newFrame(OWNER.shadow_tables), this.newFrame(OWNER.shadow_tables)];
    this.paeDirectory = this.newFrame(OWNER.shadow_tables);
    this.installBelow(this.paeDirectory);
  }

  /** Adds pages of the monitor's own, read-only to CPL 1 unless `writable`. Returns the linear address of the first. */
  add(count: number, writable: boolean): { readonly address: number; readonly frames: readonly Hfn[] } {
    if (this.pages + count > WINDOW_PAGES)
      throw new UnsupportedError("the monitor has 4 MiB of linear addresses, and needs more");
    const address = WINDOW_BASE + this.pages * 4096;
    const frames: Hfn[] = [];
    for (let done = 0; done < count; done++) {
      const frame = this.newFrame(OWNER.monitor_memory);
      const entry = entryLo(frame, P | A | D | (writable ? RW : 0));
      const page = this.pages++;
      const { ram } = this.machine;
      ram[this.plainTable * 1024 + page] = entry;
      const table = this.paeTables[page < PAE_PAGES ? 0 : 1];
      ram[table * 1024 + (page % PAE_PAGES) * 2] = entry;
      frames.push(frame);
    }
    return { address, frames };
  }

  contains(linear: number): boolean {
    return linear >>> 0 >= WINDOW_BASE;
  }

  /** The window's entries in tables of a format. */
  entriesFor(paging: PagingName): ReservedEntries {
    const owns = (frame: Hfn): boolean => this.own.has(frame);
    const nothing = (): void => {};
    if (paging === "32-bit") {
      const entry = entryLo(this.plainTable, P | RW | A);
      return { rootEntry: (index) => (index === LAST_PDE ? entry : 0), installBelow: nothing, owns };
    }
    if (paging === "pae") {
      const entry = entryLo(this.paeDirectory, P);
      return {
        rootEntry: (index) => (index === LAST_PDPTE ? entry : 0),
        installBelow: (table) => this.installBelow(table),
        owns,
      };
    }
    // Addresses of a 64-bit guest's kernel are elsewhere: its monitor is kept apart by paging.
    return { rootEntry: () => 0, installBelow: nothing, owns };
  }

  private installBelow(directory: Hfn): void {
    const { ram } = this.machine;
    this.paeTables.forEach((table, index) => {
      ram[directory * 1024 + (PAE_FIRST + index) * 2] = entryLo(table, P | RW | A);
      ram[directory * 1024 + (PAE_FIRST + index) * 2 + 1] = 0;
    });
  }

  private newFrame(owner: number): Hfn {
    const { frames, ram } = this.machine;
    const frame = frames.takeBacked(owner);
    ram.fill(0, frame * 1024, frame * 1024 + 1024);
    this.own.add(frame);
    return frame;
  }
}
