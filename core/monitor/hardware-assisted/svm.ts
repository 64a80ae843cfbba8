/**
 * The kernel side's module for AMD-V: a control block set up as KVM does (Linux arch/x86/kvm/svm), its exits in common words, and
 * VMRUN. Under nested paging the guest owns CR3, page faults and INVLPG; writes of CR0 leave where they change more than TS and MP.
 */
import { EXIT } from "../../events/exit-reasons.js";
import { OWNER } from "../../events/memory-owners.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { MSR } from "../../machine/cpu/identity/msr-numbers.js";
import type { Vectoring } from "../../machine/cpu/interception.js";
import { EVENT_KIND } from "../../machine/cpu/interrupts/raise.js";
import { EXCEPTION } from "../../machine/cpu/state.js";
import type { LocalApic } from "../../machine/devices/apic/local-apic.js";
import { REGISTER as APIC } from "../../machine/devices/apic/registers.js";
import { Avic } from "../../machine/svm/avic.js";
import { SVM_EXIT } from "../../machine/svm/exit-codes.js";
import { NPF, SvmInterception } from "../../machine/svm/interception.js";
import { msrPermissionBit } from "../../machine/svm/msr-permissions.js";
import { SvmUnit } from "../../machine/svm/unit.js";
import {
  CONTROL,
  EVENT,
  EVENT_TYPE,
  INTERCEPT_3,
  INTERCEPT_4,
  VIRTUAL_INTERRUPT,
} from "../../machine/svm/vmcb.js";
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

export interface SvmSetup {
  /** Root of the NPT; undefined under shadow paging. */
  readonly nestedRoot: number | undefined;
  readonly asid: number;
  readonly apicAssist: ApicAssist;
  readonly pauseLoopExiting: boolean;
}

const INTERCEPTS_3 =
  INTERCEPT_3.intr |
  INTERCEPT_3.nmi |
  INTERCEPT_3.cr0Selective |
  INTERCEPT_3.rdpmc |
  INTERCEPT_3.cpuid |
  INTERCEPT_3.invd |
  INTERCEPT_3.hlt |
  INTERCEPT_3.invlpga |
  INTERCEPT_3.io |
  INTERCEPT_3.msr |
  INTERCEPT_3.taskSwitch |
  INTERCEPT_3.shutdown;
const INTERCEPTS_4 =
  INTERCEPT_4.vmrun |
  INTERCEPT_4.vmmcall |
  INTERCEPT_4.vmload |
  INTERCEPT_4.vmsave |
  INTERCEPT_4.stgi |
  INTERCEPT_4.clgi |
  INTERCEPT_4.skinit |
  INTERCEPT_4.wbinvd |
  INTERCEPT_4.monitor |
  INTERCEPT_4.mwait |
  INTERCEPT_4.xsetbv;
/** Writes of CR4; under shadow paging reads and writes of CR0, CR3 and CR4. */
const CR4_WRITE = 1 << 20;
const SHADOW_CR = 0x19 | (0x19 << 16);
const ALL_DEBUG = -1;
/** MSRs that the processor keeps for the guest (svm_direct_access_msrs). */
const PASSED_THROUGH: readonly number[] = [
  MSR.star,
  MSR.sysenterCs,
  MSR.sysenterEsp,
  MSR.sysenterEip,
  MSR.fsBase,
  MSR.gsBase,
  MSR.kernelGsBase,
  MSR.lstar,
  MSR.cstar,
  MSR.fmask,
];
const APIC_PAGE = 0xfee0_0000;
const LOGICAL_DESTINATION = APIC.logicalDestination << 4;
/** IPIs by AVIC are wrong on family 17H (erratum 1235): KVM leaves the targets' running bits clear there. */
const FAMILY_WITHOUT_IPIS = 0x17;
/** Module parameters pause_filter_count, pause_filter_thresh (cycles) and pause_filter_count_max. */
const PAUSE_FILTER = { count: 3000, threshold: 128, most: 0xffff } as const;
const pauseFilter = (count: number): number => PAUSE_FILTER.threshold | (count << 16);
const FRAME_WORDS = 1024;
/** Frames of the I/O and MSR permission maps. */
const IO_FRAMES = 3;
const MSR_FRAMES = 2;

