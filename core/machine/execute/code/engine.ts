/**
 * The CPU at work: runs blocks of decoded code in WebAssembly, and does in between what they leave to TypeScript: decoding,
 * system instructions, exceptions, interrupts, deadlines of devices.
 *
 *      due devices → halted? → interrupt? → run blocks until an exit → account → handle the exit ─┐
 *           ↑─────────────────────────────────────────────────────────────────────────────────────┘
 *
 * Time is counted in cycles, f64. While code runs, `left` in the CPU's state says how many remain until the next deadline;
 * `target` is the deadline's time, so now is target - left; at 0 it is due. A block's base cost is charged when it is
 * entered, and what remains of it is given back when an instruction inside does not complete.
 */
import { CYCLES } from "../../../events/categories.js";
import { invariant } from "../../../util/errors.js";
import { processorOf } from "../../cpu/processor.js";
import {
  EXCEPTION,
  MODE,
  RFLAGS,
  SEGMENT,
  SEGMENT_READABLE,
  SEGMENT_WRITABLE,
  STATE,
} from "../../cpu/state.js";
import type { Machine } from "../../machine.js";
import { highTag } from "../../mmu/tlb.js";
import { ENTRY_WORDS, FLAGS } from "../../mmu/translations.js";
import { REGISTER } from "../../registers.js";
import type { ModuleExports } from "../../wasm/module.js";
import { decoderFor } from "../../x86/decode-for.js";
import type { Instruction } from "../../x86/instruction.js";
import { type Block, CodeCache, type InstructionCost } from "./code-cache.js";
import { CodePosition } from "./code-position.js";
import { makeCrossings } from "./crossings/crossings.js";
import { CROSSINGS, type CrossingName } from "./crossings/names.js";
import { DeviceAccess } from "./device-access.js";
import { EXIT } from "./exits.js";
import { resetSlots, TABLE } from "./fast-slots.js";
import { Handlers } from "./handlers.js";
import { LOOK_CYCLES, Progress } from "./progress.js";
import { RECORD, RECORD_BYTES } from "./record.js";
import { TABLE_INDEX } from "./runtime/contract.js";
import { makeRuntime } from "./runtime/runtime.js";
import type { Semantic } from "./scope.js";
import { ENTER_NONE, Stepper } from "./stepper.js";
import type { Surroundings, SystemSide, Translator } from "./surroundings.js";

/** Most instructions between two looks at the rest of the world. */
const CHUNK = 1 << 22;
/** A halted CPU that so many deadlines do not wake sleeps for ever: its interrupts are masked. */
const MOST_VAIN_DEADLINES = 1_000_000;
/** A block has at most 64 instructions: nearer to the limit than this, single instructions are executed. */
const NEAR_LIMIT = 65;
/** Entries of the table: handlers and translated functions. */
const TABLE_SIZE = 1 << 16;

/** Exits at which nothing of the next block has been done. */
const LEAVES_BEFORE_A_BLOCK: ReadonlySet<number> = new Set([EXIT.decode, EXIT.deadline, EXIT.hot]);

/** Why `run` came back. */
export type RunEnd = "limit" | "shutdown" | "asleep" | "stuck" | "stopped" | "exit";

/** What of an engine is not in linear memory. */
export interface EngineState {
  readonly charged: number;
}

export class CodeEngine {
  readonly cache: CodeCache;
  readonly table: WebAssembly.Table;
  readonly handlers: Handlers;
  readonly runtime;
  /** Set by devices and debuggers: `run` comes back before the next block. */
  stopRequested = false;
  translator: Translator | undefined;
  /** Interrupts, returns, system calls and segment loads that need not leave WebAssembly. */
  readonly crossings: ModuleExports | undefined;

