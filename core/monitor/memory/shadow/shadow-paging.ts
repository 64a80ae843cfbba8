/**
 * Shadow paging itself, whoever's guest it is: which faults are the guest's own, filling the shadow, and keeping it in step
 * with the guest's tables.
 *
 *      guest's tables   CR3 → gL4 → gL3 → gL2 → gL1 → guest frame
 *                               ⇣     ⇣     ⇣     ⇣       ⇣ monitor's map
 *      shadow tables    CR3 → sL4 → sL3 → sL2 → sL1 → host frame        (what the hardware walks)
 *
 * A fault is *hidden* when the guest's tables allow the access (the shadow lacked it) and *true* when they do not.
 * Adams & Agesen, ASPLOS 2006, 2.4; Linux Documentation/virt/kvm/x86/mmu.rst. What the work costs is added up in `work`;
 * whoever calls charges it, with an exit.
 */
import { EVENT } from "../../../events/events.js";
import { type Gfn, type Gva, type Hfn, highHalf, lowHalf } from "../../../machine/address.js";
import {
  A,
  D,
  entryHi,
  entryLo,
  flagsOf,
  frameOf,
  G,
  NX,
  P,
  PS,
  RW,
  SWITCH,
  US,
} from "../../../machine/mmu/entry.js";
import { indexAt } from "../../../machine/mmu/format.js";
import { READ, WRITE } from "../../../machine/mmu/permissions.js";
import { invariant } from "../../../util/errors.js";
import type { GuestMap } from "../guest-map.js";
import { GuestWalk } from "./guest-walk.js";
import type { ShadowHardware } from "./shadow-hardware.js";
import { ROLES, type Role, type ShadowTable } from "./shadow-table.js";
import { ShadowTables } from "./shadow-tables.js";

export interface ShadowPagingOptions {
  /** log2 of the frames of a host page: 0, 9 or 18; the largest mapping a shadow makes. */
  readonly hostOrder: number;
  /** Fill a whole level-1 table when it is first shadowed. */
  readonly eager: boolean;
  /** Let level-1 tables go out of sync between flushes. */
  readonly outOfSync: boolean;
  /** Keep the shadows of address spaces that are not running. */
  readonly reuse: boolean;
  /**
   * Without that: keep what the guest's tables have global at a load of CR3, as a TLB does (SDM vol. 3, 4.10.4.1); what shadows
   * something else goes. "Virtual TLB", SDM vol. 3, 33.3.3.
   */
  readonly keepGlobal?: boolean;
  /** Entries, aligned, of the guest's level-1 table that one fault fills as far as they were accessed; a power of two, 1 if left out. */
  readonly prefetch?: number;
  /** Most shadow tables; 0 is no limit. */
  readonly maximumTables: number;
  /** Emulated writes without a use after which a shadow is dropped, as KVM does; 0 is never, as VMware's traces stay. */
  readonly writeFlood: number;
  /** Guest frames, and those of them that have contents, where tables must lie. */
  readonly memory: {
    readonly backedFrames: number;
    readonly frames: number;
    /** Of the frames; all when absent. */
    isMemory?(gfn: Gfn): boolean;
  };
  /**
   * The PAE format's PDPTEs, which are registers: as the guest's CR3 load left them. Undefined: memory is read instead, and
   * the root is guarded like any table.
   */
  readonly pdptes?: Int32Array;
  /** Agile paging: which guest tables the hardware walks itself. */
  readonly agile?: {
    isNested(gfn: Gfn): boolean;
    /** A page that the guest may write is mapped so before it is dirty: the hardware carries the bit to the guest's table. */
    readonly marksDirty: boolean;
  };
}

/**
 * What became of a fault. "true": it is the guest's own, with `errorCode`. "hidden" and "unsynced": mended, the access is to be
 * made again. "guarded": a write to a guest table in `frame`, to be emulated, and `wrote` called. "device": the guest's
 * tables allow it, but `frame` is no memory.
 */
