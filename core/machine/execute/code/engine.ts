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
import {
  CODE_64,
  CS,
  MODE,
  RFLAGS,
  SEGMENT,
  SEGMENT_READABLE,
  SEGMENT_WRITABLE,
  STATE,
  segmentOffset,
} from "../../cpu/state.js";
import type { Machine } from "../../machine.js";
import { highTag } from "../../mmu/tlb.js";
import { REGISTER } from "../../registers.js";
import type { ModuleExports } from "../../wasm/module.js";
import type { Instruction } from "../../x86/instruction.js";
import { type Block, CodeCache, type InstructionCost } from "./code-cache.js";
import { makeCrossings } from "./crossings/crossings.js";
import { EXIT } from "./exits.js";
import { resetSlots, TABLE } from "./fast-slots.js";
import { Handlers } from "./handlers.js";
import { FRAME_KIND } from "./memory.js";
import { RECORD, RECORD_BYTES } from "./record.js";
import { TABLE_INDEX } from "./runtime/contract.js";
import { makeRuntime } from "./runtime/runtime.js";
import type { Semantic } from "./scope.js";

/**
 * Cycles between two looks at whether anything gets done: a handler that faults itself delivers exceptions for ever, and
 * completes no instruction that a limit could count. At fixed times, so that every engine looks at the same place.
 */
const LOOK_CYCLES = 2 ** 27;
/** Most instructions between two looks at the rest of the world. */
const CHUNK = 1 << 22;
/** A halted CPU that so many deadlines do not wake sleeps for ever: its interrupts are masked. */
const MOST_VAIN_DEADLINES = 1_000_000;
/** A block has at most 64 instructions: nearer to the limit than this, single instructions are executed. */
const NEAR_LIMIT = 65;
/** Entries of the table: handlers and translated functions. */
const TABLE_SIZE = 1 << 16;

/** The system side, as the engine uses it (cpu/system-unit.ts). */
export interface SystemSide {
  /** Executes a whole instruction at RIP; afterwards RIP is the next one, or the handler of its exception. */
  execute(instruction: Instruction): void;
  /** Delivers an exception of the instruction at RIP; a page fault's address is in the state. */
  raise(vector: number, errorCode: number): void;
  /** After an instruction that was executed with TF set: the debug trap. */
  trap(): void;
  /** Delivers a waiting interrupt if the CPU takes it now. Returns whether it did. */
  interrupt(): boolean;
  /** The last instruction keeps interrupts away from the next one's start. */
  readonly hasShadow: boolean;
  clearShadow(): void;
  readonly isHalted: boolean;
  readonly isShutDown: boolean;
  /** Something left the guest for its monitor (cpu/interception.ts). */
  readonly hasExited: boolean;
}

/** What surrounds the CPU. */
export interface Surroundings {
  /** Time of the next deadline, cycles; Infinity if none. */
  nextDeadline(): number;
  /** Lets everything due at a time happen. */
  runDue(now: number): void;
  /** An interrupt waits for this CPU. */
  hasInterrupt(): boolean;
  readMemory(address: number, size: 1 | 2 | 4): number;
  writeMemory(address: number, size: 1 | 2 | 4, value: number): void;
}

/** Makes translations of hot blocks (translate/). */
export interface Translator {
  /** A block has become hot: gives it a translation or does not. @param executed instructions so far. */
  translate(block: Block, executed: number): void;
  /** A block is no more. */
  drop(block: Block): void;
}

/** Why `run` came back. */
export type RunEnd = "limit" | "shutdown" | "asleep" | "stuck" | "stopped" | "exit";

/** What of an engine is not in linear memory. */
export interface EngineState {
  readonly charged: number;
}

/** Where in a block single steps have come to. */
interface Partial {
  readonly block: Block;
  readonly record: number;
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
  private readonly bytes: Uint8Array;
  /** Instructions of all blocks entered, less those given back. */
  private charged = 0;
  private partial: Partial | undefined;
  /** Of the last exit: the system's instruction was tried, 0 or 1, and its base cost, both counted as if it had completed. */
  private attempts = 0;
  private attemptCost = 0;
  /** Deadlines that passed while the CPU was halted and did not wake it. */
  private vainDeadlines = 0;
  /** Time of the next look at what got done, and the instructions at the last one; -1 if something did since. */
  private nextLook = LOOK_CYCLES;
  private lookedAt = -1;
  private system!: SystemSide;
  private surroundings!: Surroundings;

