/**
 * The kernel side's module for VT-x: a VMCS set up as KVM does (Linux arch/x86/kvm/vmx), its exits in common words, and entries.
 * Ports, HLT, CPUID and most MSRs leave; the guest owns CR3 and page faults under EPT, and the bits of CR0 and CR4 that only
 * concern itself.
 */
import { EXIT } from "../../events/exit-reasons.js";
import { OWNER } from "../../events/memory-owners.js";
import type { AssistFeature } from "../../events/profiles/assist.js";
import { type Hfn, PAGE_BYTES } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { CR0, CR4, EFER } from "../../machine/cpu/control-bits.js";
import type { Vectoring } from "../../machine/cpu/interception.js";
import { EVENT_KIND } from "../../machine/cpu/interrupts/raise.js";
import { CR0_WORD, CR4_WORD, EFER_WORD } from "../../machine/cpu/places.js";
import { EXCEPTION } from "../../machine/cpu/state.js";
import type { LocalApic } from "../../machine/devices/apic/local-apic.js";
import { REGISTER as APIC } from "../../machine/devices/apic/registers.js";
import { APIC_ACCESS_WRITE } from "../../machine/vmx/apic-virtualization.js";
import { type Allowed, CR4_VMXE, VmxCapabilities } from "../../machine/vmx/capabilities.js";
import {
  ENTRY_CONTROL,
  EVENT_TYPE,
  EXIT_CONTROL,
  INFO,
  PIN,
  PROCESSOR,
  SECONDARY,
} from "../../machine/vmx/controls.js";
import { VMX_EXIT } from "../../machine/vmx/exit-reasons.js";
import { FIELD } from "../../machine/vmx/fields.js";
import { EPT_QUALIFICATION, VmxInterception } from "../../machine/vmx/interception.js";
import { PostedInterrupts } from "../../machine/vmx/posted-interrupts.js";
import { VmxUnit } from "../../machine/vmx/unit.js";
import { REVISION, Vmcs } from "../../machine/vmx/vmcs.js";
import type { Instruction } from "../../machine/x86/instruction.js";
import { invariant } from "../../util/errors.js";
import { PauseWindow } from "./pause-window.js";
import {
  type ApicAssist,
  type ApicExit,
  type ExitKind,
  UNKNOWN_PAGE,
  type Vendor,
  WATCHED_EXCEPTIONS,
} from "./vendor.js";
import { VmxMsrBitmaps } from "./vmx-msr-bitmaps.js";

export interface VmxSetup {
  /** Root of the EPT; undefined under shadow paging. */
  readonly eptRoot: number | undefined;
  readonly accessedDirty: boolean;
  /** VPID; 0: no tags. */
  readonly vpid: number;
  /** Guest-physical frame of the identity tables, where the processor's guests cannot do without paging. */
  readonly identityRoot: number | undefined;
  readonly apicAssist: ApicAssist;
  readonly pauseLoopExiting: boolean;
}

const KINDS: Readonly<Partial<Record<number, ExitKind>>> = {
  [VMX_EXIT.exceptionOrNmi]: "exception",
  [VMX_EXIT.tripleFault]: "triple-fault",
  [VMX_EXIT.interruptWindow]: "interrupt-window",
  [VMX_EXIT.nmiWindow]: "nmi-window",
  [VMX_EXIT.tprBelowThreshold]: "tpr-threshold",
  [VMX_EXIT.taskSwitch]: "task-switch",
  [VMX_EXIT.cpuid]: "cpuid",
  [VMX_EXIT.hlt]: "halt",
  [VMX_EXIT.pause]: "pause",
  [VMX_EXIT.invd]: "cache-flush",
  [VMX_EXIT.wbinvd]: "cache-flush",
  [VMX_EXIT.invlpg]: "invalidate-page",
  [VMX_EXIT.invpcid]: "invalidate-page",
  [VMX_EXIT.rdpmc]: "time-stamp",
  [VMX_EXIT.rdtsc]: "time-stamp",
  [VMX_EXIT.rdtscp]: "time-stamp",
  [VMX_EXIT.vmcall]: "hypercall",
  [VMX_EXIT.controlRegister]: "control-register",
  [VMX_EXIT.debugRegister]: "debug-register",
  [VMX_EXIT.io]: "port",
  [VMX_EXIT.rdmsr]: "msr-read",
  [VMX_EXIT.wrmsr]: "msr-write",
  [VMX_EXIT.gdtrOrIdtr]: "descriptor-table",
  [VMX_EXIT.ldtrOrTr]: "descriptor-table",
  [VMX_EXIT.eptViolation]: "violation",
  [VMX_EXIT.virtualizedEoi]: "apic-end",
  [VMX_EXIT.apicWrite]: "apic-write",
};