export type ShadowFault = "true" | "hidden" | "unsynced" | "guarded" | "device";

export class ShadowPaging {
  readonly tables: ShadowTables;
  readonly guestWalk: GuestWalk;
  /** Cycles of work since it was last taken. */
  work = 0;
  private readonly stride: number;
  private guestRoot: Gfn = 0;
  private role: Role = "guest";
  /** CR4.PGE. */
  hasGlobalPages = true;
  /** The kernel was let write where the guest's tables do not allow it, as without CR0.WP. */
  hasForced = false;

  constructor(
    private readonly hardware: ShadowHardware,
    private readonly map: GuestMap,
    private readonly options: ShadowPagingOptions,
  ) {
    this.stride = hardware.paging.entryBytes / 4;
    this.tables = new ShadowTables(
      hardware,
      options.memory.backedFrames,
      options.hostOrder,
      options.maximumTables,
    );
    this.guestWalk = new GuestWalk(hardware, map, this, options.pdptes);
  }

  /** Of the last fault: the guest's error code, and the guest frame that was asked for. */
  get errorCode(): number {
    return this.guestWalk.errorCode;
  }
  get frame(): Gfn {
    return this.guestWalk.frame;
  }

  /** The work since this was last asked, cycles: what was found out to be done, and the tables that it took. */
  takeWork(): number {
    const { tables, work } = this;
    const total = work + tables.made * this.costs.shadow_allocate;
    this.work = 0;
    tables.made = 0;
    return total;
  }

  /** The guest frame behind an address that its kernel may read, or -1. A and D bits are set as for a read. */
  translate(va: Gva): Gfn {
    return this.guestWalk.walk(this.guestRoot, va, READ, false) ? this.guestWalk.frame : -1;
  }

  /** Whether the guest's tables allow an access. A and D bits are set if they do. */
  allows(va: Gva, kind: number, user: boolean): boolean {
    return this.guestWalk.walk(this.guestRoot, va, kind, user);
  }

  // What the guest does.

  /** An access that the shadow does not allow. */
  fault(va: Gva, kind: number, user: boolean): ShadowFault {
    const { guestWalk, tables, counters } = this;
    if (!guestWalk.walk(this.guestRoot, va, kind, user)) {
      counters.events[EVENT.shadow_true_faults]!++;
      return "true";
    }
    const { frame } = guestWalk;
    if (!this.isMemory(frame)) return "device";
    if (kind === WRITE && tables.isGuarded(frame)) return this.tableWrite(va, frame);
    this.give(frame);
    this.fill(va);
    counters.events[EVENT.shadow_hidden_faults]!++;
    return "hidden";
  }

  /** The guest writes a guarded table: it may go out of sync, or the write is to be emulated. */
  private tableWrite(va: Gva, gfn: Gfn): ShadowFault {
    const { counters, tables } = this;
    counters.events[EVENT.shadow_write_faults]!++;
    const shadows = tables.shadowsOf(gfn);
    const mayDiffer = !tables.traced.has(gfn) && shadows.every((table) => table.level === 1);
    if (!this.options.outOfSync || !mayDiffer) return "guarded";
    for (const table of shadows) {
      table.isUnsynced = true;
      tables.unsynced.add(table);
    }
    counters.events[EVENT.shadow_unsynced]!++;
    this.fill(va);
    this.work += this.costs.shadow_unsync;
    return "unsynced";
  }

  /** The guest's tables in a frame were written for it, from one entry to another (none, if the first is past the last): their shadows follow. */
  wrote(gfn: Gfn, firstIndex: number, lastIndex: number): void {
    const { tables } = this;
    for (const table of tables.shadowsOf(gfn)) {
      for (let index = firstIndex; index <= lastIndex; index++) this.update(table, index);
      table.writesSinceUse++;
      const { writeFlood } = this.options;
      if (writeFlood > 0 && table.writesSinceUse > writeFlood && !this.isCurrentRoot(table))
        tables.drop(table);
    }
  }

