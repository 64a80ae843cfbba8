/**
 * Linear addresses that are the monitor's in every address space: the last 4 MiB, which in IA-32e mode are the same bits with
 * their sign extended. Each format's tables for them are the monitor's own and point to the same pages; the guest's entries
 * there are never used.
 */
import { OWNER } from "../../events/memory-owners.js";
import type { Gva, Hfn } from "../../machine/address.js";
import type { Machine } from "../../machine/machine.js";
import { A, D, entryLo, P, RW } from "../../machine/mmu/entry.js";
import { PAGING_FORMATS, type PagingFormat } from "../../machine/mmu/format.js";
import { UnsupportedError } from "../../util/errors.js";
import type { ReservedEntries } from "../memory/shadow/shadow-hardware.js";

/** First address. */
export const WINDOW_BASE = 0xffc0_0000;
export const LONG_WINDOW_BASE = WINDOW_BASE - 2 ** 32;
const WINDOW_PAGES = 1024;
/** Pages of one table with entries of 8 bytes. */
const TABLE_PAGES = 512;

/** The window as the tables of one format have it. */
class WindowEntries implements ReservedEntries {
  constructor(
    private readonly window: MonitorWindow,
    private readonly format: PagingFormat,
  ) {}

  entry(level: number, index: number): number {
    return this.window.entry(this.format, level, index);
  }

  owns(frame: Hfn): boolean {
    return this.window.owns(frame);
  }
}

export class MonitorWindow {
  /** All its frames: what it shows, and the tables that map it. */
  readonly own = new Set<Hfn>();
  /** Page table of 32-bit paging, and the two of the other formats. */
  private readonly plainTable: Hfn;
  private readonly pageTables: readonly Hfn[];
  /** What the monitor's own entry of a table of level 3 points to, of level 4, and of level 5, as far as formats have needed them. */
  private readonly upperTables: Hfn[] = [];
  private pages = 0;

  constructor(private readonly machine: Machine) {
    this.plainTable = this.newFrame(OWNER.shadow_tables);
    this.pageTables = [this.newFrame(OWNER.shadow_tables), this.newFrame(OWNER.shadow_tables)];
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
      ram[this.longEntry(page)] = entry;
      frames.push(frame);
    }
    return { address, frames };
  }

  /** Has the window not be there for a while: for what the guest may do by addresses that nothing else checks. */
  without(step: () => void): void {
    this.togglePresent();
    try {
      step();
    } finally {
      this.togglePresent();
    }
  }

  private togglePresent(): void {
    const { ram } = this.machine;
    for (let page = 0; page < this.pages; page++) {
      ram[this.longEntry(page)]! ^= P;
      ram[this.plainTable * 1024 + page]! ^= P;
    }
  }

  /** Where the entry of a page is in the tables of the formats with entries of 8 bytes. */
  private longEntry(page: number): number {
    return this.pageTables[Math.floor(page / TABLE_PAGES)]! * 1024 + (page % TABLE_PAGES) * 2;
  }

  /** Whether a linear address is the monitor's. @param isLong the guest is in IA-32e mode. */
  contains(linear: Gva, isLong: boolean): boolean {
    return isLong ? linear >= LONG_WINDOW_BASE && linear < 0 : linear >= WINDOW_BASE;
  }

  /** The window's entries in tables of a format. */
  entriesFor(format: PagingFormat): ReservedEntries {
    while (this.upperTables.length < format.levels - 2) this.addUpperTable();
    return new WindowEntries(this, format);
  }

  /** Whether a frame is the monitor's own. */
  owns(frame: Hfn): boolean {
    return this.own.has(frame);
  }

  /** What stands in an entry of a format's tables that has the monitor's addresses; 0 elsewhere. */
  entry({ name, levels, rootEntries, entries }: PagingFormat, level: number, index: number): number {
    const { pageTables, upperTables } = this;
    const flags = P | RW | A;
    if (level > 2) {
      const isLast = index === (level === levels ? rootEntries : entries) - 1;
      // Of PAE's root only P may be set.
      return isLast ? entryLo(upperTables[level - 3]!, name === "pae" ? P : flags) : 0;
    }
    if (name === "32-bit") return index === entries - 1 ? entryLo(this.plainTable, flags) : 0;
    const table = pageTables[index - (entries - pageTables.length)];
    return table === undefined ? 0 : entryLo(table, flags);
  }

  /** The table to which the monitor's own entry of the next level points. */
  private addUpperTable(): void {
    const level = this.upperTables.length + 2;
    const table = this.newFrame(OWNER.shadow_tables);
    for (let index = 0; index < TABLE_PAGES; index++)
      this.machine.ram[table * 1024 + 2 * index] = this.entry(PAGING_FORMATS["5-level"], level, index);
    this.upperTables.push(table);
  }

  private newFrame(owner: number): Hfn {
    const { frames, ram } = this.machine;
    const frame = frames.takeBacked(owner);
    ram.fill(0, frame * 1024, frame * 1024 + 1024);
    this.own.add(frame);
    return frame;
  }
}