/** What KVM wants of the controls; what a processor lacks is left out. */
const WANTED_PIN = PIN.externalInterruptExiting | PIN.nmiExiting | PIN.virtualNmis;
const WANTED_PROCESSOR =
  PROCESSOR.tscOffsetting |
  PROCESSOR.hltExiting |
  PROCESSOR.mwaitExiting |
  PROCESSOR.rdpmcExiting |
  PROCESSOR.tprShadow |
  PROCESSOR.movDrExiting |
  PROCESSOR.unconditionalIoExiting |
  PROCESSOR.msrBitmaps |
  PROCESSOR.monitorExiting |
  PROCESSOR.secondaryControls;
const WANTED_SECONDARY = SECONDARY.virtualizeApicAccesses | SECONDARY.rdtscp | SECONDARY.invpcid;
/** Module parameter enable_apicv; on by default. */
const APICV = SECONDARY.apicRegisterVirtualization | SECONDARY.virtualInterruptDelivery;
const WANTED_EXIT =
  EXIT_CONTROL.saveDebugControls |
  EXIT_CONTROL.hostAddressSpaceSize |
  EXIT_CONTROL.acknowledgeInterrupt |
  EXIT_CONTROL.loadEfer |
  EXIT_CONTROL.saveEfer;
const WANTED_ENTRY = ENTRY_CONTROL.loadDebugControls | ENTRY_CONTROL.loadEfer;
const CR3_EXITING = PROCESSOR.cr3LoadExiting | PROCESSOR.cr3StoreExiting;
/** Under shadow paging it looks at page faults too. */
const PAGE_FAULT = 1 << EXCEPTION.PF;
/** Bits that the guest may change without an exit, under EPT (KVM_POSSIBLE_CR0_GUEST_BITS and CR4's). */
const GUEST_CR0 = CR0.TS | CR0.WP;
const GUEST_CR4 = CR4.PVI | CR4.DE | CR4.PCE | CR4.OSFXSR | CR4.OSXMMEXCPT | CR4.PGE | CR4.TSD | CR4.FSGSBASE;
const FRAME_WORDS = 1024;
const APIC_PAGE = 0xfee0_0000;
const END_OF_INTERRUPT = APIC.endOfInterrupt << 4;
/** Selectors of the host's. */
const HOST_CODE = 0x10;
const HOST_DATA = 0x18;
const HOST_TASK = 0x40;

/** EPT pointer (25.6.11). */
const WRITE_BACK = 6;
const WALK_OF_FOUR = 3 << 3;
const EPT_ACCESSED_DIRTY = 0x40;
/** POSTED_INTR_VECTOR of Linux. */
const POSTED_VECTOR = 0xf2;

/** Module parameters ple_gap, ple_window and ple_window_max of KVM, cycles. */
const PAUSE_LOOP = { gap: 128, window: 4096, most: 0xffff_ffff } as const;

/** CPUIDs of Nehalem and Westmere, whose timers count wrong (erratum AAK139 and its like; cpu_has_broken_vmx_preemption_timer). */
const BROKEN_TIMERS: ReadonlySet<number> = new Set([0x1_06a5, 0x2_06c2]);
/** The machine knows the guest's next deadline itself: the field holds the longest count. */
const LONGEST_COUNT = -1;

