/**
 * No virtualization of memory: guest-physical is host-physical, and the guest's tables are the hardware's. The guest's own
 * MOV to CR3, INVLPG and INVPCID run on the hardware without a monitor.
 */
import { CYCLES } from "../../../events/categories.js";
import type { Gfn, Gva, Hfn } from "../../../machine/address.js";
import { WALK_PAGE_FAULT } from "../../../machine/mmu/walker.js";
import { invariant } from "../../../util/errors.js";
import { MachineVcpu, type Resolution } from "../machine-vcpu.js";

export class DirectVcpu extends MachineVcpu {
  protected override resolve(_va: Gva, _kind: number, _user: boolean): Resolution {
    const { mmu } = this.machine;
    invariant(mmu.status === WALK_PAGE_FAULT, "one dimension knows only page faults");
    this.faultCode = mmu.walker.errorCode;
    return "guest-fault";
  }

  protected override hostFrame(gfn: Gfn): Hfn {
    return gfn as number;
  }

  override writeCr3(root: Gfn, pcid: number, keep: boolean): void {
    this.charge(CYCLES.guest_switch, this.costs.cr3_load);
    this.loadHardwareCr3(root, pcid, keep, () => this.violation());
  }

  /** A violation while the PAE format's PDPTEs are read: cannot be in one dimension. */
  protected violation(): void {
    invariant(false, "one dimension has no violations");
  }

  override invalidatePage(va: Gva): void {
    this.charge(CYCLES.guest_switch, this.costs.invlpg);
    this.machine.mmu.invalidatePage(va);
  }

  override invalidatePageOf(pcid: number, va: Gva): void {
    this.charge(CYCLES.guest_switch, this.costs.invpcid);
    this.machine.mmu.invalidatePageOf(pcid, va);
  }

  override invalidatePcid(pcid: number): void {
    this.charge(CYCLES.guest_switch, this.costs.invpcid);
    this.machine.mmu.invalidatePcid(pcid);
  }

  override flushAll(): void {
    this.charge(CYCLES.guest_switch, 2 * this.costs.cr3_load);
    this.machine.mmu.flushAll(false);
  }
}
