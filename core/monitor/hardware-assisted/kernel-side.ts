/**
 * The kernel side: what happens at each exit, what it costs, and what is the user side's. Modelled on KVM (Linux
 * arch/x86/kvm): interrupt controllers and the PIT are in the kernel, all other devices in the user's process.
 *
 *      guest ──exit──→ kernel ──done here──────────────────────────→ entry ──→ guest
 *                        └── user side (run page) ── kernel ──┘
 *
 * Costs are charged before the work is done, so that what a device or a mark sees is after them.
 */
import { CYCLES } from "../../events/categories.js";
import { EVENT } from "../../events/events.js";
import { EXIT } from "../../events/exit-reasons.js";
import { addressOf } from "../../machine/address.js";
import type { Board } from "../../machine/board.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import type { AccessBytes, PortAccess } from "../../machine/cpu/host.js";
import type { Vectoring } from "../../machine/cpu/interception.js";
import { RAX, RIP, RIP_HIGH } from "../../machine/cpu/places.js";
import { EXCEPTION, RFLAGS, STATE } from "../../machine/cpu/state.js";
import { REGISTER as APIC } from "../../machine/devices/apic/registers.js";
import type { Instruction } from "../../machine/x86/instruction.js";
import type { ShadowedPaging } from "../memory/shadow/shadowed-paging.js";
import { RunPage, type UserSide } from "./run-page.js";
import type { Vendor } from "./vendor.js";

/** What the kernel side does about a violation: maps memory; returns what that cost beyond the exit's path. */
export interface MemorySide {
  /** Of nested paging; -1: nothing was done for which anybody pays. */
  violation(gfn: number): number;
  /** Of shadow paging: what page faults, CR3 and INVLPG mean. */
  readonly shadow: ShadowedPaging | undefined;
}

/** Ports of the interrupt controllers and the PIT (i8259.c, i8254.c). */
const KERNEL_PORTS: ReadonlySet<number> = new Set([
  0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61,
]);
const APIC_PAGE = 0xfee0_0000;
const IO_APIC_PAGE = 0xfec0_0000;
const PAGE = 4096;
/** -KVM_ENOSYS and -KVM_EPERM, what an unknown hypercall returns. */
const NO_SUCH_HYPERCALL = -1000;
const NOT_PERMITTED = -1;
/** Registers that APIC-register virtualization completes without an exit when they are written: TPR, and EOI with virtual interrupts. */
const COMPLETED_WRITES: ReadonlySet<number> = new Set([APIC.taskPriority << 4, APIC.endOfInterrupt << 4]);
const CURRENT_COUNT = APIC.currentCount << 4;
const TASK_PRIORITY = APIC.taskPriority << 4;

export class KernelSide {
  readonly run = new RunPage();
  /** Ports as emulated instructions reach them. */
  readonly ports: PortAccess = {
    readPort: (port, size) => this.readPort(port, size),
    writePort: (port, size, value) => this.writePort(port, size, value),
  };
  /** The next entry delivers the interrupt that waits. */
  private isInjecting = false;
  private isWindowOpen = false;
  /** Debug registers are the guest's until the next exit. */
  private ownsDebugRegisters = false;

  /** @param flush drops all translations of the hardware's, as every exit and entry does where they carry no tags. */
  constructor(
    private readonly hardware: CodeMachine,
    private readonly board: Board,
    private readonly vendor: Vendor,
    private readonly memory: MemorySide,
    private readonly user: UserSide,
    private readonly flush: (() => void) | undefined,
  ) {}

  // Interrupts.

  /** Whether a maskable interrupt that the guest could take now leaves instead (Interception.interrupt). */
  interruptLeaves(): boolean {
    if (this.vendor.deliversInterrupts) return false;
    if (this.isInjecting) {
      this.isInjecting = false;
      return false;
    }
    return true;
  }

  /** The host's timer for the guest's devices has fired. */
  due(now: number): void {
    const { system } = this.hardware;
    if (!system.isHalted) {
      this.leave(EXIT.external_interrupt, this.costs.host_interrupt);
      this.board.pc.schedule.runDue(now);
      this.settle(EXIT.external_interrupt);
      return;
    }
    this.board.pc.schedule.runDue(now);
    this.settle(EXIT.halt);
  }

  /**
   * Before an entry: an interrupt that waits is injected if the guest can take it, else the guest is to leave when it can.
   * @param reason of the exit that this belongs to.
   */
  private settle(reason: number): void {
    const { pc } = this.board;
    if (this.vendor.deliversInterrupts || this.isInjecting || !pc.interrupts.hasPending()) return;
    const { core } = this.hardware.system;
    const canTake = (core.readFlags() & RFLAGS.IF) !== 0 && !this.hardware.system.hasShadow;
    if (canTake) {
      this.isInjecting = true;
      this.work(reason, this.costs.inject_event);
      this.setWindow(false);
    } else this.setWindow(true);
  }