const KINDS: Readonly<Partial<Record<number, ExitKind>>> = {
  [SVM_EXIT.virtualInterrupt]: "interrupt-window",
  [SVM_EXIT.iret]: "nmi-window",
  [SVM_EXIT.cr0SelectiveWrite]: "control-register",
  [SVM_EXIT.idtrRead]: "descriptor-table",
  [SVM_EXIT.gdtrRead]: "descriptor-table",
  [SVM_EXIT.ldtrRead]: "descriptor-table",
  [SVM_EXIT.trRead]: "descriptor-table",
  [SVM_EXIT.idtrWrite]: "descriptor-table",
  [SVM_EXIT.gdtrWrite]: "descriptor-table",
  [SVM_EXIT.ldtrWrite]: "descriptor-table",
  [SVM_EXIT.trWrite]: "descriptor-table",
  [SVM_EXIT.rdtsc]: "time-stamp",
  [SVM_EXIT.rdtscp]: "time-stamp",
  [SVM_EXIT.rdpmc]: "time-stamp",
  [SVM_EXIT.taskSwitch]: "task-switch",
  [SVM_EXIT.cpuid]: "cpuid",
  [SVM_EXIT.invd]: "cache-flush",
  [SVM_EXIT.wbinvd]: "cache-flush",
  [SVM_EXIT.hlt]: "halt",
  [SVM_EXIT.pause]: "pause",
  [SVM_EXIT.invlpg]: "invalidate-page",
  [SVM_EXIT.io]: "port",
  [SVM_EXIT.shutdown]: "triple-fault",
  [SVM_EXIT.vmmcall]: "hypercall",
  [SVM_EXIT.nestedPageFault]: "violation",
};

export class SvmVendor implements Vendor {
  readonly interception = new SvmInterception();
  readonly deliversInterrupts: boolean;
  readonly postsInterrupts: boolean;
  /** IRET's intercept, and the single step over it (svm_enable_nmi_window). */
  readonly nmiWindowExits = 2;
  readonly hasPreemptionTimer = false;
  readonly pauseWindow = new PauseWindow(PAUSE_FILTER.count, PAUSE_FILTER.most, (count) =>
    this.unit.vmcb.setLow(CONTROL.pauseFilter, pauseFilter(count)),
  );
  private apic: LocalApic | undefined;
  private avic: Avic | undefined;
  /** The guest was told by the doorbell that its IRR has more. */
  private isPosted = false;
  unit!: SvmUnit;

  constructor(
    private readonly hardware: CodeMachine,
    private readonly setup: SvmSetup,
  ) {
    // Module parameter avic, off by default until Linux 6.18.
    const { profile } = hardware.machine;
    const isWanted = setup.apicAssist === "on" && setup.nestedRoot !== undefined;
    this.deliversInterrupts = isWanted && profile.features.assist.includes("AVIC");
    this.postsInterrupts = this.deliversInterrupts;
  }

  start(): string | undefined {
    const { machine, system } = this.hardware;
    if (this.unit === undefined) {
      this.unit = new SvmUnit(machine, system, this.take(1));
      this.interception.connect(machine, system.core, this.unit.vmcb);
      this.writeControls();
    }
    this.unit.adopt();
    return this.enter();
  }

  enter(): string | undefined {
    const unmet = this.unit.vmrun();
    return unmet === undefined ? undefined : `VMRUN finds the guest's state invalid: ${unmet}`;
  }

