/**
 * Shadow paging: the hardware walks tables that the monitor keeps, which map guest-virtual straight to host-physical.
 * The guest's tables are write-protected; page faults, CR3 loads and INVLPG exit.
 *
 *      guest's tables   CR3 → gL4 → gL3 → gL2 → gL1 → guest frame
 *                               ⇣     ⇣     ⇣     ⇣       ⇣ monitor's map
 *      shadow tables    CR3 → sL4 → sL3 → sL2 → sL1 → host frame        (what the hardware walks)
 *
 * A fault is *hidden* when the guest's tables allow the access (the shadow lacked it) and *true* when they do not.
 * Adams & Agesen, ASPLOS 2006, 2.4; Linux Documentation/virt/kvm/x86/mmu.rst.
 */
import { EVENT } from "../../../events/events.js";
import { EXIT } from "../../../events/exit-reasons.js";
import { OWNER } from "../../../events/memory-owners.js";
import { type Gfn, type Gva, type Hfn, highHalf, lowHalf } from "../../../machine/address.js";
import type { Machine } from "../../../machine/machine.js";
import { A, D, entryHi, entryLo, frameOf, NX, P, PS, RW, US } from "../../../machine/mmu/entry.js";
import { indexAt } from "../../../machine/mmu/format.js";
import { WRITE } from "../../../machine/mmu/permissions.js";
import { invariant } from "../../../util/errors.js";
import { GuestMap } from "../guest-map.js";
import { MachineVcpu, type Resolution, type VcpuOptions } from "../machine-vcpu.js";
import { GuestWalk } from "./guest-walk.js";
import { type ShadowTable, WRITE_FLOOD } from "./shadow-table.js";
import { ShadowTables } from "./shadow-tables.js";

export interface ShadowOptions extends VcpuOptions {
  /** log2 of the frames of a host page: 0, 9 or 18; the largest mapping a shadow makes. */
  readonly hostOrder: number;
  readonly vpid: boolean;
  readonly populate: boolean;
  /** Fill a whole level-1 table when it is first shadowed. */
  readonly eager: boolean;
  /** Let level-1 tables go out of sync between flushes. */
  readonly outOfSync: boolean;
  /** Keep the shadows of address spaces that are not running. */
  readonly reuse: boolean;
  /** Most shadow tables; 0 is no limit. */
  readonly maximumTables: number;
}

const GUEST_VPID = 1;

export class ShadowVcpu extends MachineVcpu {
  readonly map: GuestMap;
  readonly tables: ShadowTables;
  private readonly guestWalk: GuestWalk;
  private readonly stride: number;
  private guestRoot: Gfn = 0;
  /** Entries filled in advance during this exit. */
  private prefetched = 0;

  constructor(
    machine: Machine,
    private readonly options: ShadowOptions,
  ) {
    super(machine, options);
    this.stride = machine.paging.entryBytes / 4;
    this.map = new GuestMap(machine, 4, options.hostOrder, options.memory.backedFrames, OWNER.monitor_maps);
    this.tables = new ShadowTables(
      machine,
      options.memory.backedFrames,
      options.hostOrder,
      options.maximumTables,
    );
    this.guestWalk = new GuestWalk(machine, this.map);
    if (options.vpid) machine.mmu.select(GUEST_VPID, 0);
    if (options.populate) {
      for (let gfn = 0; gfn < options.memory.frames; gfn += 2 ** options.hostOrder) this.map.populate(gfn);
    }
  }

  protected override hostFrame(gfn: Gfn): Hfn {
    return this.map.require(gfn);
  }

  // Exits.

  protected override resolve(va: Gva, kind: number, user: boolean): Resolution {
    const { counters, costs, guestWalk, tables } = this;
    if (!guestWalk.walk(this.guestRoot, va, kind, user)) {
      counters.events[EVENT.shadow_true_faults]!++;
      this.exit(EXIT.page_fault_true, costs.shadow_true_fault);
      this.faultCode = guestWalk.errorCode;
      return "guest-fault";
    }
    const { frame } = guestWalk;
    if (kind === WRITE && tables.isGuarded(frame)) return this.tableWrite(va, frame);
    const given = this.give(frame);
    this.fill(va);
    counters.events[EVENT.shadow_hidden_faults]!++;
    this.exit(EXIT.page_fault_hidden, costs.shadow_hidden_fault + given);
    return "again";
  }

