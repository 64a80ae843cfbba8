/**
 * What monitors have in common that run their guest's kernel at CPL 1, or 3 as it is in 64-bit mode, on shadow page tables: whatever
 * would enter CPL 0 comes here. The guest's processor is the machine's own (privileged-state.ts); its privileged instructions
 * are emulated with the machine's own semantics, its exceptions and interrupts delivered as its own tables say.
 *
 *      concealed: the guest runs ──→ Interception notes what left ──→ handle: expose, emulate or deliver, conceal
 */
import { CYCLES } from "../../events/categories.js";
import type { Costs } from "../../events/costs.js";
import { EXIT } from "../../events/exit-reasons.js";
import { OWNER } from "../../events/memory-owners.js";
import { addressOf, type Gfn, type Gva, PAGE_BYTES } from "../../machine/address.js";
import type { Outcome } from "../../machine/board.js";
import { CR0, EFER } from "../../machine/cpu/control-bits.js";
import { type Core, SHADOW } from "../../machine/cpu/core.js";
import type { Interception, Vectoring } from "../../machine/cpu/interception.js";
import {
  BASE,
  EFER_WORD,
  GDTR_BASE,
  GDTR_LIMIT,
  HIGHEST,
  IDTR_BASE,
  IDTR_LIMIT,
  RIP,
  RIP_HIGH,
  segmentWord,
} from "../../machine/cpu/places.js";
import { CS, EXCEPTION, LDTR, MODE, RFLAGS, TR } from "../../machine/cpu/state.js";
import type { StartState, SystemUnit } from "../../machine/cpu/system-unit.js";
import { NONE_REFUSED } from "../../machine/execute/code/linear-access.js";
import { decode, LONGEST_INSTRUCTION } from "../../machine/x86/decode.js";
import type { Instruction } from "../../machine/x86/instruction.js";
import { loadsCr3 } from "../../machine/x86/register-move.js";
import { invariant, UnsupportedError } from "../../util/errors.js";
import { GuestRam, PcExtent } from "../guest-ram.js";
import { KernelCycles } from "../kernel-cycles.js";
import { GuestMap } from "../memory/guest-map.js";
import { HostRuns } from "../memory/host-runs.js";
import { ShadowedPaging, type ShadowedPagingOptions } from "../memory/shadow/shadowed-paging.js";
import type { Monitor } from "../monitor.js";
import type { MonitorParts } from "../virtual-computer.js";
import { GuestGdt } from "./guest-gdt.js";
import { PrivilegedState, type RealTables, type TablePlace } from "./privileged-state.js";
import { SegmentRegisters } from "./segment-extent.js";
import { MonitorWindow, WINDOW_BASE } from "./window.js";
import { isStackNearWindow, mayReachWindow, mayReferToWindow } from "./window-reach.js";

/** Levels of the map from guest-physical to host-physical memory. */
const MAP_LEVELS = 4;
/** The monitor's IDT is never read by the machine: whatever goes through it comes here. SIDT shows where it is. */
const IDT_LIMIT = 0x7ff;
/** Selector of the monitor's TSS, as STR shows it. */
const TASK_SELECTOR = 0xfff8;

/** Of a selector, and of an error code that names one: its table is the local one. */
const LOCAL = 4;
/** What a reference beyond a limit raises, with an error code of 0. */
const LIMIT_FAULTS: ReadonlySet<number> = new Set([EXCEPTION.GP, EXCEPTION.SS]);

/** Limits that a guest's programs should have are not kept apart from the monitor's, nor from those of a kernel above CPL 0. */
const OWN_LIMITS =
  "a guest that sets EFER.LMSLE itself has limits that a monitor which deprivileges its kernel does not";

/** Between kernel and programs: paging takes them for the kernel, whose ring is one of them. */
const INNER_RINGS: ReadonlySet<number> = new Set([1, 2]);
const INNER_RING = "a monitor that deprivileges its guest's kernel has no ring for guest code at CPL 1 or 2";

/** What left the guest. */
export type Left =
  | { readonly kind: "instruction"; readonly instruction: Instruction }
  | {
      readonly kind: "exception";
      readonly vector: number;
      readonly errorCode: number;
      /** The system's instruction that raised it. */
      readonly instruction: Instruction | undefined;
      /** What was being delivered: the two are combined. */
      readonly during: Vectoring | undefined;
    }
  /** A page fault that was the shadow's alone: mended already. */
  | { readonly kind: "mended"; readonly during: Vectoring | undefined }
  | { readonly kind: "table-write" | "device"; readonly linear: Gva }
  | { readonly kind: "interrupt" }
  /** Nothing did: the monitor has something to do before the guest goes on. */
  | { readonly kind: "nothing" };