  /**
   * @param semantics the meaning of instructions that code executes itself, by mnemonic.
   * @param hasCrossings false: TypeScript does every crossing; results are the same.
   * @param costOf base cycles of an instruction; dyadic fractions, so that sums do not depend on their order.
   */
  constructor(
    readonly machine: Machine,
    semantics: Readonly<Record<string, Semantic>>,
    costOf: InstructionCost,
    iterationCost: number,
    hasCrossings = true,
  ) {
    const code = machine.code;
    invariant(code !== undefined, "a machine that executes code was made for it");
    this.words = code.cpu.words;
    this.floats = code.cpu.floats;
    this.all = new Int32Array(machine.memory.buffer);
    this.allFloats = new Float64Array(machine.memory.buffer);
    this.bytes = code.cpu.bytes;
    this.table = new WebAssembly.Table({ initial: TABLE_SIZE, element: "anyfunc" });
    this.runtime = makeRuntime(
      machine,
      { readDevice: () => this.readDevice(), commitDevice: () => this.commitDevice() },
      this.table,
    );
    this.crossings = hasCrossings ? makeCrossings(machine, this.runtime) : undefined;
    this.table.set(
      TABLE_INDEX.pageFault,
      (this.crossings ?? this.runtime)[hasCrossings ? "pageFault" : "leaveFault"],
    );
    this.handlers = new Handlers(machine, this.runtime, this.table, semantics, iterationCost, this.crossings);
    this.cache = new CodeCache(
      machine,
      this.handlers,
      (instruction) => (isCharged(instruction, semantics) ? costOf(instruction) : 0),
      (block) => this.translator?.drop(block),
      () => this.clearSlots(),
    );
    this.floats[STATE.left / 8] = 0;
    // A flat segment, and the entry of references while paging is off: every page is itself, everything is allowed.
    for (const flat of [STATE.flatSegment, STATE.flatStack]) {
      this.words[(flat + SEGMENT.highest) / 4] = -1;
      this.words[(flat + SEGMENT.rights) / 4] = SEGMENT_READABLE | SEGMENT_WRITABLE;
    }
    const entries = machine.mmu.parts.store.words;
    entries.fill(0, entries.length - 8);
    entries[entries.length - 8 + 4] = -1;
    resetSlots(code);
    this.forgetCodePage();
  }

  /** Ties the engine to the rest of the computer; once, before it runs. */
  connect(system: SystemSide, surroundings: Surroundings): void {
    this.system = system;
    this.surroundings = surroundings;
  }

  /** Instructions completed since the machine was made. */
  get instructions(): number {
    const { partial } = this;
    return partial === undefined
      ? this.charged
      : this.charged - this.all[(partial.record + RECORD.countsLeft) >> 2]!;
  }

  /** Cycles since the machine was made. */
  now(): number {
    return this.floats[STATE.target / 8]! - this.floats[STATE.left / 8]!;
  }

  /** The same without the base costs of a block's instructions that single steps have not come to: what was executed took. */
  nowExecuted(): number {
    const { partial } = this;
    return (
      this.now() - (partial === undefined ? 0 : this.allFloats[(partial.record + RECORD.costLeft) >> 3]!)
    );
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
    this.forgetCodePage();
    const isUser = (this.words[STATE.mode / 4]! & MODE.user) !== 0;
    this.words[STATE.fastSlots / 4] =
      this.machine.code!.slots.byteOffset + (isUser ? TABLE.user : TABLE.supervisor);
  }

  /** What translates addresses changed: no look-up of before may be used. */
  translationsChanged(): void {
    this.clearSlots();
    this.forgetCodePage();
  }

  /** Bytes of RAM were written by something other than the CPU. */
  wroteMemory(address: number, length: number): void {
    for (let at = address; at < address + length; ) {
      const inPage = Math.min(4096 - (at % 4096), address + length - at);
      if (this.cache.wrote(Math.floor(at / 4096), at % 4096, inPage)) this.endBlock();
      at += inPage;
    }
  }

  /** Gives back what is left of a block that was being stepped through: the next instruction begins another. */
  endBlock(): void {
    if (this.partial !== undefined) this.giveBack(this.partial.record);
    this.partial = undefined;
  }

