/**
 * What leaves a guest of SVM (AMD APM vol. 2, 15.7 to 15.14), as the intercepts of its control block say, and what the block is
 * told of it: exit code, EXITINFO1 and 2, EXITINTINFO, nRIP.
 *
 * Left out: intercepts of PUSHF, POPF, INTn and RSM; that of IRET is told when the IRET has been executed.
 */
import { CR0 } from "../cpu/control-bits.js";
import { type Core, SHADOW } from "../cpu/core.js";
import { type Decision, HardwareInterception } from "../cpu/hardware-interception.js";
import { type SwitchKind, type Vectoring, VIOLATION_VECTOR } from "../cpu/interception.js";
import { EVENT_KIND, pushesErrorCode } from "../cpu/interrupts/raise.js";
import { readOperand } from "../cpu/operands.js";
import { CR0_WORD, FAULT_ADDRESS, RCX } from "../cpu/places.js";
import { EXCEPTION, RFLAGS } from "../cpu/state.js";
import type { Machine } from "../machine.js";
import type { Instruction } from "../x86/instruction.js";
import { registerMoveOf } from "../x86/register-move.js";
import { SVM_EXIT } from "./exit-codes.js";
import { msrPermissionBit } from "./msr-permissions.js";
import { PauseFilter } from "./pause-filter.js";
import {
  CONTROL,
  EVENT,
  EVENT_TYPE,
  INTERCEPT_3,
  INTERCEPT_4,
  VIRTUAL_INTERRUPT,
  type Vmcb,
} from "./vmcb.js";

/** EXITINFO1 of IOIO (15.10.2). */
const IO = { in: 1, string: 4, rep: 8, sizeShift: 4, addressShift: 7, portShift: 16 } as const;
/** Of a nested page fault (15.25.6): bits 31..0 as a page fault's code, where the guest's access is a user's; 63..32 the stage. */
export const NPF = { present: 1, write: 2, user: 4, fetch: 16, finalHigh: 1, tableHigh: 2 } as const;
/** Bits 63..32 of EXITINFO2 of task switches (15.14.1); 31..0 are the error code for the new task's stack. */
const TASK = { byReturn: 1 << 4, byJump: 1 << 6, hasErrorCode: 1 << 12, resumeFlag: 1 << 16 } as const;
/** Bit of the first write among the intercepts of control and debug registers (table B-1). */
const FIRST_WRITE = 16;

export class SvmInterception extends HardwareInterception {
  private vmcb!: Vmcb;
  private readonly pauses = new PauseFilter();
  protected readonly byName = this.decisionsByName();

  connect(machine: Machine, core: Core, vmcb: Vmcb): void {
    this.machine = machine;
    this.core = core;
    this.vmcb = vmcb;
  }

  exception(vector: number, errorCode: number, during: Vectoring | undefined): boolean {
    if (vector === VIOLATION_VECTOR) return this.nestedPageFault(during);
    if ((this.vmcb.low(CONTROL.interceptExceptions) & (1 << vector)) === 0) return false;
    const { words } = this.core;
    this.exit(SVM_EXIT.exception + vector, pushesErrorCode(vector) ? errorCode : 0);
    if (vector === EXCEPTION.PF)
      this.vmcb.set(CONTROL.exitInfo2, words[FAULT_ADDRESS]!, words[FAULT_ADDRESS + 1]!);
    this.noteVectoring(during);
    return true;
  }

  /** INT3 and INTO are exceptions; INT1 has an intercept of its own. */
  softwareInterrupt(vector: number): boolean {
    if (vector === EXCEPTION.DB) {
      return this.has4(INTERCEPT_4.icebp) && this.exit(SVM_EXIT.icebp);
    }
    const isException = vector === EXCEPTION.BP || vector === EXCEPTION.OF;
    const isSet = (this.vmcb.low(CONTROL.interceptExceptions) & (1 << vector)) !== 0;
    return isException && isSet && this.exit(SVM_EXIT.exception + vector);
  }

