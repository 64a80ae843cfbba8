/**
 * Agile paging, hardware that was proposed and never built (Gandhi, Hill & Swift, ISCA 2016): the hardware walks shadow
 * tables and goes over to the guest's own where the monitor's policy says so (machine/mmu/agile-walker.ts, nesting.ts).
 * What leaves: faults that only the shadow has, writes to guest tables that have shadows, first touches of guest memory,
 * CR3 loads that the hardware's cache of roots does not know, and the monitor's timer while some table is nested.
 * What does not: page faults found in the guest's own tables, writes to those, INVLPG (shadows are always in step).
 *
 *      guest's tables   gL4 → gL3 → gL2 ─→ gL1 → guest frame      nested table: guest frame → host frame
 *                        ⇣     ⇣     ⇣    ↗ switching bit            (forbids writes to tables that have shadows)
 *      shadow tables    sL4 → sL3 → sL2 ┘
 */
import { CYCLES } from "../../../events/categories.js";
import { EVENT } from "../../../events/events.js";
import { EXIT } from "../../../events/exit-reasons.js";
import { type Gfn, type Gva, lowHalf } from "../../../machine/address.js";
import type { Machine } from "../../../machine/machine.js";
import { AgileWalker, NESTED_MODE, SHADOW_MODE } from "../../../machine/mmu/agile-walker.js";
import { WALK_PAGE_FAULT, WALK_VIOLATION } from "../../../machine/mmu/walker.js";
import { invariant } from "../../../util/errors.js";
import type { Resolution } from "../machine-vcpu.js";
import { type NestedOptions, NestedVcpu } from "../nested/vcpu.js";
import { ShadowPaging } from "../shadow/shadow-paging.js";
import type { ShadowTables } from "../shadow/shadow-tables.js";
import { Nesting } from "./nesting.js";
import { RootCache } from "./root-cache.js";
import { ScanTimer } from "./scan-timer.js";

export interface AgileOptions extends NestedOptions {
  /** Address spaces begin nested; else shadowed. */
  readonly startsNested: boolean;
  /** Writes to a guest table within an interval that turn it nested. */
  readonly writes: number;
  /** Cycles that a guest table is unwritten before it is shadowed: at first, and at most (nesting.ts). */
  readonly settle: number;
  readonly interval: number;
  /** The hardware carries dirty bits from the shadow to the guest's tables. */
  readonly marksDirty: boolean;
  /** Entries of the hardware's cache of roots; 0 is none. */
  readonly rootCache: number;
}

export class AgileVcpu extends NestedVcpu {
  readonly nesting: Nesting;
  private readonly walker: AgileWalker;
  private readonly shadow: ShadowPaging;
  private readonly rootCache: RootCache;
  /** Roots that began nested and are still walked in two dimensions. */
  private readonly unshadowed = new Set<Gfn>();
  private guestRoot: Gfn = 0;
  private readonly timer: ScanTimer;

  constructor(
    machine: Machine,
    private readonly agile: AgileOptions,
  ) {
    super(machine, agile);
    const { mmu, paging } = machine;
    invariant(mmu.walker instanceof AgileWalker, "the machine walks as agile paging does");
    this.walker = mmu.walker;
    this.rootCache = new RootCache(agile.rootCache);
    this.timer = new ScanTimer(agile);
    this.nesting = new Nesting(machine, this.map, () => this.shadow, {
      writes: agile.writes,
      settle: agile.settle,
      interval: agile.interval,
      marksDirty: agile.marksDirty,
      tableFrames: agile.memory.backedFrames,
    });
    const hardware = {
      machine,
      paging,
      flush: () => mmu.flushAll(false),
      invalidatePage: (va: Gva) => mmu.invalidatePage(va),
      protect: (gfn: Gfn, isReadOnly: boolean) => this.protect(gfn, isReadOnly),
    };
    this.shadow = new ShadowPaging(hardware, this.map, {
      hostOrder: agile.hostOrder,
      memory: agile.memory,
      eager: false,
      outOfSync: false,
      reuse: true,
      maximumTables: 0,
      writeFlood: 0,
      agile: { isNested: (gfn) => this.nesting.isNested(gfn), marksDirty: agile.marksDirty },
    });
  }

  get tables(): ShadowTables {
    return this.shadow.tables;
  }

  /** A guest table that has a shadow is not to be written by way of the nested table either. */
  private protect(gfn: Gfn, isReadOnly: boolean): void {
    this.map.require(gfn);
    this.map.setWritable(gfn, !isReadOnly);
    if (isReadOnly) this.machine.mmu.invalidateNested();
  }

  override execute(refs: Int32Array, from: number, to: number, user: boolean): number {
    this.runTimer();
    return super.execute(refs, from, to, user);
  }

