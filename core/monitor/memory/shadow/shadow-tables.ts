/**
 * All shadow tables of a guest: finding and making them, what is guarded, and the reverse maps that say which shadow
 * entries map a guest frame. Keeps four promises:
 *
 * 1. A guest frame that is a shadowed, synced table is guarded: no shadow entry maps it writable.
 * 2. A large page is never mapped large where it contains a shadowed table.
 * 3. A shadow frame that is given back is pointed to by no entry, and no translation cache remembers it.
 * 4. Every shadow table is a frame of the machine, in the ledger under shadow_tables.
 *
 * Under agile paging an entry may point to the guest's own table instead (a switching entry: machine/mmu/agile-walker.ts).
 *
 * After Linux's arch/x86/kvm/mmu (Documentation/virt/kvm/x86/mmu.rst): roles, reverse maps, disallow_lpage, unsync.
 */
import { EVENT } from "../../../events/events.js";
import { OWNER } from "../../../events/memory-owners.js";
import type { Gfn } from "../../../machine/address.js";
import { D, P, PS, RW, SWITCH } from "../../../machine/mmu/entry.js";
import { invariant } from "../../../util/errors.js";
import type { ShadowHardware } from "./shadow-hardware.js";
import type { Role, ShadowTable } from "./shadow-table.js";

export class ShadowTables {
  /** Tables whose guest table is out of sync. */
  readonly unsynced = new Set<ShadowTable>();
  /** Tables on the way to the page being filled: not dropped meanwhile. */
  readonly inUse = new Set<ShadowTable>();
  /** Guest frames that are no page tables, and guarded all the same: the monitor follows what is written there. */
  readonly traced = new Set<Gfn>();
  /** Tables made since the last exit was charged. */
  made = 0;
  /** By the guest's frame, and there by level. */
  private readonly tables = new Map<Gfn, ShadowTable[]>();
  /** Splits by the RAM word of the entry that points to them. */
  private readonly splits = new Map<number, ShadowTable>();
  private readonly byFrame = new Map<number, ShadowTable>();
  /** Shadow leaves by what they map: (first guest frame, level) → RAM words. Only where page tables can lie. Switching entries at level 0. */
  private readonly leaves = new Map<number, Set<number>>();
  /** The key in `leaves` of each word there. */
  private readonly leafOf = new Map<number, number>();
  /** Shadowed tables within each large page's range: (first guest frame, level) → count. */
  private readonly guardedIn = new Map<number, number>();
  private readonly stride: number;
  private clock = 0;

  /**
   * @param backedFrames guest frames that may be page tables lie below.
   * @param hostOrder log2 of the frames of a host page: larger mappings are never made.
   * @param maximum most tables; 0 is no limit.
   */
  constructor(
    private readonly hardware: ShadowHardware,
    private readonly backedFrames: number,
    private readonly hostOrder: number,
    private readonly maximum: number,
  ) {
    this.stride = hardware.paging.entryBytes / 4;
  }

  get count(): number {
    return this.byFrame.size;
  }

  /** Every table, splits included (debugger's view). */
  get all(): Iterable<ShadowTable> {
    return this.byFrame.values();
  }

  /** Whether a RAM word is an entry of some table. */
  holds(word: number): boolean {
    return this.byFrame.has(word >>> 10);
  }

  /** RAM word of an entry of a table. */
  word(table: ShadowTable, index: number): number {
    return table.frame * 1024 + index * this.stride;
  }

  /** The shadow of a guest table at a level, if there is one. @param hasReserved as a root does, unless said otherwise. */
  find(
    gfn: Gfn,
    level: number,
    role: Role = "guest",
    hasReserved = this.isReservedRoot(level),
  ): ShadowTable | undefined {
    const tables = this.tables.get(gfn);
    if (tables === undefined) return undefined;
    for (const table of tables)
      if (table.level === level && table.role === role && table.hasReserved === hasReserved) return table;
    return undefined;
  }

  /** Makes the shadow of a guest table, empty, and guards the guest table. */
  make(gfn: Gfn, level: number, role: Role, hasReserved = this.isReservedRoot(level)): ShadowTable {
    const table = this.newTable(gfn, level, role, hasReserved, false);
    const tables = this.tables.get(gfn);
    if (tables === undefined) this.tables.set(gfn, [table]);
    else {
      const above = tables.findIndex((other) => other.level > level);
      tables.splice(above < 0 ? tables.length : above, 0, table);
    }
    this.guard(gfn);
    return table;
  }

