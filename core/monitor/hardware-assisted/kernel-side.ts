/**
 * The kernel side: what happens at each exit, what it costs, and what is the user side's. Modelled on KVM (Linux
 * arch/x86/kvm): interrupt controllers and the PIT are in the kernel, all other devices in the user's process.
 *
 *      guest ──exit──→ handle ──done here──────────→ entry ──→ guest
 *                        │                 complete ──↑
 *                        └──→ user side (run page) ──→ KVM_RUN
 *
 * Costs are charged before the work is done, so that what a device or a mark sees is after them.
 */
import { CYCLES } from "../../events/categories.js";
import { EVENT } from "../../events/events.js";
import { EXIT } from "../../events/exit-reasons.js";
import { addressOf, type Gfn, PAGE_BYTES } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { portSizeOf } from "../../machine/cpu/hardware-interception.js";
import type { AccessBytes, InterruptSource } from "../../machine/cpu/host.js";
import type { Vectoring } from "../../machine/cpu/interception.js";
import { RAX, RBX, RCX, RDX, RIP, RIP_HIGH } from "../../machine/cpu/places.js";
import { EXCEPTION, RFLAGS } from "../../machine/cpu/state.js";
import { PF_WRITE } from "../../machine/mmu/entry.js";
import type { Instruction } from "../../machine/x86/instruction.js";
import { loadsCr3 } from "../../machine/x86/register-move.js";
import { invariant } from "../../util/errors.js";
import type { ShadowedPaging } from "../memory/shadow/shadowed-paging.js";
import { DeviceAccess } from "./device-access.js";
import type { InKernelDevices } from "./in-kernel-devices.js";
import { type KvmExitReason, type KvmInternalError, KvmRun } from "./run-page.js";
import { canStore, elementsAhead } from "./string-ports.js";
import type { Vendor } from "./vendor.js";

/** How the kernel side gives its guest memory, and reaches devices for it. */
export interface MemorySide {
  isMemory(gfn: Gfn): boolean;
  /** Nested paging: a guest frame gets its memory. Returns what that cost beyond the exit's path. */
  populate(gfn: Gfn): number;
  /** Nested paging: maps a frame of the kernel side's devices; their accesses are told one by one from then on. */
  mapDevice(gfn: Gfn): void;
  /** Nested paging: maps a frame of the user side's devices for the length of one instruction, made by `step`. */
  reachDevice(gfn: Gfn, step: () => void): void;
  /** Of shadow paging: what page faults, CR3 and INVLPG mean. */
  readonly shadow: ShadowedPaging | undefined;
}

/** struct kvm_cpuid_entry2. */
export interface KvmCpuidEntry {
  readonly function: number;
  /** ECX; undefined: whatever it is. */
  readonly index?: number;
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
}

/** -KVM_ENOSYS and -KVM_EPERM, what an unknown hypercall returns. */
const NO_SUCH_HYPERCALL = -1000;
const NOT_PERMITTED = -1;
/** Instructions that read what they write in memory (SDM vol. 2); all others that write to it only do that. */
const READ_AND_WRITE: ReadonlySet<string> = new Set([
  ..."ADD OR ADC SBB AND SUB XOR NOT NEG INC DEC XADD XCHG CMPXCHG CMPXCHG8B CMPXCHG16B BTS BTR BTC".split(
    " ",
  ),
  ..."ROL ROR RCL RCR SHL SAL SHR SAR SHLD SHRD".split(" "),
]);

export class KernelSide {
  readonly run = new KvmRun();
  /** What CPUID tells the guest; undefined: what the processor would. */
  cpuid: readonly KvmCpuidEntry[] | undefined;
  /** Ports and device memory as emulated instructions reach them. */
  readonly access: DeviceAccess;
  /** The next entry delivers the interrupt that waits. */
  private isInjecting = false;
  private isWindowOpen = false;
  /** Debug registers are the guest's until the next exit. */
  private ownsDebugRegisters = false;
  /** KVM_RUN comes back with what is on the run page. */
  private isTold = false;
  /** The instruction being emulated, until its emulation is through: a fault of it may have left. */
  private emulated: Instruction | undefined;
  private isEmulating = false;
  /** Whether a task switch leaves (Interception.taskSwitch): not the one that is being emulated. */
  taskSwitchLeaves = true;
  /** Executes the instruction that refers to the user side's device memory, which is reachable meanwhile. */
  private reach: (() => void) | undefined;
  /** Of each element of a string instruction to a port of the kernel side's. */
  private elementCost = 0;

