/**
 * Nested paging: the guest owns its tables, CR3, INVLPG and page faults; the monitor only gives memory, on EPT violation
 * (or nested page fault) at first touch.
 */
import { EVENT } from "../../../events/events.js";
import { EXIT } from "../../../events/exit-reasons.js";
import { OWNER } from "../../../events/memory-owners.js";
import type { Gfn, Gva, Hfn } from "../../../machine/address.js";
import type { Machine } from "../../../machine/machine.js";
import type { NestedLevels } from "../../../machine/mmu/host-walker.js";
import { WALK_PAGE_FAULT } from "../../../machine/mmu/walker.js";
import { invariant } from "../../../util/errors.js";
import { DirectVcpu } from "../direct/vcpu.js";
import { GuestMap } from "../guest-map.js";
import type { Resolution, VcpuOptions } from "../machine-vcpu.js";

/** VPID or ASID of the one guest; 0 is the host's. */
const GUEST_VPID = 1;

export interface NestedOptions extends VcpuOptions {
  /** log2 of the frames of a host page: 0, 9 or 18. */
  readonly hostOrder: number;
  readonly levels: NestedLevels;
  /** Tagged translations: without them every exit and entry flushes. */
  readonly vpid: boolean;
  /** Give the guest all its memory at the start. */
  readonly populate: boolean;
}

export class NestedVcpu extends DirectVcpu {
  readonly map: GuestMap;
  private readonly tagged: boolean;

  constructor(machine: Machine, options: NestedOptions) {
    super(machine, options);
    const host = machine.mmu.walker.host;
    invariant(host !== undefined, "the machine has a second dimension");
    this.map = new GuestMap(
      machine,
      options.levels,
      options.hostOrder,
      options.memory.backedFrames,
      OWNER.nested_tables,
      undefined,
      options.memory.frames,
    );
    host.root = this.map.root;
    this.tagged = options.vpid;
    if (options.vpid) machine.mmu.select(GUEST_VPID, 0);
    if (options.populate) {
      for (let gfn = 0; gfn < options.memory.frames; gfn += 2 ** options.hostOrder) this.map.populate(gfn);
    }
  }

  protected override resolve(_va: Gva, _kind: number, _user: boolean): Resolution {
    const { mmu } = this.machine;
    if (mmu.status === WALK_PAGE_FAULT) {
      this.faultCode = mmu.walker.errorCode;
      return "guest-fault";
    }
    this.violation();
    return "again";
  }

  /** EPT violation: the guest frame gets its memory. */
  protected override violation(): void {
    const { costs, counters } = this;
    const { mmu } = this.machine;
    const gfn = mmu.walker.violationFrame;
    invariant(this.map.find(gfn) < 0, "a violation is a first touch", () => ({ gfn }));
    invariant(gfn < this.memory.frames, "a guest frame lies in the guest's memory", () => ({ gfn }));
    this.map.populate(gfn);
    counters.events[EVENT.ept_violations]!++;
    const zeroing = costs.host_zero_page * 2 ** this.map.order;
    this.chargeExit(
      EXIT.ept_violation,
      costs.vm_exit + costs.vm_entry,
      costs.monitor_dispatch + costs.ept_violation + zeroing,
    );
    if (!this.tagged) mmu.flushAll(false);
  }

  protected override hostFrame(gfn: Gfn): Hfn {
    return this.map.require(gfn);
  }
}
