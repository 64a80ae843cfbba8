/**
 * Xen's way: the guest's kernel knows that it is a guest. It runs without privilege, asks by hypercalls, has page tables that
 * the hardware walks and it may only read, and gets its exceptions from the monitor by frames on its stack (Barham et al.,
 * SOSP 2003; xen/include/public).
 *
 *      hypercall, exception, interrupt ──→ handle ──→ done for the guest, or its kernel entered at a handler
 *                                                └──→ an event that came meanwhile: entered at its callback
 *
 * The guest is a domain 0 with the board's devices: it uses their ports, and the monitor emulates the instructions.
 */
import { CYCLES } from "../../events/categories.js";
import type { Costs } from "../../events/costs.js";
import { EVENT } from "../../events/events.js";
import { EXIT } from "../../events/exit-reasons.js";
import type { Outcome } from "../../machine/board.js";
import type { Load } from "../../machine/computer.js";
import { CR0 } from "../../machine/cpu/control-bits.js";
import { ACTIVITY, type Core } from "../../machine/cpu/core.js";
import { GuestFault } from "../../machine/cpu/fault.js";
import type { InterruptSource } from "../../machine/cpu/host.js";
import type { Interception } from "../../machine/cpu/interception.js";
import { pushesErrorCode } from "../../machine/cpu/interrupts/raise.js";
import { CR0_WORD, FAULT_ADDRESS, FLAGS, GENERAL, PRIVILEGE, RAX, RCX } from "../../machine/cpu/places.js";
import { EXCEPTION, RFLAGS } from "../../machine/cpu/state.js";
import type { SystemUnit } from "../../machine/cpu/system-unit.js";
import { PF_PRESENT, PF_USER, PF_WRITE } from "../../machine/mmu/entry.js";
import type { Instruction } from "../../machine/x86/instruction.js";
import { registerMoveOf } from "../../machine/x86/register-move.js";
import { invariant, UnsupportedError } from "../../util/errors.js";
import { KernelCycles } from "../kernel-cycles.js";
import type { Monitor } from "../monitor.js";
import type { MonitorParts } from "../virtual-computer.js";
import { HYPERCALL, HYPERCALL_VECTOR } from "./abi.js";
import { Arguments, type Domain } from "./call.js";
import type { Callback } from "./guest-cpu.js";
import { Hypercalls } from "./hypercalls.js";
import { startDomain } from "./start.js";
import { TableStores } from "./table-stores.js";

/** What left the guest. */
type Left =
  | { readonly kind: "instruction" | "hypercall" | "system-call"; readonly instruction: Instruction }
  | { readonly kind: "software-interrupt"; readonly vector: number }
  | {
      readonly kind: "exception";
      readonly vector: number;
      readonly errorCode: number;
      /** The system's instruction that raised it. */
      readonly instruction: Instruction | undefined;
    }
  | { readonly kind: "interrupt" };

/** Registers of a hypercall's arguments (xen-x86_32.h, xen-x86_64.h): EBX ECX EDX ESI EDI EBP; RDI RSI RDX R10 R8 R9. */
const ARGUMENT_REGISTERS = { 32: [3, 1, 2, 6, 7, 5], 64: [7, 6, 2, 10, 8, 9] } as const;
/** Of an error code: it names an entry of the IDT. */
const IDT_ENTRY = 2;

export class ParavirtualMonitor implements Monitor, Interception {
  readonly interception: Interception = this;
  readonly paging = undefined;
  /** What the guest's processor takes as interrupts: the board's, and its own events. */
  readonly interrupts: InterruptSource;
  /** Undefined before a guest is loaded. */
  private domain: Domain | undefined;
  private hypercalls!: Hypercalls;
  private stores!: TableStores;
  private args!: Arguments;
  private bits: 32 | 64 = 32;
  private left: Left | undefined;
  private isEmulating = false;
  /** The monitor was there while an event came that the guest takes: it is called before it goes on. */
  private isUpcallDue = false;
  private ending: string | undefined;
  private readonly kernelCycles: KernelCycles;