  /** Runs until so many instructions have completed since the start, or nothing can happen any more. */
  run(limit: number): RunEnd {
    const { system, surroundings, words } = this;
    for (;;) {
      if (this.stopRequested) return "stopped";
      if (system.hasExited) return "exit";
      if (system.isShutDown) return "shutdown";
      let now = this.now();
      if (surroundings.nextDeadline() <= now) {
        surroundings.runDue(now);
        // A monitor that was interrupted for it has taken its time.
        now = this.now();
      }
      const waits = surroundings.hasInterrupt();
      if (waits && this.partial === undefined && !system.hasShadow && system.interrupt()) continue;
      if (system.isHalted) {
        this.lookedAt = -1;
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
      if (now >= this.nextLook && this.partial === undefined && this.isStuck(now)) return "stuck";
      words[STATE.interruptRequest / 4] = waits ? 1 : 0;
      this.setTarget(now);
      const hadShadow = system.hasShadow;
      const isTracing = (words[STATE.mode / 4]! & MODE.singleStep) !== 0;
      if (remaining <= NEAR_LIMIT || hadShadow || isTracing) {
        const isDone = this.stepOnce();
        if (isDone && hadShadow) system.clearShadow();
      } else if (waits && this.partial !== undefined) {
        // The interrupt may come once this block is finished: no other is entered.
        this.runBlocks(-1);
      } else this.runBlocks(Math.min(remaining, CHUNK) - NEAR_LIMIT);
    }
  }

  /** One page's translation was invalidated: its entries are about to go. */
  pageChanged(high: number, low: number): void {
    const { l1d, l1i } = this.machine.mmu.parts;
    const { words } = this.machine.places.registers;
    const pageLo = (low >>> 12) | (high << 20);
    const tag = highTag(words[REGISTER.context]!, high);
    const globalTag = highTag(words[REGISTER.globalContext]!, high);
    for (const tlb of [l1d, l1i]) this.dropEntry(tlb.find(pageLo, tag, globalTag));
    this.forgetCodePage();
  }

  private dropEntry(entry: number): void {
    if (entry >= 0) this.runtime["dropSlots"]!(this.machine.places.store + entry * 4);
  }

  private clearSlots(): void {
    this.runtime["clearSlots"]!();
  }

  // Running.

  /** Whether nothing got done since the last look. */
  private isStuck(now: number): boolean {
    if (this.lookedAt === this.instructions) return true;
    this.lookAgain(now, this.instructions);
    return false;
  }

  private lookAgain(now: number, lookedAt: number): void {
    this.lookedAt = lookedAt;
    this.nextLook = (Math.floor(now / LOOK_CYCLES) + 1) * LOOK_CYCLES;
  }

  private setTarget(now: number): void {
    const next = Math.min(this.surroundings.nextDeadline(), this.nextLook);
    this.floats[STATE.target / 8] = next;
    this.floats[STATE.left / 8] = next - now;
  }

  private runBlocks(instructionLimit: number): void {
    const { words } = this;
    words[STATE.instructionLimit / 4] = instructionLimit;
    words[STATE.codeChanged / 4] = 0;
    words[STATE.linkFrom / 4] = 0;
    const resumed = this.partial?.record ?? 0;
    this.partial = undefined;
    this.handle(this.enter(resumed));
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
    const isUser = (this.words[STATE.mode / 4]! & MODE.user) !== 0;
    counters.cycles[isUser ? CYCLES.guest_user : CYCLES.guest_kernel]! += base;
    this.charged += this.words[STATE.counts / 4]!;
    this.words[STATE.counts / 4] = 0;
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
        this.setRip(record);
        this.system.execute(instructions[number]!);
        return;
      }
      case EXIT.fault:
        if (record !== 0) {
          this.giveBack(record);
          this.setRip(record);
        } else this.nameFetch();
        this.raise();
        return;
      case EXIT.again:
        this.giveBack(record);
        this.setRip(record);
        this.lookedAt = -1;
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
    if ((this.words[STATE.mode / 4]! & MODE.singleStep) !== 0) this.system.trap();
  }

  private raise(): void {
    this.system.raise(this.words[STATE.faultVector / 4]!, this.words[STATE.faultCode / 4]!);
  }