  /**
   * A virtual interrupt that the guest could take now, and that no VMRUN injects: V_IRQ waited for the guest to take it (15.21.4),
   * or the guest lowered its task priority, a write of CR8.
   */
  interrupt(): boolean {
    const isWaiting = (this.vmcb.low(CONTROL.virtualInterrupt) & VIRTUAL_INTERRUPT.irq) !== 0;
    if (isWaiting && this.has3(INTERCEPT_3.virtualInterrupt)) return this.exit(SVM_EXIT.virtualInterrupt);
    return this.exit(SVM_EXIT.crWrite + 8);
  }

  /** There are no virtual NMIs: a monitor that has one to deliver intercepts the IRET of the handler before it. */
  nmi(): boolean {
    return this.exit(SVM_EXIT.iret);
  }

  /** Notes an exit that the machine does not ask about: the host's interrupts. */
  note(code: number): void {
    this.exit(code);
  }

  /** Has the semantics of a fault: nRIP is not told. */
  taskSwitch(selector: number, kind: SwitchKind, flags: number, during: Vectoring | undefined): boolean {
    if (!this.has3(INTERCEPT_3.taskSwitch)) return false;
    this.exit(SVM_EXIT.taskSwitch, selector & 0xffff);
    const hasCode = during?.kind === EVENT_KIND.exception && pushesErrorCode(during.vector);
    this.vmcb.set(
      CONTROL.exitInfo2,
      hasCode ? during.errorCode : 0,
      (kind === "return" ? TASK.byReturn : 0) |
        (kind === "jump" ? TASK.byJump : 0) |
        (hasCode ? TASK.hasErrorCode : 0) |
        ((flags & RFLAGS.RF) === 0 ? 0 : TASK.resumeFlag),
    );
    this.instructionLeft = this.core.performing;
    this.noteVectoring(during);
    return true;
  }

  shutdown(): boolean {
    return this.has3(INTERCEPT_3.shutdown) && this.exit(SVM_EXIT.shutdown);
  }

  private has3(bit: number): boolean {
    return (this.vmcb.low(CONTROL.intercept3) & bit) !== 0;
  }
  private has4(bit: number): boolean {
    return (this.vmcb.low(CONTROL.intercept4) & bit) !== 0;
  }

  private exit(code: number, info1 = 0, info2 = 0): true {
    const { vmcb, core } = this;
    // VMRUN follows.
    this.pauses.load();
    vmcb.set(CONTROL.exitCode, code);
    vmcb.set(CONTROL.exitInfo1, info1);
    vmcb.set(CONTROL.exitInfo2, info2);
    vmcb.set(CONTROL.exitInterruptInfo, 0);
    vmcb.setLow(CONTROL.interruptShadow, core.shadow === SHADOW.none ? 0 : 1);
    return true;
  }

  protected leave(code: number, instruction: Instruction, info1 = 0): true {
    this.instructionLeft = instruction;
    this.exit(code, info1);
    this.vmcb.set(CONTROL.nextRip, this.core.nextLow, this.core.nextHigh);
    return true;
  }

  private nestedPageFault(during: Vectoring | undefined): boolean {
    const { machine, core, vmcb } = this;
    const { walker } = machine.mmu;
    const linear = core.words[FAULT_ADDRESS]!;
    const isTable = walker.violationTable;
    this.exit(SVM_EXIT.nestedPageFault);
    const access =
      (walker.violationWrite ? NPF.write : 0) | (!isTable && this.isFetchViolation(linear) ? NPF.fetch : 0);
    vmcb.set(CONTROL.exitInfo1, access | NPF.user, isTable ? NPF.tableHigh : NPF.finalHigh);
    vmcb.setUnsigned(CONTROL.exitInfo2, this.violatedAddress(linear));
    this.noteVectoring(during);
    return true;
  }

  /** EXITINTINFO (15.7.2): what was being delivered. */
  private noteVectoring(during: Vectoring | undefined): void {
    if (during === undefined) return;
    const { vector, kind, errorCode } = during;
    const { vmcb, core } = this;
    const isException = kind === EVENT_KIND.exception;
    const type = isException
      ? EVENT_TYPE.exception
      : kind === EVENT_KIND.software
        ? EVENT_TYPE.software
        : vector === EXCEPTION.NMI
          ? EVENT_TYPE.nmi
          : EVENT_TYPE.interrupt;
    const hasCode = isException && pushesErrorCode(vector);
    const info = EVENT.valid | (type << EVENT.typeShift) | vector | (hasCode ? EVENT.errorCode : 0);
    vmcb.set(CONTROL.exitInterruptInfo, info, hasCode ? errorCode : 0);
    if (type === EVENT_TYPE.software) vmcb.set(CONTROL.nextRip, core.nextLow, core.nextHigh);
  }

