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
import type { Board } from "../../machine/board.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import type { AccessBytes, PortAccess } from "../../machine/cpu/host.js";
import type { Vectoring } from "../../machine/cpu/interception.js";
import { EVENT_KIND } from "../../machine/cpu/interrupts/raise.js";
import { RAX, RIP, RIP_HIGH } from "../../machine/cpu/places.js";
import { EXCEPTION, RFLAGS } from "../../machine/cpu/state.js";
import { REGISTER as APIC } from "../../machine/devices/apic/registers.js";
import type { Instruction } from "../../machine/x86/instruction.js";
import { RunPage, type UserSide } from "./run-page.js";
import type { Vendor } from "./vendor.js";

/** What the kernel side does about a violation: maps memory; returns what that cost beyond the exit's path. */
export interface MemorySide {
  violation(gfn: number): number;
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

  /** @param flushes translations are not tagged: every exit and entry drops them. */
  constructor(
    private readonly hardware: CodeMachine,
    private readonly board: Board,
    private readonly vendor: Vendor,
    private readonly memory: MemorySide,
    private readonly user: UserSide,
    private readonly flushes: boolean,
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

  /** Handles what left, and enters again. */
  handle(): void {
    const { vendor } = this;
    if (this.ownsDebugRegisters) {
      this.ownsDebugRegisters = false;
      vendor.setDebugExiting(true);
    }
    const reason = this.dispatch();
    if (reason === EXIT.triple_fault) return;
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
        return this.emulate(EXIT.invlpg, costs.emulate_register);
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
    if (vectoring === undefined) hardware.engine.retry();
    else this.redeliver(vectoring);
    return EXIT.ept_violation;
  }

  /** What was being delivered is delivered after all; software's events come back to the next instruction. */
  private redeliver(vectoring: Vectoring): void {
    const { system } = this.hardware;
    const { words, nextLow, nextHigh } = system.core;
    if (vectoring.kind === EVENT_KIND.software) system.redeliver(vectoring, nextLow, nextHigh);
    else system.redeliver(vectoring, words[RIP]!, words[RIP_HIGH]!);
  }

  private exception(): number {
    const { vendor, costs, hardware } = this;
    const { exceptionVector } = vendor;
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
    this.emulate(reason, this.costs.emulate_register);
    this.vendor.controlsChanged();
    return reason;
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
    this.hardware.system.emulate(this.vendor.instruction);
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
    if (this.flushes) this.hardware.system.core.host.paging.flushAll(false);
  }

  /** More work of an exit that has been counted. */
  private work(reason: number, cycles: number): void {
    const { machine, engine } = this.hardware;
    engine.charge(CYCLES.monitor, cycles);
    machine.counters.exitCycles[reason]! += cycles;
  }
}
