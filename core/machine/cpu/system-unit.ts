/**
 * The system side of a CPU, as engines use it: one whole instruction, one exception, one interrupt at a time. What happened
 * is in the state; nothing is thrown but our own bugs.
 *
 *      engine ── EXIT.system ──→ execute ──→ instructions/table.ts ──→ RIP at the next instruction
 *         │                         └─ GuestFault ─┐
 *         ├── EXIT.fault ────→ raise ──────────────┴→ interrupts/raise.ts ──→ RIP at a handler, or shut down
 *         └── block entry ───→ interrupt ───────────→
 */

import type { Costs } from "../../events/costs.js";
import { EVENT } from "../../events/events.js";
import type { CpuProfile } from "../../events/profile.js";
import { invariant } from "../../util/errors.js";
import type { Instruction, InstructionEvent, Row } from "../x86/instruction.js";
import { applyStart, type StartState } from "./boot.js";
import { DR6 } from "./control-bits.js";
import { ACTIVITY, Core, SHADOW } from "./core.js";
import { GuestFault, generalProtection, pageFault, undefinedOpcode } from "./fault.js";
import type { CpuHost } from "./host.js";
import { Cpuid } from "./identity/cpuid.js";
import { type MsrState, Msrs } from "./identity/msrs.js";
import { instructionCosts } from "./instruction-costs.js";
import { RandomNumbers } from "./instructions/random-numbers.js";
import { type Handler, type Performance, performances } from "./instructions/table.js";
import { type Interception, type Vectoring, VIOLATION_VECTOR } from "./interception.js";
import { deliver, deliverInstead, EVENT_KIND, raise, raiseFault, resumeSwitch } from "./interrupts/raise.js";
import { BREAKPOINTS_MET, CR2_WORD, FAULT_ADDRESS, FLAGS, MODE_WORD, RIP, RIP_HIGH } from "./places.js";
import { processorOf } from "./processor.js";
import { breakpointsAtRip } from "./registers/breakpoints.js";
import { noteDebugCause } from "./registers/debug.js";
import { resetCore, startUp } from "./reset.js";
import { CODE_16, CODE_64, type CpuState, EXCEPTION, MODE, RFLAGS } from "./state.js";

export interface SystemUnitOptions {
  readonly profile: CpuProfile;
  readonly costs: Costs;
  readonly hasApic: boolean;
  /** Of RDRAND. */
  readonly seed: number;
  /** Instructions that other files perform, by mnemonic (SSE as MXCSR says, x87). */
  readonly others?: Readonly<Record<string, Handler>>;
  /** What leaves for a monitor; nothing when absent. */
  readonly interception?: Interception | undefined;
}

export type { StartState };

/** What of a CPU is not in linear memory. */
export interface SystemUnitState {
  readonly activity: number;
  readonly shutdownReason: string;
  readonly shadow: number;
  readonly nmiPending: boolean;
  readonly drawn: number;
  readonly msrs: MsrState;
}

/** Counted once an instruction has completed; ports count each element, system calls themselves. */
const COUNTED: Readonly<Partial<Record<InstructionEvent, number>>> = {
  "interrupt-return": EVENT.interrupt_returns,
  "far-transfer": EVENT.far_transfers,
  "segment-load": EVENT.segment_loads,
  "control-register": EVENT.control_register_accesses,
  "debug-register": EVENT.debug_register_accesses,
  "descriptor-table": EVENT.descriptor_table_accesses,
  msr: EVENT.msr_accesses,
  cpuid: EVENT.cpuids,
  "time-stamp": EVENT.time_stamp_reads,
  halt: EVENT.halts,
};
/** Events that make MOV another instruction. */
const MOVES: ReadonlySet<string> = new Set(["segment-load", "control-register", "debug-register"]);

/** What a row of the instruction table comes to on this CPU. */
interface Entry {
  readonly run: Handler;
  readonly isTransfer: boolean;
  /** Whether it raises #GP(0) before it does anything. */
  readonly isRefused: (core: Core) => boolean;
  readonly needsProtected: boolean;
  readonly cycles: number;
  /** EVENT, or -1. */
  readonly event: number;
  /** SYSCALL and SYSENTER: a debug trap follows only if TF survived. */
  readonly isSystemCall: boolean;
}

export class SystemUnit {
  readonly core: Core;
  readonly cpuid: Cpuid;
  readonly msrs: Msrs;
  private readonly random: RandomNumbers;
  private readonly performances: Readonly<Record<string, Performance>>;
  /** By the row's index, once it was met. */
  private readonly entries: (Entry | undefined)[] = [];

