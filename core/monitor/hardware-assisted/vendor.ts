/**
 * What the kernel side needs of VT-x or AMD-V, in words that both have: which of its exits happened, and how to go on. As in
 * KVM the two are modules under one common part.
 */
import { EXIT } from "../../events/exit-reasons.js";
import type { Interception, Vectoring } from "../../machine/cpu/interception.js";
import { EXCEPTION } from "../../machine/cpu/state.js";
import type { LocalApic } from "../../machine/devices/apic/local-apic.js";
import type { Instruction } from "../../machine/x86/instruction.js";
import type { PauseWindow } from "./pause-window.js";

/** Exceptions that KVM always looks at, bits. */
export const WATCHED_EXCEPTIONS =
  (1 << EXCEPTION.UD) | (1 << EXCEPTION.DB) | (1 << EXCEPTION.AC) | (1 << EXCEPTION.MC);

/** An access to an APIC's page that leaves. */
export interface ApicExit {
  /** EXIT.… */
  readonly reason: number;
  /** The instruction is fetched, decoded and emulated; else the exit tells all there is to know. */
  readonly isEmulated: boolean;
}
/** Where the hardware knows nothing of APICs: a violation like any other. */
export const UNKNOWN_PAGE: ApicExit = { reason: EXIT.mmio_kernel, isEmulated: true };

/** Whether interrupts are the hardware's (APICv, AVIC): by the modules' default, or by their parameter. */
export type ApicAssist = "kvm" | "on" | "off";

/** Kinds of exits, by what the kernel side does. */
export type ExitKind =
  | "violation"
  | "exception"
  | "interrupt-window"
  | "nmi-window"
  | "tpr-threshold"
  | "triple-fault"
  | "cpuid"
  | "halt"
  | "pause"
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
  /** WRMSR to a register of the local APIC that the hardware has virtualized in part. */
  | "apic-end"
  | "apic-write"
  /** Instructions that this monitor's guests do not have: #UD. */
  | "undefined";

export interface Vendor {
  readonly interception: Interception;
  /** Virtual interrupts of the local APIC reach the guest without exit or injection (APICv, AVIC). */
  readonly deliversInterrupts: boolean;
  /** And those that other processors send, while it runs (posted interrupts, AVIC's doorbell). */
  readonly postsInterrupts: boolean;
  /** Exits until a virtual NMI that had to wait can be injected. */
  readonly nmiWindowExits: number;

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
  /** The same for an NMI. */
  setNmiWindow(open: boolean): void;

  /** The virtual CPU's local APIC, before the first entry. */
  connectApic(apic: LocalApic): void;
  /** How an access to its page leaves; undefined: the hardware completes it. @param offset bytes. @param value of a write. */
  apicExit(offset: number, isWrite: boolean, value: number): ApicExit | undefined;
  /** Whether an access to an MSR of its that did not leave is the hardware's, on the guest's registers. */
  virtualizesMsr(msr: number, isWrite: boolean): boolean;
  /** Vectors whose ends leave, where ends are the hardware's: they concern the I/O APIC. */
  setEndExits(vectors: readonly number[]): void;
  /** Another processor has an interrupt for the guest (`postsInterrupts`). */
  post(vector: number): void;
  /** What was posted reaches IRR: at the notification, or before an entry. Returns whether anything was. */
  takePosted(): boolean;

  /** How long a loop of PAUSE lasts before it leaves. */
  readonly pauseWindow: PauseWindow;

  /** The guest leaves, or not, at MOV of debug registers. */
  setDebugExiting(on: boolean): void;
  /** The user side set registers: all of them are looked at before the next entry. */
  registersChanged(): void;
  /** Control registers were changed for the guest: what is real of them follows. */
  controlsChanged(): void;
}