  /** Whether the table below an entry of a table has reserved entries, or would have. */
  reservesBelow(table: ShadowTable, index: number): boolean {
    return table.hasReserved && table.level > 2 && this.hardware.reserved?.entry(table.level, index) !== 0;
  }

  private isReservedRoot(level: number): boolean {
    return this.hardware.reserved !== undefined && level === this.hardware.paging.levels;
  }

  /** The table that maps a large page in smaller pieces under the entry at a word; made empty if need be. */
  split(word: number, gfn: Gfn, level: number, role: Role, hasReserved: boolean): ShadowTable {
    const known = this.splits.get(word);
    if (known !== undefined && known.gfn === gfn) return known;
    if (known !== undefined) this.drop(known);
    const table = this.newTable(gfn, level, role, hasReserved, true);
    this.splits.set(word, table);
    this.hardware.machine.counters.events[EVENT.shadow_large_split]!++;
    return table;
  }

  use(table: ShadowTable): void {
    table.lastUse = ++this.clock;
    table.writesSinceUse = 0;
  }

  /** Whether a guest frame is a shadowed table that the guest may not write. */
  isGuarded(gfn: Gfn): boolean {
    if (this.traced.has(gfn)) return true;
    if (gfn >= this.backedFrames || this.mayMapLarge(gfn - (gfn % this.framesAt(2)), 2)) return false;
    return this.shadowsOf(gfn).some((table) => !table.isUnsynced);
  }

  /** Guards a guest frame that is no table: only where no large page of the host's may hold it. */
  trace(gfn: Gfn): void {
    this.traced.add(gfn);
    this.protect(gfn);
  }

  /** All shadows of a guest frame, by level and role. */
  shadowsOf(gfn: Gfn): ShadowTable[] {
    return gfn >= this.backedFrames ? [] : [...(this.tables.get(gfn) ?? [])];
  }

  /** Whether the page of a level around a guest frame holds no shadowed table, so that it may be mapped large. */
  mayMapLarge(first: Gfn, level: number): boolean {
    return (this.guardedIn.get(first * 8 + level) ?? 0) === 0;
  }

  /** Makes an entry point to a table. */
  link(word: number, child: ShadowTable, lo: number, hi: number): void {
    this.clearEntry(word, child.level + 1);
    this.hardware.machine.ram[word] = lo;
    if (this.stride === 2) this.hardware.machine.ram[word + 1] = hi;
    child.parents.add(word);
    // Paging-structure caches may remember the monitor's own table here.
    if (child.hasReserved) this.hardware.flush();
  }

  /** The shadow table that an entry points to. */
  childAt(word: number): ShadowTable | undefined {
    return (this.hardware.machine.ram[word]! & P) === 0 ? undefined : this.byFrame.get(this.frameAt(word));
  }

  /** Nothing, or the monitor's own, in an entry that shadows nothing. */
  private setAbsent(word: number): void {
    const { reserved, machine } = this.hardware;
    const table = reserved === undefined ? undefined : this.byFrame.get(word >>> 10);
    machine.ram[word] =
      table?.hasReserved === true ? reserved!.entry(table.level, (word % 1024) / this.stride) : 0;
    if (this.stride === 2) machine.ram[word + 1] = 0;
  }

  /** Writes a leaf of a level that maps `gfn`'s page. */
  setLeaf(word: number, level: number, gfn: Gfn, lo: number, hi: number): void {
    const { ram, counters } = this.hardware.machine;
    this.clearEntry(word, level);
    ram[word] = lo;
    if (this.stride === 2) ram[word + 1] = hi;
    counters.events[EVENT.shadow_entries_filled]!++;
    const first = gfn - (gfn % this.framesAt(level));
    if (first < this.backedFrames) this.noteLeaf(word, first, level);
  }

  /** Makes an entry of a level a switching entry: it points to a guest table itself. @param lo,hi with that table's host frame. */
  linkGuest(word: number, level: number, gfn: Gfn, lo: number, hi: number): void {
    this.clearEntry(word, level);
    const { ram, counters } = this.hardware.machine;
    ram[word] = lo | SWITCH;
    if (this.stride === 2) ram[word + 1] = hi;
    counters.events[EVENT.shadow_entries_filled]!++;
    this.noteLeaf(word, gfn, 0);
  }

  /** RAM words of the switching entries that point to a guest table. */
  switchesTo(gfn: Gfn): number[] {
    return [...(this.leaves.get(gfn * 8) ?? [])];
  }