  /** The guest writes a guarded table: let it go out of sync, or emulate the write. */
  private tableWrite(va: Gva, gfn: Gfn): Resolution {
    const { counters, costs, tables } = this;
    counters.events[EVENT.shadow_write_faults]!++;
    const shadows = tables.shadowsOf(gfn);
    if (this.options.outOfSync && shadows.every((table) => table.level === 1)) {
      for (const table of shadows) {
        table.isUnsynced = true;
        tables.unsynced.add(table);
      }
      counters.events[EVENT.shadow_unsynced]!++;
      this.fill(va);
      this.exit(EXIT.table_write, costs.shadow_hidden_fault + costs.shadow_unsync);
      return "again";
    }
    const store = this.pendingStore;
    invariant(store !== undefined, "only the guest's kernel writes page tables", () => ({ va, gfn }));
    const index = (lowHalf(va) & 0xfff) / this.paging.entryBytes;
    this.writeEntry(this.map.require(gfn), index, store.lo, store.hi);
    for (const table of shadows) {
      this.update(table, index);
      table.writesSinceUse++;
      if (table.writesSinceUse > WRITE_FLOOD && table.level === 1) tables.drop(table);
    }
    this.reloadPdptes();
    this.exit(EXIT.table_write, costs.shadow_emulate_write);
    return "emulated";
  }

  override writeCr3(root: Gfn): void {
    const { counters, costs, tables } = this;
    let work = costs.shadow_cr3 + this.synchronise();
    if (!this.options.reuse && root !== this.guestRoot) {
      work += tables.count * costs.shadow_allocate;
      tables.dropAll();
    }
    this.guestRoot = root;
    const known = tables.find(root, this.paging.levels);
    if (known !== undefined) counters.events[EVENT.shadow_tables_reused]!++;
    const shadow = known ?? tables.make(root, this.paging.levels);
    tables.use(shadow);
    this.loadHardwareCr3(shadow.frame, 0, false);
    this.exit(EXIT.cr3_load, work);
  }

  override invalidatePage(va: Gva): void {
    this.invalidate(va);
    this.exit(EXIT.invlpg, this.costs.shadow_invlpg);
  }

  override invalidatePageOf(): void {
    invariant(false, "a shadowed guest sees no PCIDs");
  }

  override invalidatePcid(): void {
    invariant(false, "a shadowed guest sees no PCIDs");
  }

  override flushAll(): void {
    const work = this.synchronise();
    this.machine.mmu.flushAll(false);
    this.exit(EXIT.cr3_load, this.costs.shadow_cr3 + work);
  }

  /** Charges an exit with what it allocated; without VPIDs the transition flushes the TLB. */
  private exit(reason: number, work: number): void {
    const { costs, tables } = this;
    const extra = tables.made * costs.shadow_allocate + this.prefetched * costs.shadow_fill_entry;
    tables.made = 0;
    this.prefetched = 0;
    this.chargeExit(reason, costs.vm_exit + costs.vm_entry, costs.monitor_dispatch + work + extra);
    if (!this.options.vpid) this.machine.mmu.flushAll(false);
  }

  /** Gives a guest frame its memory on first touch. Returns the work, cycles. */
  private give(gfn: Gfn): number {
    if (this.map.find(gfn) >= 0) return 0;
    invariant(gfn < this.memory.frames, "a guest frame lies in the guest's memory", () => ({ gfn }));
    this.map.populate(gfn);
    return this.costs.ept_violation + this.costs.host_zero_page * 2 ** this.map.order;
  }

  // Filling the shadow.

  /** Makes the shadow map an address as the guest's last walk found it. */
  private fill(va: Gva): void {
    const { paging, tables, guestWalk } = this;
    let table = this.root();
    tables.inUse.add(table);
    tables.use(table);
    for (let level = paging.levels; ; level--) {
      const entries = level === paging.levels ? paging.rootEntries : paging.entries;
      const word = tables.word(table, indexAt(paging.shifts[level]!, entries, highHalf(va), lowHalf(va)));
      let child: ShadowTable;
      if (level > guestWalk.leaf) {
        const gfn = frameOf(guestWalk.lows[level]!, guestWalk.highs[level]!);
        child = this.childOf(gfn, level - 1);
        if (!child.parents.has(word)) {
          if (child.isUnsynced) this.synchroniseTable(child);
          this.linkChild(word, child, level, guestWalk.lows[level]!, guestWalk.highs[level]!);
        }
      } else {
        const first = guestWalk.frame - (guestWalk.frame % tables.framesAt(level));
        if (level === 1 || this.mayBeLarge(first, level)) {
          this.setLeaf(
            word,
            level,
            guestWalk.frame,
            guestWalk.lows[guestWalk.leaf]!,
            guestWalk.highs[guestWalk.leaf]!,
          );
          break;
        }
        child = tables.split(word, first, level - 1);
        if (!child.parents.has(word))
          tables.link(word, child, entryLo(child.frame, P | RW | US | A), entryHi(child.frame, 0));
      }
      tables.inUse.add(child);
      tables.use(child);
      table = child;
    }
    tables.inUse.clear();
    this.reloadPdptes();
  }

  private root(): ShadowTable {
    const { levels } = this.paging;
    const root = this.tables.find(this.guestRoot, levels);
    invariant(root !== undefined, "the running root is shadowed");
    return root;
  }