/** Frames of the monitor's own that VMX operation takes. */
interface ControlFrames {
  readonly vmxon: Hfn;
  readonly vmcs: Hfn;
  readonly msrBitmaps: Hfn;
  readonly virtualApic: Hfn;
  /** Of the posted-interrupt descriptor. */
  readonly postedInterrupts: Hfn;
}

export class VmxVendor implements Vendor {
  readonly interception = new VmxInterception();
  readonly deliversInterrupts: boolean;
  readonly postsInterrupts: boolean;
  readonly nmiWindowExits = 1;
  readonly hasPreemptionTimer: boolean;
  readonly pauseWindow = new PauseWindow(PAUSE_LOOP.window, PAUSE_LOOP.most, (cycles) =>
    this.unit.current!.set(FIELD.pleWindow, cycles | 0),
  );
  private readonly hasTprShadow: boolean;
  private readonly hasApicAccess: boolean;
  private apic: LocalApic | undefined;
  /** The guest's local APIC is in x2APIC mode, and the controls are as it wants. */
  private isX2Apic = false;
  private msrBitmaps!: VmxMsrBitmaps;
  private posted!: PostedInterrupts;
  unit!: VmxUnit;
  private readonly capabilities: VmxCapabilities;
  private readonly isUnrestricted: boolean;
  private frames!: ControlFrames;

  constructor(
    private readonly hardware: CodeMachine,
    private readonly setup: VmxSetup,
  ) {
    const { profile } = hardware.machine;
    const has = (feature: AssistFeature): boolean => profile.features.assist.includes(feature);
    this.capabilities = new VmxCapabilities(profile);
    this.deliversInterrupts = has("VIRTUAL-INTERRUPTS") && setup.apicAssist !== "off";
    this.postsInterrupts = has("POSTED-INTERRUPTS") && this.deliversInterrupts;
    this.hasTprShadow = has("TPR-SHADOW");
    this.hasApicAccess = has("VIRTUAL-APIC");
    this.hasPreemptionTimer = has("PREEMPTION-TIMER") && !BROKEN_TIMERS.has(profile.identity.signature);
    this.isUnrestricted = setup.eptRoot !== undefined && setup.identityRoot === undefined;
  }

  start(): string | undefined {
    const { machine, system } = this.hardware;
    this.unit ??= new VmxUnit(machine, system, this.capabilities);
    const { unit } = this;
    unit.guest.virtualInterrupts = this.apic;
    if (!unit.isOn) this.allocate();
    else unit.vmclear(unit.current!.frame);
    const vmcs = new Vmcs(machine.ram, this.frames.vmcs);
    unit.vmptrld(this.frames.vmcs);
    this.posted = new PostedInterrupts(machine.ram, this.frames.postedInterrupts * PAGE_BYTES);
    this.posted.clear(POSTED_VECTOR);
    this.interception.connect(machine, system.core, unit);
    this.writeControls(vmcs);
    this.writeHost(vmcs);
    this.writeGuest(vmcs);
    return this.refusal(unit.vmlaunch());
  }

  enter(): string | undefined {
    return this.refusal(this.unit.vmresume());
  }