  /**
   * @param interrupts that wait for the guest.
   * @param chip the devices of the kernel side; undefined: the user side has all.
   * @param flush drops all translations of the hardware's, as every exit and entry does where they carry no tags.
   */
  constructor(
    private readonly hardware: CodeMachine,
    private readonly vendor: Vendor,
    private readonly memory: MemorySide,
    private readonly interrupts: InterruptSource,
    private readonly chip: InKernelDevices | undefined,
    private readonly flush: (() => void) | undefined,
  ) {
    this.access = new DeviceAccess(this.run, {
      ownsPort: (port) => chip?.ownsPort(port) === true,
      readPort: (port, size) => {
        this.work(EXIT.io_kernel, this.elementCost);
        return chip!.readPort(port, size);
      },
      writePort: (port, size, value) => {
        this.work(EXIT.io_kernel, this.elementCost);
        chip!.writePort(port, size, value);
      },
      ownsMemory: (address) => chip?.ownsMemory(address) === true,
      readMemory: (address, size) => {
        this.leaveAccess(address, false);
        return chip!.readMemory(address, size);
      },
      writeMemory: (address, size, value) => {
        const reason = this.leaveAccess(address, true);
        chip!.writeMemory(address, size, value);
        if (reason >= 0) this.settle(reason);
      },
    });
  }

  // KVM_RUN.

  /** The first entry, the guest's registers having been set. Returns whether the guest goes on, or the run page tells why not. */
  start(): boolean {
    const refused = this.vendor.start();
    // Controllers of the kernel side's are looked at at exits; the user side may have queued one.
    if (this.chip === undefined) this.settle(EXIT.interrupt_window);
    return this.entered(refused);
  }

  /** Handles what left. Returns whether the guest goes on, or the user side is asked. */
  handle(): boolean {
    this.isEmulating = this.emulated !== undefined;
    if (this.ownsDebugRegisters) {
      this.ownsDebugRegisters = false;
      this.vendor.setDebugExiting(true);
    }
    return this.proceed(this.dispatch());
  }

  /** The user side has done what it was asked for. */
  complete(): boolean {
    const { access, run } = this;
    switch (access.pending) {
      case "nothing":
        return this.enterAgain(EXIT.io_user);
      case "port-read":
        access.takePort();
        this.hardware.system.emulate(this.emulated!);
        return this.proceed(EXIT.io_user);
      case "port-write":
        access.pending = "nothing";
        return this.proceed(EXIT.io_user);
      case "memory-read":
        access.takeMemory();
        this.reachMemory();
        return this.proceed(EXIT.mmio_user);
      case "memory-write":
        if (access.tellMemory()) {
          this.workOfUser(EXIT.mmio_user);
          return this.tell(run.exitReason);
        }
        return this.proceed(EXIT.mmio_user);
    }
  }

  /** After an exit's work: to the user side, if that was asked something, else into the guest. */
  private proceed(reason: number): boolean {
    if (this.access.pending === "nothing" && !this.isTold) return this.enterAgain(reason);
    return this.tell(this.run.exitReason);
  }

  private enterAgain(reason: number): boolean {
    if (!this.hardware.system.hasExited) {
      this.emulated = undefined;
      this.taskSwitchLeaves = true;
    }
    this.settle(reason);
    return this.entered(this.vendor.enter());
  }

  private entered(refused: string | undefined): boolean {
    if (refused === undefined) return true;
    this.run.failEntry.hardwareEntryFailureReason = refused;
    return this.tell("fail-entry");
  }

  /** Back to the user side. */
  private tell(reason: KvmExitReason): false {
    const { run } = this;
    this.isTold = false;
    run.exitReason = reason;
    this.describeState();
    return false;
  }

  /** What every exit to the user side tells. */
  describeState(): void {
    const { run } = this;
    run.ifFlag = (this.hardware.system.core.readFlags() & RFLAGS.IF) !== 0;
    run.readyForInterruptInjection =
      this.chip === undefined && !this.interrupts.hasPending() && this.canTake();
  }