  constructor(state: CpuState, host: CpuHost, options: SystemUnitOptions) {
    const { profile, costs, hasApic, seed, others = {}, interception } = options;
    this.core = new Core(state, host, processorOf(profile, hasApic), costs, interception);
    this.cpuid = new Cpuid(this.core.processor);
    this.msrs = new Msrs(this.core);
    this.random = new RandomNumbers(seed);
    const parts = {
      cpuid: this.cpuid,
      msrs: this.msrs,
      random: this.random,
      costOf: instructionCosts(profile).costOf,
    };
    const fromOthers = Object.entries(others).map(([mnemonic, run]) => [mnemonic, { run }] as const);
    this.performances = { ...Object.fromEntries(fromOthers), ...performances(parts) };
  }

  // What the engine asks.

  get isHalted(): boolean {
    return this.core.activity === ACTIVITY.halted;
  }
  get isShutDown(): boolean {
    return this.core.activity === ACTIVITY.shutdown;
  }
  /** Interrupts are kept away from the next instruction's start. */
  get hasShadow(): boolean {
    return this.core.shadow !== SHADOW.none;
  }
  clearShadow(): void {
    this.core.shadow = SHADOW.none;
  }
  /** The instruction being executed is the last one in a shadow. */
  endsShadow = false;
  /** Something left for the monitor: nothing happens until it has been taken (`resume`). */
  get hasExited(): boolean {
    return this.core.hasExited;
  }
  /** The monitor is done with what left. */
  resume(): void {
    this.core.hasExited = false;
  }

  /** Whether an instruction's extension is on this processor; its row names it. */
  hasFeature(name: string): boolean {
    return name === "" || this.core.processor.features.has(name);
  }

  /** Executes the instruction at RIP: afterwards RIP is the next one, a transfer's target, or its exception's handler. */
  execute(instruction: Instruction): void {
    this.perform(instruction, true);
  }

  /**
   * The same for a monitor, in its guest's stead: the instruction itself is not asked about again, its faults are. Its price
   * is not charged: it is the monitor's, who charges what emulating takes.
   */
  emulate(instruction: Instruction): void {
    const { core } = this;
    core.isEmulating = true;
    core.setSystemFlags(RFLAGS.RF, 0);
    this.perform(instruction, false);
    core.isEmulating = false;
  }

  /** RIP is behind an instruction that a monitor has done itself. */
  skip({ length }: Instruction): void {
    const { core } = this;
    this.setNext(length);
    core.jump(core.nextLow, core.nextHigh);
    core.host.modeChanged();
  }

  /** Whether an instruction is among those that engines leave to TypeScript; `emulate` does no other. */
  performs({ row }: Instruction): boolean {
    return (this.entries[row.index] ?? this.makeEntry(row)).run !== unknown;
  }

  private perform(instruction: Instruction, mayLeave: boolean): void {
    const { core } = this;
    const { words } = core;
    this.setNext(instruction.length);
    const entry = this.entries[instruction.row.index] ?? this.makeEntry(instruction.row);
    // TF, or breakpoints.
    const isStepping = (words[MODE_WORD]! & MODE.singleStep) !== 0;
    const hadTrapFlag = (words[FLAGS]! & RFLAGS.TF) !== 0;
    core.performing = instruction;
    try {
      if (entry.needsProtected && (!core.isProtected || core.isVirtual8086)) throw undefinedOpcode();
      if (entry.isRefused(core)) {
        raiseFault(core, generalProtection());
        return;
      }
      if (mayLeave && core.interception?.instruction(instruction) === true) {
        core.hasExited = true;
        return;
      }
      entry.run(core, instruction);
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault;
      raiseFault(core, fault);
      return;
    } finally {
      core.performing = undefined;
    }
    if (core.hasExited) return;
    if (!entry.isTransfer) core.jump(core.nextLow, core.nextHigh);
    if (entry.event >= 0) core.host.count(entry.event);
    if (entry.cycles > 0) core.charge(entry.cycles);
    if (!isStepping) return;
    const hasTrapFlag = (words[FLAGS]! & RFLAGS.TF) !== 0;
    this.trap(hadTrapFlag && !this.entersHandler(instruction) && (!entry.isSystemCall || hasTrapFlag));
  }