  get exit(): ExitKind {
    return KINDS[this.low(FIELD.exitReason)] ?? "undefined";
  }
  get instruction(): Instruction {
    return this.interception.left;
  }
  get exceptionVector(): number {
    return this.low(FIELD.exitInterruptionInfo) & INFO.vectorMask;
  }
  get exceptionCode(): number {
    return this.low(FIELD.exitErrorCode);
  }
  get port(): number {
    return this.low(FIELD.exitQualification) >>> 16;
  }
  get violationFrame(): number {
    return Math.floor(this.violationAddress / PAGE_BYTES);
  }
  get violationAddress(): number {
    return this.unit.current!.unsigned(FIELD.guestPhysicalAddress);
  }
  get violationIsWrite(): boolean {
    return (this.low(FIELD.exitQualification) & EPT_QUALIFICATION.write) !== 0;
  }
  get violationIsData(): boolean {
    const { fetch, isPage } = EPT_QUALIFICATION;
    return (this.low(FIELD.exitQualification) & (fetch | isPage)) === isPage;
  }
  get vectoring(): Vectoring | undefined {
    const info = this.low(FIELD.idtVectoringInfo);
    if ((info & INFO.valid) === 0) return undefined;
    const type = (info >>> INFO.typeShift) & INFO.typeMask;
    const isExternal = type === EVENT_TYPE.externalInterrupt || type === EVENT_TYPE.nmi;
    const isException = type === EVENT_TYPE.hardwareException;
    return {
      vector: info & INFO.vectorMask,
      kind: isExternal ? EVENT_KIND.external : isException ? EVENT_KIND.exception : EVENT_KIND.software,
      errorCode: this.low(FIELD.idtVectoringErrorCode),
    };
  }

  interrupted(isCounted: boolean): void {
    this.interception.note(isCounted ? VMX_EXIT.preemptionTimer : VMX_EXIT.externalInterrupt, 0);
  }

  setWindow(open: boolean): void {
    this.setProcessorControl(PROCESSOR.interruptWindowExiting, open);
  }

  setNmiWindow(open: boolean): void {
    if ((this.capabilities.processor.mayBe & PROCESSOR.nmiWindowExiting) !== 0)
      this.setProcessorControl(PROCESSOR.nmiWindowExiting, open);
  }

  connectApic(apic: LocalApic): void {
    this.apic = apic;
  }

  apicExit(offset: number, isWrite: boolean, value: number): ApicExit | undefined {
    if (!this.hasApicAccess || this.isX2Apic) return UNKNOWN_PAGE;
    const { apic: page } = this.interception;
    const { served } = this.apic!;
    const reason = isWrite ? page.write(offset, value, served) : page.read(offset);
    switch (reason) {
      case undefined:
        return undefined;
      case VMX_EXIT.virtualizedEoi:
        this.interception.note(reason, served);
        return { reason: EXIT.end_of_interrupt, isEmulated: false };
      case VMX_EXIT.apicWrite:
        this.interception.note(reason, offset);
        return { reason: EXIT.apic_write, isEmulated: false };
      default:
        this.interception.note(reason, offset | (isWrite ? APIC_ACCESS_WRITE : 0));
        // KVM decodes no instruction for an EOI (module parameter fasteoi).
        return { reason: EXIT.apic_access, isEmulated: !isWrite || offset !== END_OF_INTERRUPT };
    }
  }

  setEndExits(vectors: readonly number[]): void {
    if (this.deliversInterrupts) this.interception.apic.endExits = vectors;
  }

  virtualizesMsr(msr: number, isWrite: boolean): boolean {
    return this.interception.apic.virtualizesMsr(msr, isWrite);
  }

  post(vector: number): void {
    this.posted.post(vector);
  }

  takePosted(): boolean {
    const { posted } = this;
    if (!posted.isOutstanding) return false;
    posted.take((vector) => this.apic!.request(vector));
    return true;
  }

  setDebugExiting(on: boolean): void {
    this.setProcessorControl(PROCESSOR.movDrExiting, on);
  }

  registersChanged(): void {
    this.controlsChanged();
    this.unit.touch();
  }

