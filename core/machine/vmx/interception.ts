/**
 * What leaves a guest in VMX non-root operation (Intel SDM vol. 3, 26), as the controls of the current VMCS say, and what the
 * VMCS is told of it (28.2): reason, qualification, instruction length, interruption and IDT-vectoring information.
 */
import { CR0 } from "../cpu/control-bits.js";
import type { Core } from "../cpu/core.js";
import { type Decision, HardwareInterception } from "../cpu/hardware-interception.js";
import { type SwitchKind, type Vectoring, VIOLATION_VECTOR } from "../cpu/interception.js";
import { EVENT_KIND, pushesErrorCode } from "../cpu/interrupts/raise.js";
import { readOperand } from "../cpu/operands.js";
import { CR0_WORD, CR4_WORD, DR6_WORD, FAULT_ADDRESS, RAX, RCX, RDX, RIP } from "../cpu/places.js";
import { EXCEPTION } from "../cpu/state.js";
import { REGISTER } from "../devices/apic/registers.js";
import type { Machine } from "../machine.js";
import type { Instruction } from "../x86/instruction.js";
import { registerMoveOf } from "../x86/register-move.js";
import { ApicVirtualization } from "./apic-virtualization.js";
import { EVENT_TYPE, INFO, PROCESSOR, SECONDARY } from "./controls.js";
import { VMX_EXIT } from "./exit-reasons.js";
import { FIELD } from "./fields.js";
import { msrBit } from "./msr-bitmaps.js";
import { PauseLoop } from "./pause-loop.js";
import type { VmxUnit } from "./unit.js";
import type { Vmcs } from "./vmcs.js";

/** Qualification of control-register accesses (table 28-3). */
const ACCESS = { to: 0, from: 1, clts: 2, lmsw: 3 } as const;
/** Of task switches (table 28-2): what began them, from bit 30. */
const TASK_SOURCE: Readonly<Record<SwitchKind, number>> = { call: 0, return: 1, jump: 2, gate: 3 };
const TASK_SOURCE_SHIFT = 30;
/** Of I/O instructions (table 28-5). */
const IO = { in: 8, string: 0x10, rep: 0x20, immediate: 0x40, portShift: 16 } as const;
/** Of EPT violations (table 28-7). */
export const EPT_QUALIFICATION = { read: 1, write: 2, fetch: 4, linearValid: 0x80, isPage: 0x100 } as const;
/** Of the APIC write that a WRMSR to SELF IPI makes: the register's offset in the page. */
const SELF_IPI_OFFSET = REGISTER.selfIpi << 4;
/** Exceptions that the bitmap's INT3 and INTO count as. */
const SOFTWARE_EXCEPTIONS: ReadonlySet<number> = new Set([EXCEPTION.BP, EXCEPTION.OF]);
const PF_BIT = 1 << EXCEPTION.PF;

export class VmxInterception extends HardwareInterception {
  /** Accesses to the local APIC, by the controls of the current VMCS. */
  apic!: ApicVirtualization;
  private unit!: VmxUnit;
  private vmcs!: Vmcs;
  private readonly pauses = new PauseLoop();
  protected readonly byName = this.decisionsByName();

  /** Once the machine is there, and whenever another VMCS became current. */
  connect(machine: Machine, core: Core, unit: VmxUnit): void {
    this.machine = machine;
    this.core = core;
    this.unit = unit;
    this.vmcs = unit.current!;
    this.apic = new ApicVirtualization(this.vmcs);
  }

  exception(vector: number, errorCode: number, during: Vectoring | undefined): boolean {
    if (vector === VIOLATION_VECTOR) return this.violation(during);
    if (!this.wants(vector, errorCode)) return false;
    const { core } = this;
    const isFault = vector === EXCEPTION.PF;
    this.exit(
      VMX_EXIT.exceptionOrNmi,
      isFault ? core.words[FAULT_ADDRESS]! : vector === EXCEPTION.DB ? core.words[DR6_WORD]! & 0xe00f : 0,
    );
    if (isFault)
      this.vmcs.set(FIELD.exitQualification, core.words[FAULT_ADDRESS]!, core.words[FAULT_ADDRESS + 1]!);
    const hasCode = pushesErrorCode(vector);
    const type = EVENT_TYPE.hardwareException << INFO.typeShift;
    this.vmcs.set(FIELD.exitInterruptionInfo, INFO.valid | type | vector | (hasCode ? INFO.errorCode : 0));
    this.vmcs.set(FIELD.exitErrorCode, hasCode ? errorCode : 0);
    this.noteVectoring(during);
    return true;
  }