  private readonly words: Int32Array;
  private readonly floats: Float64Array;
  private readonly all: Int32Array;
  private readonly allFloats: Float64Array;
  private readonly position: CodePosition;
  private readonly stepper: Stepper;
  private readonly progress = new Progress();
  /** Instructions of all blocks entered, less those given back. */
  private charged = 0;
  /** The instruction at RIP that faulted or was the system's last, for a monitor that emulates it. */
  attempted: Instruction | undefined;
  /** Of the last exit: the system's instruction was tried, 0 or 1, and its base cost, both counted as if it had completed. */
  private attempts = 0;
  private attemptCost = 0;
  /** Instructions before the one that a shadow covers, while blocks run that begin with it; Infinity otherwise. */
  private shadowed = Number.POSITIVE_INFINITY;
  private lastExit = 0;
  /** Deadlines that passed while the CPU was halted and did not wake it. */
  private vainDeadlines = 0;
  private system!: SystemSide;
  private surroundings!: Surroundings;
  private devices!: DeviceAccess;

  /**
   * @param semantics the meaning of instructions that code executes itself, by mnemonic.
   * @param crossings true: all; false: TypeScript does every crossing; else those that are named, and page faults not: a
   *   monitor is asked about the others. Results are the same.
   * @param costOf base cycles of an instruction; dyadic fractions, so that sums do not depend on their order.
   */
  constructor(
    readonly machine: Machine,
    semantics: Readonly<Record<string, Semantic>>,
    costOf: InstructionCost,
    iterationCost: number,
    crossings: boolean | readonly CrossingName[] = true,
  ) {
    const code = machine.code;
    invariant(code !== undefined, "a machine that executes code was made for it");
    this.words = code.cpu.words;
    this.floats = code.cpu.floats;
    this.all = new Int32Array(machine.memory.buffer);
    this.allFloats = new Float64Array(machine.memory.buffer);
    this.table = new WebAssembly.Table({ initial: TABLE_SIZE, element: "anyfunc" });
    this.runtime = makeRuntime(
      machine,
      { readDevice: () => this.devices.read(), commitDevice: () => this.devices.commit() },
      this.table,
    );
    const hasAll = crossings === true;
    this.crossings = crossings === false ? undefined : makeCrossings(machine, this.runtime, !hasAll);
    this.table.set(TABLE_INDEX.pageFault, hasAll ? this.crossings!["pageFault"] : this.runtime["leaveFault"]);
    const names = hasAll ? CROSSINGS : crossings === false ? [] : crossings;
    const offered = Object.fromEntries(names.map((name) => [name, this.crossings![name]!]));
    this.handlers = new Handlers(machine, this.runtime, this.table, semantics, iterationCost, offered);
    // What the profile has and CPUID does not offer, for the rest of its extension is missing, is executed all the same.
    const { features } = processorOf(machine.profile, true);
    const known = new Set([...features, ...machine.profile.identity.extensions]);
    this.cache = new CodeCache(
      machine,
      this.handlers,
      decoderFor(known, (row) => semantics[row.mnemonic] !== undefined),
      (instruction) => (isCharged(instruction, semantics) ? costOf(instruction) : 0),
      (block) => this.translator?.drop(block),
      () => this.clearSlots(),
    );
    this.position = new CodePosition(machine);
    this.stepper = new Stepper(machine, this.cache, this.handlers, this.position, {
      enter: (record) => this.enter(record),
      handle: (exit) => this.handle(exit),
      decode: (header) => this.decode(header),
      trap: (hadTrapFlag) => this.system.trap(hadTrapFlag),
    });
    this.floats[STATE.left / 8] = 0;
    // A flat segment, and the entry of references while paging is off: every page is itself, everything is allowed.
    for (const flat of [STATE.flatSegment, STATE.flatStack]) {
      this.words[(flat + SEGMENT.highest) / 4] = -1;
      this.words[(flat + SEGMENT.rights) / 4] = SEGMENT_READABLE | SEGMENT_WRITABLE;
    }
    const entries = machine.mmu.parts.store.words;
    entries.fill(0, entries.length - ENTRY_WORDS);
    entries[entries.length - ENTRY_WORDS + FLAGS] = -1;
    resetSlots(code);
    this.position.forgetPage();
  }