  /** Whether a table's frame is the root that is walked now, whatever the role: it cannot be given back. Another root can: its process may be dead. */
  private isCurrentRoot(table: ShadowTable): boolean {
    return table.level === this.hardware.paging.levels && table.gfn === this.guestRoot;
  }

  /**
   * The guest loads CR3: tables that were out of sync are mended. Returns the frame of the root to walk.
   * @param root its guest frame; where PDPTEs are registers any name of the root that is no guest frame.
   * @param role whose rights are wanted.
   */
  setRoot(root: Gfn, role: Role = "guest"): Hfn {
    const { tables, hardware } = this;
    this.synchronise();
    this.role = role;
    const keepsGlobal = this.options.keepGlobal === true && this.hasGlobalPages;
    // A TLB is flushed by the load of a root that it has already, too: so do kernels flush it.
    const isDropped = !this.options.reuse && (keepsGlobal || root !== this.guestRoot);
    if (isDropped && keepsGlobal) this.work += tables.dropLocal() * this.costs.shadow_allocate;
    else if (isDropped) {
      this.work += tables.count * this.costs.shadow_allocate;
      tables.dropAll();
    }
    this.guestRoot = root;
    const { levels } = hardware.paging;
    const known = tables.find(root, levels, this.role);
    if (known !== undefined) this.counters.events[EVENT.shadow_tables_reused]!++;
    const shadow = known ?? tables.make(root, levels, this.role);
    tables.use(shadow);
    this.dropStaleRegisters(shadow);
    if (isDropped && keepsGlobal) this.linkKept(shadow);
    return shadow.frame;
  }

  /** Links what was kept to a new root. */
  private linkKept(root: ShadowTable): void {
    const { tables } = this;
    const { rootEntries, name } = this.hardware.paging;
    // PAE's root entries have no A.
    const isUsed = name === "pae" ? P : P | A;
    for (let index = 0; index < rootEntries; index++) {
      const { lo, hi } = this.guestEntry(root, index);
      if ((lo & (isUsed | PS)) !== isUsed) continue;
      const reserves = tables.reservesBelow(root, index);
      const child = tables.find(frameOf(lo, hi), root.level - 1, root.role, reserves);
      if (child === undefined) continue;
      this.linkChild(tables.word(root, index), child, root.level, lo, hi);
      this.work += this.costs.shadow_fill_entry;
    }
  }

  /** The shadow of the same root that gives other rights. Returns the frame of the root to walk. */
  setRole(role: Role): Hfn {
    this.role = role;
    const { tables, guestRoot } = this;
    const { levels } = this.hardware.paging;
    const shadow = tables.find(guestRoot, levels, role) ?? tables.make(guestRoot, levels, role);
    tables.use(shadow);
    return shadow.frame;
  }

  /** The PDPTEs of a root that was shadowed before may have changed since, unseen. */
  private dropStaleRegisters(root: ShadowTable): void {
    const { pdptes } = this.options;
    if (pdptes === undefined) return;
    for (let index = 0; index < this.hardware.paging.rootEntries; index++) {
      const word = this.tables.word(root, index);
      const child = this.tables.childAt(word);
      const isSame =
        (pdptes[2 * index]! & P) !== 0 && frameOf(pdptes[2 * index]!, pdptes[2 * index + 1]!) === child?.gfn;
      if (child !== undefined && !isSame) this.tables.clearEntry(word, root.level);
    }
  }

  private get costs() {
    return this.hardware.machine.costs;
  }

  private get counters() {
    return this.hardware.machine.counters;
  }

  /** Whether a guest frame is memory. */
  isMemory(gfn: Gfn): boolean {
    return gfn < this.options.memory.frames && this.options.memory.isMemory?.(gfn) !== false;
  }

