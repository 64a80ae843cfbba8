/**
 * What the kernel side needs of VT-x or AMD-V, in words that both have: which of its exits happened, and how to go on. As in
 * KVM the two are modules under one common part.
 */
import type { Interception, Vectoring } from "../../machine/cpu/interception.js";
import { EXCEPTION } from "../../machine/cpu/state.js";
import type { Instruction } from "../../machine/x86/instruction.js";

/** Exceptions that KVM always looks at, bits. */
export const WATCHED_EXCEPTIONS =
  (1 << EXCEPTION.UD) | (1 << EXCEPTION.DB) | (1 << EXCEPTION.AC) | (1 << EXCEPTION.MC);

/** Kinds of exits, by what the kernel side does. */
export type ExitKind =
  | "violation"
  | "exception"
  | "interrupt-window"
  | "tpr-threshold"
  | "triple-fault"
  | "cpuid"
  | "halt"
  | "port"
  | "msr-read"
  | "msr-write"
  | "control-register"
  | "debug-register"
  | "descriptor-table"
  | "time-stamp"
  | "cache-flush"
  | "invalidate-page"
  | "hypercall"
  | "task-switch"
  /** Instructions that this monitor's guests do not have: #UD. */
  | "undefined";

export interface Vendor {
  readonly interception: Interception;
  /** Virtual interrupts reach the guest without exit or injection (APICv). */
  readonly deliversInterrupts: boolean;
  /** The hardware keeps the task priority: MOV to CR8 leaves only below the threshold. */
  readonly hasTprShadow: boolean;
  /** An access to the local APIC's page is an exit of its own, which tells the register. */
  readonly hasApicAccess: boolean;
  /** The hardware answers most reads of that page, and completes its writes. */
  readonly hasApicRegisters: boolean;

  /** The processor counts down to the guest's next timer interrupt and leaves then (VMX-preemption timer). */
  readonly hasPreemptionTimer: boolean;

  /** The guest's registers have been set: makes the control block theirs, and enters. */
  start(): string | undefined;
  /** Enters again. Returns why the hardware refused, if it did. */
  enter(): string | undefined;

  /** What left. */
  readonly exit: ExitKind;
  /** The instruction that left. */
  readonly instruction: Instruction;
  /** Of "exception". */
  readonly exceptionVector: number;
  readonly exceptionCode: number;
  /** Of "port". */
  readonly port: number;
  /** Of "violation": the guest frame, and the guest-physical address of what was referred to. */
  readonly violationFrame: number;
  readonly violationAddress: number;
  readonly violationIsWrite: boolean;
  /** It was an access to data: neither to code nor to a page table. */
  readonly violationIsData: boolean;
  /** What was being delivered when it left. */
  readonly vectoring: Vectoring | undefined;

  /** The guest was interrupted: by the processor's own count, or by the host. */
  interrupted(isCounted: boolean): void;
  /** Has the guest leave, or not, once it can take an interrupt. */
  setWindow(open: boolean): void;
  /** The guest leaves, or not, at MOV of debug registers. */
  setDebugExiting(on: boolean): void;
  /** The user side set registers: all of them are looked at before the next entry. */
  registersChanged(): void;
  /** Control registers were changed for the guest: what is real of them follows. */
  controlsChanged(): void;
}