  private decisionsByName(): Readonly<Record<string, Decision>> {
    const under3 =
      (bit: number, code: number): Decision =>
      (instruction) =>
        this.has3(bit) && this.leave(code, instruction);
    const under4 =
      (bit: number, code: number): Decision =>
      (instruction) =>
        this.has4(bit) && this.leave(code, instruction);
    return {
      ...this.portDecisions(),
      CPUID: under3(INTERCEPT_3.cpuid, SVM_EXIT.cpuid),
      HLT: under3(INTERCEPT_3.hlt, SVM_EXIT.hlt),
      PAUSE: (instruction) => this.leavesPause() && this.leave(SVM_EXIT.pause, instruction),
      INVD: under3(INTERCEPT_3.invd, SVM_EXIT.invd),
      RDPMC: under3(INTERCEPT_3.rdpmc, SVM_EXIT.rdpmc),
      INVLPGA: under3(INTERCEPT_3.invlpga, SVM_EXIT.invlpga),
      SIDT: under3(INTERCEPT_3.idtrRead, SVM_EXIT.idtrRead),
      SGDT: under3(INTERCEPT_3.gdtrRead, SVM_EXIT.gdtrRead),
      SLDT: under3(INTERCEPT_3.ldtrRead, SVM_EXIT.ldtrRead),
      STR: under3(INTERCEPT_3.trRead, SVM_EXIT.trRead),
      LIDT: under3(INTERCEPT_3.idtrWrite, SVM_EXIT.idtrWrite),
      LGDT: under3(INTERCEPT_3.gdtrWrite, SVM_EXIT.gdtrWrite),
      LLDT: under3(INTERCEPT_3.ldtrWrite, SVM_EXIT.ldtrWrite),
      LTR: under3(INTERCEPT_3.trWrite, SVM_EXIT.trWrite),
      RDTSC: (instruction) => this.timeStamp(instruction, this.has3(INTERCEPT_3.rdtsc), SVM_EXIT.rdtsc),
      RDTSCP: (instruction) => this.timeStamp(instruction, this.has4(INTERCEPT_4.rdtscp), SVM_EXIT.rdtscp),
      VMRUN: under4(INTERCEPT_4.vmrun, SVM_EXIT.vmrun),
      VMMCALL: under4(INTERCEPT_4.vmmcall, SVM_EXIT.vmmcall),
      VMLOAD: under4(INTERCEPT_4.vmload, SVM_EXIT.vmload),
      VMSAVE: under4(INTERCEPT_4.vmsave, SVM_EXIT.vmsave),
      STGI: under4(INTERCEPT_4.stgi, SVM_EXIT.stgi),
      CLGI: under4(INTERCEPT_4.clgi, SVM_EXIT.clgi),
      SKINIT: under4(INTERCEPT_4.skinit, SVM_EXIT.skinit),
      WBINVD: under4(INTERCEPT_4.wbinvd, SVM_EXIT.wbinvd),
      MONITOR: under4(INTERCEPT_4.monitor, SVM_EXIT.monitor),
      MWAIT: under4(INTERCEPT_4.mwait, SVM_EXIT.mwait),
      XSETBV: under4(INTERCEPT_4.xsetbv, SVM_EXIT.xsetbv),
      INVLPG: (instruction) => this.invlpg(instruction),
      RDMSR: (instruction) => this.msr(instruction, 0),
      WRMSR: (instruction) => this.msr(instruction, 1),
      CLTS: (instruction) => this.writesCr0(instruction, this.core.words[CR0_WORD]! & ~CR0.TS),
      LMSW: (instruction) => this.lmsw(instruction),
      "MOV control-register": (instruction) => this.moveControl(instruction),
      "MOV debug-register": (instruction) => this.moveDebug(instruction),
    };
  }