  /** Gives a guest frame its memory on first touch. */
  private give(gfn: Gfn): void {
    if (this.map.find(gfn) >= 0) return;
    this.map.populate(gfn);
    this.work += this.costs.ept_violation + this.costs.host_zero_page * 2 ** this.map.order;
  }

  // Filling the shadow.

  /** Makes the shadow map an address as the guest's last walk found it. */
  private fill(va: Gva): void {
    const { guestWalk } = this;
    const place = this.path(va, true);
    if (place === undefined) return;
    const { word, level } = place;
    const [lo, hi] = [guestWalk.lows[guestWalk.leaf]!, guestWalk.highs[guestWalk.leaf]!];
    this.hasForced ||= guestWalk.isForced;
    this.setLeaf(word, level, this.role, guestWalk.frame, lo, hi, guestWalk.isForced);
    if (level === 1) this.fillNeighbours(va, word);
  }

  /** Fills the entries beside one that was filled for an address, as far as the guest has accessed what they map. */
  private fillNeighbours(va: Gva, word: number): void {
    const { prefetch = 1 } = this.options;
    if (prefetch === 1) return;
    const { paging, machine } = this.hardware;
    const table = this.tables.tableOf(word);
    const own = indexAt(paging.shifts[1]!, paging.entries, highHalf(va), lowHalf(va));
    const first = own & -prefetch;
    for (let index = first; index < first + prefetch; index++)
      if ((machine.ram[this.tables.word(table, index)]! & P) === 0) this.fillKnown(table, index, index - own);
  }

  /**
   * Fills a level-1 entry from the guest's, if that was accessed and its page has its memory.
   * @param offset of a split: pages behind the one of the guest's last walk.
   */
  private fillKnown(table: ShadowTable, index: number, offset = 0): void {
    const { guestWalk, map } = this;
    const isSplit = table.isSplit;
    const { lo, hi } = isSplit
      ? { lo: guestWalk.lows[guestWalk.leaf]!, hi: guestWalk.highs[guestWalk.leaf]! }
      : this.readEntry(map.require(table.gfn), index);
    const gfn = isSplit ? guestWalk.frame + offset : frameOf(lo, hi);
    if ((lo & (P | A)) !== (P | A) || map.find(gfn) < 0) return;
    this.setLeaf(this.tables.word(table, index), 1, table.role, gfn, lo, hi);
    this.work += this.costs.shadow_fill_entry;
  }

  /**
   * The shadow entry for an address, with the tables to it as the guest's last walk found them; undefined where the way
   * leads into a table that the hardware walks itself.
   * @param mayBeLarge end at a large page where one may be mapped as such.
   */
  private path(va: Gva, mayBeLarge: boolean): { readonly word: number; readonly level: number } | undefined {
    const { tables, guestWalk } = this;
    const { paging } = this.hardware;
    let table = this.root();
    tables.inUse.add(table);
    tables.use(table);
    for (let level = paging.levels; ; level--) {
      const entries = level === paging.levels ? paging.rootEntries : paging.entries;
      const index = indexAt(paging.shifts[level]!, entries, highHalf(va), lowHalf(va));
      const word = tables.word(table, index);
      let child: ShadowTable;
      if (level > guestWalk.leaf) {
        const [lo, hi] = [guestWalk.lows[level]!, guestWalk.highs[level]!];
        const gfn = frameOf(lo, hi);
        if (this.options.agile?.isNested(gfn)) {
          tables.inUse.clear();
          this.linkGuest(word, level, lo, hi);
          return undefined;
        }
        child = this.childOf(gfn, level - 1, tables.reservesBelow(table, index));
        if (!child.parents.has(word)) {
          if (child.isUnsynced) this.synchroniseTable(child);
          this.linkChild(word, child, level, lo, hi);
        }
      } else {
        const first = guestWalk.frame - (guestWalk.frame % tables.framesAt(level));
        if (level === 1 || (mayBeLarge && this.mayBeLarge(first, level))) {
          tables.inUse.clear();
          return { word, level };
        }
        child = tables.split(word, first, level - 1, this.role, tables.reservesBelow(table, index));
        if (!child.parents.has(word))
          tables.link(word, child, entryLo(child.frame, P | RW | US | A), entryHi(child.frame, 0));
      }
      tables.inUse.add(child);
      tables.use(child);
      table = child;
    }
  }

