/**
 * The MSR bitmaps as KVM keeps them (Linux arch/x86/kvm/vmx): all MSRs leave but those that the processor keeps for a guest, and, in
 * x2APIC mode, those of the local APIC that it virtualizes (vmx_update_msr_bitmap_x2apic).
 */
import { PAGE_BYTES } from "../../machine/address.js";
import { MSR } from "../../machine/cpu/identity/msr-numbers.js";
import {
  REGISTER as APIC,
  SET_REGISTERS,
  X2APIC_FIRST,
  X2APIC_LAST,
} from "../../machine/devices/apic/registers.js";
import { msrBit } from "../../machine/vmx/msr-bitmaps.js";

/** MSRs that do not leave: the processor keeps the guest's value (vmx_possible_passthrough_msrs). */
const PASSED_THROUGH: readonly number[] = [
  MSR.timeStampCounter,
  MSR.fsBase,
  MSR.gsBase,
  MSR.kernelGsBase,
  MSR.sysenterCs,
  MSR.sysenterEsp,
  MSR.sysenterEip,
];
/** Registers of the local APIC whose reads do not leave (kvm_lapic_readable_reg_mask): all but the timer's count, which runs on. */
const READABLE: readonly number[] = [
  ...[APIC.id, APIC.version, APIC.taskPriority, APIC.processorPriority, APIC.logicalDestination],
  ...[APIC.spurious, APIC.errorStatus, APIC.commandLow, APIC.lvtTimer, APIC.lvtThermal, APIC.lvtPerformance],
  ...[APIC.lvtLint0, APIC.lvtLint1, APIC.lvtError, APIC.initialCount, APIC.divide],
  ...[APIC.inService, APIC.triggerMode, APIC.requests].flatMap((first) =>
    Array.from({ length: SET_REGISTERS }, (_, word) => first + word),
  ),
];
const FRAME_WORDS = PAGE_BYTES / 4;

/** What is virtualized of the local APIC's MSRs: nothing, the task priority, or what APICv does too. */
export type X2ApicVirtualization = "none" | "task-priority" | "delivery";

export class VmxMsrBitmaps {
  /** @param ram the machine's, words. @param frame of the bitmaps. */
  constructor(
    private readonly ram: Int32Array,
    readonly frame: number,
  ) {
    ram.fill(-1, frame * FRAME_WORDS, (frame + 1) * FRAME_WORDS);
    for (const register of PASSED_THROUGH) {
      this.pass(register, false);
      // Writes of the counter leave: the offset is the monitor's.
      if (register !== MSR.timeStampCounter) this.pass(register, true);
    }
  }

  /** Which accesses in x2APIC mode do not leave. */
  setX2Apic(virtualized: X2ApicVirtualization): void {
    for (let register = X2APIC_FIRST; register <= X2APIC_LAST; register++)
      for (const isWrite of [false, true]) this.set(register, isWrite, true);
    if (virtualized === "none") return;
    for (const isWrite of [false, true]) this.pass(X2APIC_FIRST + APIC.taskPriority, isWrite);
    if (virtualized === "task-priority") return;
    for (const register of READABLE) this.pass(X2APIC_FIRST + register, false);
    for (const register of [APIC.endOfInterrupt, APIC.selfIpi]) this.pass(X2APIC_FIRST + register, true);
  }

  private pass(register: number, isWrite: boolean): void {
    this.set(register, isWrite, false);
  }

  private set(register: number, isWrite: boolean, leaves: boolean): void {
    const bit = msrBit(register, isWrite);
    const word = this.frame * FRAME_WORDS + (bit >>> 5);
    const mask = 1 << (bit & 31);
    this.ram[word] = leaves ? this.ram[word]! | mask : this.ram[word]! & ~mask;
  }
}