  /** A fetch was looked up by its page; its fault is at RIP, or at the next page where the instruction crosses into that. */
  private nameFetch(): void {
    const { words } = this;
    const page = words[STATE.faultAddress / 4]!;
    const base = this.isLongCode() ? 0 : words[(segmentOffset(CS) + SEGMENT.base) / 4]!;
    const linear = (words[STATE.rip / 4]! + base) | 0;
    if ((linear & ~0xfff) === page) words[STATE.faultAddress / 4] = linear;
  }

  private isLongCode(): boolean {
    return (this.words[STATE.mode / 4]! & MODE.codeSize) === CODE_64;
  }

  /** Takes back base costs and counts of an instruction that did not complete, and of those after it. */
  private giveBack(record: number): void {
    const cost = this.costLeft(record);
    const isUser = (this.words[STATE.mode / 4]! & MODE.user) !== 0;
    this.charge(isUser ? CYCLES.guest_user : CYCLES.guest_kernel, -cost);
    this.charged -= this.all[(record + RECORD.countsLeft) >> 2]!;
  }

  private costLeft(record: number): number {
    return this.allFloats[(record + RECORD.costLeft) >> 3]!;
  }

  /**
   * The monitor has mended what made the system's instruction at RIP leave: it is executed again, as if it had not been tried.
   * Where it was another instruction that left there is nothing to do.
   */
  retry(): void {
    if (this.attempts === 0) return;
    const isUser = (this.words[STATE.mode / 4]! & MODE.user) !== 0;
    this.charge(isUser ? CYCLES.guest_user : CYCLES.guest_kernel, -this.attemptCost);
    this.charged -= this.attempts;
    this.attempts = 0;
  }

  /** RIP of a record's instruction. */
  private setRip(record: number): void {
    const place = (this.all[(record + RECORD.length - 1) >> 2]! >>> 16) & 0xffff;
    const low = (this.words[STATE.codeOffset / 4]! + place) | 0;
    const carry = low >>> 0 < this.words[STATE.codeOffset / 4]! >>> 0 ? 1 : 0;
    const codeSize = this.words[STATE.mode / 4]! & MODE.codeSize;
    this.words[STATE.rip / 4] = codeSize === 0 ? low & 0xffff : low;
    this.words[STATE.rip / 4 + 1] = codeSize === 2 ? this.words[STATE.codeOffset / 4 + 1]! + carry : 0;
  }

  /** Decodes the block at RIP. Returns it when it will not be found again: it is to be executed now. */
  private decode(header: number): Block | undefined {
    const { words } = this;
    let second = -1;
    if (header !== 0) {
      this.cache.drop(this.cache.blockAt(header));
      second = words[STATE.pendingFrame2 / 4]!;
    } else if (this.isCodePageUnknown()) {
      // Not canonical, or beyond CS.limit: there was no look-up.
      this.system.raise(GENERAL_PROTECTION, 0);
      return undefined;
    }
    const block = this.cache.build(second);
    return this.cache.find(block.frame, block.pageOffset, block.mode) === block ? undefined : block;
  }

  private isCodePageUnknown(): boolean {
    const { words } = this;
    const codeSize = words[STATE.mode / 4]! & MODE.codeSize;
    if (words[STATE.codePage / 4] === -1 && words[STATE.codePage / 4 + 1] === -1) return true;
    // Within the page that is known: else the look-up failed before it began.
    const distance = (words[STATE.rip / 4]! - words[STATE.codeOffset / 4]!) | 0;
    return distance < 0 || distance > 4095 || (codeSize !== 2 && this.isBeyondLimit());
  }

  private isBeyondLimit(): boolean {
    if ((this.words[STATE.mode / 4]! & MODE.flatCode) !== 0) return false;
    const highest = this.words[(STATE.segments + 40 + 12) / 4]! >>> 0;
    return this.words[STATE.rip / 4]! >>> 0 > highest;
  }

  private forgetCodePage(): void {
    this.words[STATE.codePage / 4] = -1;
    this.words[STATE.codePage / 4 + 1] = -1;
  }

  // Saving.

  /** Whether the CPU is between two blocks of code, where its state can be saved. */
  get isBetweenBlocks(): boolean {
    return this.partial === undefined;
  }

  save(): EngineState {
    invariant(this.isBetweenBlocks, "an engine is saved between blocks");
    return { charged: this.charged };
  }