type Exception = Extract<Left, { kind: "exception" }>;

export class DeprivilegedMonitor implements Monitor, Interception, RealTables {
  readonly interception: Interception = this;
  readonly paging: ShadowedPaging;
  readonly ram: GuestRam;
  readonly state: PrivilegedState;
  protected readonly window: MonitorWindow;
  protected readonly gdt: GuestGdt;
  readonly idt: TablePlace;
  readonly taskSelector = TASK_SELECTOR;
  private readonly segments: SegmentRegisters;
  protected left: Left | undefined;
  private pagingSeen = 0;
  private readonly kernelCycles: KernelCycles;
  /** What is being emulated, to be taken up again when a fault of it was mended. */
  private emulating: Instruction | undefined;

  constructor(
    protected readonly parts: MonitorParts,
    options: Omit<ShadowedPagingOptions, "reserved">,
    /** The guest's kernel is translated: has CPL 1 always, and its code lies in the monitor's addresses. */
    private readonly isTranslator = false,
  ) {
    const { hardware, guestFrames } = parts;
    const { machine } = hardware;
    const map = new GuestMap(
      machine,
      MAP_LEVELS,
      0,
      guestFrames,
      OWNER.monitor_maps,
      undefined,
      0,
      new HostRuns(machine.frames),
    );
    this.ram = new GuestRam(hardware, map, new PcExtent(guestFrames));
    this.window = new MonitorWindow(machine);
    this.ram.onWrite = (frame) => this.written(frame);
    this.gdt = new GuestGdt(hardware, this.window, this.ram, () => this.paging, isTranslator);
    this.segments = new SegmentRegisters(machine.code!.cpu.words, isTranslator);
    this.idt = { address: this.window.add(1, false).address, limit: IDT_LIMIT };
    this.state = new PrivilegedState(hardware, this, isTranslator ? 1 : 3);
    this.kernelCycles = new KernelCycles(machine.counters);
    this.paging = new ShadowedPaging(hardware, map, this.ram, {
      ...options,
      reserved: (format) => this.window.entriesFor(format),
    });
  }

  protected get costs(): Costs {
    return this.parts.hardware.machine.costs;
  }
  protected get system(): SystemUnit {
    return this.parts.hardware.system;
  }
  protected get core(): Core {
    return this.system.core;
  }

  start(state: StartState): void {
    if ((state.cr0 & CR0.PE) === 0)
      throw new UnsupportedError("a monitor that deprivileges its guest's kernel cannot run real mode");
    this.core.deliversInSoftware = true;
    this.paging.start();
    this.system.start(state);
    this.gdt.isStale = (state.efer & EFER.LMA) !== 0;
    this.finish();
  }

  /** The host's timer interrupts the guest, if that runs, and the devices' time has come. */
  due(now: number): void {
    const { costs } = this;
    if (!this.system.isHalted)
      this.exit(EXIT.external_interrupt, this.trapCost, costs.trap_dispatch + costs.host_interrupt);
    this.parts.board.pc.schedule.runDue(now);
    if (this.gdt.isStale) this.leave();
  }

  /** Has the monitor called before the guest goes on, while the guest runs. */
  protected leave(): void {
    this.core.hasExited = this.note({ kind: "nothing" });
  }

  /** An interrupt waits, whether the guest would take it or not. */
  protected get hasPending(): boolean {
    return this.parts.board.hasInterrupt;
  }

  hasInterrupt(): boolean {
    return this.hasPending && this.state.takesInterrupts;
  }

  // What leaves: asked by the machine.

  instruction(instruction: Instruction): boolean {
    if (this.state.isExposed || !this.leaves(instruction)) return false;
    return this.note({ kind: "instruction", instruction });
  }

  /** Instructions that may not be executed directly though they are not privileged at the guest's CPL. */
  protected leaves({ row }: Instruction): boolean {
    return ALWAYS_LEAVE.has(row.mnemonic);
  }

  exception(vector: number, errorCode: number, during: Vectoring | undefined): boolean {
    if (vector === EXCEPTION.PF) return this.pageFault(errorCode, during);
    if (this.state.isExposed) return false;
    const { performing } = this.core;
    return this.note({ kind: "exception", vector, errorCode, instruction: performing, during });
  }