  private leavesPause(): boolean {
    if (!this.has3(INTERCEPT_3.pause)) return false;
    const filter = this.vmcb.low(CONTROL.pauseFilter);
    return this.pauses.leaves(this.core.host.time(), filter >>> 16, filter & 0xffff);
  }

  private invlpg(instruction: Instruction): boolean {
    if (!this.has3(INTERCEPT_3.invlpg)) return false;
    const low = this.invalidated(instruction);
    const { high } = this.core;
    this.leave(SVM_EXIT.invlpg, instruction);
    this.vmcb.set(CONTROL.exitInfo1, low, high);
    return true;
  }

  protected leaveForPort(
    instruction: Instruction,
    port: number,
    size: number,
    isIn: boolean,
    isString: boolean,
  ): true {
    const address = Math.log2(instruction.addressSize) - 1;
    this.leave(
      SVM_EXIT.io,
      instruction,
      (isIn ? IO.in : 0) |
        (isString ? IO.string : 0) |
        (instruction.repeat === "" ? 0 : IO.rep) |
        (size << IO.sizeShift) |
        (1 << (IO.addressShift + address)) |
        (port << IO.portShift),
    );
    this.vmcb.set(CONTROL.exitInfo2, this.core.nextLow, this.core.nextHigh);
    return true;
  }

  protected leavesPort(port: number, size: number): boolean {
    if (!this.has3(INTERCEPT_3.io)) return false;
    const map = this.vmcb.unsigned(CONTROL.ioPermissions);
    for (let at = port; at < port + size; at++) if (this.isBitSet(map, at)) return true;
    return false;
  }

  /** @param write 1 for WRMSR. */
  private msr(instruction: Instruction, write: number): boolean {
    if (!this.has3(INTERCEPT_3.msr)) return false;
    const bit = msrPermissionBit(this.core.register(RCX, 4) >>> 0);
    if (bit >= 0 && !this.isBitSet(this.vmcb.unsigned(CONTROL.msrPermissions), bit + write)) return false;
    return this.leave(SVM_EXIT.msr, instruction, write);
  }

  private moveControl(instruction: Instruction): boolean {
    const move = registerMoveOf(instruction, "control");
    if (move === undefined) return false;
    const { isRead, number, general } = move;
    if (this.isIntercepted(CONTROL.interceptCr, isRead, number))
      return this.leave((isRead ? SVM_EXIT.crRead : SVM_EXIT.crWrite) + number, instruction, general);
    if (isRead || number !== 0) return false;
    return this.selectsCr0(readOperand(this.core, instruction, 1), instruction);
  }

  /** CLTS and LMSW are writes of CR0. */
  private writesCr0(instruction: Instruction, value: number): boolean {
    if (this.isIntercepted(CONTROL.interceptCr, false, 0)) return this.leave(SVM_EXIT.crWrite, instruction);
    return this.selectsCr0(value, instruction);
  }

  private lmsw(instruction: Instruction): boolean {
    return this.writesCr0(instruction, this.cr0AfterLmsw(readOperand(this.core, instruction, 0, 2)));
  }

  /** The selective intercept: writes that change bits other than TS and MP (15.8.1). */
  private selectsCr0(value: number, instruction: Instruction): boolean {
    if (!this.has3(INTERCEPT_3.cr0Selective)) return false;
    const changed = (value ^ this.core.words[CR0_WORD]!) & ~(CR0.TS | CR0.MP);
    return changed !== 0 && this.leave(SVM_EXIT.cr0SelectiveWrite, instruction);
  }

  private moveDebug(instruction: Instruction): boolean {
    const move = registerMoveOf(instruction, "debug");
    if (move === undefined) return false;
    const { isRead, number } = move;
    if (!this.isIntercepted(CONTROL.interceptDr, isRead, number)) return false;
    return this.leave((isRead ? SVM_EXIT.drRead : SVM_EXIT.drWrite) + number, instruction);
  }

  /** @param field CONTROL.interceptCr or interceptDr: reads in bits 15..0, writes above them. */
  private isIntercepted(field: number, isRead: boolean, number: number): boolean {
    return (this.vmcb.low(field) & (1 << (isRead ? number : number + FIRST_WRITE))) !== 0;
  }
}