  /** After linear memory and the system side were restored: decoded code and look-ups are made anew. */
  restore({ charged }: EngineState): void {
    this.charged = charged;
    this.partial = undefined;
    this.lookAgain(this.now(), -1);
    this.cache.flush();
    resetSlots(this.machine.code!);
    const isUser = (this.words[STATE.mode / 4]! & MODE.user) !== 0;
    this.words[STATE.fastSlots / 4] =
      this.machine.code!.slots.byteOffset + (isUser ? TABLE.user : TABLE.supervisor);
  }

  // Single instructions.

  /** What `stepOnce` executed last, and where: halves of its instruction pointer. */
  readonly stepped = { instruction: undefined as Instruction | undefined, low: 0, high: 0 };

  /**
   * Executes one instruction, inside the block that it belongs to: where deadlines are looked at and what is charged are
   * the same as when the block runs as a whole. Returns false when a block's entry found something else to do first: to
   * decode it, say, or a deadline.
   */
  stepOnce(): boolean {
    const { words } = this;
    words[STATE.codeChanged / 4] = 0;
    words[STATE.linkFrom / 4] = 0;
    if (this.partial === undefined) {
      const first = this.enterBlock();
      if (first === undefined) return false;
      this.partial = first;
    }
    const { block, record } = this.partial;
    this.partial = undefined;
    const isTracing = (words[STATE.mode / 4]! & MODE.singleStep) !== 0;
    this.setRip(record);
    this.stepped.low = words[STATE.rip / 4]!;
    this.stepped.high = words[STATE.rip / 4 + 1]!;
    const next = record + RECORD_BYTES;
    const index = (record - block.header) / RECORD_BYTES;
    this.stepped.instruction = block.instructions[index - 1];
    const hasNext = index < block.instructions.length || this.hasTail(block);
    const place = next >> 2;
    const saved = this.all[place]!;
    if (hasNext) this.all[place] = this.handlers.special.stop;
    // No block may be entered.
    words[STATE.instructionLimit / 4] = -1;
    const exit = this.enter(record);
    if (hasNext) this.all[place] = saved;
    if (exit !== EXIT.stepped) {
      // A branch came to the next block, whatever that will do: it is done.
      if (isTracing && (exit === EXIT.deadline || words[STATE.exitRecord / 4] === 0)) this.system.trap();
      else this.handle(exit);
      if (isTracing && exit === EXIT.again) this.system.trap();
      return true;
    }
    if (isTracing) {
      this.setRip(next);
      this.system.trap();
      return true;
    }
    if (index < block.instructions.length) {
      this.partial = { block, record: next };
      this.setRip(next);
    } else this.runTail(next);
    return true;
  }

  /**
   * Executes the instruction at RIP, whatever is due, for a monitor that makes something possible for the length of one
   * instruction. Nothing that was being stepped through may be left. Returns false if it faulted or left for the monitor.
   */
  stepAlone(): boolean {
    const { words } = this;
    invariant(this.partial === undefined, "an instruction that left ended its block");
    const before = this.instructions;
    do {
      // A deadline in the meantime would keep the block from being entered; the run loop looks at it afterwards.
      const now = this.now();
      this.floats[STATE.target / 8] = now + LOOK_CYCLES;
      this.floats[STATE.left / 8] = LOOK_CYCLES;
      words[STATE.interruptRequest / 4] = 0;
    } while (!this.stepOnce() && !this.system.hasExited);
    return this.instructions > before;
  }

  /** Enters the block at RIP, which charges it; undefined when there was something else to do first. */
  private enterBlock(): Partial | undefined {
    const { words } = this;
    // The block's own header, with its first record replaced by a stop.
    let header = 0;
    words[STATE.instructionLimit / 4] = -1;
    const exit = this.enter(0);
    if (exit === EXIT.decode) {
      const alone = this.decode(words[STATE.exitRecord / 4]!);
      if (alone === undefined) return undefined;
      header = alone.header;
    } else if (exit !== EXIT.deadline || this.floats[STATE.left / 8]! <= 0) {
      this.handle(exit);
      return undefined;
    } else header = words[STATE.exitRecord / 4]!;
    const block = this.cache.blockAt(header);
    const first = header + RECORD_BYTES;
    const saved = this.all[first >> 2]!;
    const savedEntry = this.all[header >> 2]!;
    this.all[first >> 2] = this.handlers.special.stop;
    if (!block.crosses) this.all[header >> 2] = this.handlers.special.enter;
    words[STATE.instructionLimit / 4] = CHUNK;
    const entered = this.enter(header);
    this.all[first >> 2] = saved;
    this.all[header >> 2] = savedEntry;
    if (entered !== EXIT.stepped) {
      this.handle(entered);
      return undefined;
    }
    return { block, record: first };
  }