  /** After `fault` found a write to a guarded page: has one instruction, made by `step`, make it. */
  write(va: Gva, step: () => void): void {
    const { guestWalk } = this;
    const { frame } = guestWalk;
    this.during(va, this.map.require(frame), step);
    // Guarded as it is, it may be read.
    if (guestWalk.walk(this.guestRoot, va, READ, false) && guestWalk.frame === frame) this.fill(va);
  }

  /**
   * Maps a 4 KiB page as it must not stay mapped, after `fault` found it guarded or a device's: for the length of one
   * instruction, made by `step`.
   * @param frame of the host.
   */
  during(va: Gva, frame: Hfn, step: () => void): void {
    const { ram } = this.hardware.machine;
    const place = this.path(va, false);
    invariant(place !== undefined, "pages are mapped for one instruction in shadows alone");
    const { word } = place;
    this.tables.clearEntry(word, 1);
    ram[word] = entryLo(frame, P | RW | US | A | D);
    if (this.stride === 2) ram[word + 1] = entryHi(frame, 0);
    this.hardware.loadRegisters?.();
    step();
    ram[word] = 0;
    if (this.stride === 2) ram[word + 1] = 0;
    this.hardware.invalidatePage(va);
  }

  /** A guest table is to be one no longer, so that something may be written there: its shadows go. */
  unguard(gfn: Gfn): void {
    this.tables.traced.delete(gfn);
    for (const table of this.tables.shadowsOf(gfn)) this.tables.drop(table);
  }

  private root(): ShadowTable {
    const { levels } = this.hardware.paging;
    const root = this.tables.find(this.guestRoot, levels, this.role);
    invariant(root !== undefined, "the running root is shadowed");
    return root;
  }

  /** The shadow of a guest table, made if need be, and filled if eager. */
  private childOf(gfn: Gfn, level: number, hasReserved: boolean): ShadowTable {
    const known = this.tables.find(gfn, level, this.role, hasReserved);
    if (known !== undefined) return known;
    // A table that the guest now uses at another level too cannot stay out of sync.
    for (const other of this.tables.shadowsOf(gfn)) if (other.isUnsynced) this.synchroniseTable(other);
    const table = this.tables.make(gfn, level, this.role, hasReserved);
    if (this.options.eager && level === 1) this.prefetch(table);
    return table;
  }

  /** Links a table as a guest's entry of a level does. */
  private linkChild(
    word: number,
    child: ShadowTable,
    level: number,
    entryLow: number,
    guestHi: number,
  ): void {
    const isRegister = this.hardware.paging.name === "pae" && level === 3;
    const guestLo = entryLow | (child.role === "kernel" ? US : 0);
    const flags = isRegister ? P : P | A | (guestLo & (RW | US)) | (guestHi & NX);
    this.tables.link(word, child, entryLo(child.frame, flags), entryHi(child.frame, flags));
  }

  /** Lets the hardware go over to the guest's own table that a guest's entry of a level points to. */
  private linkGuest(word: number, level: number, lo: number, hi: number): void {
    const gfn = frameOf(lo, hi);
    const frame = this.map.require(gfn);
    const flags = P | A | (lo & (RW | US)) | (hi & NX);
    this.tables.linkGuest(word, level, gfn, entryLo(frame, flags), entryHi(frame, flags));
  }