  /** Delivers an exception of the instruction at RIP; a page fault's address is in the state. */
  raise(vector: number, errorCode: number): void {
    const { core } = this;
    // What an instruction met that did not complete it meets again.
    core.words[BREAKPOINTS_MET] = 0;
    if (core.leaves(vector, errorCode, undefined)) return;
    invariant(vector < VIOLATION_VECTOR, "violations need a monitor");
    this.inject(vector, errorCode);
  }

  /** The same for a monitor, which hands its guest an exception: it does not leave, though what its delivery meets may. */
  inject(vector: number, errorCode: number): void {
    const { core } = this;
    const { words } = core;
    if (vector === EXCEPTION.PF) {
      words[CR2_WORD] = words[FAULT_ADDRESS]!;
      words[CR2_WORD + 1] = words[FAULT_ADDRESS + 1]!;
    }
    raise(core, vector, errorCode);
  }

  /** Takes up again the delivery of what a fault interrupted. @param nextLow RIP to come back to, of software's. */
  redeliver({ vector, kind, errorCode }: Vectoring, nextLow: number, nextHigh: number): void {
    deliver(this.core, vector, kind, errorCode, nextLow, nextHigh);
  }

  /** The same where the guest is at what was interrupted: software's events come back to the next instruction. */
  redeliverHere(vectoring: Vectoring): void {
    const { words, nextLow, nextHigh } = this.core;
    if (vectoring.kind === EVENT_KIND.software) this.redeliver(vectoring, nextLow, nextHigh);
    else this.redeliver(vectoring, words[RIP]!, words[RIP_HIGH]!);
  }

  /** The same, where a monitor's software does what the processor would: the task switch of a task gate. */
  emulateDelivery(vectoring: Vectoring): void {
    const { core } = this;
    core.isEmulating = true;
    this.redeliverHere(vectoring);
    core.isEmulating = false;
  }

  /** A task switch that a monitor emulates is made, and what left was its rest: `finishSwitch` goes on. */
  get isSwitching(): boolean {
    return this.core.unfinishedSwitch !== undefined;
  }

  /** @param instruction that switches tasks; undefined: an event that came to a task gate. */
  finishSwitch(instruction: Instruction | undefined): void {
    const { core } = this;
    core.isEmulating = true;
    const isThrough = resumeSwitch(core);
    core.isEmulating = false;
    const event = instruction === undefined ? -1 : this.entries[instruction.row.index]!.event;
    if (isThrough && event >= 0) core.host.count(event);
  }

  /** A page fault that arose while an event was being delivered is the guest's own: as if nobody had looked at it. */
  injectInstead({ vector, kind }: Vectoring, errorCode: number): void {
    const { words } = this.core;
    const fault = pageFault(errorCode, words[FAULT_ADDRESS + 1]!, words[FAULT_ADDRESS]!);
    deliverInstead(this.core, kind === EVENT_KIND.exception ? vector : undefined, kind, fault);
  }

  /** Delivers a maskable interrupt for a monitor, which knows that the guest takes it. */
  injectInterrupt(vector: number): void {
    this.deliver(vector);
  }

  /**
   * The debug trap after an instruction, if there is a cause: TF was set, or breakpoints on data or ports were met. After one that
   * loaded SS, breakpoints wait for the next instruction's end (SDM vol. 3, 6.8.3).
   */
  trap(hadTrapFlag: boolean): void {
    const { core } = this;
    const { words } = core;
    if (core.shadow === SHADOW.interruptsAndTraps && !this.endsShadow) return;
    const cause = words[BREAKPOINTS_MET]! | (hadTrapFlag ? DR6.BS : 0);
    if (cause === 0) return;
    words[BREAKPOINTS_MET] = 0;
    noteDebugCause(core, cause);
    this.raise(EXCEPTION.DB, 0);
  }

  /**
   * Before an instruction is fetched, while breakpoints are enabled: those on it, and those that the delivery of an event met.
   * Behind MOV SS Intel's processors meet none (SDM vol. 3, 18.3.1.1), AMD's do. Returns whether they made an exception.
   */
  meetsBreakpoint(): boolean {
    const { core } = this;
    const { words } = core;
    const isBehindStackLoad = core.shadow === SHADOW.interruptsAndTraps;
    const onInstruction = isBehindStackLoad && core.processor.isIntel ? 0 : breakpointsAtRip(core);
    if (isBehindStackLoad && onInstruction === 0) return false;
    const cause = words[BREAKPOINTS_MET]! | onInstruction;
    if (cause === 0) return false;
    words[BREAKPOINTS_MET] = 0;
    noteDebugCause(core, cause);
    this.raise(EXCEPTION.DB, 0);
    return true;
  }