  get exit(): ExitKind {
    const code = this.low(CONTROL.exitCode);
    if (code === SVM_EXIT.msr) return this.low(CONTROL.exitInfo1) === 0 ? "msr-read" : "msr-write";
    if (code === SVM_EXIT.crWrite + 8) return "tpr-threshold";
    if (code >= 0 && code < SVM_EXIT.drRead) return "control-register";
    if (code >= SVM_EXIT.drRead && code < SVM_EXIT.exception) return "debug-register";
    if (code >= SVM_EXIT.exception && code < SVM_EXIT.intr) return "exception";
    return KINDS[code] ?? "undefined";
  }
  get instruction(): Instruction {
    return this.interception.left;
  }
  get exceptionVector(): number {
    return this.low(CONTROL.exitCode) - SVM_EXIT.exception;
  }
  get exceptionCode(): number {
    return this.low(CONTROL.exitInfo1);
  }
  get port(): number {
    return this.low(CONTROL.exitInfo1) >>> 16;
  }
  get violationFrame(): number {
    return Math.floor(this.violationAddress / 4096);
  }
  get violationAddress(): number {
    return this.unit.vmcb.unsigned(CONTROL.exitInfo2);
  }
  get violationIsWrite(): boolean {
    return (this.low(CONTROL.exitInfo1) & NPF.write) !== 0;
  }
  get violationIsData(): boolean {
    const isTable = (this.unit.vmcb.high(CONTROL.exitInfo1) & NPF.tableHigh) !== 0;
    return !isTable && (this.low(CONTROL.exitInfo1) & NPF.fetch) === 0;
  }
  get vectoring(): Vectoring | undefined {
    const info = this.low(CONTROL.exitInterruptInfo);
    if ((info & EVENT.valid) === 0) return undefined;
    const type = (info >>> EVENT.typeShift) & EVENT.typeMask;
    return {
      vector: info & EVENT.vectorMask,
      kind:
        type === EVENT_TYPE.exception
          ? EVENT_KIND.exception
          : type === EVENT_TYPE.software
            ? EVENT_KIND.software
            : EVENT_KIND.external,
      errorCode: this.unit.vmcb.high(CONTROL.exitInterruptInfo),
    };
  }

  interrupted(): void {
    this.interception.note(SVM_EXIT.intr);
  }

  /** V_IRQ with the VINTR intercept: the guest leaves when it could take a virtual interrupt (svm_set_vintr). */
  setWindow(open: boolean): void {
    const { vmcb } = this.unit;
    const virtual = this.low(CONTROL.virtualInterrupt);
    const set = (value: number, bit: number): number => (open ? value | bit : value & ~bit);
    vmcb.setLow(CONTROL.intercept3, set(this.low(CONTROL.intercept3), INTERCEPT_3.virtualInterrupt));
    vmcb.setLow(CONTROL.virtualInterrupt, set(virtual, VIRTUAL_INTERRUPT.irq));
  }

  /** Nothing to set: what is told of IRET comes when the NMI can be taken (SvmInterception.nmi). */
  setNmiWindow(): void {}

  connectApic(apic: LocalApic): void {
    this.apic = apic;
  }

  apicExit(offset: number, isWrite: boolean, value: number): ApicExit | undefined {
    const { avic } = this;
    if (avic === undefined) return UNKNOWN_PAGE;
    const apic = this.apic!;
    const exit = isWrite
      ? avic.write(offset, value, apic.read(APIC.commandHigh), apic.servesLevel ? apic.served : -1)
      : avic.read(offset);
    if (exit === undefined) return undefined;
    if (isWrite && offset === LOGICAL_DESTINATION) avic.setLogical(value);
    if (exit.code === SVM_EXIT.avicIncompleteIpi) return { reason: EXIT.incomplete_ipi, isEmulated: false };
    if (exit.isFault) return { reason: EXIT.apic_access, isEmulated: true };
    const isEnd = offset === APIC.endOfInterrupt << 4;
    return { reason: isEnd ? EXIT.end_of_interrupt : EXIT.apic_write, isEmulated: false };
  }

  /** AVIC virtualizes the page alone; x2AVIC came with Zen 4. */
  virtualizesMsr(): boolean {
    return false;
  }

  /** AVIC knows by TMR whose ends leave. */
  setEndExits(): void {}

  /** To the backing page's IRR, and the doorbell rings. */
  post(vector: number): void {
    this.isPosted = true;
    this.apic!.request(vector);
  }

  takePosted(): boolean {
    const { isPosted } = this;
    this.isPosted = false;
    return isPosted;
  }

  setDebugExiting(on: boolean): void {
    this.unit.vmcb.setLow(CONTROL.interceptDr, on ? ALL_DEBUG : 0);
  }