  softwareInterrupt(_vector: number): boolean {
    if (this.state.isExposed) return false;
    const { performing } = this.core;
    invariant(performing !== undefined, "INT n is an instruction of the system's");
    return this.note({ kind: "instruction", instruction: performing });
  }

  interrupt(): boolean {
    return this.note({ kind: "interrupt" });
  }

  shutdown(): boolean {
    return false;
  }

  private pageFault(hardwareCode: number, during: Vectoring | undefined): boolean {
    const linear = this.core.faultAddress;
    const isWindow = this.window.contains(linear, this.core.isLong);
    if (isWindow && this.paging.isMapped(linear, hardwareCode))
      throw new UnsupportedError(
        `the guest uses linear address 0x${(linear >>> 0).toString(16)}, where its monitor is: the last 4 MiB are not the guest's`,
      );
    const fault = isWindow ? "true" : this.paging.fault(linear, hardwareCode);
    const isEmulated = this.state.isExposed;
    switch (fault) {
      case "true":
        return this.note({
          kind: "exception",
          vector: EXCEPTION.PF,
          errorCode: this.paging.errorCode,
          instruction: undefined,
          during,
        });
      case "guarded":
        if (!isEmulated) return this.note({ kind: "table-write", linear });
        this.gdt.written(this.paging.frame);
        this.paging.unguard();
        this.unguarded(this.paging.frame);
        return this.note({ kind: "mended", during });
      case "device":
        if (this.core.isEmulating)
          throw new UnsupportedError("a system instruction's operand is a device's memory");
        return this.note({ kind: "device", linear });
      default:
        return this.note({ kind: "mended", during });
    }
  }

  /** A guarded page is written freely from now on. */
  protected unguarded(_frame: Gfn): void {}

  /** A device wrote to a frame of the guest's memory. */
  protected written(frame: Gfn): void {
    this.gdt.written(frame);
  }

  protected note(left: Left): true {
    this.left = left;
    return true;
  }

  tableFor(isKernel: boolean): TablePlace {
    return this.gdt.tableFor(isKernel);
  }

  /** The guest's own processor state into the registers. */
  protected expose(): void {
    const { engine, memory } = this.parts.hardware;
    engine.endBlock();
    this.state.expose();
    // No CPL keeps what is emulated from the window then, nor a segment that an event or a task switch loads.
    memory.refusedHigh = this.core.isLong ? -1 : 0;
    memory.refusedFrom = WINDOW_BASE;
    if (!this.core.isLong && isStackNearWindow(this.core)) this.restoreSegments();
  }

  /** The machine's into them: the guest may run. */
  protected conceal(): void {
    if (this.state.isExposed && INNER_RINGS.has(this.core.cpl)) throw new UnsupportedError(INNER_RING);
    this.parts.hardware.memory.refusedFrom = NONE_REFUSED;
    this.state.conceal();
    if (!this.core.isLong && this.state.isKernel) this.truncate();
    this.paging.setRole(this.runsKernelAt3 ? "kernel" : "guest");
  }

  /** Of 32-bit code at CPL 1: no segment by which it refers to memory reaches the window. */
  protected truncate(): void {
    if (this.segments.truncate()) this.core.updateMode();
  }

  /** The guest's own extents into segments that were cut short, while its own state is in the registers. @returns whether any was. */
  protected restoreSegments(): boolean {
    return this.segments.restore((selector) => this.gdt.wholeOf(selector));
  }

  /** The guest's kernel runs directly, in 64-bit or compatibility mode. */
  private get runsKernelAt3(): boolean {
    const { state } = this;
    return !state.isExposed && state.guestRing === 3 && state.isKernel;
  }

  // What is done about it.

  handle(): Outcome | undefined {
    const { left } = this;
    invariant(left !== undefined, "something left");
    this.left = undefined;
    this.kernelCycles.left(this.runsKernelAt3);
    this.dispatch(left);
    if (this.system.hasExited) return undefined;
    this.emulating = undefined;
    this.finish();
    this.kernelCycles.entered();
    return undefined;
  }

  /** What left has been handled: the guest goes on. */
  protected finish(): void {
    if (this.gdt.isStale) {
      this.expose();
      this.gdt.copy();
    }
    this.conceal();
  }