  /** Delivers an NMI or a maskable interrupt if the CPU takes one now. Returns whether it did. */
  interrupt(): boolean {
    const { core } = this;
    const { words, host } = core;
    if (core.shadow !== SHADOW.none || core.activity === ACTIVITY.shutdown) return false;
    if (core.nmiPending && !core.nmiBlocked) {
      if (core.interception?.nmi?.() === true) {
        core.hasExited = true;
        return true;
      }
      core.nmiPending = false;
      core.nmiBlocked = true;
      this.deliver(EXCEPTION.NMI);
      return true;
    }
    if ((words[FLAGS]! & RFLAGS.IF) === 0 || !host.interrupts.hasPending()) return false;
    if (core.interception?.interrupt() === true) {
      core.hasExited = true;
      return true;
    }
    this.deliver(host.interrupts.acknowledge());
    return true;
  }

  /** An NMI arrives: it is latched until it can be delivered. */
  nmi(): void {
    this.core.nmiPending = true;
  }

  // Power and reset.

  reset(): void {
    resetCore(this.core, false);
    this.msrs.reset();
  }

  /** INIT: as reset, but x87, SSE and MSRs keep what they have. */
  init(): void {
    resetCore(this.core, true);
  }

  /** A start-up IPI, to a processor that waits after INIT. */
  startUp(vector: number): void {
    startUp(this.core, vector);
  }

  /** Registers as a loader wants them, all others as after reset. */
  start(state: StartState): void {
    this.reset();
    applyStart(this.core, state);
  }

  save(): SystemUnitState {
    const { activity, shutdownReason, shadow, nmiPending } = this.core;
    const { drawn } = this.random;
    return { activity, shutdownReason, shadow, nmiPending, drawn, msrs: this.msrs.save() };
  }

  /** After linear memory was restored. */
  restore(state: SystemUnitState): void {
    const { core, random } = this;
    const { activity, shutdownReason, shadow, nmiPending } = state;
    Object.assign(core, { activity, shutdownReason, shadow, nmiPending });
    random.drawn = state.drawn;
    this.msrs.restore(state.msrs);
    core.host.paging.changed();
    core.updateMode();
  }

  private deliver(vector: number): void {
    const { words } = this.core;
    deliver(this.core, vector, EVENT_KIND.external, 0, words[RIP]!, words[RIP_HIGH]!);
  }

  private setNext(length: number): void {
    const { core } = this;
    const { words } = core;
    const codeSize = words[MODE_WORD]! & MODE.codeSize;
    const low = (words[RIP]! + length) | 0;
    core.nextLow = codeSize === CODE_16 ? low & 0xffff : low;
    const carry = low >>> 0 < length ? 1 : 0;
    core.nextHigh = codeSize === CODE_64 ? (words[RIP_HIGH]! + carry) | 0 : 0;
  }

  /** INT n and its like are in a handler, where TF is clear: no trap follows. */
  private entersHandler({ row }: Instruction): boolean {
    return row.event === "software-interrupt" && (this.core.words[FLAGS]! & RFLAGS.TF) === 0;
  }

  private makeEntry(row: Row): Entry {
    const name = row.mnemonic === "MOV" && MOVES.has(row.event) ? `MOV ${row.event}` : row.mnemonic;
    const performance = this.hasFeature(row.feature) ? this.performances[name] : undefined;
    const entry: Entry = {
      run: performance?.run ?? unknown,
      isTransfer: performance?.isTransfer === true,
      isRefused: performance === undefined ? isNeverRefused : refusalOf(row, performance),
      needsProtected: performance?.needsProtected === true,
      cycles: performance?.cost === undefined ? 0 : this.core.costs[performance.cost],
      event: row.event === "" ? -1 : (COUNTED[row.event] ?? -1),
      isSystemCall: row.event === "system-call",
    };
    this.entries[row.index] = entry;
    return entry;
  }
}

/** When an instruction raises #GP(0) before it does anything. */
function refusalOf(row: Row, { checksPrivilege, isRefused }: Performance): Entry["isRefused"] {
  if (row.privilege === 0 && checksPrivilege !== true) return isPrivilegeMissing;
  return isRefused ?? isNeverRefused;
}

const isPrivilegeMissing = (core: Core): boolean => core.cpl !== 0;
const isNeverRefused = (): boolean => false;

function unknown(): never {
  throw undefinedOpcode();
}