  private setWindow(open: boolean): void {
    if (open === this.isWindowOpen) return;
    this.isWindowOpen = open;
    this.vendor.setWindow(open);
  }

  // Exits.

  /** The instruction being emulated, until its emulation is through: a fault of it may have left. */
  private emulated: Instruction | undefined;
  private isEmulating = false;

  /** Handles what left, and enters again. */
  handle(): void {
    const { vendor } = this;
    this.isEmulating = this.emulated !== undefined;
    if (this.ownsDebugRegisters) {
      this.ownsDebugRegisters = false;
      vendor.setDebugExiting(true);
    }
    const reason = this.dispatch();
    if (reason === EXIT.triple_fault) return;
    if (!this.hardware.system.hasExited) this.emulated = undefined;
    this.settle(reason);
    this.entered(vendor.enter());
  }

  /** The guest's CPU at its start, whose registers have been set. */
  start(): void {
    this.entered(this.vendor.start());
  }

  private entered(refused: string | undefined): void {
    if (refused !== undefined) this.fail("fail-entry", refused);
  }

  /** Returns the reason, EXIT.…. */
  private dispatch(): number {
    const { vendor, costs } = this;
    switch (vendor.exit) {
      case "violation":
        return this.violation();
      case "port":
        return this.port();
      case "interrupt-window":
        return this.window();
      case "tpr-threshold":
        this.leave(EXIT.tpr_threshold, 0);
        return EXIT.tpr_threshold;
      case "exception":
        return this.exception();
      case "cpuid":
        return this.emulate(EXIT.cpuid, costs.emulate_register);
      case "halt":
        return this.emulate(EXIT.halt, costs.halt_schedule);
      case "msr-read":
        return this.emulate(EXIT.msr_read, costs.emulate_register);
      case "msr-write":
        return this.controls(EXIT.msr_write);
      case "control-register":
        return this.controls(EXIT.control_register);
      case "debug-register":
        return this.debugRegister();
      case "descriptor-table":
        return this.emulate(EXIT.descriptor_table, costs.emulate_instruction);
      case "time-stamp":
        return this.emulate(EXIT.time_stamp, costs.emulate_register);
      case "cache-flush":
        return this.emulate(EXIT.cache_flush, costs.emulate_register);
      case "invalidate-page":
        return this.invalidate();
      case "hypercall":
        return this.hypercall();
      case "triple-fault":
        return this.tripleFault();
      case "undefined":
        return this.undefinedInstruction();
    }
  }

  private violation(): number {
    const { vendor, hardware } = this;
    const { vectoring, violationFrame } = vendor;
    const work = this.memory.violation(violationFrame);
    if (work >= 0) {
      hardware.machine.counters.events[EVENT.ept_violations]!++;
      this.leave(EXIT.ept_violation, work);
    }
    this.again(vectoring);
    return EXIT.ept_violation;
  }

  /** What an exit interrupted is done again: the delivery of an event, an emulation, or the instruction at RIP. */
  private again(vectoring: Vectoring | undefined): void {
    const { engine, system } = this.hardware;
    if (vectoring !== undefined) system.redeliverHere(vectoring);
    else if (this.isEmulating) system.emulate(this.emulated!);
    else engine.retry();
  }

  /** Under shadow paging: a fault is the guest's own, or the shadow lacked something. */
  private pageFault(shadow: ShadowedPaging): number {
    const { vendor, costs, hardware } = this;
    const { engine, system } = hardware;
    const { words } = system.core;
    const address = STATE.faultAddress >> 2;
    const linear = addressOf(words[address + 1]!, words[address]!);
    const { vectoring } = vendor;
    const step = (): void => {
      if (this.isEmulating) system.emulate(this.emulated!);
      else {
        engine.retry();
        engine.stepAlone();
      }
    };
    switch (shadow.fault(linear, vendor.exceptionCode)) {
      case "true":
        this.leave(EXIT.page_fault_true, costs.shadow_true_fault + shadow.takeWork());
        this.trueFault(shadow.errorCode, vectoring);
        return EXIT.page_fault_true;
      case "hidden":
        this.leave(EXIT.page_fault_hidden, costs.shadow_hidden_fault + shadow.takeWork());
        this.again(vectoring);
        return EXIT.page_fault_hidden;
      case "unsynced":
        this.leave(EXIT.table_write, shadow.takeWork());
        this.again(vectoring);
        return EXIT.table_write;
      case "guarded":
        this.leave(EXIT.table_write, costs.shadow_emulate_write);
        if (vectoring === undefined) shadow.writeTable(linear, step);
        else {
          // What an event pushes is not emulated: the table becomes a page like any other.
          shadow.unguard();
          this.again(vectoring);
        }
        this.work(EXIT.table_write, shadow.takeWork());
        return EXIT.table_write;
      case "device":
        // The access itself is the exit, and is charged there.
        shadow.reachDevice(linear, step);
        return EXIT.mmio_kernel;
    }
  }

