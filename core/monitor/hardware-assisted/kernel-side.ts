/**
 * The kernel side: what happens at each exit, what it costs, and what is the user side's. Modelled on KVM (Linux
 * arch/x86/kvm): interrupt controllers and the PIT are in the kernel, all other devices in the user's process.
 *
 *      guest ──exit──→ handle ──done here──────────→ entry ──→ guest
 *                        │                 complete ──↑
 *                        └──→ user side (run page) ──→ KVM_RUN
 *
 * Here are KVM_RUN, interrupts, and exits by an instruction; those by memory and by devices are in files of their own, and so is what
 * the way costs, KVM's or VirtualBox's (monitor-path.ts).
 * Costs are charged before the work is done, so that what a device or a mark sees is after them.
 */
import { CYCLES } from "../../events/categories.js";
import { EVENT } from "../../events/events.js";
import { EXIT } from "../../events/exit-reasons.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import type { InterruptSource } from "../../machine/cpu/host.js";
import { RAX, RBX, RCX, RDX, RIP, RIP_HIGH } from "../../machine/cpu/places.js";
import { EXCEPTION, RFLAGS } from "../../machine/cpu/state.js";
import type { Instruction } from "../../machine/x86/instruction.js";
import { loadsCr3 } from "../../machine/x86/register-move.js";
import type { DeviceAccess } from "./device-access.js";
import { DeviceExits } from "./device-exits.js";
import { Emulation } from "./emulation.js";
import type { ExitAccounts } from "./exit-accounts.js";
import type { InKernelDevices } from "./in-kernel-devices.js";
import { MemoryExits, type MemorySide } from "./memory-exits.js";
import { KvmRun } from "./run-page.js";
import type { Vendor } from "./vendor.js";

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

export class KernelSide {
  readonly run = new KvmRun();
  /** What CPUID tells the guest; undefined: what the processor would. */
  cpuid: readonly KvmCpuidEntry[] | undefined;
  private readonly accounts: ExitAccounts;
  private readonly emulation: Emulation;
  private readonly devices: DeviceExits;
  private readonly memoryExits: MemoryExits;
  /** The next entry delivers the interrupt that waits. */
  private isInjecting = false;
  private isWindowOpen = false;
  private isInjectingNmi = false;
  private isNmiWindowOpen = false;
  /** Interrupts of the local APIC are the hardware's to deliver. */
  private readonly delivers: boolean;
  /** Debug registers are the guest's until the next exit. */
  private ownsDebugRegisters = false;

  /**
   * @param interrupts that wait for the guest.
   * @param chip the devices of the kernel side; undefined: the user side has all.
   */
  constructor(
    private readonly hardware: CodeMachine,
    private readonly vendor: Vendor,
    private readonly memory: MemorySide,
    private readonly interrupts: InterruptSource,
    private readonly chip: InKernelDevices | undefined,
    accounts: ExitAccounts,
  ) {
    const { run } = this;
    this.delivers = vendor.deliversInterrupts && chip !== undefined;
    this.accounts = accounts;
    this.emulation = new Emulation(hardware, run);
    const { emulation } = this;
    const settle = (reason: number): void => this.settle(reason);
    this.devices = new DeviceExits(hardware, vendor, chip, accounts, emulation, run, settle);
    this.memoryExits = new MemoryExits(hardware, vendor, memory, chip, accounts, emulation, this.devices);
  }

  /** Ports and device memory as emulated instructions reach them. */
  get access(): DeviceAccess {
    return this.devices.access;
  }

  /** Whether a task switch leaves (Interception.taskSwitch). */
  taskSwitchLeaves(): boolean {
    return this.emulation.takeTaskSwitch();
  }

  // KVM_RUN.

  /** The first entry, the guest's registers having been set. Returns whether the guest goes on, or the run page tells why not. */
  start(): boolean {
    const refused = this.vendor.start();
    // The user side may have queued an interrupt or an NMI.
    this.settle(EXIT.interrupt_window);
    return this.entered(refused);
  }

  /** Handles what left. Returns whether the guest goes on, or the user side is asked. */
  handle(): boolean {
    this.emulation.begin();
    if (this.ownsDebugRegisters) {
      this.ownsDebugRegisters = false;
      this.vendor.setDebugExiting(true);
    }
    return this.proceed(this.dispatch());
  }

  /** The user side has done what it was asked for. */
  complete(): boolean {
    return this.proceed(this.devices.complete());
  }

  /** After an exit's work: to the user side, if that was asked something, else into the guest. */
  private proceed(reason: number): boolean {
    if (this.access.pending !== "nothing" || this.run.isTold) return this.leaveForUser();
    this.emulation.end();
    this.settle(reason);
    return this.entered(this.vendor.enter());
  }

  private entered(refused: string | undefined): boolean {
    if (refused === undefined) return true;
    this.run.failEntry.hardwareEntryFailureReason = refused;
    this.run.tell("fail-entry");
    return this.leaveForUser();
  }

