/**
 * Single instructions, inside the blocks that they belong to: where deadlines are looked at and what is charged are the same as
 * when a block runs as a whole. A block is entered once, which charges it; then each record runs with a stop in the place of
 * the next one.
 */
import { MODE, RFLAGS, STATE } from "../../cpu/state.js";
import type { Machine } from "../../machine.js";
import type { Instruction } from "../../x86/instruction.js";
import type { Block, CodeCache } from "./code-cache.js";
import type { CodePosition } from "./code-position.js";
import { EXIT } from "./exits.js";
import type { Handlers } from "./handlers.js";
import { RECORD_BYTES } from "./record.js";

/** Where in a block single steps have come to: the record is next. */
export interface StepPlace {
  readonly block: Block;
  readonly record: number;
}

/** What single steps use of the engine. */
export interface BlockRunner {
  /** Runs from a record, or from RIP if it is 0, and accounts for it. Returns the exit. */
  enter(record: number): number;
  handle(exit: number): void;
  /** Decodes the block at RIP, or again that of a header. Returns it when it will not be found again. */
  decode(header: number): Block | undefined;
  /** The debug trap after an instruction in single steps, if it has a cause. */
  trap(hadTrapFlag: boolean): void;
}

/** Instruction limits: no block may be entered; any may. */
export const ENTER_NONE = -1;
const ENTER_ANY = 1 << 22;

export class Stepper {
  /** Undefined between two blocks. */
  place: StepPlace | undefined;
  /** What was executed last, and where: halves of its instruction pointer. */
  readonly stepped = { instruction: undefined as Instruction | undefined, low: 0, high: 0 };
  private readonly words: Int32Array;
  private readonly floats: Float64Array;
  /** All of linear memory: records lie outside the CPU's state. */
  private readonly all: Int32Array;

  constructor(
    machine: Machine,
    private readonly cache: CodeCache,
    private readonly handlers: Handlers,
    private readonly position: CodePosition,
    private readonly runner: BlockRunner,
  ) {
    this.words = machine.code!.cpu.words;
    this.floats = machine.code!.cpu.floats;
    this.all = new Int32Array(machine.memory.buffer);
  }

  /**
   * Executes one instruction. Returns false when a block's entry found something else to do first: to decode it, say, or a
   * deadline.
   */
  step(): boolean {
    const { words, position, runner } = this;
    words[STATE.codeChanged / 4] = 0;
    words[STATE.linkFrom / 4] = 0;
    const place = this.place ?? this.enterBlock();
    if (place === undefined) return false;
    this.place = undefined;
    const { block, record } = place;
    const isTracing = (words[STATE.mode / 4]! & MODE.singleStep) !== 0;
    const hadTrapFlag = (words[STATE.flags / 4]! & RFLAGS.TF) !== 0;
    position.setTo(record);
    const index = (record - block.header) / RECORD_BYTES;
    this.stepped.instruction = block.instructions[index - 1];
    this.stepped.low = words[STATE.rip / 4]!;
    this.stepped.high = words[STATE.rip / 4 + 1]!;
    const next = record + RECORD_BYTES;
    const hasNext = index < block.instructions.length;
    const saved = this.all[next >> 2]!;
    const stops = hasNext || this.hasTail(block);
    if (stops) this.all[next >> 2] = this.handlers.special.stop;
    words[STATE.instructionLimit / 4] = ENTER_NONE;
    const exit = runner.enter(record);
    if (stops) this.all[next >> 2] = saved;
    if (exit !== EXIT.stepped) {
      // A branch came to the next block, whatever that will do: it is done.
      if (isTracing && (exit === EXIT.deadline || words[STATE.exitRecord / 4] === 0))
        runner.trap(hadTrapFlag);
      else runner.handle(exit);
      if (isTracing && exit === EXIT.again) runner.trap(hadTrapFlag);
    } else if (isTracing) {
      position.setTo(next);
      runner.trap(hadTrapFlag);
    } else if (hasNext) {
      this.place = { block, record: next };
      position.setTo(next);
    } else this.runTail(next);
    return true;
  }

  /** Enters the block at RIP, which charges it; undefined when there was something else to do first. */
  private enterBlock(): StepPlace | undefined {
    const { words, runner } = this;
    // The block's own header, with its first record replaced by a stop.
    let header = 0;
    words[STATE.instructionLimit / 4] = ENTER_NONE;
    const exit = runner.enter(0);
    if (exit === EXIT.decode) {
      const alone = runner.decode(words[STATE.exitRecord / 4]!);
      if (alone === undefined) return undefined;
      header = alone.header;
    } else if (exit !== EXIT.deadline || this.floats[STATE.left / 8]! <= 0) {
      runner.handle(exit);
      return undefined;
    } else header = words[STATE.exitRecord / 4]!;
    const block = this.cache.blockAt(header);
    const first = header + RECORD_BYTES;
    const saved = this.all[first >> 2]!;
    const savedEntry = this.all[header >> 2]!;
    this.all[first >> 2] = this.handlers.special.stop;
    if (!block.crosses) this.all[header >> 2] = this.handlers.special.enter;
    words[STATE.instructionLimit / 4] = ENTER_ANY;
    const entered = runner.enter(header);
    this.all[first >> 2] = saved;
    this.all[header >> 2] = savedEntry;
    if (entered !== EXIT.stepped) {
      runner.handle(entered);
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
    this.words[STATE.instructionLimit / 4] = ENTER_NONE;
    this.runner.handle(this.runner.enter(record));
  }
}