  /** The guest's own page fault; one that arose in the delivery of an event may come to a double fault. */
  private trueFault(errorCode: number, vectoring: Vectoring | undefined): void {
    const { system } = this.hardware;
    if (vectoring === undefined) system.inject(EXCEPTION.PF, errorCode);
    else system.injectInstead(vectoring, errorCode);
  }

  private exception(): number {
    const { vendor, costs, hardware, memory } = this;
    const { exceptionVector } = vendor;
    if (exceptionVector === EXCEPTION.PF && memory.shadow !== undefined) return this.pageFault(memory.shadow);
    const isUndefined = exceptionVector === EXCEPTION.UD;
    // KVM tries to emulate what is undefined: it may be an instruction of another vendor's.
    this.leave(EXIT.exception, costs.inject_event + (isUndefined ? costs.emulate_instruction : 0));
    hardware.system.inject(exceptionVector, vendor.exceptionCode);
    return EXIT.exception;
  }

  private window(): number {
    this.leave(EXIT.interrupt_window, 0);
    this.setWindow(false);
    return EXIT.interrupt_window;
  }

  private controls(reason: number): number {
    const { vendor, memory, costs } = this;
    const isCr3 = memory.shadow !== undefined && loadsCr3(vendor.instruction);
    if (isCr3) this.emulate(EXIT.cr3_load, costs.shadow_cr3);
    else this.emulate(reason, costs.emulate_register);
    const done = isCr3 ? EXIT.cr3_load : reason;
    if (memory.shadow !== undefined) this.work(done, memory.shadow.takeWork());
    vendor.controlsChanged();
    return done;
  }

  private invalidate(): number {
    const { memory, costs } = this;
    this.emulate(EXIT.invlpg, costs.shadow_invlpg);
    if (memory.shadow !== undefined) this.work(EXIT.invlpg, memory.shadow.takeWork());
    return EXIT.invlpg;
  }

  /** The first access gives the guest its debug registers, until the next exit. */
  private debugRegister(): number {
    this.leave(EXIT.debug_register, this.costs.emulate_register);
    this.ownsDebugRegisters = true;
    this.vendor.setDebugExiting(false);
    this.hardware.engine.retry();
    return EXIT.debug_register;
  }

  private hypercall(): number {
    const { core } = this.hardware.system;
    this.leave(EXIT.hypercall, 0);
    const result = core.cpl === 0 ? NO_SUCH_HYPERCALL : NOT_PERMITTED;
    core.setRegister(RAX, core.is64BitCode ? 8 : 4, result, -1);
    this.skip(this.vendor.instruction);
    return EXIT.hypercall;
  }

  private undefinedInstruction(): number {
    this.leave(EXIT.other_instruction, this.costs.inject_event);
    this.hardware.system.inject(EXCEPTION.UD, 0);
    return EXIT.other_instruction;
  }

  private tripleFault(): number {
    this.leave(EXIT.triple_fault, 0);
    this.fail("shutdown", this.hardware.system.core.shutdownReason);
    return EXIT.triple_fault;
  }

  /** The guest's instruction, done by the machine's own semantics. */
  private emulate(reason: number, work: number): number {
    this.leave(reason, work);
    this.emulated = this.vendor.instruction;
    this.hardware.system.emulate(this.emulated);
    return reason;
  }

  private skip(instruction: Instruction): void {
    const { core } = this.hardware.system;
    const { words } = core;
    const low = (words[RIP]! + instruction.length) | 0;
    const carry = core.is64BitCode && low >>> 0 < words[RIP]! >>> 0 ? 1 : 0;
    core.jump(low, (words[RIP_HIGH]! + carry) | 0);
  }

  // Devices.

  /** String instructions go through the emulator, element by element; for others the exit tells all there is to know. */
  private port(): number {
    const { vendor, costs } = this;
    const { instruction, port } = vendor;
    const isKernel = KERNEL_PORTS.has(port);
    const isString = instruction.row.mnemonic.length > "OUT".length || instruction.row.mnemonic === "INS";
    const reason = isKernel ? EXIT.io_kernel : EXIT.io_user;
    const emulating = isString ? costs.emulate_instruction : 0;
    this.leave(reason, emulating + (isString ? 0 : this.deviceCost(isKernel)));
    this.elementCost = isString ? this.deviceCost(isKernel) : 0;
    this.elementReason = reason;
    this.emulated = instruction;
    this.hardware.system.emulate(instruction);
    return reason;
  }