  /** The shadow of a guest table, made if need be, and filled if eager. */
  private childOf(gfn: Gfn, level: number): ShadowTable {
    const known = this.tables.find(gfn, level);
    if (known !== undefined) return known;
    // A table that the guest now uses at another level too cannot stay out of sync.
    for (const other of this.tables.shadowsOf(gfn)) if (other.isUnsynced) this.synchroniseTable(other);
    const table = this.tables.make(gfn, level);
    if (this.options.eager && level === 1) this.prefetch(table);
    return table;
  }

  private linkChild(word: number, child: ShadowTable, level: number, guestLo: number, guestHi: number): void {
    const isRegister = this.paging.name === "pae" && level === 3;
    const flags = isRegister ? P : P | A | (guestLo & (RW | US)) | (guestHi & NX);
    this.tables.link(word, child, entryLo(child.frame, flags), entryHi(child.frame, flags));
  }

  /** A leaf that maps what a guest's leaf allows: writable only once dirty in the guest, and never over a guarded table. */
  private setLeaf(word: number, level: number, gfn: Gfn, guestLo: number, guestHi: number): void {
    const { tables, map, machine } = this;
    const first = gfn - (gfn % tables.framesAt(level));
    const host = map.require(first);
    const mayWrite = (guestLo & (RW | D)) === (RW | D) && !(level === 1 && tables.isGuarded(gfn));
    const flags = P | A | (guestLo & US) | (mayWrite ? RW | D : 0) | (guestHi & NX) | (level > 1 ? PS : 0);
    const lo = entryLo(host, flags);
    const hi = entryHi(host, flags);
    if (machine.ram[word] === lo && (this.stride === 1 || machine.ram[word + 1] === hi)) return;
    tables.setLeaf(word, level, gfn, lo, hi);
  }

  private mayBeLarge(first: Gfn, level: number): boolean {
    const { tables } = this;
    return tables.framesAt(level) <= 2 ** this.options.hostOrder && tables.mayMapLarge(first, level);
  }

  /** Fills a new level-1 shadow from every guest entry that was accessed already and has its memory. */
  private prefetch(table: ShadowTable): void {
    for (let index = 0; index < this.paging.entries; index++) {
      const { lo, hi } = this.readEntry(this.map.require(table.gfn), index);
      const gfn = frameOf(lo, hi);
      if ((lo & (P | A)) !== (P | A) || this.map.find(gfn) < 0) continue;
      this.setLeaf(this.tables.word(table, index), 1, gfn, lo, hi);
      this.prefetched++;
    }
  }

  // Keeping it in step.

  /** A guest entry changed: its shadow follows, or goes. */
  private update(table: ShadowTable, index: number): void {
    const { tables, map } = this;
    const word = tables.word(table, index);
    const { lo, hi } = this.readEntry(map.require(table.gfn), index);
    const isLeaf = table.level === 1;
    const wasPresent = (this.machine.ram[word]! & P) !== 0;
    const gfn = frameOf(lo, hi);
    const isUsable = isLeaf && (lo & (P | A)) === (P | A) && map.find(gfn) >= 0;
    if (isUsable && (wasPresent || this.options.eager)) this.setLeaf(word, 1, gfn, lo, hi);
    else if (wasPresent) tables.clearEntry(word, table.level);
  }

  /** Mends every table that is out of sync, as a flush requires. Returns the work, cycles. */
  private synchronise(): number {
    let work = 0;
    for (const table of [...this.tables.unsynced]) work += this.synchroniseTable(table);
    return work;
  }

  private synchroniseTable(table: ShadowTable): number {
    const { tables, counters, costs } = this;
    table.isUnsynced = false;
    tables.unsynced.delete(table);
    for (let index = 0; index < this.paging.entries; index++) {
      if ((this.machine.ram[tables.word(table, index)]! & P) !== 0 || this.options.eager)
        this.update(table, index);
    }
    tables.protect(table.gfn);
    counters.events[EVENT.shadow_resynced]!++;
    return this.paging.entries * costs.shadow_sync_entry;
  }

  /** INVLPG: the shadow of one page follows the guest's table, and the hardware forgets it. */
  private invalidate(va: Gva): void {
    const { paging, tables, machine } = this;
    let table: ShadowTable | undefined = this.root();
    for (let level = paging.levels; level > 1 && table !== undefined; level--) {
      const entries = level === paging.levels ? paging.rootEntries : paging.entries;
      const index = indexAt(paging.shifts[level]!, entries, highHalf(va), lowHalf(va));
      const guest = this.readEntry(this.map.require(table.gfn), index);
      const isTable = (guest.lo & P) !== 0 && (guest.lo & PS) === 0;
      table = isTable ? tables.find(frameOf(guest.lo, guest.hi), level - 1) : undefined;
    }
    if (table?.isUnsynced === true) {
      this.update(table, indexAt(paging.shifts[1]!, paging.entries, highHalf(va), lowHalf(va)));
    }
    machine.mmu.invalidatePage(va);
  }

  /** PAE: the hardware holds the root's entries in registers; the monitor reloads them at entry. */
  private reloadPdptes(): void {
    if (this.paging.name === "pae" && this.isPaging) this.machine.mmu.walker.loadPdptes(0);
  }
}