  /**
   * A leaf that maps what a guest's leaf allows: writable only once dirty in the guest, and never over a guarded table.
   * @param isForced the kernel is to write though the guest's tables have the page read-only (CR0.WP is 0).
   */
  private setLeaf(
    word: number,
    level: number,
    role: Role,
    gfn: Gfn,
    guestLo: number,
    guestHi: number,
    isForced = false,
  ): void {
    const { tables, map } = this;
    const { machine } = this.hardware;
    const first = gfn - (gfn % tables.framesAt(level));
    const host = map.require(first);
    const { agile } = this.options;
    // Under agile paging the map's dirty bit says of a table that the hardware walks whether the guest has written it.
    const isNested = level === 1 && agile?.isNested(gfn) === true;
    const isDirty = (guestLo & D) !== 0 && !(isNested && agile!.marksDirty && !map.bits(gfn).dirty);
    const isWritable = (guestLo & RW) !== 0 && (isDirty || agile?.marksDirty === true);
    const mayWrite = (isForced || isWritable) && !(level === 1 && tables.isGuarded(gfn));
    if (mayWrite && isNested && !agile!.marksDirty) map.setDirty(gfn, true);
    // What only the kernel may write is the kernel's alone until the user's next access.
    const userPage = role === "kernel" ? US : isForced ? 0 : guestLo & US;
    const flags =
      P |
      A |
      userPage |
      (mayWrite ? RW | (isForced || isDirty ? D : 0) : 0) |
      (guestHi & NX) |
      (level > 1 ? PS : 0);
    const lo = entryLo(host, flags);
    const hi = entryHi(host, flags);
    if (this.options.keepGlobal === true && (guestLo & G) === 0) tables.noteLocal(word);
    if (machine.ram[word] === lo && (this.stride === 1 || machine.ram[word + 1] === hi)) return;
    tables.setLeaf(word, level, gfn, lo, hi);
  }

  private mayBeLarge(first: Gfn, level: number): boolean {
    const { tables } = this;
    return tables.framesAt(level) <= 2 ** this.options.hostOrder && tables.mayMapLarge(first, level);
  }

  /** Fills a new level-1 shadow from every guest entry that was accessed already and has its memory. */
  private prefetch(table: ShadowTable): void {
    for (let index = 0; index < this.hardware.paging.entries; index++) this.fillKnown(table, index);
  }

  /**
   * Shadows a guest table whole, as far as the guest has accessed what it points to; switching entries that pointed to it
   * point to the shadow.
   */
  build(gfn: Gfn, level: number): void {
    const { tables } = this;
    const { paging, machine } = this.hardware;
    const table = tables.make(gfn, level, "guest");
    if (level === 1) this.prefetch(table);
    else {
      const entries = level === paging.levels ? paging.rootEntries : paging.entries;
      for (let index = 0; index < entries; index++) this.linkKnown(table, index);
    }
    for (const word of tables.switchesTo(gfn)) {
      const hi = machine.ram[word + 1]!;
      const flags = flagsOf(machine.ram[word]! & ~SWITCH, hi);
      tables.link(word, table, entryLo(table.frame, flags), entryHi(table.frame, flags));
    }
  }

  /** Links what a guest's entry points to, if that has a shadow or the hardware is to walk it itself. */
  private linkKnown(table: ShadowTable, index: number): void {
    const { lo, hi } = this.readEntry(this.map.require(table.gfn), index);
    if ((lo & (P | A | PS)) !== (P | A)) return;
    const word = this.tables.word(table, index);
    const gfn = frameOf(lo, hi);
    const child = this.tables.find(gfn, table.level - 1);
    if (child !== undefined) this.linkChild(word, child, table.level, lo, hi);
    else if (this.options.agile?.isNested(gfn)) this.linkGuest(word, table.level, lo, hi);
    else return;
    this.work += this.costs.shadow_fill_entry;
  }

