/**
 * SVM as a monitor uses it: VMRUN of a control block, event injection, and what a #VMEXIT leaves in the block (AMD APM vol. 2,
 * 15.5 to 15.7, 15.20). The monitor is no code of the machine's, so the instruction is a method. Nothing here charges cycles.
 */
import { type Core, SHADOW } from "../cpu/core.js";
import { EVENT_KIND } from "../cpu/interrupts/raise.js";
import { RIP, RIP_HIGH } from "../cpu/places.js";
import type { SystemUnit } from "../cpu/system-unit.js";
import type { Machine } from "../machine.js";
import { VMRUN_CHECKS } from "./entry-checks.js";
import { SVM_EXIT } from "./exit-codes.js";
import { loadState, storeState } from "./saved-state.js";
import { CONTROL, EVENT, EVENT_TYPE, SAVE, Vmcb } from "./vmcb.js";

export class SvmUnit {
  readonly vmcb: Vmcb;
  private readonly core: Core;
  /** The guest's registers are the CPU's. */
  private isLoaded = false;
  /** Something was written that VMRUN has not checked. */
  private isUnchecked = true;

  /** @param frame of the control block. */
  constructor(
    machine: Machine,
    private readonly system: SystemUnit,
    frame: number,
  ) {
    this.core = system.core;
    this.vmcb = new Vmcb(machine.ram, frame);
  }

  /** Four bytes of the block, as they would be after a #VMEXIT. */
  read(offset: number): number {
    if (offset >= SAVE.es) this.sync();
    return this.vmcb.low(offset);
  }

  /** Writes eight bytes of the block. What lies in the save area is loaded by the next VMRUN. */
  write(offset: number, low: number, high = 0): void {
    this.isUnchecked = true;
    if (offset >= SAVE.es) {
      this.sync();
      this.isLoaded = false;
    }
    this.vmcb.set(offset, low, high);
  }

  /** The monitor changed the CPU's registers, which are the guest's: they are what VMRUN is to find. */
  adopt(): void {
    storeState(this.core, this.vmcb);
    this.isUnchecked = true;
  }

  /** The save area in memory becomes true. */
  sync(): void {
    if (this.isLoaded) storeState(this.core, this.vmcb);
  }

  /** Returns the name of the check that is not met (VMEXIT_INVALID), or undefined in the guest. */
  vmrun(): string | undefined {
    const { vmcb, core } = this;
    const injects = vmcb.low(CONTROL.eventInjection) < 0;
    if (this.isUnchecked || injects) {
      this.sync();
      const unmet = VMRUN_CHECKS.find((check) => !check.isMet(vmcb, core.processor));
      if (unmet !== undefined) {
        vmcb.set(CONTROL.exitCode, SVM_EXIT.invalid, -1);
        return unmet.name;
      }
      this.isUnchecked = false;
    }
    if (!this.isLoaded) loadState(core, vmcb);
    this.isLoaded = true;
    if (injects) this.inject();
    return undefined;
  }

  /** EVENTINJ: delivered before the guest's first instruction. Software's return behind theirs, which nRIP tells. */
  private inject(): void {
    const { vmcb, core } = this;
    const info = vmcb.low(CONTROL.eventInjection);
    const errorCode = vmcb.high(CONTROL.eventInjection);
    vmcb.set(CONTROL.eventInjection, info & ~EVENT.valid, errorCode);
    const type = (info >>> EVENT.typeShift) & EVENT.typeMask;
    const isSoftware = type === EVENT_TYPE.software;
    const isException = type === EVENT_TYPE.exception;
    if (type === EVENT_TYPE.nmi) core.nmiBlocked = true;
    core.shadow = SHADOW.none;
    this.system.redeliver(
      {
        vector: info & EVENT.vectorMask,
        kind: isSoftware ? EVENT_KIND.software : isException ? EVENT_KIND.exception : EVENT_KIND.external,
        errorCode: (info & EVENT.errorCode) === 0 ? 0 : errorCode,
      },
      isSoftware ? vmcb.low(CONTROL.nextRip) : core.words[RIP]!,
      isSoftware ? vmcb.high(CONTROL.nextRip) : core.words[RIP_HIGH]!,
    );
  }
}