  /** Of each element of a string instruction. */
  private elementCost = 0;
  private elementReason = 0;

  private deviceCost(isKernel: boolean): number {
    const { costs } = this;
    return isKernel ? costs.kernel_device : costs.user_round_trip + costs.user_device;
  }

  private readPort(port: number, size: AccessBytes): number {
    this.work(this.elementReason, this.elementCost);
    if (KERNEL_PORTS.has(port)) return this.board.pc.bus.readPort(port, size);
    return this.toUser("io", port, size, false, 0);
  }

  private writePort(port: number, size: AccessBytes, value: number): void {
    this.work(this.elementReason, this.elementCost);
    if (KERNEL_PORTS.has(port)) this.board.pc.bus.writePort(port, size, value);
    else this.toUser("io", port, size, true, value);
  }

  /** Device memory, which an instruction refers to while it is executed. @param address guest-physical */
  readMemory(address: number, size: AccessBytes): number {
    const isKernel = this.chargeMemory(address, false);
    return isKernel
      ? this.board.pc.bus.readMemory(address, size)
      : this.toUser("mmio", address, size, false, 0);
  }

  writeMemory(address: number, size: AccessBytes, value: number): void {
    const isKernel = this.chargeMemory(address, true);
    if (isKernel) this.board.pc.bus.writeMemory(address, size, value);
    else this.toUser("mmio", address, size, true, value);
    if (this.accessReason >= 0) this.settle(this.accessReason);
  }

  /** Charges the exit of an access. Returns whether the kernel side has the device. */
  private chargeMemory(address: number, isWrite: boolean): boolean {
    const { costs } = this;
    this.accessReason = -1;
    const page = address - (address % PAGE);
    const hasApic = this.board.pc.localApic !== undefined;
    if (hasApic && page === APIC_PAGE) {
      this.chargeApic(address % PAGE, isWrite);
      return true;
    }
    const isKernel = hasApic && page === IO_APIC_PAGE;
    this.leaveAccess(
      isKernel ? EXIT.mmio_kernel : EXIT.mmio_user,
      costs.emulate_instruction + this.deviceCost(isKernel),
    );
    return isKernel;
  }

  /** The reason of the exit that the access under way made, or -1. */
  private accessReason = -1;

  private leaveAccess(reason: number, work: number): void {
    this.accessReason = reason;
    this.leave(reason, work);
  }

  private chargeApic(offset: number, isWrite: boolean): void {
    const { vendor, costs } = this;
    if (!vendor.hasApicAccess) {
      this.leaveAccess(EXIT.mmio_kernel, costs.emulate_instruction + costs.kernel_device);
      return;
    }
    if (offset === TASK_PRIORITY && vendor.hasTprShadow) return;
    if (vendor.hasApicRegisters) {
      if (isWrite ? COMPLETED_WRITES.has(offset) : offset !== CURRENT_COUNT) return;
      // APIC-write exits come after the write: nothing is decoded.
      this.leaveAccess(EXIT.apic_access, costs.kernel_device);
      return;
    }
    const isFast = isWrite && offset === APIC.endOfInterrupt << 4;
    this.leaveAccess(EXIT.apic_access, costs.kernel_device + (isFast ? 0 : costs.emulate_instruction));
  }

  private toUser(
    reason: "io" | "mmio",
    address: number,
    size: AccessBytes,
    isWrite: boolean,
    data: number,
  ): number {
    const { run } = this;
    run.reason = reason;
    run.address = address;
    run.size = size;
    run.isWrite = isWrite;
    run.data = data;
    this.user.exit(run);
    return run.data;
  }

  private fail(reason: "shutdown" | "fail-entry", why: string): void {
    const { run } = this;
    run.reason = reason;
    run.why = why;
    this.user.exit(run);
  }

  // Accounting.

  private get costs() {
    return this.hardware.machine.costs;
  }

  /** One exit and the entry after it, with the kernel side's path around both. @param work cycles beyond that path. */
  private leave(reason: number, work: number): void {
    const { machine, engine } = this.hardware;
    const { costs } = this;
    const transition = costs.vm_exit + costs.vm_entry;
    const monitor = costs.monitor_dispatch + work;
    engine.charge(CYCLES.transition, transition);
    engine.charge(CYCLES.monitor, monitor);
    machine.counters.exit(reason, transition + monitor);
    this.flush?.();
  }

  /** More work of an exit that has been counted. */
  private work(reason: number, cycles: number): void {
    const { machine, engine } = this.hardware;
    engine.charge(CYCLES.monitor, cycles);
    machine.counters.exitCycles[reason]! += cycles;
  }
}

/** MOV to CR3. */
function loadsCr3({ operands }: Instruction): boolean {
  const [to] = operands;
  return to?.kind === "register" && to.file === "control" && to.number === 3;
}