  /** Ties the engine to the rest of the computer; once, before it runs. */
  connect(system: SystemSide, surroundings: Surroundings): void {
    this.system = system;
    this.surroundings = surroundings;
    this.devices = new DeviceAccess(this.machine, this.cache, surroundings);
  }

  /** Instructions completed since the machine was made. */
  get instructions(): number {
    const { place } = this.stepper;
    return place === undefined ? this.charged : this.charged - this.countLeft(place.record);
  }

  /** Cycles since the machine was made. */
  now(): number {
    return this.floats[STATE.target / 8]! - this.floats[STATE.left / 8]!;
  }

  /** The same without the base costs of a block's instructions that single steps have not come to: what was executed took. */
  nowExecuted(): number {
    const { place } = this.stepper;
    return place === undefined ? this.now() : this.now() - this.costLeft(place.record);
  }

  /** Charges cycles to a category (CYCLES.…); time passes. */
  charge(category: number, cycles: number): void {
    this.machine.counters.cycles[category]! += cycles;
    this.floats[STATE.left / 8]! -= cycles;
    // A device is asked while code runs: what is charged then is not the code's.
    this.floats[STATE.markLeft / 8]! -= cycles;
  }

  /** CS, CPL, paging or the mode word changed: code is looked up anew, data through the slots of the privilege. */
  modeChanged(): void {
    this.position.forgetPage();
    this.selectSlots();
  }

  /** What translates addresses changed: no look-up of before may be used. */
  translationsChanged(): void {
    this.clearSlots();
    this.position.forgetPage();
  }

  /** Bytes of RAM were written by something other than the CPU. */
  wroteMemory(address: number, length: number): void {
    for (let at = address; at < address + length; ) {
      const inPage = Math.min(4096 - (at % 4096), address + length - at);
      if (this.cache.wrote(Math.floor(at / 4096), at % 4096, inPage)) this.endBlock();
      at += inPage;
    }
  }

  /** The same where a monitor changes a few bytes of the code that it keeps in one page. */
  patchedCode(address: number, length: number): void {
    if (this.cache.patched(Math.floor(address / 4096), address % 4096, length)) this.endBlock();
  }

  /** Gives back what is left of a block that was being stepped through: the next instruction begins another. */
  endBlock(): void {
    const { place } = this.stepper;
    if (place !== undefined) this.giveBack(place.record);
    this.stepper.place = undefined;
  }

  /** Runs until so many instructions have completed since the start, or nothing can happen any more. */
  run(limit: number): RunEnd {
    const { system, surroundings, words, stepper, progress } = this;
    for (;;) {
      if (this.stopRequested) return "stopped";
      if (system.hasExited) return "exit";
      if (system.isShutDown) return "shutdown";
      let now = this.now();
      if (surroundings.nextDeadline() <= now) {
        surroundings.runDue(now);
        // A device may have written what a monitor keeps a copy of.
        if (system.hasExited) return "exit";
        // A monitor that was interrupted for it has taken its time.
        now = this.now();
      }
      const waits = surroundings.hasInterrupt();
      if (waits && stepper.place === undefined && !system.hasShadow && system.interrupt()) continue;
      if (system.isHalted) {
        progress.note();
        const next = surroundings.nextDeadline();
        // With IF clear only an NMI wakes it, and no device of this PC sends one by itself.
        const isDeaf = (words[STATE.flags / 4]! & RFLAGS.IF) === 0;
        if (next === Number.POSITIVE_INFINITY || isDeaf || ++this.vainDeadlines > MOST_VAIN_DEADLINES) {
          return "asleep";
        }
        if (next > now) this.charge(CYCLES.idle, next - now);
        continue;
      }
      this.vainDeadlines = 0;
      const remaining = limit - this.instructions;
      if (remaining <= 0) return "limit";
      if (
        now >= progress.nextLook &&
        stepper.place === undefined &&
        progress.isStuck(now, this.instructions)
      ) {
        return "stuck";
      }
      words[STATE.interruptRequest / 4] = waits ? 1 : 0;
      this.setTarget(now);
      const hadShadow = system.hasShadow;
      const isTracing = (words[STATE.mode / 4]! & MODE.singleStep) !== 0;
      if (remaining <= NEAR_LIMIT || (hadShadow && waits) || isTracing) {
        system.endsShadow = hadShadow;
        const isDone = isTracing ? system.meetsBreakpoint() || this.stepTraced() : this.stepOnce();
        system.endsShadow = false;
        if (isDone && hadShadow) system.clearShadow();
      } else if (waits && stepper.place !== undefined) {
        // The interrupt may come once this block is finished: no other is entered.
        this.runBlocks(ENTER_NONE);
      } else {
        const most = Math.min(remaining, CHUNK) - NEAR_LIMIT;
        if (hadShadow) this.runShadowed(most);
        else this.runBlocks(most);
      }
    }
  }