  private leaveForUser(): false {
    this.run.isTold = false;
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

  // Interrupts.

  /** Whether a maskable interrupt that the guest could take now leaves instead (Interception.interrupt). */
  interruptLeaves(): boolean {
    if (this.isInjecting) {
      this.isInjecting = false;
      return false;
    }
    return this.isWaiting;
  }

  /** The same for an NMI. */
  nmiLeaves(): boolean {
    if (!this.isInjectingNmi) return true;
    this.isInjectingNmi = false;
    return false;
  }

  /** An interrupt waits that the hardware does not deliver by itself. */
  private get isWaiting(): boolean {
    return this.delivers ? this.chip!.asksExternally : this.interrupts.hasPending();
  }

  /** The host's timer for the guest's devices has fired. */
  due(now: number): void {
    const { vendor } = this;
    const chip = this.chip!;
    const { schedule } = chip.board.pc;
    if (!this.hardware.system.isHalted) {
      if (vendor.postsInterrupts && !chip.hasTimerDue(now)) {
        this.dueElsewhere(now);
        return;
      }
      // The guest's own timer is the processor's to count, where that can (kvm_lapic_expired_hv_timer): no host interrupt.
      const isCounted = vendor.hasPreemptionTimer && chip.isApicTimerDue(now);
      const reason = isCounted ? EXIT.preemption_timer : EXIT.external_interrupt;
      vendor.interrupted(isCounted);
      this.accounts.leave(reason, isCounted ? 0 : this.accounts.costs.host_interrupt);
      schedule.runDue(now);
      this.settle(reason);
      return;
    }
    schedule.runDue(now);
    this.settle(EXIT.halt);
  }

  /**
   * A device of the user side's is due, whose thread has another processor: the guest goes on with what it posts. An interrupt that only
   * an injection delivers takes the guest out.
   */
  private dueElsewhere(now: number): void {
    const { vendor, hardware } = this;
    const chip = this.chip!;
    const asked = chip.asksExternally;
    chip.board.pc.schedule.runDue(now);
    if (vendor.takePosted()) {
      hardware.machine.counters.events[EVENT.posted_interrupts]!++;
      // In the guest, as the delivery that follows.
      hardware.engine.charge(CYCLES.guest_fault, this.accounts.costs.posted_interrupt);
    }
    if (asked || !chip.asksExternally) return;
    vendor.interrupted(false);
    this.accounts.leave(EXIT.external_interrupt, this.accounts.costs.host_interrupt);
    this.settle(EXIT.external_interrupt);
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
    if (this.delivers) this.vendor.takePosted();
    this.settleNmi(reason);
    if (this.isInjecting || !this.isWaiting) return;
    if (this.canTake() && !this.run.requestInterruptWindow) {
      this.isInjecting = true;
      this.accounts.work(reason, this.accounts.costs.inject_event);
      this.setWindow(false);
    } else this.setWindow(true);
  }

  private settleNmi(reason: number): void {
    const { core, hasShadow } = this.hardware.system;
    if (!core.nmiPending || this.isInjectingNmi) return;
    this.isInjectingNmi = !core.nmiBlocked && !hasShadow;
    if (this.isInjectingNmi) this.accounts.work(reason, this.accounts.costs.inject_event);
    if (this.isNmiWindowOpen === !this.isInjectingNmi) return;
    this.isNmiWindowOpen = !this.isInjectingNmi;
    this.vendor.setNmiWindow(this.isNmiWindowOpen);
  }

  private setWindow(open: boolean): void {
    if (open === this.isWindowOpen) return;
    this.isWindowOpen = open;
    this.vendor.setWindow(open);
  }

  // Exits.

  /** Returns the reason, EXIT.…. */
  private dispatch(): number {
    const { vendor } = this;
    const { costs } = this.accounts;
    switch (vendor.exit) {
      case "violation":
        return this.memoryExits.violation();
      case "port":
        return this.devices.port();
      case "interrupt-window":
        return this.window();
      case "nmi-window":
        for (let exit = 0; exit < vendor.nmiWindowExits; exit++) this.accounts.leave(EXIT.nmi_window, 0);
        return EXIT.nmi_window;
      case "tpr-threshold":
        this.accounts.leave(EXIT.tpr_threshold, 0);
        return EXIT.tpr_threshold;
      case "exception":
        return this.exception();
      case "cpuid":
        return this.identify();
      case "pause":
        return this.pause();
      case "halt":
        return this.halt();
      case "msr-read":
        return this.emulate(EXIT.msr_read, costs.emulate_register);
      case "msr-write":
        return this.controls(EXIT.msr_write);
      case "apic-end":
        return this.emulate(EXIT.end_of_interrupt, costs.kernel_device);
      case "apic-write":
        return this.emulate(EXIT.apic_write, costs.kernel_device);
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
    if (this.cpuid === undefined) return this.emulate(EXIT.cpuid, this.accounts.costs.emulate_register);
    this.accounts.leave(EXIT.cpuid, this.accounts.costs.emulate_register);
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

  /** A loop that waits for another virtual CPU (kvm_vcpu_on_spin): there is none to run instead. */
  private pause(): number {
    this.accounts.leave(EXIT.pause, 0);
    this.vendor.pauseWindow.grow();
    this.skip(this.vendor.instruction);
    return EXIT.pause;
  }

  private halt(): number {
    this.vendor.pauseWindow.reset();
    if (this.chip !== undefined) return this.emulate(EXIT.halt, this.accounts.costs.halt_schedule);
    this.accounts.leave(EXIT.halt, 0, this.accounts.userRoundTrip);
    this.skip(this.vendor.instruction);
    this.run.tell("hlt");
    return EXIT.halt;
  }

  private exception(): number {
    const { vendor, hardware, memory } = this;
    const { costs } = this.accounts;
    const { exceptionVector } = vendor;
    if (exceptionVector === EXCEPTION.PF && memory.shadow !== undefined)
      return this.memoryExits.pageFault(memory.shadow);
    const isUndefined = exceptionVector === EXCEPTION.UD;
    // KVM tries to emulate what is undefined: it may be an instruction of another vendor's.
    this.accounts.leave(EXIT.exception, costs.inject_event + (isUndefined ? costs.emulate_instruction : 0));
    hardware.system.inject(exceptionVector, vendor.exceptionCode);
    return EXIT.exception;
  }

  private window(): number {
    this.accounts.leave(EXIT.interrupt_window, 0);
    this.setWindow(false);
    const { run } = this;
    if (run.requestInterruptWindow) {
      run.tell("irq-window-open");
    }
    return EXIT.interrupt_window;
  }

  private controls(reason: number): number {
    const { vendor, memory } = this;
    const { costs } = this.accounts;
    const isCr3 = memory.shadow !== undefined && loadsCr3(vendor.instruction);
    if (isCr3) this.emulate(EXIT.cr3_load, costs.shadow_cr3);
    else this.emulate(reason, costs.emulate_register);
    const done = isCr3 ? EXIT.cr3_load : reason;
    if (memory.shadow !== undefined) this.accounts.work(done, memory.shadow.takeWork());
    vendor.controlsChanged();
    return done;
  }

  private invalidate(): number {
    const { memory } = this;
    const { costs } = this.accounts;
    this.emulate(EXIT.invlpg, costs.shadow_invlpg);
    if (memory.shadow !== undefined) this.accounts.work(EXIT.invlpg, memory.shadow.takeWork());
    return EXIT.invlpg;
  }

  /** The first access gives the guest its debug registers, until the next exit. */
  private debugRegister(): number {
    this.accounts.leave(EXIT.debug_register, this.accounts.costs.emulate_register);
    this.ownsDebugRegisters = true;
    this.vendor.setDebugExiting(false);
    this.hardware.engine.retry();
    return EXIT.debug_register;
  }

  private hypercall(): number {
    const { core } = this.hardware.system;
    this.accounts.leave(EXIT.hypercall, 0);
    const result = core.cpl === 0 ? NO_SUCH_HYPERCALL : NOT_PERMITTED;
    core.setRegister(RAX, core.is64BitCode ? 8 : 4, result, -1);
    this.skip(this.vendor.instruction);
    return EXIT.hypercall;
  }

  private undefinedInstruction(): number {
    this.accounts.leave(EXIT.other_instruction, this.accounts.costs.inject_event);
    this.hardware.system.inject(EXCEPTION.UD, 0);
    return EXIT.other_instruction;
  }

  private tripleFault(): number {
    this.accounts.leave(EXIT.triple_fault, 0);
    this.run.shutdown.reason = this.hardware.system.core.shutdownReason;
    this.run.tell("shutdown");
    return EXIT.triple_fault;
  }

  /** The whole switch is the kernel side's work (kvm_task_switch), by the machine's own semantics. */
  private switchTask(): number {
    const { vendor } = this;
    const { costs } = this.accounts;
    this.accounts.leave(EXIT.task_switch, costs.emulate_instruction + costs.task_switch);
    this.emulation.switchTask(vendor.vectoring ?? vendor.instruction);
    return EXIT.task_switch;
  }

  /** The guest's instruction, done by the machine's own semantics. */
  private emulate(reason: number, work: number): number {
    this.accounts.leave(reason, work);
    this.emulation.emulate(this.vendor.instruction);
    return reason;
  }

  private skip(instruction: Instruction): void {
    const { core } = this.hardware.system;
    const { words } = core;
    const low = (words[RIP]! + instruction.length) | 0;
    const carry = core.is64BitCode && low >>> 0 < words[RIP]! >>> 0 ? 1 : 0;
    core.jump(low, (words[RIP_HIGH]! + carry) | 0);
  }
}