  /** INT3, INTO and INT1 are exceptions to the bitmap; INT n never leaves. */
  softwareInterrupt(vector: number): boolean {
    const isException = SOFTWARE_EXCEPTIONS.has(vector) || vector === EXCEPTION.DB;
    if (!isException || (this.vmcs.low(FIELD.exceptionBitmap) & (1 << vector)) === 0) return false;
    const kind = SOFTWARE_EXCEPTIONS.has(vector)
      ? EVENT_TYPE.softwareException
      : EVENT_TYPE.privilegedSoftwareException;
    this.exit(VMX_EXIT.exceptionOrNmi, 0, (this.core.nextLow - this.core.words[RIP]!) | 0);
    this.vmcs.set(FIELD.exitInterruptionInfo, INFO.valid | (kind << INFO.typeShift) | vector);
    return true;
  }

  /**
   * A virtual interrupt that the guest could take now, and that no entry injects: it waited for the window, or for the guest to
   * lower its task priority in the TPR shadow (30.1.2).
   */
  interrupt(): boolean {
    if (this.has(PROCESSOR.interruptWindowExiting)) return this.exit(VMX_EXIT.interruptWindow, 0);
    return this.has(PROCESSOR.tprShadow) && this.exit(VMX_EXIT.tprBelowThreshold, 0);
  }

  /**
   * A virtual NMI that the guest could take now, and that no entry injects: it waited for the end of another's handler (26.2). Without
   * virtual NMIs software waits for the interrupt window instead, which here opens with IRET.
   */
  nmi(): boolean {
    return this.exit(this.has(PROCESSOR.nmiWindowExiting) ? VMX_EXIT.nmiWindow : VMX_EXIT.interruptWindow, 0);
  }

  /** No control asks for it: there are no task switches in VMX non-root operation (26.4.2). */
  taskSwitch(selector: number, kind: SwitchKind, _flags: number, during: Vectoring | undefined): boolean {
    const qualification = (selector & 0xffff) | (TASK_SOURCE[kind] << TASK_SOURCE_SHIFT);
    if (during === undefined) return this.leave(VMX_EXIT.taskSwitch, this.core.performing!, qualification);
    this.exit(VMX_EXIT.taskSwitch, qualification);
    this.noteVectoring(during);
    return true;
  }

  shutdown(): boolean {
    return this.exit(VMX_EXIT.tripleFault, 0);
  }

  /** Notes an exit that the machine does not ask about: the preemption timer, the host's interrupts, an access to the APIC. */
  note(reason: number, qualification: number): void {
    this.exit(reason, qualification);
  }

  // What leaves.

  private has(control: number): boolean {
    return (this.vmcs.low(FIELD.processorControls) & control) !== 0;
  }

  private hasSecondary(control: number): boolean {
    return this.has(PROCESSOR.secondaryControls) && (this.vmcs.low(FIELD.secondaryControls) & control) !== 0;
  }

  /** Writes the fields that every exit has (28.2.1, 28.2.5). */
  private exit(reason: number, qualification: number, length = 0): true {
    const { vmcs } = this;
    // An entry follows.
    this.pauses.forget();
    vmcs.set(FIELD.exitReason, reason);
    vmcs.set(FIELD.exitQualification, qualification);
    vmcs.set(FIELD.exitInstructionLength, length);
    vmcs.set(FIELD.exitInterruptionInfo, 0);
    vmcs.set(FIELD.idtVectoringInfo, 0);
    return true;
  }

  protected leave(reason: number, instruction: Instruction, qualification = 0): true {
    this.instructionLeft = instruction;
    return this.exit(reason, qualification, instruction.length);
  }

  private wants(vector: number, errorCode: number): boolean {
    const isSet = (this.vmcs.low(FIELD.exceptionBitmap) & (1 << vector)) !== 0;
    if (vector !== EXCEPTION.PF) return isSet;
    const matches = (errorCode & this.vmcs.low(FIELD.pageFaultMask)) === this.vmcs.low(FIELD.pageFaultMatch);
    return matches === ((this.vmcs.low(FIELD.exceptionBitmap) & PF_BIT) !== 0);
  }