  /** GUEST_CR0 and GUEST_CR4 get their real values, and the entry control the guest's mode. */
  controlsChanged(): void {
    const { unit } = this;
    const { words } = this.hardware.system.core;
    const isPaging = (words[CR0_WORD]! & CR0.PG) !== 0;
    const isConcealed = !isPaging && !this.isUnrestricted;
    const always = this.isUnrestricted ? CR0.NE : CR0.NE | CR0.PE | CR0.PG;
    // What is walked while the guest believes paging is off has the 32-bit format, with 4 MiB pages.
    const cr4 = isConcealed ? (words[CR4_WORD]! | CR4.PSE) & ~CR4.PAE : words[CR4_WORD]!;
    const isCr3Mine = isConcealed || this.setup.eptRoot === undefined;
    this.setProcessorControl(CR3_EXITING, isCr3Mine);
    this.renew(FIELD.guestCr0, words[CR0_WORD]! | always);
    this.renew(FIELD.guestCr4, cr4 | CR4_VMXE);
    // The monitor's own root, which no check need look at.
    if (isCr3Mine) {
      const root = this.setup.identityRoot ?? this.hardware.machine.mmu.walker.root;
      unit.current!.setUnsigned(FIELD.guestCr3, root * PAGE_BYTES);
    }
    const entry = unit.current!.low(FIELD.entryControls) & ~ENTRY_CONTROL.ia32eModeGuest;
    const isLong = (words[EFER_WORD]! & EFER.LMA) !== 0;
    // As KVM has it: LME is real in IA-32e mode only, for the identity tables' paging is not that mode's.
    this.renew(FIELD.guestEfer, isLong ? words[EFER_WORD]! : words[EFER_WORD]! & ~EFER.LME);
    this.renew(FIELD.entryControls, isLong ? entry | ENTRY_CONTROL.ia32eModeGuest : entry);
    if (this.apic !== undefined && this.apic.isX2Apic !== this.isX2Apic) this.switchApicMode();
  }

  /** The page of the local APIC or its MSRs are virtualized, never both (vmx_set_virtual_apic_mode). */
  private switchApicMode(): void {
    this.isX2Apic = this.apic!.isX2Apic;
    const { virtualizeApicAccesses, virtualizeX2Apic } = SECONDARY;
    const { mayBe } = this.capabilities.secondary;
    const others = this.low(FIELD.secondaryControls) & ~(virtualizeApicAccesses | virtualizeX2Apic);
    const mode = this.isX2Apic ? virtualizeX2Apic : virtualizeApicAccesses;
    this.renew(FIELD.secondaryControls, others | (mode & mayBe));
    const isVirtualized = this.isX2Apic && (mode & mayBe) !== 0;
    this.msrBitmaps.setX2Apic(
      !isVirtualized ? "none" : this.deliversInterrupts ? "delivery" : "task-priority",
    );
  }

  /** Writes a field if that changes it: what is written is checked at the next entry. */
  private renew(field: number, value: number): void {
    if (this.low(field) !== value) this.unit.write(field, value);
  }

  private allocate(): void {
    const { machine } = this.hardware;
    const take = (): Hfn => {
      const frame = machine.frames.takeBacked(OWNER.control_blocks);
      machine.ram.fill(0, frame * FRAME_WORDS, (frame + 1) * FRAME_WORDS);
      return frame;
    };
    const frames = {
      vmxon: take(),
      vmcs: take(),
      msrBitmaps: take(),
      virtualApic: take(),
      postedInterrupts: take(),
    };
    this.frames = frames;
    for (const frame of [frames.vmxon, frames.vmcs]) new Vmcs(machine.ram, frame).revision = REVISION;
    this.msrBitmaps = new VmxMsrBitmaps(machine.ram, frames.msrBitmaps);
    const on = this.unit.vmxon(frames.vmxon);
    invariant(on.kind === "succeed", "VMX operation begins");
  }