  private noteLeaf(word: number, first: Gfn, level: number): void {
    const key = first * 8 + level;
    const words = this.leaves.get(key);
    if (words === undefined) this.leaves.set(key, new Set([word]));
    else words.add(word);
    this.leafOf.set(word, key);
  }

  /** Makes an entry not present, with everything that hangs on it. Says whether it was present. */
  clearEntry(word: number, level: number): boolean {
    const { ram } = this.hardware.machine;
    const lo = ram[word]!;
    if ((lo & P) === 0 || this.hardware.reserved?.owns(this.frameAt(word)) === true) return false;
    if (level === 1 || (lo & (PS | SWITCH)) !== 0) this.forgetLeaf(word);
    else {
      const split = this.splits.get(word);
      const child = split ?? this.byFrame.get(this.frameAt(word));
      invariant(child !== undefined, "a shadow entry points to a shadow table", () => ({ word, level }));
      child.parents.delete(word);
      if (split !== undefined) this.drop(split);
    }
    this.setAbsent(word);
    return true;
  }

  /** Protects a guest frame's mappings against writing; the frame is a table in sync from now on. */
  protect(gfn: Gfn): void {
    this.takeAway(gfn, RW | D);
  }

  /** Takes rights (RW, D) from the 4 KiB mappings of a guest frame. */
  takeAway(gfn: Gfn, bits: number): void {
    const words = this.leaves.get(gfn * 8 + 1);
    if (words === undefined) return;
    let changed = false;
    for (const word of words) {
      if ((this.hardware.machine.ram[word]! & bits) === 0) continue;
      this.hardware.machine.ram[word]! &= ~bits;
      changed = true;
    }
    if (changed) this.hardware.flush();
  }

  /** Gives a table back. Translations are flushed, since paging-structure caches may remember it. */
  drop(table: ShadowTable): void {
    for (const word of table.parents) {
      this.setAbsent(word);
      if (this.splits.get(word) === table) this.splits.delete(word);
    }
    table.parents.clear();
    const entries =
      table.level === this.hardware.paging.levels
        ? this.hardware.paging.rootEntries
        : this.hardware.paging.entries;
    for (let index = 0; index < entries; index++) this.clearEntry(this.word(table, index), table.level);
    this.unsynced.delete(table);
    this.byFrame.delete(table.frame);
    if (table.isSplit) {
      for (const [word, split] of this.splits) if (split === table) this.splits.delete(word);
    } else {
      const others = this.tables.get(table.gfn)!.filter((other) => other !== table);
      if (others.length === 0) {
        this.tables.delete(table.gfn);
        this.hardware.protect?.(table.gfn, false);
      } else this.tables.set(table.gfn, others);
      this.mayBeLarge(table.gfn);
    }
    this.hardware.machine.frames.give(OWNER.shadow_tables, table.frame);
    this.hardware.machine.counters.events[EVENT.shadow_tables_dropped]!++;
    this.hardware.flush();
  }

  /** Gives a table back with all below it that nothing else points to. Returns how many those were. */
  dropTree(table: ShadowTable): number {
    const children: ShadowTable[] = [];
    const entries =
      table.level === this.hardware.paging.levels
        ? this.hardware.paging.rootEntries
        : this.hardware.paging.entries;
    for (let index = 0; table.level > 1 && index < entries; index++) {
      const child = this.childAt(this.word(table, index));
      if (child !== undefined) children.push(child);
    }
    this.drop(table);
    let dropped = 1;
    for (const child of children) {
      const isLeft = this.byFrame.get(child.frame) === child;
      if (isLeft && child.parents.size === 0) dropped += this.dropTree(child);
    }
    return dropped;
  }

  /** Drops every table. */
  dropAll(): void {
    for (const table of [...this.byFrame.values()]) if (this.byFrame.has(table.frame)) this.drop(table);
  }

  /**
   * Drops what a load of CR3 flushes, whole tables at a time: roots, level-1 tables with an entry that is not global, and what is
   * empty then. Returns how many tables those were.
   */
  dropLocal(): number {
    const { levels } = this.hardware.paging;
    const before = this.count;
    const dropWhere = (goes: (table: ShadowTable) => boolean): void => {
      for (const table of [...this.byFrame.values()])
        if (this.byFrame.has(table.frame) && goes(table)) this.drop(table);
    };
    dropWhere((table) => table.level === levels || table.isLocal);
    for (let level = 2; level < levels; level++)
      dropWhere((table) => table.level === level && this.isEmpty(table));
    return before - this.count;
  }