  private hasTail(block: Block): boolean {
    const last = block.instructions.at(-1);
    return last === undefined || !this.handlers.ends(last);
  }

  /** Goes on from the end of a block that is no branch: only RIP moves. */
  private runTail(record: number): void {
    this.words[STATE.instructionLimit / 4] = -1;
    this.handle(this.enter(record));
  }

  // Memory that is no plain RAM.

  private isMemory(frame: number): boolean {
    const { frameKinds } = this.machine.code!;
    return frame >= 0 && frame < frameKinds.length && frameKinds[frame] !== FRAME_KIND.device;
  }

  private readDevice(): void {
    this.eachPart((frame, offset, length, at) => {
      const address = (frame >>> 0) * 4096 + offset;
      if (this.isMemory(frame)) {
        const from = this.machine.ram.byteOffset + address;
        this.bytes.set(new Uint8Array(this.machine.memory.buffer, from, length), STATE.bounce + at);
        return;
      }
      forEachPiece(length, (done, size) => {
        const value = this.surroundings.readMemory(address + done, size);
        for (let i = 0; i < size; i++) this.bytes[STATE.bounce + at + done + i] = value >>> (8 * i);
      });
    });
    this.touchedDevice();
  }

  private commitDevice(): void {
    this.eachPart((frame, offset, length, at) => {
      const address = (frame >>> 0) * 4096 + offset;
      const from = STATE.bounce + at;
      if (this.isMemory(frame)) {
        const to = this.machine.ram.byteOffset + address;
        new Uint8Array(this.machine.memory.buffer, to, length).set(this.bytes.subarray(from, from + length));
        if (this.cache.wrote(frame, offset, length)) this.words[STATE.codeChanged / 4] = 1;
        return;
      }
      forEachPiece(length, (done, size) => {
        let value = 0;
        for (let i = 0; i < size; i++) value |= this.bytes[from + done + i]! << (8 * i);
        this.surroundings.writeMemory(address + done, size, value >>> 0);
      });
      this.touchedDevice();
    });
  }

  /**
   * After an access to a device the next deadline is now, so that the rest of the world has its turn before the next block,
   * and before the next iteration of a string instruction.
   */
  private touchedDevice(): void {
    const { floats } = this;
    this.words[STATE.codeChanged / 4] = 1;
    const left = floats[STATE.left / 8]!;
    if (left <= 0) return;
    floats[STATE.target / 8]! -= left;
    floats[STATE.markLeft / 8]! -= left;
    floats[STATE.left / 8] = 0;
  }

  /** The one or two pages of the pending access: frame, first byte, bytes, and where they are in the bounce buffer. */
  private eachPart(part: (frame: number, offset: number, length: number, at: number) => void): void {
    const { words } = this;
    const bytes = words[STATE.pendingBytes / 4]!;
    const offset = words[STATE.pendingAddress / 4]! & 0xfff;
    const first = words[STATE.pendingFrame / 4]!;
    const second = words[STATE.pendingFrame2 / 4]!;
    const inFirst = Math.min(bytes, 4096 - offset);
    part(first, offset, inFirst, 0);
    if (inFirst < bytes) part(second, 0, bytes - inFirst, inFirst);
  }
}

const GENERAL_PROTECTION = 13;

/** Whether a block charges an instruction's base cost: the system side charges its own, but for those of the x87 unit. */
const isCharged = ({ row }: Instruction, semantics: Readonly<Record<string, Semantic>>): boolean =>
  semantics[row.mnemonic] !== undefined || row.costClass.startsWith("x87");

/** Cuts an access into pieces that a bus carries. */
function forEachPiece(length: number, piece: (done: number, size: 1 | 2 | 4) => void): void {
  for (let done = 0; done < length; ) {
    const size = length - done >= 4 ? 4 : length - done >= 2 ? 2 : 1;
    piece(done, size);
    done += size;
  }
}