  /** One instruction while breakpoints are enabled, or with TF set. RF is over with it, if it completes. */
  private stepTraced(): boolean {
    const { words } = this;
    const [low, high] = [words[STATE.rip / 4]!, words[STATE.rip / 4 + 1]!];
    const { instructions } = this;
    words[STATE.flags / 4]! &= ~RFLAGS.RF;
    const isDone = this.stepOnce();
    const isBefore = words[STATE.rip / 4] === low && words[STATE.rip / 4 + 1] === high;
    if (isBefore && this.instructions === instructions) this.noteBreakpointsPassed();
    return isDone;
  }

  /** One page's translation was invalidated: its entries are about to go. */
  pageChanged(high: number, low: number): void {
    const { l1d, l1i } = this.machine.mmu.parts;
    const { words } = this.machine.places.registers;
    const pageLo = (low >>> 12) | (high << 20);
    const tag = highTag(words[REGISTER.context]!, high);
    const globalTag = highTag(words[REGISTER.globalContext]!, high);
    for (const tlb of [l1d, l1i]) this.dropEntry(tlb.find(pageLo, tag, globalTag));
    this.position.forgetPage();
  }

  private dropEntry(entry: number): void {
    if (entry >= 0) this.runtime["dropSlots"]!(this.machine.places.store + entry * 4);
  }

  /** The slots of the privilege. */
  private selectSlots(): void {
    this.words[STATE.fastSlots / 4] =
      this.machine.code!.slots.byteOffset + (this.isUser ? TABLE.user : TABLE.supervisor);
  }

  private get isUser(): boolean {
    return (this.words[STATE.mode / 4]! & MODE.user) !== 0;
  }

  /** Of what the code costs itself. */
  private get guestCategory(): number {
    return this.isUser ? CYCLES.guest_user : CYCLES.guest_kernel;
  }

  private clearSlots(): void {
    this.runtime["clearSlots"]!();
  }

  // Running.

  private setTarget(now: number): void {
    const next = Math.min(this.surroundings.nextDeadline(), this.progress.nextLook);
    this.floats[STATE.target / 8] = next;
    this.floats[STATE.left / 8] = next - now;
  }

  private runBlocks(instructionLimit: number): void {
    const { words } = this;
    const resumed = this.stepper.place?.record ?? 0;
    // Links between blocks take the page of code for known: where it was forgotten since, the next block is looked up.
    const isLinked = resumed === 0 || !this.position.isForgotten;
    words[STATE.instructionLimit / 4] = isLinked ? instructionLimit : ENTER_NONE;
    words[STATE.codeChanged / 4] = 0;
    words[STATE.linkFrom / 4] = 0;
    this.stepper.place = undefined;
    this.handle(this.enter(resumed));
  }

  /**
   * Runs blocks behind an instruction that keeps interrupts away from the next one's start. None waits, and none comes before
   * these blocks have run: all there is to do is to end the shadow with its one instruction, which may be what leaves.
   */
  private runShadowed(instructionLimit: number): void {
    const before = this.charged;
    this.shadowed = before;
    this.runBlocks(instructionLimit);
    const isShadowed = this.shadowed === before;
    this.shadowed = Number.POSITIVE_INFINITY;
    const isUntouched = this.charged === before && LEAVES_BEFORE_A_BLOCK.has(this.lastExit);
    if (isShadowed && !isUntouched) this.system.clearShadow();
  }