  protected override resolve(va: Gva, kind: number, user: boolean): Resolution {
    const { mmu } = this.machine;
    if (mmu.status === WALK_PAGE_FAULT) {
      this.faultCode = mmu.walker.errorCode;
      return "guest-fault";
    }
    if (mmu.status === WALK_VIOLATION) {
      const gfn = mmu.walker.violationFrame;
      if (this.map.find(gfn) >= 0) {
        this.counters.events[EVENT.shadow_write_faults]!++;
        return this.tableWrite(va, gfn);
      }
      this.violation();
      return "again";
    }
    return this.shadowFault(va, kind, user);
  }

  /** The shadow lacks a translation, or does not allow an access. */
  private shadowFault(va: Gva, kind: number, user: boolean): Resolution {
    const { costs, shadow } = this;
    switch (shadow.fault(va, kind, user)) {
      case "true":
        this.exit(EXIT.page_fault_true, costs.shadow_true_fault, costs.page_fault);
        this.faultCode = shadow.errorCode;
        return "guest-fault";
      case "guarded":
        return this.tableWrite(va, shadow.frame);
      case "hidden":
        this.exit(EXIT.page_fault_hidden, costs.shadow_hidden_fault, costs.page_fault);
        return "again";
      default:
        invariant(false, "shadows are in step, and guest frames in the guest's memory", () => ({ va }));
    }
  }

  /** The guest writes a table that has a shadow: the write is made in its stead, and the table may be nested by it. */
  private tableWrite(va: Gva, gfn: Gfn): Resolution {
    const { costs, nesting, shadow, pendingStore } = this;
    if (pendingStore !== undefined) {
      const index = (lowHalf(va) & 0xfff) / this.paging.entryBytes;
      this.writeEntry(this.map.require(gfn), index, pendingStore.lo, pendingStore.hi);
      shadow.wrote(gfn, index, index);
    }
    // What is written other than as a table is no table any more.
    const isNested = nesting.wrote(gfn) || pendingStore === undefined;
    if (isNested) this.nest(gfn);
    this.exit(
      EXIT.table_write,
      costs.shadow_emulate_write + (isNested ? costs.shadow_unsync : 0),
      costs.page_fault,
    );
    return pendingStore === undefined ? "again" : "emulated";
  }

  private nest(gfn: Gfn): void {
    const { nesting } = this;
    nesting.turnNested(gfn);
    this.rootCache.drop(gfn);
    if (gfn === this.guestRoot) this.enterRoot();
  }

  override writeCr3(root: Gfn, pcid: number, keep: boolean): void {
    this.guestRoot = root;
    const { nesting, tables, paging } = this;
    const isNew = !nesting.isNested(root) && tables.find(root, paging.levels) === undefined;
    if (isNew && this.agile.startsNested) {
      nesting.nest(root, paging.levels);
      this.unshadowed.add(root);
    }
    const isCached = this.rootCache.use(root);
    this.loadHardwareCr3(this.enterRoot(), pcid, keep);
    if (isCached) this.charge(CYCLES.guest_switch, this.costs.cr3_load);
    else this.exit(EXIT.cr3_load, this.costs.shadow_cr3);
    this.runTimer();
  }

  /** Has the hardware walk the guest's root as the policy says. Returns what its root register holds. */
  private enterRoot(): number {
    const { guestRoot, walker, nesting, unshadowed, paging } = this;
    const isNested = nesting.isNested(guestRoot);
    if (!isNested) unshadowed.delete(guestRoot);
    walker.guestRoot = guestRoot;
    walker.rootMode = !isNested ? SHADOW_MODE : unshadowed.has(guestRoot) ? NESTED_MODE : paging.levels;
    if (!isNested) walker.root = this.shadow.setRoot(guestRoot);
    else walker.root = unshadowed.has(guestRoot) ? guestRoot : this.map.require(guestRoot);
    return walker.root;
  }

  /** While tables are nested the monitor's timer looks at them; their writes are counted by the interval. */
  private runTimer(): void {
    const { timer, nesting, guestRoot } = this;
    if (!this.isPaging) return;
    timer.advance(this.counters.totalCycles);
    if (timer.takeInterval()) nesting.forgetWrites();
    if (nesting.count === 0 || !timer.isDue) return;
    const wasNested = nesting.isNested(guestRoot);
    const scan = nesting.scan(guestRoot, timer.now);
    timer.restart(nesting.shadowed > 0);
    if (wasNested && !nesting.isNested(guestRoot)) {
      this.rootCache.drop(guestRoot);
      this.enterRoot();
    }
    this.exit(EXIT.external_interrupt, scan);
  }

  /**
   * Charges an exit with the work that it took; without VPIDs the transition flushes the TLB.
   * @param fault what the hardware takes more, where a page fault left.
   */
  private exit(reason: number, work: number, fault = 0): void {
    const { costs } = this;
    const extra = this.shadow.takeWork();
    this.chargeExit(reason, costs.vm_exit + costs.vm_entry + fault, costs.monitor_dispatch + work + extra);
    if (!this.agile.vpid) this.machine.mmu.flushAll(false);
  }
}