  private violation(during: Vectoring | undefined): boolean {
    const { machine, core, vmcs } = this;
    const { walker } = machine.mmu;
    const linear = core.words[FAULT_ADDRESS]!;
    const access = walker.violationWrite
      ? EPT_QUALIFICATION.write
      : this.isFetchViolation(linear)
        ? EPT_QUALIFICATION.fetch
        : EPT_QUALIFICATION.read;
    const isPage = walker.violationTable ? 0 : EPT_QUALIFICATION.isPage;
    this.exit(VMX_EXIT.eptViolation, access | EPT_QUALIFICATION.linearValid | isPage);
    vmcs.setUnsigned(FIELD.guestPhysicalAddress, this.violatedAddress(linear));
    vmcs.set(FIELD.guestLinearAddress, linear, core.words[FAULT_ADDRESS + 1]!);
    this.noteVectoring(during);
    return true;
  }

  /** IDT-vectoring information (28.2.4): what was being delivered. */
  private noteVectoring(during: Vectoring | undefined): void {
    if (during === undefined) return;
    const { vector, kind, errorCode } = during;
    const isException = kind === EVENT_KIND.exception;
    const hasCode = isException && pushesErrorCode(vector);
    const type = isException
      ? EVENT_TYPE.hardwareException
      : kind === EVENT_KIND.external
        ? vector === EXCEPTION.NMI
          ? EVENT_TYPE.nmi
          : EVENT_TYPE.externalInterrupt
        : SOFTWARE_EXCEPTIONS.has(vector)
          ? EVENT_TYPE.softwareException
          : EVENT_TYPE.softwareInterrupt;
    this.vmcs.set(
      FIELD.idtVectoringInfo,
      INFO.valid | (type << INFO.typeShift) | vector | (hasCode ? INFO.errorCode : 0),
    );
    this.vmcs.set(FIELD.idtVectoringErrorCode, hasCode ? errorCode : 0);
    if (kind === EVENT_KIND.software)
      this.vmcs.set(FIELD.exitInstructionLength, (this.core.nextLow - this.core.words[RIP]!) | 0);
  }