  constructor(private readonly parts: MonitorParts) {
    this.kernelCycles = new KernelCycles(parts.hardware.machine.counters);
    this.interrupts = {
      hasPending: () => this.hasInterrupt(),
      acknowledge: () => parts.board.pc.interrupts.acknowledge(),
    };
  }

  private get costs(): Costs {
    return this.parts.hardware.machine.costs;
  }
  private get system(): SystemUnit {
    return this.parts.hardware.system;
  }
  private get core(): Core {
    return this.system.core;
  }
  /** The guest that was loaded. */
  get present(): Domain {
    const { domain } = this;
    invariant(domain !== undefined, "a guest was loaded");
    return domain;
  }
  hasInterrupt(): boolean {
    return this.isUpcallDue || this.parts.board.hasInterrupt;
  }

  // The start.

  /** @throws UnsupportedError for an image that Xen could not start */
  load({ xen }: Load): void {
    if (xen === undefined)
      throw new UnsupportedError(
        "the image has no Xen notes (XEN_ELFNOTE_ENTRY): it cannot run paravirtually",
      );
    this.bits = xen.bits;
    this.domain = startDomain(this.parts, xen, {
      timerExpired: () => this.send(this.present.timerChannel),
      end: (reason) => {
        this.ending = reason;
      },
    });
    this.hypercalls = new Hypercalls(this.domain);
    this.stores = new TableStores(this.domain);
    this.args = new Arguments(this.domain.access.wordBytes);
  }

  /** A kernel that Xen starts is loaded, not put at a loader's state. */
  start(): void {
    invariant(false, "a paravirtual guest is started by its load");
  }

  // What leaves: asked by the machine.

  instruction(instruction: Instruction): boolean {
    const { mnemonic, event } = instruction.row;
    if (mnemonic === "SYSCALL" && this.bits === 64)
      return this.note({ kind: this.present.cpu.isInKernel ? "hypercall" : "system-call", instruction });
    return event === "port" && this.mayUsePorts && this.note({ kind: "instruction", instruction });
  }

  exception(vector: number, errorCode: number): boolean {
    const instruction = this.isEmulating ? undefined : this.core.performing;
    return this.note({ kind: "exception", vector, errorCode, instruction });
  }

  softwareInterrupt(vector: number): boolean {
    const { performing } = this.core;
    invariant(performing !== undefined, "INT n is an instruction of the system's");
    const isHypercall = vector === HYPERCALL_VECTOR && this.bits === 32 && this.present.cpu.isInKernel;
    return this.note(
      isHypercall ? { kind: "hypercall", instruction: performing } : { kind: "software-interrupt", vector },
    );
  }

  interrupt(): boolean {
    return this.note({ kind: "interrupt" });
  }

  shutdown(): boolean {
    return false;
  }

  private note(left: Left): true {
    this.left = left;
    return true;
  }

  private get mayUsePorts(): boolean {
    const { cpu } = this.present;
    return cpu.isInKernel && cpu.ioPrivilege > 0;
  }

  /** The host's timer interrupts the guest, if that runs, and the devices' time has come. */
  due(now: number): void {
    const { costs } = this;
    if (!this.system.isHalted)
      this.exit(EXIT.external_interrupt, costs.ring_transition, costs.host_interrupt);
    this.parts.board.pc.schedule.runDue(now);
  }

  private send(channel: number): void {
    if (channel === 0) return;
    const { events } = this.present;
    events.send(channel);
    this.isUpcallDue ||= events.wantsUpcall;
  }

  // What is done about it.

  handle(): Outcome | undefined {
    this.kernelCycles.left(this.bits === 64 && this.present.cpu.isInKernel);
    try {
      do {
        const { left } = this;
        invariant(left !== undefined, "something left");
        this.left = undefined;
        this.system.resume();
        this.dispatch(left);
      } while (this.system.hasExited);
      this.deliverEvents();
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault;
      this.ending = "the guest's kernel cannot be entered or left: its stack or a handler's segment is unfit";
    }
    this.kernelCycles.entered();
    return this.ending === undefined ? undefined : { kind: "shutdown", reason: this.ending };
  }