  private fail(suberror: KvmInternalError, message: string): void {
    this.run.internal.suberror = suberror;
    this.run.internal.message = message;
    this.run.exitReason = "internal-error";
    this.isTold = true;
    this.hardware.engine.retry();
  }

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
    const { schedule, localApic } = this.chip!.board.pc;
    const { vendor } = this;
    if (!this.hardware.system.isHalted) {
      // The guest's own timer is the processor's to count, where that can (kvm_lapic_expired_hv_timer): no host interrupt.
      const isCounted =
        vendor.hasPreemptionTimer && localApic !== undefined && localApic.timer.deadline <= now;
      const reason = isCounted ? EXIT.preemption_timer : EXIT.external_interrupt;
      vendor.interrupted(isCounted);
      this.leave(reason, isCounted ? 0 : this.costs.host_interrupt);
      schedule.runDue(now);
      this.settle(reason);
      return;
    }
    schedule.runDue(now);
    this.settle(EXIT.halt);
  }

  private canTake(): boolean {
    const { system } = this.hardware;
    return (system.core.readFlags() & RFLAGS.IF) !== 0 && !system.hasShadow;
  }

  /**
   * Before an entry: an interrupt that waits is injected if the guest can take it, else the guest is to leave when it can.
   * @param reason of the exit that this belongs to.
   */
  private settle(reason: number): void {
    if (this.vendor.deliversInterrupts || this.isInjecting || !this.interrupts.hasPending()) return;
    if (this.canTake() && !this.run.requestInterruptWindow) {
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
        return this.identify();
      case "halt":
        return this.halt();
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
      case "task-switch":
        return this.switchTask();
      case "triple-fault":
        return this.tripleFault();
      case "undefined":
        return this.undefinedInstruction();
    }
  }

  /** The machine's own answer, or what the user side said. */
  private identify(): number {
    const { core } = this.hardware.system;
    if (this.cpuid === undefined) return this.emulate(EXIT.cpuid, this.costs.emulate_register);
    this.leave(EXIT.cpuid, this.costs.emulate_register);
    const leaf = core.register(RAX, 4) >>> 0;
    const subleaf = core.register(RCX, 4) >>> 0;
    const entry = this.cpuid.find(
      (one) => one.function === leaf && (one.index === undefined || one.index === subleaf),
    );
    core.setRegister(RAX, 4, entry?.eax ?? 0);
    core.setRegister(RBX, 4, entry?.ebx ?? 0);
    core.setRegister(RCX, 4, entry?.ecx ?? 0);
    core.setRegister(RDX, 4, entry?.edx ?? 0);
    this.skip(this.vendor.instruction);
    return EXIT.cpuid;
  }

  private halt(): number {
    if (this.chip !== undefined) return this.emulate(EXIT.halt, this.costs.halt_schedule);
    this.leave(EXIT.halt, 0, this.costs.user_round_trip);
    this.skip(this.vendor.instruction);
    this.run.exitReason = "hlt";
    this.isTold = true;
    return EXIT.halt;
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
    const { run } = this;
    if (run.requestInterruptWindow) {
      run.exitReason = "irq-window-open";
      this.isTold = true;
    }
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
    this.run.shutdown.reason = this.hardware.system.core.shutdownReason;
    this.run.exitReason = "shutdown";
    this.isTold = true;
    return EXIT.triple_fault;
  }

  /**
   * The whole switch is the kernel side's work (kvm_task_switch), by the machine's own semantics. Left out: memory that is first
   * touched when the new task's registers are loaded already (an error code on a stack without a page) is not taken up again.
   */
  private switchTask(): number {
    const { costs, vendor } = this;
    const { vectoring } = vendor;
    this.taskSwitchLeaves = false;
    const work = costs.emulate_instruction + costs.task_switch;
    if (vectoring === undefined) return this.emulate(EXIT.task_switch, work);
    this.leave(EXIT.task_switch, work);
    this.hardware.system.emulateDelivery(vectoring);
    return EXIT.task_switch;
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

  // Memory.

  private violation(): number {
    const { vendor, hardware, memory } = this;
    const { vectoring, violationFrame } = vendor;
    if (memory.isMemory(violationFrame)) {
      hardware.machine.counters.events[EVENT.ept_violations]!++;
      this.leave(EXIT.ept_violation, memory.populate(violationFrame));
      this.again(vectoring);
      return EXIT.ept_violation;
    }
    const { violationAddress: address } = vendor;
    if (this.chip?.ownsMemory(address) === true) {
      // Each access is an exit, and is charged when it is made.
      memory.mapDevice(violationFrame);
      this.again(vectoring);
      return EXIT.mmio_kernel;
    }
    if (vendor.violationIsData)
      this.deviceMemory(address, vendor.violationIsWrite, vectoring, () =>
        memory.reachDevice(violationFrame, () => this.step()),
      );
    else {
      this.leave(EXIT.mmio_user, 0, this.costs.user_round_trip);
      this.fail("emulation", `code or page tables are in no memory, at 0x${address.toString(16)}`);
    }
    return EXIT.mmio_user;
  }

  /** What an exit interrupted is done again: the delivery of an event, an emulation, or the instruction at RIP. */
  private again(vectoring: Vectoring | undefined): void {
    const { engine, system } = this.hardware;
    if (vectoring !== undefined && !this.taskSwitchLeaves) system.emulateDelivery(vectoring);
    else if (vectoring !== undefined) system.redeliverHere(vectoring);
    else if (this.isEmulating) system.emulate(this.emulated!);
    else engine.retry();
  }

  private readonly stepper = (): void => this.step();

  /** Executes the instruction that left, alone. */
  private step(): void {
    const { engine, system } = this.hardware;
    if (this.isEmulating) system.emulate(this.emulated!);
    else {
      engine.retry();
      engine.stepAlone();
    }
  }

  /** Under shadow paging: a fault is the guest's own, or the shadow lacked something. */
  private pageFault(shadow: ShadowedPaging): number {
    const { vendor, costs, hardware } = this;
    const linear = hardware.system.core.faultAddress;
    const { vectoring, exceptionCode } = vendor;
    switch (shadow.fault(linear, exceptionCode)) {
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
        if (vectoring === undefined) shadow.writeTable(linear, this.stepper);
        else {
          // What an event pushes is not emulated: the table becomes a page like any other.
          shadow.unguard();
          this.again(vectoring);
        }
        this.work(EXIT.table_write, shadow.takeWork());
        return EXIT.table_write;
      case "device":
        return this.shadowedDevice(shadow, linear, exceptionCode, vectoring);
    }
  }

  private shadowedDevice(
    shadow: ShadowedPaging,
    linear: number,
    code: number,
    vectoring: Vectoring | undefined,
  ): number {
    const address = shadow.frame * PAGE_BYTES + (linear % PAGE_BYTES);
    const reach = (): void => shadow.reachDevice(linear, this.stepper);
    if (this.chip?.ownsMemory(address) === true) {
      // The access itself is the exit, and is charged there.
      reach();
      return EXIT.mmio_kernel;
    }
    this.deviceMemory(address, (code & PF_WRITE) !== 0, vectoring, reach);
    return EXIT.mmio_user;
  }

  /** The guest's own page fault; one that arose in the delivery of an event may come to a double fault. */
  private trueFault(errorCode: number, vectoring: Vectoring | undefined): void {
    const { system } = this.hardware;
    if (vectoring === undefined) system.inject(EXCEPTION.PF, errorCode);
    else system.injectInstead(vectoring, errorCode);
  }

  /** An instruction refers to the user side's device memory. @param reach executes it, while that can be reached. */
  private deviceMemory(
    address: number,
    isWrite: boolean,
    vectoring: Vectoring | undefined,
    reach: () => void,
  ): void {
    const { engine, system } = this.hardware;
    this.leave(EXIT.mmio_user, this.costs.emulate_instruction);
    const at = `device memory at 0x${address.toString(16)}`;
    if (vectoring !== undefined) {
      this.fail("delivery-event", `an event was being delivered through ${at}`);
      return;
    }
    const instruction = this.isEmulating ? this.emulated : engine.attempted;
    const operand = instruction?.operands.find(({ kind }) => kind === "memory");
    // INS and OUTS between two devices are nobody's.
    const isEmulated = operand?.kind === "memory" && instruction?.row.event !== "port";
    const bytes = isEmulated ? operand.size : 0;
    const reads = !isWrite || READ_AND_WRITE.has(instruction?.row.mnemonic ?? "");
    const { words } = system.core;
    const place = addressOf(words[RIP_HIGH]!, words[RIP]!);
    if (!this.access.begin(place, address, bytes, reads)) {
      this.fail("emulation", `${instruction?.row.name ?? "an instruction"} with an operand in ${at}`);
      return;
    }
    this.reach = reach;
    this.reachMemory();
  }

  /** Asks for what the instruction reads, then executes it, and tells of what it wrote. */
  private reachMemory(): void {
    const { access, hardware } = this;
    if (access.askMemory()) {
      this.workOfUser(EXIT.mmio_user);
      return;
    }
    const { reach } = this;
    invariant(reach !== undefined, "an instruction refers to device memory");
    reach();
    // Another operand may have faulted: the instruction comes again.
    if (hardware.system.hasExited) return;
    access.finish();
    if (access.tellMemory()) this.workOfUser(EXIT.mmio_user);
  }

  // Devices.

  /** String instructions go through the emulator, element by element; for others the exit tells all there is to know. */
  private port(): number {
    const { vendor, costs, access } = this;
    const { instruction, port } = vendor;
    const isIn = instruction.row.mnemonic.startsWith("IN");
    // Of the instructions that reach ports INS and OUTS alone can be repeated.
    const isString = instruction.row.repeat !== "";
    const emulating = isString ? costs.emulate_instruction : 0;
    this.emulated = instruction;
    if (this.chip?.ownsPort(port) === true) {
      this.leave(EXIT.io_kernel, emulating + (isString ? 0 : costs.kernel_device));
      this.elementCost = isString ? costs.kernel_device : 0;
      this.hardware.system.emulate(instruction);
      return EXIT.io_kernel;
    }
    const size = portSizeOf(instruction, isIn) as AccessBytes;
    const { core } = this.hardware.system;
    const count = isString ? elementsAhead(core, instruction, isIn) : 1;
    const devices = count === 0 ? 0 : costs.user_round_trip + costs.user_device * (isIn ? count : 1);
    this.leave(EXIT.io_user, emulating, devices);
    if (isIn && count > 0 && (!isString || canStore(core, instruction, size))) {
      access.askPort(port, size, count);
      return EXIT.io_user;
    }
    // What faults is executed by the guest again, and leaves again.
    if (isIn) this.emulated = undefined;
    this.hardware.system.emulate(instruction);
    return EXIT.io_user;
  }

  /** Charges the exit of an access to memory of the kernel side's devices. Returns its reason, or -1 where nothing leaves. */
  private leaveAccess(address: number, isWrite: boolean): number {
    const { costs } = this;
    switch (this.chip!.pathOf(address, isWrite)) {
      case "virtualized":
        return -1;
      case "emulated":
        this.leave(EXIT.mmio_kernel, costs.emulate_instruction + costs.kernel_device);
        return EXIT.mmio_kernel;
      case "apic-emulated":
        this.leave(EXIT.apic_access, costs.emulate_instruction + costs.kernel_device);
        return EXIT.apic_access;
      case "apic-decoded":
        this.leave(EXIT.apic_access, costs.kernel_device);
        return EXIT.apic_access;
    }
  }

  // Accounting.

  private get costs() {
    return this.hardware.machine.costs;
  }

  /**
   * One exit and the entry after it, with the kernel side's path around both.
   * @param work cycles beyond that path. @param user cycles of the user side, and of the way there.
   */
  private leave(reason: number, work: number, user = 0): void {
    const { machine, engine } = this.hardware;
    const { costs } = this;
    const transition = costs.vm_exit + costs.vm_entry;
    const monitor = costs.monitor_dispatch + work;
    engine.charge(CYCLES.transition, transition);
    engine.charge(CYCLES.monitor, monitor);
    engine.charge(CYCLES.monitor_user, user);
    machine.counters.exit(reason, transition + monitor + user);
    this.flush?.();
  }

  /** More work of an exit that has been counted. */
  private work(reason: number, cycles: number): void {
    const { machine, engine } = this.hardware;
    engine.charge(CYCLES.monitor, cycles);
    machine.counters.exitCycles[reason]! += cycles;
  }

  /** To the user side and back, where the device is found and answers; of an exit that has been counted. */
  private workOfUser(reason: number): void {
    const { machine, engine } = this.hardware;
    const { user_round_trip, user_device } = this.costs;
    const cycles = user_round_trip + user_device;
    engine.charge(CYCLES.monitor_user, cycles);
    machine.counters.exitCycles[reason]! += cycles;
  }
}