  protected dispatch(left: Left): void {
    const { costs } = this;
    const { engine } = this.parts.hardware;
    switch (left.kind) {
      case "instruction":
        this.emulate(left.instruction);
        return;
      case "exception":
        this.exceptionLeft(left);
        return;
      case "mended":
        this.exit(EXIT.page_fault_hidden, this.trapCost, costs.trap_dispatch + costs.shadow_hidden_fault);
        if (left.during !== undefined) this.system.redeliverHere(left.during);
        else if (this.emulating !== undefined) this.emulateExposed(this.emulating);
        else engine.retry();
        return;
      case "table-write": {
        engine.retry();
        this.gdt.written(this.paging.frame);
        this.writeGuarded(left.linear, () => this.step());
        this.exit(EXIT.table_write, this.trapCost, costs.trap_dispatch + costs.shadow_emulate_write);
        return;
      }
      case "device":
        engine.retry();
        this.paging.reachDevice(left.linear, () => this.step());
        this.exit(
          EXIT.mmio_kernel,
          this.trapCost,
          costs.trap_dispatch + costs.emulate_instruction + costs.kernel_device,
        );
        return;
      case "nothing":
        return;
      case "interrupt": {
        const vector = this.parts.board.pc.interrupts.acknowledge();
        this.expose();
        this.system.injectInterrupt(vector);
        this.exit(EXIT.interrupt_window, 0, costs.inject_event);
        return;
      }
    }
  }

  /** Executes one instruction of the guest's; what comes after it is fetched anew, for translations have changed. */
  protected step(): void {
    const { engine } = this.parts.hardware;
    engine.stepAlone();
    engine.endBlock();
  }

  /** A write to a guarded page is made, by `step`. */
  protected writeGuarded(linear: Gva, step: () => void): void {
    this.paging.writeTable(linear, step);
  }

  private exceptionLeft(left: Exception): void {
    const { vector, errorCode, instruction, during } = left;
    const wasExposed = this.state.isExposed;
    // What the guest may not do in its ring it might on a processor of its own: the guest's own state says whether it may.
    if (
      vector === EXCEPTION.GP &&
      instruction !== undefined &&
      !wasExposed &&
      (this.state.isKernel || this.mayByIoPrivilege(instruction))
    ) {
      this.emulate(instruction);
      return;
    }
    if (instruction !== undefined && !wasExposed && this.mayBePresent(left)) {
      this.emulate(instruction);
      return;
    }
    if (this.redoWhole(left)) return;
    const { costs } = this;
    const isPageFault = vector === EXCEPTION.PF;
    this.expose();
    if (during === undefined) this.system.inject(vector, errorCode);
    else this.system.injectInstead(during, errorCode);
    this.exit(
      isPageFault ? EXIT.page_fault_true : EXIT.exception,
      this.trapCost,
      costs.trap_dispatch + (isPageFault ? costs.shadow_true_fault : 0),
    );
  }

  /**
   * 32-bit code of the guest's went beyond a limit: if that is not the guest's but the monitor's the reference is made again, in the
   * segments that the guest has, without the window. @returns false where the limit was the guest's.
   */
  private redoWhole({ vector, errorCode, instruction: left, during }: Exception): boolean {
    if (this.core.isLong || this.state.isExposed || during !== undefined) return false;
    if (!LIMIT_FAULTS.has(vector) || errorCode !== 0) return false;
    this.expose();
    const instruction = left ?? this.instructionAtIp();
    if (instruction !== undefined && !this.mayMeetLimit(instruction)) return false;
    // Of the stack's segment that was done when the state was exposed.
    if (!this.restoreSegments() && !isStackNearWindow(this.core)) return false;
    if (instruction !== undefined && this.system.performs(instruction)) this.emulateExposed(instruction);
    else this.stepWithoutWindow();
    this.exit(EXIT.exception, this.trapCost, this.costs.trap_dispatch + this.costs.decode_instruction);
    return true;
  }

  /** A near branch is told of its target. What programs' code would read by its own segment it may not (ShadowGdt). */
  private mayMeetLimit(instruction: Instruction): boolean {
    const { row, operands } = instruction;
    if ((row.ends && row.event === "") || mayReachWindow(this.core, instruction)) return true;
    return operands.some((operand) => operand.kind === "memory" && operand.segment === CS);
  }