  /** An instruction leaves to TypeScript, which may begin another shadow. @param completed instructions before it. */
  private endShadowBefore(completed: number): void {
    if (completed <= this.shadowed) return;
    this.shadowed = Number.POSITIVE_INFINITY;
    this.system.clearShadow();
  }

  /** Runs WebAssembly from a record, or from RIP, and accounts for what it did. */
  private enter(record: number): number {
    const { floats } = this;
    floats[STATE.markLeft / 8] = floats[STATE.left / 8]!;
    floats[STATE.markTranslation / 8] = this.translationCycles();
    const exit = this.runtime["run"]!(record);
    const { counters } = this.machine;
    const passed = floats[STATE.markLeft / 8]! - floats[STATE.left / 8]!;
    const base = passed - (this.translationCycles() - floats[STATE.markTranslation / 8]!);
    counters.cycles[this.guestCategory]! += base;
    this.charged += this.words[STATE.counts / 4]!;
    this.words[STATE.counts / 4] = 0;
    this.lastExit = exit;
    return exit;
  }

  /** What the MMU charges itself while code runs. */
  private translationCycles(): number {
    const { cycles } = this.machine.counters;
    return (
      cycles[CYCLES.tlb_l2]! +
      cycles[CYCLES.walk_guest]! +
      cycles[CYCLES.walk_host]! +
      cycles[CYCLES.guest_memory]!
    );
  }

  private handle(exit: number): void {
    const { words } = this;
    const record = words[STATE.exitRecord / 4]!;
    this.attempts = 0;
    switch (exit) {
      case EXIT.decode: {
        const alone = this.decode(record);
        if (alone === undefined) return;
        const next = this.enter(alone.header);
        // What comes after it is decoded by the next turn: deadlines and the limit are looked at in between. But where it
        // crosses into a page that has only now been found, it is itself to be decoded again.
        if (next !== EXIT.decode || words[STATE.exitRecord / 4] !== 0) this.handle(next);
        return;
      }
      case EXIT.deadline:
        return;
      case EXIT.hot:
        this.translator?.translate(this.cache.blockAt(record), this.charged);
        return;
      case EXIT.system: {
        const { instructions } = this.cache.blockOf(record);
        const number = this.cache.numberOf(record);
        // An instruction may turn out to be the system's in the midst of a block (POPF, MOV from CR2).
        const isLast = number + 1 === instructions.length;
        this.attemptCost = this.costLeft(record) - (isLast ? 0 : this.costLeft(record + RECORD_BYTES));
        this.attempts = 1;
        if (!isLast) this.giveBack(record + RECORD_BYTES);
        this.position.setTo(record);
        this.endShadowBefore(this.charged - this.attempts);
        this.attempted = instructions[number]!;
        this.system.execute(this.attempted);
        return;
      }
      case EXIT.fault:
        if (record !== 0) {
          this.giveBack(record);
          this.position.setTo(record);
          this.attempted = this.cache.blockOf(record).instructions[this.cache.numberOf(record)];
        } else this.position.nameFetch();
        this.endShadowBefore(this.charged);
        this.raise();
        return;
      case EXIT.again:
        this.giveBack(record);
        this.position.setTo(record);
        this.progress.note();
        // An iteration that touched a device counts as an instruction: there may be very many.
        if (words[STATE.codeChanged / 4] !== 0) this.charged++;
        return;
      case EXIT.changed: {
        const isLast = this.cache.numberOf(record) + 1 === this.cache.blockOf(record).instructions.length;
        if (!isLast) this.giveBack(record + RECORD_BYTES);
        this.trapIfStepping();
        return;
      }
      default:
        invariant(false, "an engine leaves for a known reason", () => ({ exit }));
    }
  }

  private trapIfStepping(): void {
    if ((this.words[STATE.mode / 4]! & MODE.singleStep) === 0) return;
    this.system.trap((this.words[STATE.flags / 4]! & RFLAGS.TF) !== 0);
  }