  /** Whether a table shadows nothing. */
  private isEmpty(table: ShadowTable): boolean {
    const { reserved, paging, machine } = this.hardware;
    for (let index = 0; index < paging.entries; index++) {
      const word = this.word(table, index);
      if ((machine.ram[word]! & P) !== 0 && reserved?.owns(this.frameAt(word)) !== true) return false;
    }
    return true;
  }

  /** An entry was filled from a guest's that is not global. */
  noteLocal(word: number): void {
    this.tableOf(word).isLocal = true;
  }

  /** The table that an entry is in. */
  tableOf(word: number): ShadowTable {
    return this.byFrame.get(word >>> 10)!;
  }

  private forgetLeaf(word: number): void {
    const key = this.leafOf.get(word);
    if (key === undefined) return;
    this.leafOf.delete(word);
    const words = this.leaves.get(key)!;
    words.delete(word);
    if (words.size === 0) this.leaves.delete(key);
  }

  private newTable(gfn: Gfn, level: number, role: Role, hasReserved: boolean, isSplit: boolean): ShadowTable {
    const { frames, ram, counters } = this.hardware.machine;
    if (this.maximum > 0 && this.byFrame.size >= this.maximum) this.dropOldest();
    const frame = frames.takeBacked(OWNER.shadow_tables);
    ram.fill(0, frame * 1024, frame * 1024 + 1024);
    const table: ShadowTable = {
      frame,
      level,
      role,
      hasReserved,
      gfn,
      isSplit,
      parents: new Set(),
      isLocal: false,
      isUnsynced: false,
      lastUse: ++this.clock,
      writesSinceUse: 0,
    };
    this.byFrame.set(frame, table);
    if (hasReserved) {
      const { levels, rootEntries, entries } = this.hardware.paging;
      for (let index = 0; index < (level === levels ? rootEntries : entries); index++)
        this.setAbsent(this.word(table, index));
    }
    counters.events[EVENT.shadow_tables_made]!++;
    this.made++;
    return table;
  }

  /** Memory is short: drops the table that was used longest ago. */
  private dropOldest(): void {
    let oldest: ShadowTable | undefined;
    for (const table of this.byFrame.values()) {
      if (!this.inUse.has(table) && (oldest === undefined || table.lastUse < oldest.lastUse)) oldest = table;
    }
    if (oldest !== undefined) this.drop(oldest);
  }

  private guard(gfn: Gfn): void {
    this.protect(gfn);
    this.keepSmall(gfn);
    this.hardware.protect?.(gfn, true);
  }

  /** No large page is to be mapped large that contains a guest frame; `mayBeLarge` takes back one such wish. */
  keepSmall(gfn: Gfn): void {
    for (let level = 2; level <= 3; level++) {
      const first = gfn - (gfn % this.framesAt(level));
      const key = first * 8 + level;
      this.guardedIn.set(key, (this.guardedIn.get(key) ?? 0) + 1);
      const words = this.leaves.get(key);
      if (words === undefined) continue;
      for (const word of [...words]) this.clearEntry(word, level);
      this.hardware.flush();
    }
  }

  mayBeLarge(gfn: Gfn): void {
    for (let level = 2; level <= 3; level++) {
      const first = gfn - (gfn % this.framesAt(level));
      const key = first * 8 + level;
      const count = this.guardedIn.get(key)! - 1;
      if (count > 0) {
        this.guardedIn.set(key, count);
        continue;
      }
      this.guardedIn.delete(key);
      this.merge(first, level);
    }
  }

  /** No table is left within a large page's range: splits of it go, and the next fault maps it large. */
  private merge(first: Gfn, level: number): void {
    if (this.framesAt(level) > 2 ** this.hostOrder) return;
    for (const split of [...this.splits.values()]) {
      if (split.level !== level - 1 || split.gfn !== first || this.inUse.has(split)) continue;
      this.drop(split);
      this.hardware.machine.counters.events[EVENT.shadow_large_merged]!++;
    }
  }

  /** 4 KiB frames that an entry of a level maps. */
  framesAt(level: number): number {
    return 2 ** ((this.hardware.paging.shifts[level] ?? 52) - 12);
  }

  private frameAt(word: number): number {
    const { ram } = this.hardware.machine;
    return (ram[word]! >>> 12) | (this.stride === 2 ? (ram[word + 1]! & 0x7ff) << 20 : 0);
  }
}