  /** The guest's, while its own state is in the registers. */
  private instructionAtIp(): Instruction | undefined {
    const { words, is64BitCode } = this.core;
    const base = is64BitCode ? 0 : words[segmentWord(CS) + BASE]!;
    const bytes = this.fetch(addressOf(words[RIP_HIGH]!, words[RIP]!) + base);
    const instruction = decode(bytes, 0, is64BitCode ? 64 : 32);
    return typeof instruction === "object" ? instruction : undefined;
  }

  /** The guest's bytes from a linear address on: at least one instruction, unless fewer can be fetched. */
  protected fetch(address: Gva): Uint8Array {
    const bytes = new Uint8Array(LONGEST_INSTRUCTION);
    const { is64BitCode } = this.core;
    for (let at = 0; at < bytes.length; ) {
      const linear = is64BitCode ? address + at : (address + at) >>> 0;
      const gfn = this.paging.translate(linear);
      const offset = linear & (PAGE_BYTES - 1);
      const inPage = Math.min(PAGE_BYTES - offset, bytes.length - at);
      if (gfn < 0 || this.ram.isDevice(gfn)) return bytes.slice(0, at);
      this.ram.read(gfn * PAGE_BYTES + offset, bytes.subarray(at, at + inPage));
      at += inPage;
    }
    return bytes;
  }

  /** Executes the guest's instruction with its own state, and no monitor in its address space. */
  protected stepWithoutWindow(): void {
    const { paging } = this.parts.hardware;
    this.window.without(() => {
      paging.flushAll(false);
      this.step();
    });
    paging.flushAll(false);
  }

  /** What is absent from the monitor's table may be present in the guest's. Gates in a kernel's way are where it traps and is wrong. */
  private mayBePresent({ vector, errorCode, instruction }: Exception): boolean {
    if (errorCode === 0) return false;
    // The machine has no local table; programs' code is readable in the guest's.
    if (vector === EXCEPTION.GP && (errorCode & LOCAL) !== 0)
      return this.state.virtualTables.localTable !== 0;
    if (vector === EXCEPTION.GP) return !this.core.isLong && this.gdt.wholeOf(errorCode) !== undefined;
    if (vector !== EXCEPTION.NP && vector !== EXCEPTION.SS) return false;
    const isGate = instruction?.row.mnemonic === "CALLF" || instruction?.row.mnemonic === "JMPF";
    return this.isTranslator || !this.state.isKernel || !isGate;
  }

  /** A program changes IF where the guest's IOPL lets it; the machine's is 0. */
  private mayByIoPrivilege({ row }: Instruction): boolean {
    const mayChange = (this.state.virtualFlags & RFLAGS.IOPL) === RFLAGS.IOPL;
    return mayChange && INTERRUPT_FLAG_CHANGES.has(row.mnemonic);
  }

  /** Has the guest's own processor do an instruction that may not be executed directly. */
  protected emulate(instruction: Instruction): void {
    if (!this.changeInterruptFlag(instruction)) {
      this.expose();
      this.emulateExposed(instruction);
    }
    const { reason, work } = this.priceOf(instruction);
    const { transition, decoding } = this.wayOf(instruction);
    this.exit(reason, transition, this.costs.trap_dispatch + decoding + work);
  }

  /**
   * CLI and STI, which are most of what a kernel leaves for: all that changes is the guest's own IF, which the registers do not
   * hold while the guest runs. Returns false for other instructions, and where a debug trap might follow.
   */
  private changeInterruptFlag(instruction: Instruction): boolean {
    const { core, state } = this;
    const { mnemonic } = instruction.row;
    if (!INTERRUPT_FLAG_CHANGES.has(mnemonic) || state.isExposed || (core.mode & MODE.singleStep) !== 0)
      return false;
    this.parts.hardware.engine.endBlock();
    const isSet = mnemonic === "STI";
    if (isSet && !state.takesInterrupts) core.shadow = SHADOW.interrupts;
    state.setInterruptFlag(isSet);
    core.setSystemFlags(RFLAGS.RF, 0);
    this.system.skip(instruction);
    this.notePaging();
    return true;
  }

  /** How an instruction that is not executed directly comes to the monitor, and what the monitor must find out first. */
  private wayOf({ row }: Instruction): { readonly transition: number; readonly decoding: number } {
    const { software_interrupt, syscall, interrupt_return, decode_instruction } = this.costs;
    switch (row.event) {
      // Gates and entry points that are the monitor's own: what comes there is known.
      case "software-interrupt":
        return { transition: software_interrupt + interrupt_return, decoding: 0 };
      case "system-call":
        return { transition: syscall / 2 + interrupt_return, decoding: 0 };
      default:
        return { transition: this.trapCost, decoding: decode_instruction };
    }
  }