  registersChanged(): void {
    this.unit.adopt();
  }

  /** CR0, CR4 and EFER are the guest's own; that they are consistent was checked when they were written. */
  controlsChanged(): void {}

  private low(offset: number): number {
    return this.unit.vmcb.low(offset);
  }

  /** Frames of the monitor's own, cleared. */
  private take(count: number): number {
    const { machine } = this.hardware;
    const frames = Array.from({ length: count }, () => machine.frames.takeBacked(OWNER.control_blocks));
    const first = frames[0]!;
    invariant(frames.at(-1) === first + count - 1, "frames are taken one after the other");
    machine.ram.fill(0, first * FRAME_WORDS, (first + count) * FRAME_WORDS);
    return first;
  }

  private writeControls(): void {
    const { vmcb } = this.unit;
    const { ram } = this.hardware.machine;
    const isNested = this.setup.nestedRoot !== undefined;
    const io = this.take(IO_FRAMES);
    const msr = this.take(MSR_FRAMES);
    ram.fill(-1, io * FRAME_WORDS, (io + IO_FRAMES) * FRAME_WORDS);
    ram.fill(-1, msr * FRAME_WORDS, (msr + MSR_FRAMES) * FRAME_WORDS);
    for (const register of PASSED_THROUGH) {
      const bit = msrPermissionBit(register);
      ram[msr * FRAME_WORDS + (bit >>> 5)]! &= ~(3 << (bit & 31));
    }
    vmcb.setLow(CONTROL.interceptCr, isNested ? CR4_WRITE : SHADOW_CR);
    vmcb.setLow(CONTROL.interceptDr, ALL_DEBUG);
    vmcb.setLow(
      CONTROL.interceptExceptions,
      isNested ? WATCHED_EXCEPTIONS : WATCHED_EXCEPTIONS | (1 << EXCEPTION.PF),
    );
    const pause = this.setup.pauseLoopExiting ? INTERCEPT_3.pause : 0;
    vmcb.setLow(CONTROL.intercept3, INTERCEPTS_3 | pause | (isNested ? 0 : INTERCEPT_3.invlpg));
    vmcb.setLow(CONTROL.pauseFilter, pauseFilter(this.pauseWindow.size));
    vmcb.setLow(CONTROL.intercept4, INTERCEPTS_4);
    vmcb.setUnsigned(CONTROL.ioPermissions, io * 4096);
    vmcb.setUnsigned(CONTROL.msrPermissions, msr * 4096);
    vmcb.setLow(CONTROL.asid, this.setup.asid);
    vmcb.setLow(CONTROL.virtualInterrupt, VIRTUAL_INTERRUPT.masking);
    if (!isNested) return;
    vmcb.set(CONTROL.nestedPaging, 1);
    vmcb.setUnsigned(CONTROL.nestedCr3, this.setup.nestedRoot! * 4096);
    if (this.deliversInterrupts && this.apic !== undefined) this.enableAvic();
  }

  private enableAvic(): void {
    const { vmcb } = this.unit;
    const { machine } = this.hardware;
    const [backing, logical, physical] = [this.take(1), this.take(1), this.take(1)];
    vmcb.setUnsigned(CONTROL.avicBar, APIC_PAGE);
    vmcb.setUnsigned(CONTROL.avicBackingPage, backing * 4096);
    vmcb.setUnsigned(CONTROL.avicLogicalTable, logical * 4096);
    vmcb.setUnsigned(CONTROL.avicPhysicalTable, physical * 4096);
    vmcb.setLow(CONTROL.virtualInterrupt, this.low(CONTROL.virtualInterrupt) | VIRTUAL_INTERRUPT.avic);
    this.avic = new Avic(vmcb, machine.ram);
    const family = familyOf(machine.profile.identity.signature);
    this.avic.setPhysical(backing * 4096, family !== FAMILY_WITHOUT_IPIS);
  }
}

/** CPUID 1 EAX: bits 11..8, and where they are 15 bits 27..20 more. */
function familyOf(signature: number): number {
  const base = (signature >>> 8) & 15;
  return base === 15 ? base + ((signature >>> 20) & 0xff) : base;
}