  private writeControls(vmcs: Vmcs): void {
    this.isX2Apic = false;
    this.msrBitmaps.setX2Apic("none");
    const { capabilities, setup } = this;
    const adjust = ({ mustBe, mayBe }: Allowed, wanted: number): number => mustBe | (wanted & mayBe);
    const nested =
      (this.deliversInterrupts ? APICV : 0) |
      (setup.pauseLoopExiting ? SECONDARY.pauseLoopExiting : 0) |
      (setup.eptRoot === undefined ? 0 : SECONDARY.ept) |
      (this.isUnrestricted ? SECONDARY.unrestrictedGuest : 0) |
      (setup.vpid === 0 ? 0 : SECONDARY.vpid);
    const shadow =
      setup.eptRoot === undefined
        ? PROCESSOR.invlpgExiting | PROCESSOR.cr3LoadExiting | PROCESSOR.cr3StoreExiting
        : 0;
    const cr8 = this.hasTprShadow ? 0 : PROCESSOR.cr8LoadExiting | PROCESSOR.cr8StoreExiting;
    const timer = this.hasPreemptionTimer ? PIN.preemptionTimer : 0;
    const posted = this.postsInterrupts ? PIN.postedInterrupts : 0;
    vmcs.setAll({
      pinControls: adjust(capabilities.pin, WANTED_PIN | timer | posted),
      preemptionTimer: LONGEST_COUNT,
      pleGap: PAUSE_LOOP.gap,
      pleWindow: this.pauseWindow.size | 0,
      processorControls: adjust(capabilities.processor, WANTED_PROCESSOR | shadow | cr8),
      secondaryControls: adjust(capabilities.secondary, WANTED_SECONDARY | nested),
      exitControls: adjust(capabilities.exit, WANTED_EXIT),
      entryControls: adjust(capabilities.entry, WANTED_ENTRY),
      exceptionBitmap: WATCHED_EXCEPTIONS | (setup.eptRoot === undefined ? PAGE_FAULT : 0),
      cr0Mask: ~GUEST_CR0,
      cr4Mask: setup.eptRoot === undefined ? ~(GUEST_CR4 & ~CR4.PGE) : ~GUEST_CR4,
      vpid: setup.vpid,
      msrBitmaps: this.frames.msrBitmaps * PAGE_BYTES,
      virtualApicAddress: this.frames.virtualApic * PAGE_BYTES,
      apicAccessAddress: APIC_PAGE,
      postedInterruptDescriptor: this.frames.postedInterrupts * PAGE_BYTES,
      postedInterruptVector: POSTED_VECTOR,
    });
    if (setup.eptRoot !== undefined) {
      const flags = WRITE_BACK | WALK_OF_FOUR | (setup.accessedDirty ? EPT_ACCESSED_DIRTY : 0);
      vmcs.setUnsigned(FIELD.eptPointer, setup.eptRoot * PAGE_BYTES + flags);
    }
  }

  private writeHost(vmcs: Vmcs): void {
    vmcs.setAll({
      hostCr0: CR0.PE | CR0.NE | CR0.WP | CR0.PG,
      hostCr4: CR4.PAE | CR4_VMXE,
      hostEfer: EFER.SCE | EFER.LME | EFER.LMA | EFER.NXE,
      hostCsSelector: HOST_CODE,
      hostSsSelector: HOST_DATA,
      hostTrSelector: HOST_TASK,
    });
  }

  /** As KVM_SET_SREGS and KVM_SET_REGS: what the registers are becomes the guest-state area. */
  private writeGuest(vmcs: Vmcs): void {
    const { unit } = this;
    this.controlsChanged();
    unit.guest.store();
    vmcs.set(FIELD.vmcsLinkPointer, -1, -1);
  }

  private low(field: number): number {
    return this.unit.current!.low(field);
  }

  private setProcessorControl(control: number, on: boolean): void {
    const vmcs = this.unit.current!;
    const controls = vmcs.low(FIELD.processorControls);
    vmcs.set(FIELD.processorControls, on ? controls | control : controls & ~control);
  }

  private refusal(result: ReturnType<VmxUnit["vmlaunch"]>): string | undefined {
    switch (result.kind) {
      case "entered":
        return undefined;
      case "invalid-guest-state":
        return `the processor refuses the guest's state: ${result.check}`;
      case "fail-valid":
        return `VM entry failed with error ${result.error}${result.check === undefined ? "" : `: ${result.check}`}`;
      case "fail-invalid":
        return "VM entry failed: no current VMCS";
    }
  }
}