  protected emulateExposed(instruction: Instruction): void {
    this.emulating = instruction;
    if (!this.core.isLong && mayReferToWindow(this.core, instruction)) this.restoreSegments();
    this.system.emulate(instruction);
    if ((this.core.words[EFER_WORD]! & EFER.LMSLE) !== 0) throw new UnsupportedError(OWN_LIMITS);
    if (TABLE_LOADS.has(instruction.row.mnemonic)) this.refuseTablesInWindow();
    if (instruction.row.mnemonic === "LGDT") this.gdt.isStale = true;
    this.notePaging();
  }

  /** Where paging is another, so may be the guest's GDT. */
  private notePaging(): void {
    if (this.paging.generation === this.pagingSeen) return;
    this.gdt.isStale = true;
    this.pagingSeen = this.paging.generation;
  }

  /** The machine reaches descriptors whatever segments and CPL allow, and marks them: they may not be the monitor's memory. */
  private refuseTablesInWindow(): void {
    const { words } = this.core;
    const tables = [
      [GDTR_BASE, GDTR_LIMIT],
      [IDTR_BASE, IDTR_LIMIT],
      ...[LDTR, TR].map((segment) => [segmentWord(segment) + BASE, segmentWord(segment) + HIGHEST] as const),
    ] as const;
    const { window, core } = this;
    for (const [base, limit] of tables) {
      const first = addressOf(words[base + 1]!, words[base]!);
      const last = first + (words[limit]! >>> 0);
      if (window.contains(first, core.isLong) || window.contains(last, core.isLong))
        throw new UnsupportedError("a descriptor table of the guest's reaches into its monitor's last 4 MiB");
    }
  }

  protected priceOf(instruction: Instruction): { readonly reason: number; readonly work: number } {
    const { costs } = this;
    const { row } = instruction;
    if (loadsCr3(instruction)) return { reason: EXIT.cr3_load, work: costs.shadow_cr3 };
    if (row.mnemonic === "INVLPG") return { reason: EXIT.invlpg, work: costs.shadow_invlpg };
    if (row.event === "port") return { reason: EXIT.io_kernel, work: costs.kernel_device };
    if (row.mnemonic === "HLT") return { reason: EXIT.halt, work: costs.halt_schedule };
    if (row.event === "system-call") return { reason: EXIT.system_call, work: costs.emulate_register };
    // Its delivery is charged.
    if (row.event === "software-interrupt") return { reason: EXIT.system_call, work: 0 };
    return { reason: EXIT.privileged, work: costs.emulate_register };
  }

  // Accounting.

  /** The hardware's own way into the monitor and back. */
  protected get trapCost(): number {
    const { interrupt_delivery, interrupt_return } = this.parts.hardware.machine.costs;
    return interrupt_delivery + interrupt_return;
  }

  /** Charges an exit, with what was done besides. */
  protected exit(reason: number, transition: number, monitor: number): void {
    const { engine, machine } = this.parts.hardware;
    const work = monitor + this.takeWork();
    engine.charge(CYCLES.transition, transition);
    engine.charge(CYCLES.monitor, work);
    machine.counters.exit(reason, transition + work);
  }

  /** Cycles of the paging's work since this was last asked, and of the events that were delivered to the guest. */
  protected takeWork(): number {
    const { core } = this;
    const deliveries = core.softwareDeliveries;
    core.softwareDeliveries = 0;
    return this.paging.takeWork() + deliveries * this.costs.bounce_fault;
  }
}

/** They raise #GP above IOPL; POPF does not, and leaves IF. */
const INTERRUPT_FLAG_CHANGES: ReadonlySet<string> = new Set(["CLI", "STI"]);
const TABLE_LOADS: ReadonlySet<string> = new Set(["LGDT", "LIDT", "LLDT", "LTR"]);
/** Not privileged by CPL alone, yet they reach devices, or enter or leave the kernel. */
// biome-ignore format: a list
const ALWAYS_LEAVE: ReadonlySet<string> = new Set([
  "IN", "OUT", "INS", "OUTS", "SYSCALL", "SYSENTER", "SYSRET", "SYSEXIT",
]);
