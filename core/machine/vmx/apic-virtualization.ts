/**
 * The local APIC's page and its MSRs in VMX non-root operation (Intel SDM vol. 3, 30.4 and 30.5): which accesses the processor completes
 * itself, and with which exit the others leave. An APIC access leaves before it is made, an APIC write and a virtualized EOI after it
 * (30.4.3.2).
 *
 * The registers are those of the local APIC (devices/apic): the virtual-APIC page as the processor holds it while its guest runs.
 */
import {
  REGISTER as APIC,
  COMMAND_SHORTHAND_SHIFT,
  FIRST_LEGAL_VECTOR,
  SET_REGISTERS,
  SHORTHAND,
  X2APIC_FIRST,
  X2APIC_LAST,
} from "../devices/apic/registers.js";
import { PROCESSOR, SECONDARY } from "./controls.js";
import { VMX_EXIT } from "./exit-reasons.js";
import { FIELD } from "./fields.js";
import type { Vmcs } from "./vmcs.js";

/** Registers whose reads APIC-register virtualization answers (30.4.2), and whose writes it takes (30.4.3.1). */
const BOTH: readonly number[] = [
  APIC.id,
  APIC.taskPriority,
  APIC.endOfInterrupt,
  APIC.logicalDestination,
  APIC.destinationFormat,
  APIC.spurious,
  APIC.errorStatus,
  APIC.commandLow,
  APIC.commandHigh,
  APIC.lvtTimer,
  APIC.lvtThermal,
  APIC.lvtPerformance,
  APIC.lvtLint0,
  APIC.lvtLint1,
  APIC.lvtError,
  APIC.initialCount,
  APIC.divide,
];
const WRITABLE: ReadonlySet<number> = new Set(BOTH);
const READABLE: ReadonlySet<number> = new Set([
  ...BOTH,
  APIC.version,
  ...[APIC.inService, APIC.triggerMode, APIC.requests].flatMap((first) =>
    Array.from({ length: SET_REGISTERS }, (_, word) => first + word),
  ),
]);

/** Of a command, bits 31..20, 17..16, 13 and 12 (reserved, idle), 15 (level) and 10..8 (not fixed): an IPI that is no self-IPI's. */
const NO_SELF_IPI = 0xfff3_b700 | 0;
/** Bits 7..4: vectors below 16 are illegal. */
const LEGAL_VECTOR = 0xf0;

/** Exit qualification of an APIC access (table 28-6): offset, and from bit 12 a linear read or write. */
export const APIC_ACCESS_WRITE = 1 << 12;

export class ApicVirtualization {
  constructor(private readonly vmcs: Vmcs) {}

  /** Returns the exit's reason, VMX_EXIT.…; undefined: the processor answers. @param offset in the page, bytes. */
  read(offset: number): number | undefined {
    const register = offset >> 4;
    const isAnswered =
      register === APIC.taskPriority
        ? this.has(PROCESSOR.tprShadow)
        : this.hasSecondary(SECONDARY.apicRegisterVirtualization) && READABLE.has(register);
    return isAnswered ? undefined : VMX_EXIT.apicAccess;
  }

  /** The same for a write. @param inService the highest vector in service, SVI, or -1. */
  write(offset: number, value: number, inService: number): number | undefined {
    const register = offset >> 4;
    const delivers = this.hasSecondary(SECONDARY.virtualInterruptDelivery);
    switch (register) {
      case APIC.taskPriority:
        return this.has(PROCESSOR.tprShadow) ? undefined : VMX_EXIT.apicAccess;
      case APIC.endOfInterrupt:
        if (delivers) return this.leavesAtEnd(inService) ? VMX_EXIT.virtualizedEoi : undefined;
        break;
      case APIC.commandLow:
        if (delivers) return isSelfIpi(value) ? undefined : VMX_EXIT.apicWrite;
        break;
      case APIC.commandHigh:
        if (this.hasSecondary(SECONDARY.apicRegisterVirtualization)) return undefined;
        break;
    }
    const isTaken = this.hasSecondary(SECONDARY.apicRegisterVirtualization) && WRITABLE.has(register);
    return isTaken ? VMX_EXIT.apicWrite : VMX_EXIT.apicAccess;
  }

  /**
   * Whether an RDMSR or WRMSR that the MSR bitmaps let pass is the virtual-APIC page's (30.5); all others would reach the processor's
   * own local APIC.
   */
  virtualizesMsr(msr: number, isWrite: boolean): boolean {
    if (msr < X2APIC_FIRST || msr > X2APIC_LAST || !this.hasSecondary(SECONDARY.virtualizeX2Apic))
      return false;
    const register = msr - X2APIC_FIRST;
    if (register === APIC.taskPriority) return true;
    if (!isWrite) return this.hasSecondary(SECONDARY.apicRegisterVirtualization);
    const isDelivery = register === APIC.endOfInterrupt || register === APIC.selfIpi;
    return isDelivery && this.hasSecondary(SECONDARY.virtualInterruptDelivery);
  }

  /**
   * The exit after a virtualized WRMSR of EDX:EAX, VMX_EXIT.…; undefined: none, or it faults, for what is reserved is not 0.
   * @param inService as of `write`.
   */
  writeMsr(msr: number, low: number, high: number, inService: number): number | undefined {
    if (!this.virtualizesMsr(msr, true) || high !== 0) return undefined;
    switch (msr - X2APIC_FIRST) {
      case APIC.endOfInterrupt:
        return low === 0 && this.leavesAtEnd(inService) ? VMX_EXIT.virtualizedEoi : undefined;
      case APIC.selfIpi:
        return low >>> 0 < FIRST_LEGAL_VECTOR ? VMX_EXIT.apicWrite : undefined;
      default:
        return undefined;
    }
  }

  /** The EOI-exit bitmap (25.6.8). */
  private leavesAtEnd(vector: number): boolean {
    if (vector < 0) return false;
    const field = FIELD.eoiExitBitmap0 + (vector >> 6);
    const half = (vector & 32) === 0 ? this.vmcs.low(field) : this.vmcs.high(field);
    return ((half >>> (vector & 31)) & 1) !== 0;
  }

  /** Which vectors' ends leave. */
  set endExits(vectors: Iterable<number>) {
    for (let word = 0; word < 4; word++) this.vmcs.set(FIELD.eoiExitBitmap0 + word, 0, 0);
    for (const vector of vectors) {
      const field = FIELD.eoiExitBitmap0 + (vector >> 6);
      const bit = 1 << (vector & 31);
      const isLow = (vector & 32) === 0;
      this.vmcs.set(
        field,
        this.vmcs.low(field) | (isLow ? bit : 0),
        this.vmcs.high(field) | (isLow ? 0 : bit),
      );
    }
  }

  private has(control: number): boolean {
    return (this.vmcs.low(FIELD.processorControls) & control) !== 0;
  }

  private hasSecondary(control: number): boolean {
    return this.has(PROCESSOR.secondaryControls) && (this.vmcs.low(FIELD.secondaryControls) & control) !== 0;
  }
}

/** Self-IPI virtualization (30.1.5, 30.4.3.2). */
const isSelfIpi = (command: number): boolean =>
  (command & NO_SELF_IPI) === 0 &&
  command >>> COMMAND_SHORTHAND_SHIFT === SHORTHAND.self &&
  (command & LEGAL_VECTOR) !== 0;