  private raise(): void {
    this.system.raise(this.words[STATE.faultVector / 4]!, this.words[STATE.faultCode / 4]!);
  }

  /** Takes back base costs and counts of an instruction that did not complete, and of those after it. */
  private giveBack(record: number): void {
    this.charge(this.guestCategory, -this.costLeft(record));
    this.charged -= this.countLeft(record);
  }

  /** Base cycles of a record's instruction and of those after it in the block. */
  private costLeft(record: number): number {
    return this.allFloats[(record + RECORD.costLeft) >> 3]!;
  }

  /** Their number. */
  private countLeft(record: number): number {
    return this.all[(record + RECORD.countsLeft) >> 2]!;
  }

  /**
   * The monitor has mended what made the system's instruction at RIP leave: it is executed again, as if it had not been tried.
   * Where it was another instruction that left there is nothing to do.
   */
  retry(): void {
    if (this.attempts === 0) return;
    this.charge(this.guestCategory, -this.attemptCost);
    this.charged -= this.attempts;
    this.attempts = 0;
    this.noteBreakpointsPassed();
  }

  /** The instruction at RIP did not complete: its own breakpoints have been met and are not met again. */
  private noteBreakpointsPassed(): void {
    if ((this.words[STATE.mode / 4]! & MODE.breakpoints) !== 0) this.words[STATE.flags / 4]! |= RFLAGS.RF;
  }

  /** Decodes the block at RIP. Returns it when it will not be found again: it is to be executed now. */
  private decode(header: number): Block | undefined {
    const { words } = this;
    let second = -1;
    if (header !== 0) {
      this.cache.drop(this.cache.blockAt(header));
      second = words[STATE.pendingFrame2 / 4]!;
    } else if (this.position.isPageUnknown) {
      this.system.raise(EXCEPTION.GP, 0);
      return undefined;
    }
    const block = this.cache.build(second);
    return this.cache.find(block.frame, block.pageOffset, block.mode) === block ? undefined : block;
  }

  // Saving.

  /** Whether the CPU is between two blocks of code, where its state can be saved. */
  get isBetweenBlocks(): boolean {
    return this.stepper.place === undefined;
  }

  save(): EngineState {
    invariant(this.isBetweenBlocks, "an engine is saved between blocks");
    return { charged: this.charged };
  }

  /** After linear memory and the system side were restored: decoded code and look-ups are made anew. */
  restore({ charged }: EngineState): void {
    this.charged = charged;
    this.stepper.place = undefined;
    this.progress.restart(this.now());
    this.cache.flush();
    resetSlots(this.machine.code!);
    this.selectSlots();
  }

  // Single instructions.

  /** What `stepOnce` executed last, and where: halves of its instruction pointer. */
  get stepped(): Stepper["stepped"] {
    return this.stepper.stepped;
  }

  /** Executes one instruction of a block; false when there was something else to do first (stepper.ts). */
  stepOnce(): boolean {
    return this.stepper.step();
  }

  /**
   * Executes the instruction at RIP, whatever is due, for a monitor that makes something possible for the length of one
   * instruction. Nothing that was being stepped through may be left. Returns false if it faulted or left for the monitor.
   */
  stepAlone(): boolean {
    const { words } = this;
    invariant(this.isBetweenBlocks, "an instruction that left ended its block");
    const before = this.instructions;
    do {
      // A deadline in the meantime would keep the block from being entered; the run loop looks at it afterwards.
      const now = this.now();
      this.floats[STATE.target / 8] = now + LOOK_CYCLES;
      this.floats[STATE.left / 8] = LOOK_CYCLES;
      words[STATE.interruptRequest / 4] = 0;
    } while (!this.stepTraced() && !this.system.hasExited);
    return this.instructions > before;
  }
}

/** Whether a block charges an instruction's base cost: the system side charges its own, but for those of the x87 unit. */
const isCharged = ({ row }: Instruction, semantics: Readonly<Record<string, Semantic>>): boolean =>
  semantics[row.mnemonic] !== undefined || row.costClass.startsWith("x87");