  private dispatch(left: Left): void {
    switch (left.kind) {
      case "hypercall":
        this.hypercall();
        return;
      case "system-call":
        this.systemCall();
        return;
      case "software-interrupt":
        this.softwareTrap(left.vector);
        return;
      case "instruction":
        this.emulate(left.instruction);
        return;
      case "exception":
        if (
          left.vector === EXCEPTION.GP &&
          left.instruction !== undefined &&
          this.isEmulated(left.instruction)
        )
          this.emulate(left.instruction);
        else if (left.vector === EXCEPTION.PF && this.isStore(left.errorCode)) this.store(left.errorCode);
        else this.exceptionLeft(left.vector, left.errorCode);
        return;
      case "interrupt":
        if (!this.parts.board.hasInterrupt) return;
        this.send(this.present.irqs.take());
        this.exit(EXIT.external_interrupt, this.costs.ring_transition, this.costs.host_interrupt);
        return;
    }
  }

  /** Before the guest goes on: it is called when events wait that it takes. */
  private deliverEvents(): void {
    const { events, cpu } = this.present;
    this.isUpcallDue = false;
    if (!events.wantsUpcall) return;
    this.core.activity = ACTIVITY.active;
    this.count(EVENT.interrupts);
    this.exit(EXIT.interrupt_window, 0, this.costs.inject_event);
    this.enter(cpu.eventCallback, undefined, true);
  }

  private hypercall(): void {
    const { core, args } = this;
    const { words } = core;
    core.jump(core.nextLow, core.nextHigh);
    const number = words[GENERAL + 2 * RAX]!;
    this.count(EVENT.hypercalls);
    if (number === HYPERCALL.iret) {
      this.hypercalls.count(number);
      if (!this.present.cpu.leave()) this.enter(this.present.cpu.failsafeCallback, undefined, true);
      this.exit(EXIT.hypercall, this.costs.ring_transition, this.costs.hypercall_dispatch);
      return;
    }
    for (const [index, register] of ARGUMENT_REGISTERS[this.bits].entries()) {
      args.low[index] = words[GENERAL + 2 * register]!;
      args.high[index] = words[GENERAL + 2 * register + 1]!;
    }
    const result = this.hypercalls.call(number, args);
    core.setRegister(RAX, this.bits / 8, result | 0, Math.floor(result / 2 ** 32) | 0);
    this.exit(EXIT.hypercall, this.costs.ring_transition, this.hypercalls.takeWork());
  }

  /** SYSCALL of a program: the monitor has it first, for both rings are the same. */
  private systemCall(): void {
    const { core, costs } = this;
    core.setRegister(RCX, 8, core.nextLow, core.nextHigh);
    core.jump(core.nextLow, core.nextHigh);
    this.count(EVENT.guest_system_calls);
    this.enter(this.present.cpu.syscallCallback, undefined, false);
    this.exit(EXIT.trap, costs.ring_transition, costs.bounce_fault);
  }

  private softwareTrap(vector: number): void {
    const { core, costs } = this;
    const { cpu } = this.present;
    const trap = cpu.traps.get(vector);
    const ring = cpu.isInKernel ? 1 : 3;
    if (trap === undefined || trap.ring < ring) {
      this.exceptionLeft(EXCEPTION.GP, (vector << 3) | IDT_ENTRY);
      return;
    }
    core.jump(core.nextLow, core.nextHigh);
    this.count(EVENT.software_interrupts);
    this.enter(trap, undefined, trap.masksEvents);
    // Xen has the processor enter a 32-bit guest directly where the handler leaves the event mask alone.
    const isDirect = this.bits === 32 && !trap.masksEvents;
    if (isDirect) this.charge(CYCLES.guest_fault, costs.software_interrupt);
    else this.exit(EXIT.trap, costs.ring_transition, costs.bounce_fault);
  }