  private decisionsByName(): Readonly<Record<string, Decision>> {
    const always =
      (reason: number): Decision =>
      (instruction) =>
        this.leave(reason, instruction);
    const under =
      (control: number, reason: number): Decision =>
      (instruction) =>
        this.has(control) && this.leave(reason, instruction);
    const underSecondary =
      (control: number, reason: number): Decision =>
      (instruction) =>
        this.hasSecondary(control) && this.leave(reason, instruction);
    const vmx = {
      VMCLEAR: VMX_EXIT.vmclear,
      VMLAUNCH: VMX_EXIT.vmlaunch,
      VMPTRLD: VMX_EXIT.vmptrld,
      VMPTRST: VMX_EXIT.vmptrst,
      VMREAD: VMX_EXIT.vmread,
      VMRESUME: VMX_EXIT.vmresume,
      VMWRITE: VMX_EXIT.vmwrite,
      VMXOFF: VMX_EXIT.vmxoff,
      VMXON: VMX_EXIT.vmxon,
      INVEPT: VMX_EXIT.invept,
      INVVPID: VMX_EXIT.invvpid,
      VMCALL: VMX_EXIT.vmcall,
      CPUID: VMX_EXIT.cpuid,
      INVD: VMX_EXIT.invd,
      XSETBV: VMX_EXIT.xsetbv,
    };
    return {
      ...this.portDecisions(),
      ...Object.fromEntries(Object.entries(vmx).map(([name, reason]) => [name, always(reason)])),
      HLT: under(PROCESSOR.hltExiting, VMX_EXIT.hlt),
      MWAIT: under(PROCESSOR.mwaitExiting, VMX_EXIT.mwait),
      MONITOR: under(PROCESSOR.monitorExiting, VMX_EXIT.monitor),
      PAUSE: (instruction) => this.leavesPause() && this.leave(VMX_EXIT.pause, instruction),
      RDPMC: under(PROCESSOR.rdpmcExiting, VMX_EXIT.rdpmc),
      RDTSC: (instruction) => this.timeStamp(instruction, this.has(PROCESSOR.rdtscExiting), VMX_EXIT.rdtsc),
      RDTSCP: (instruction) => this.timeStamp(instruction, this.has(PROCESSOR.rdtscExiting), VMX_EXIT.rdtscp),
      WBINVD: underSecondary(SECONDARY.wbinvdExiting, VMX_EXIT.wbinvd),
      RDRAND: underSecondary(SECONDARY.rdrandExiting, VMX_EXIT.rdrand),
      RDSEED: underSecondary(SECONDARY.rdseedExiting, VMX_EXIT.rdseed),
      INVPCID: under(PROCESSOR.invlpgExiting, VMX_EXIT.invpcid),
      INVLPG: (instruction) => this.invlpg(instruction),
      LGDT: underSecondary(SECONDARY.descriptorTableExiting, VMX_EXIT.gdtrOrIdtr),
      LIDT: underSecondary(SECONDARY.descriptorTableExiting, VMX_EXIT.gdtrOrIdtr),
      SGDT: underSecondary(SECONDARY.descriptorTableExiting, VMX_EXIT.gdtrOrIdtr),
      SIDT: underSecondary(SECONDARY.descriptorTableExiting, VMX_EXIT.gdtrOrIdtr),
      LLDT: underSecondary(SECONDARY.descriptorTableExiting, VMX_EXIT.ldtrOrTr),
      LTR: underSecondary(SECONDARY.descriptorTableExiting, VMX_EXIT.ldtrOrTr),
      SLDT: underSecondary(SECONDARY.descriptorTableExiting, VMX_EXIT.ldtrOrTr),
      STR: underSecondary(SECONDARY.descriptorTableExiting, VMX_EXIT.ldtrOrTr),
      RDMSR: (instruction) => this.msr(instruction, false, VMX_EXIT.rdmsr),
      WRMSR: (instruction) => this.msr(instruction, true, VMX_EXIT.wrmsr),
      CLTS: (instruction) => this.clts(instruction),
      LMSW: (instruction) => this.lmsw(instruction),
      "MOV control-register": (instruction) => this.moveControl(instruction),
      "MOV debug-register": (instruction) => this.moveDebug(instruction),
    };
  }

  private leavesPause(): boolean {
    if (this.has(PROCESSOR.pauseExiting)) return true;
    const { core, vmcs } = this;
    if (core.cpl !== 0 || !this.hasSecondary(SECONDARY.pauseLoopExiting)) return false;
    const [gap, window] = [vmcs.low(FIELD.pleGap) >>> 0, vmcs.low(FIELD.pleWindow) >>> 0];
    return this.pauses.leaves(core.host.time(), gap, window);
  }

  private invlpg(instruction: Instruction): boolean {
    if (!this.has(PROCESSOR.invlpgExiting)) return false;
    const low = this.invalidated(instruction);
    const { high } = this.core;
    this.leave(VMX_EXIT.invlpg, instruction);
    this.vmcs.set(FIELD.exitQualification, low, high);
    return true;
  }

  protected leaveForPort(
    instruction: Instruction,
    port: number,
    size: number,
    isIn: boolean,
    isString: boolean,
  ): true {
    const namesPort = instruction.operands[isIn ? 1 : 0]?.kind === "immediate";
    const flags =
      (isIn ? IO.in : 0) |
      (isString ? IO.string : 0) |
      (instruction.repeat === "" ? 0 : IO.rep) |
      (namesPort ? IO.immediate : 0);
    return this.leave(VMX_EXIT.io, instruction, (size - 1) | flags | (port << IO.portShift));
  }

  /** The bitmaps, where they are used, decide for every port of the access; one that wraps at FFFFH always leaves (26.1.3). */
  protected leavesPort(port: number, size: number): boolean {
    if (!this.has(PROCESSOR.ioBitmaps)) return this.has(PROCESSOR.unconditionalIoExiting);
    if (port + size > 0x1_0000) return true;
    for (let at = port; at < port + size; at++) {
      const bitmap = at < 0x8000 ? FIELD.ioBitmapA : FIELD.ioBitmapB;
      if (this.isBitSet(this.vmcs.unsigned(bitmap), at & 0x7fff)) return true;
    }
    return false;
  }