  /** The hardware is to walk a guest table itself: its shadows go, and those below that nothing else points to. */
  abandon(gfn: Gfn): void {
    const { tables } = this;
    const { ram } = this.hardware.machine;
    for (const table of tables.shadowsOf(gfn)) {
      const parents = [...table.parents].map((word) => ({
        word,
        flags: flagsOf(ram[word]!, ram[word + 1]!),
      }));
      this.work += tables.dropTree(table) * this.costs.shadow_allocate;
      const frame = this.map.require(gfn);
      for (const { word, flags } of parents.filter((parent) => tables.holds(parent.word)))
        tables.linkGuest(word, table.level + 1, gfn, entryLo(frame, flags), entryHi(frame, flags));
    }
  }

  // Keeping it in step.

  /** A guest entry changed: its shadow follows, or goes. */
  private update(table: ShadowTable, index: number): void {
    const { tables, map } = this;
    const word = tables.word(table, index);
    const { lo, hi } = this.readEntry(map.require(table.gfn), index);
    const isLeaf = table.level === 1;
    const wasPresent = (this.hardware.machine.ram[word]! & P) !== 0;
    const gfn = frameOf(lo, hi);
    const isUsable = isLeaf && (lo & (P | A)) === (P | A) && map.find(gfn) >= 0;
    if (isUsable && (wasPresent || this.options.eager)) this.setLeaf(word, 1, table.role, gfn, lo, hi);
    else if (wasPresent) tables.clearEntry(word, table.level);
  }

  /** Mends every table that is out of sync, as a flush requires. */
  synchronise(): void {
    for (const table of [...this.tables.unsynced]) this.synchroniseTable(table);
  }

  private synchroniseTable(table: ShadowTable): void {
    const { tables, counters, costs } = this;
    table.isUnsynced = false;
    tables.unsynced.delete(table);
    for (let index = 0; index < this.hardware.paging.entries; index++) {
      if ((this.hardware.machine.ram[tables.word(table, index)]! & P) !== 0 || this.options.eager)
        this.update(table, index);
    }
    tables.protect(table.gfn);
    counters.events[EVENT.shadow_resynced]!++;
    this.work += this.hardware.paging.entries * costs.shadow_sync_entry;
  }

  /** INVLPG: the shadows of one page follow the guest's table, and the hardware forgets it. */
  invalidate(va: Gva): void {
    const { paging } = this.hardware;
    for (const role of ROLES) {
      const table = this.lowestTable(va, role);
      if (table?.isUnsynced === true)
        this.update(table, indexAt(paging.shifts[1]!, paging.entries, highHalf(va), lowHalf(va)));
    }
    this.hardware.invalidatePage(va);
  }

  /** The shadow of the level-1 table that the guest's tables have for an address. */
  private lowestTable(va: Gva, role: Role): ShadowTable | undefined {
    const { tables } = this;
    const { paging } = this.hardware;
    let table = tables.find(this.guestRoot, paging.levels, role);
    for (let level = paging.levels; level > 1 && table !== undefined; level--) {
      const entries = level === paging.levels ? paging.rootEntries : paging.entries;
      const index = indexAt(paging.shifts[level]!, entries, highHalf(va), lowHalf(va));
      const guest = this.guestEntry(table, index);
      const isTable = (guest.lo & P) !== 0 && (guest.lo & PS) === 0;
      table = isTable
        ? tables.find(frameOf(guest.lo, guest.hi), level - 1, role, tables.reservesBelow(table, index))
        : undefined;
    }
    return table;
  }

  private guestEntry(table: ShadowTable, index: number): { lo: number; hi: number } {
    const { pdptes } = this.options;
    if (pdptes !== undefined && table.level === this.hardware.paging.levels)
      return { lo: pdptes[2 * index]!, hi: pdptes[2 * index + 1]! };
    return this.readEntry(this.map.require(table.gfn), index);
  }

  private readEntry(frame: Hfn, index: number): { lo: number; hi: number } {
    const { ram } = this.hardware.machine;
    const word = frame * 1024 + index * this.stride;
    return { lo: ram[word]!, hi: this.stride === 1 ? 0 : ram[word + 1]! };
  }
}