  private exceptionLeft(vector: number, hardwareCode: number): void {
    const { core, costs } = this;
    const { cpu, events } = this.present;
    const trap = cpu.traps.get(vector);
    if (trap === undefined) {
      this.ending = `exception ${vector}, for which the guest has no handler`;
      return;
    }
    let errorCode = hardwareCode;
    this.count(EVENT.exceptions);
    if (vector === EXCEPTION.PF) {
      const { words } = core;
      events.setFaultAddress(words[FAULT_ADDRESS]!, words[FAULT_ADDRESS + 1]!);
      this.count(EVENT.guest_page_faults);
      // At CPL 3 the kernel's own accesses look like a program's.
      if (cpu.isInKernel) errorCode &= ~PF_USER;
    }
    // The guest's lazy floating point: the state is its own again (do_device_not_available).
    if (vector === EXCEPTION.NM) core.words[CR0_WORD]! &= ~CR0.TS;
    this.enter(trap, pushesErrorCode(vector) ? errorCode : undefined, trap.masksEvents);
    this.exit(EXIT.trap, costs.ring_transition, costs.bounce_fault);
  }

  private enter(callback: Callback, errorCode: number | undefined, masksEvents: boolean): void {
    this.parts.hardware.engine.endBlock();
    if (callback.address === 0) this.ending = "an entry for which the guest has no handler";
    else this.present.cpu.enter(callback, errorCode, masksEvents);
  }

  /** Whether a page fault is the kernel's by a write to what is mapped read-only, and it has writable page tables. */
  private isStore(errorCode: number): boolean {
    const { cpu, hasWritableTables } = this.present;
    return hasWritableTables && cpu.isInKernel && (errorCode & PF_WRITE_PRESENT) === PF_WRITE_PRESENT;
  }

  private store(errorCode: number): void {
    const { core } = this;
    const linear = core.faultAddress;
    const isMade = this.stores.emulate(linear);
    this.exit(EXIT.table_write, this.costs.ring_transition, this.costs.emulate_instruction);
    // A store that has itself faulted has left again; what may not be stored is the guest's fault.
    if (isMade || this.system.hasExited) return;
    core.faultAddress = linear;
    this.exceptionLeft(EXCEPTION.PF, errorCode);
  }

  // Privileged instructions, which a kernel may still have.

  private isEmulated(instruction: Instruction): boolean {
    if (!this.present.cpu.isInKernel) return false;
    const readsControl = registerMoveOf(instruction, "control")?.isRead === true;
    return readsControl || EMULATED.has(instruction.row.mnemonic);
  }

  private emulate(instruction: Instruction): void {
    const { core, costs } = this;
    const { mnemonic, event } = instruction.row;
    if (mnemonic === "WRMSR") core.jump(core.nextLow, core.nextHigh);
    else {
      const { words } = core;
      const ring = words[PRIVILEGE]!;
      words[PRIVILEGE] = 0;
      this.isEmulating = true;
      this.system.emulate(instruction);
      this.isEmulating = false;
      words[PRIVILEGE] = ring;
      words[FLAGS]! |= RFLAGS.IF;
      core.refreshMode();
    }
    const isPort = event === "port";
    const work = costs.emulate_instruction + (isPort ? costs.kernel_device : costs.emulate_register);
    this.exit(isPort ? EXIT.io_kernel : EXIT.privileged, costs.ring_transition, work);
  }

  // Accounting.

  private exit(reason: number, transition: number, monitor: number): void {
    const work = monitor + (this.domain?.paging.takeWork() ?? 0);
    this.charge(CYCLES.transition, transition);
    this.charge(CYCLES.monitor, work);
    this.parts.hardware.machine.counters.exit(reason, transition + work);
  }

  private charge(category: number, cycles: number): void {
    this.parts.hardware.engine.charge(category, cycles);
  }

  private count(event: number): void {
    this.parts.hardware.machine.counters.events[event]!++;
  }
}

const PF_WRITE_PRESENT = PF_WRITE | PF_PRESENT;
/** Xen's emulate_privileged_op; a WRMSR is let pass and does nothing, for no MSR is the guest's. */
const EMULATED: ReadonlySet<string> = new Set(["RDMSR", "WRMSR", "CLTS", "WBINVD", "INVD"]);