  private msr(instruction: Instruction, isWrite: boolean, reason: number): boolean {
    const register = this.core.register(RCX, 4) >>> 0;
    if (this.leavesMsr(register, isWrite)) return this.leave(reason, instruction);
    return (
      isWrite && this.hasSecondary(SECONDARY.virtualizeX2Apic) && this.x2ApicWrite(instruction, register)
    );
  }

  /** A virtualized WRMSR leaves after it is done (30.5); here it leaves before, and the monitor does it first of all. */
  private x2ApicWrite(instruction: Instruction, register: number): boolean {
    const { core } = this;
    const inService = this.unit.guest.virtualInterrupts?.served ?? -1;
    const reason = this.apic.writeMsr(register, core.register(RAX, 4), core.register(RDX, 4), inService);
    if (reason === undefined) return false;
    const isEnd = reason === VMX_EXIT.virtualizedEoi;
    return this.leave(reason, instruction, isEnd ? inService : SELF_IPI_OFFSET);
  }

  private leavesMsr(register: number, isWrite: boolean): boolean {
    if (!this.has(PROCESSOR.msrBitmaps)) return true;
    const bit = msrBit(register, isWrite);
    return bit < 0 || this.isBitSet(this.vmcs.unsigned(FIELD.msrBitmaps), bit);
  }

  // Control and debug registers (26.1.3).

  private moveControl(instruction: Instruction): boolean {
    const move = registerMoveOf(instruction, "control");
    if (move === undefined) return false;
    const { isRead, number, general } = move;
    if (!(isRead ? this.leavesRead(number) : this.leavesWrite(number, instruction))) return false;
    return this.leave(
      VMX_EXIT.controlRegister,
      instruction,
      number | ((isRead ? ACCESS.from : ACCESS.to) << 4) | (general << 8),
    );
  }

  private leavesWrite(number: number, instruction: Instruction): boolean {
    const { core, vmcs } = this;
    const value = readOperand(core, instruction, 1);
    switch (number) {
      case 0:
        return ((value ^ core.words[CR0_WORD]!) & vmcs.low(FIELD.cr0Mask)) !== 0;
      case 3:
        return this.has(PROCESSOR.cr3LoadExiting) && !this.isTarget(value, core.high);
      case 4:
        return ((value ^ core.words[CR4_WORD]!) & vmcs.low(FIELD.cr4Mask)) !== 0;
      case 8:
        return (
          this.has(PROCESSOR.cr8LoadExiting) ||
          (this.has(PROCESSOR.tprShadow) && (value & 15) < (vmcs.low(FIELD.tprThreshold) & 15))
        );
      default:
        return false;
    }
  }

  private leavesRead(number: number): boolean {
    if (number === 3) return this.has(PROCESSOR.cr3StoreExiting);
    return number === 8 && this.has(PROCESSOR.cr8StoreExiting);
  }

  private isTarget(low: number, high: number): boolean {
    const { vmcs } = this;
    const count = vmcs.low(FIELD.cr3TargetCount);
    for (let target = 0; target < count; target++) {
      const field = FIELD.cr3Target0 + target;
      if (vmcs.low(field) === low && vmcs.high(field) === high) return true;
    }
    return false;
  }

  private clts(instruction: Instruction): boolean {
    const { core, vmcs } = this;
    const isMonitors = (vmcs.low(FIELD.cr0Mask) & CR0.TS) !== 0;
    if (!isMonitors || (core.words[CR0_WORD]! & CR0.TS) === 0) return false;
    return this.leave(VMX_EXIT.controlRegister, instruction, ACCESS.clts << 4);
  }

  private lmsw(instruction: Instruction): boolean {
    const { core, vmcs } = this;
    const value = readOperand(core, instruction, 0, 2);
    const changed = this.cr0AfterLmsw(value) ^ core.words[CR0_WORD]!;
    if ((changed & vmcs.low(FIELD.cr0Mask)) === 0) return false;
    return this.leave(VMX_EXIT.controlRegister, instruction, (ACCESS.lmsw << 4) | (value << 16));
  }

  private moveDebug(instruction: Instruction): boolean {
    const move = registerMoveOf(instruction, "debug");
    if (move === undefined || !this.has(PROCESSOR.movDrExiting)) return false;
    const { isRead, number, general } = move;
    return this.leave(VMX_EXIT.debugRegister, instruction, number | (isRead ? 0x10 : 0) | (general << 8));
  }
}
