/**
 * Shadow paging under a guest whose references are generated: page faults, CR3 loads, INVLPG and writes to its tables exit.
 * How the shadow is kept is in shadow-paging.ts; here is what each exit costs.
 */
import { EXIT } from "../../../events/exit-reasons.js";
import { OWNER } from "../../../events/memory-owners.js";
import { type Gfn, type Gva, type Hfn, lowHalf } from "../../../machine/address.js";
import type { Machine } from "../../../machine/machine.js";
import { invariant } from "../../../util/errors.js";
import { GuestMap } from "../guest-map.js";
import { MachineVcpu, type Resolution, type VcpuOptions } from "../machine-vcpu.js";
import { plainHardware } from "./shadow-hardware.js";
import { ShadowPaging, type ShadowPagingOptions } from "./shadow-paging.js";
import type { ShadowTables } from "./shadow-tables.js";

export interface ShadowOptions extends VcpuOptions, Omit<ShadowPagingOptions, "memory"> {
  readonly vpid: boolean;
  readonly populate: boolean;
}

const GUEST_VPID = 1;

export class ShadowVcpu extends MachineVcpu {
  readonly map: GuestMap;
  private readonly shadow: ShadowPaging;

  constructor(
    machine: Machine,
    private readonly options: ShadowOptions,
  ) {
    super(machine, options);
    this.map = new GuestMap(machine, 4, options.hostOrder, options.memory.backedFrames, OWNER.monitor_maps);
    this.shadow = new ShadowPaging(plainHardware(machine), this.map, options);
    if (options.vpid) machine.mmu.select(GUEST_VPID, 0);
    if (options.populate) {
      for (let gfn = 0; gfn < options.memory.frames; gfn += 2 ** options.hostOrder) this.map.populate(gfn);
    }
  }

  get tables(): ShadowTables {
    return this.shadow.tables;
  }

  protected override hostFrame(gfn: Gfn): Hfn {
    return this.map.require(gfn);
  }

  protected override resolve(va: Gva, kind: number, user: boolean): Resolution {
    const { costs, shadow } = this;
    const fault = shadow.fault(va, kind, user);
    invariant(fault !== "device", "a guest frame lies in the guest's memory", () => ({ gfn: shadow.frame }));
    this.reloadPdptes();
    switch (fault) {
      case "true":
        this.exit(EXIT.page_fault_true, costs.shadow_true_fault, costs.page_fault);
        this.faultCode = shadow.errorCode;
        return "guest-fault";
      case "guarded":
        this.emulate(va, shadow.frame);
        return "emulated";
      case "unsynced":
        this.exit(EXIT.table_write, costs.shadow_hidden_fault, costs.page_fault);
        return "again";
      case "hidden":
        this.exit(EXIT.page_fault_hidden, costs.shadow_hidden_fault, costs.page_fault);
        return "again";
    }
  }

  /** The guest's write to a guarded table, made in its stead. */
  private emulate(va: Gva, gfn: Gfn): void {
    const store = this.pendingStore;
    invariant(store !== undefined, "only the guest's kernel writes page tables", () => ({ va, gfn }));
    const index = (lowHalf(va) & 0xfff) / this.paging.entryBytes;
    this.writeEntry(this.map.require(gfn), index, store.lo, store.hi);
    this.shadow.wrote(gfn, index, index);
    this.reloadPdptes();
    const { costs } = this;
    this.exit(EXIT.table_write, costs.shadow_emulate_write, costs.page_fault);
  }

  override writeCr3(root: Gfn): void {
    this.loadHardwareCr3(this.shadow.setRoot(root), 0, false);
    this.exit(EXIT.cr3_load, this.costs.shadow_cr3);
  }

  override invalidatePage(va: Gva): void {
    this.shadow.invalidate(va);
    this.exit(EXIT.invlpg, this.costs.shadow_invlpg);
  }

  override invalidatePageOf(): void {
    invariant(false, "a shadowed guest sees no PCIDs");
  }

  override invalidatePcid(): void {
    invariant(false, "a shadowed guest sees no PCIDs");
  }

  override flushAll(): void {
    this.shadow.synchronise();
    this.machine.mmu.flushAll(false);
    this.exit(EXIT.cr3_load, this.costs.shadow_cr3);
  }

  /**
   * Charges an exit with the work that it took; without VPIDs the transition flushes the TLB.
   * @param fault what the hardware takes more, where a page fault left.
   */
  private exit(reason: number, work: number, fault = 0): void {
    const { costs } = this;
    const extra = this.shadow.takeWork();
    this.chargeExit(reason, costs.vm_exit + costs.vm_entry + fault, costs.monitor_dispatch + work + extra);
    if (!this.options.vpid) this.machine.mmu.flushAll(false);
  }

  /** PAE: the hardware holds the root's entries in registers; the monitor reloads them at entry. */
  private reloadPdptes(): void {
    if (this.paging.name === "pae" && this.isPaging) this.machine.mmu.walker.loadPdptes(0);
  }
}
