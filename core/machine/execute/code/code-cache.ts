/**
 * Decoded code: straight-line blocks, found by physical address and mode, kept as records in the arena (record.ts). A page
 * with blocks is marked, so that writes to it come here; a write to bytes of decoded code drops all blocks of the page.
 * The arena is bounded: when it is full everything is dropped and decoded anew as it is needed.
 *
 * What is a block is a function of where it begins and of the bytes there. Deadlines are looked at when a block is
 * entered, so interrupts come at the same instruction however the code is executed.
 */
import { CS, MODE, SEGMENT, STATE, segmentOffset } from "../../cpu/state.js";
import type { Machine } from "../../machine.js";
import type { Decode } from "../../x86/decode-for.js";
import { BASE_RIP, type CodeMode, type DecodeFailure, type Instruction } from "../../x86/instruction.js";
import { bucketNumber } from "./buckets.js";
import { segmentPlace } from "./handler-scope.js";
import { type Handlers, TooManyHandlers } from "./handlers.js";
import { type CodeMemory, FRAME_KIND, GRANULE_SHIFT, NEVER } from "./memory.js";
import { HEADER, immediatePlace, LINKABLE, RECORD, RECORD_BYTES } from "./record.js";

/** Instructions of a block at most. */
const LONGEST = 64;
const LONGEST_INSTRUCTION = 15;

export interface Block {
  /** Address of its header. */
  readonly header: number;
  readonly frame: number;
  readonly pageOffset: number;
  readonly mode: number;
  readonly instructions: readonly Instruction[];
  /** Its one instruction crosses into the next page. */
  readonly crosses: boolean;
  /** Table index of its translation, 0 none. */
  translation: number;
}

interface CodePage {
  blocks: Block[];
}

/** Base cycles of an instruction. */
export type InstructionCost = (instruction: Instruction) => number;

export class CodeCache {
  private readonly memory: CodeMemory;
  private readonly words: Int32Array;
  private readonly halves: Uint16Array;
  private readonly bytes: Uint8Array;
  private readonly floats: Float64Array;
  private readonly ram: Uint8Array;
  private readonly pages = new Map<number, CodePage>();
  private blocks: Block[] = [];
  private top: number;
  private readonly end: number;
  /** Number of times everything was dropped. */
  flushes = 0;

  constructor(
    machine: Machine,
    private readonly handlers: Handlers,
    private readonly decode: Decode,
    private readonly costOf: InstructionCost,
    /** Told of blocks that are no more. */
    private readonly onDrop: (block: Block) => void,
    /** Takes away every slot, so that no page is written without a look. */
    private readonly clearSlots: () => void,
  ) {
    this.memory = machine.code!;
    const { buffer } = machine.memory;
    this.words = new Int32Array(buffer);
    this.halves = new Uint16Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.floats = new Float64Array(buffer);
    this.ram = new Uint8Array(buffer, machine.ram.byteOffset, machine.ram.byteLength);
    this.top = this.memory.arena.byteOffset;
    this.end = this.top + this.memory.arena.byteLength;
  }

  /** The block of a header. */
  blockAt(header: number): Block {
    return this.blocks[this.words[(header + HEADER.block) >> 2]!]!;
  }

  /** The block of an instruction's record, and the instruction's number in it. */
  blockOf(record: number): Block {
    return this.blockAt(record - (this.numberOf(record) + 1) * RECORD_BYTES);
  }

  numberOf(record: number): number {
    return this.bytes[record + RECORD.number]!;
  }

  /** How often a block was entered while it was interpreted. */
  heatOf(block: Block): number {
    return this.words[(block.header + HEADER.heat) >> 2]!;
  }

  /** The block that begins at a place of a frame under the present mode, if it is decoded. */
  find(frame: number, pageOffset: number, mode: number): Block | undefined {
    let header = this.memory.buckets[bucketNumber(frame, pageOffset, mode)]!;
    while (header !== 0) {
      const block = this.blockAt(header);
      if (block.frame === frame && block.pageOffset === pageOffset && block.mode === mode) return block;
      header = this.words[(header + HEADER.next) >> 2]!;
    }
    return undefined;
  }

  /**
   * Decodes the block at the CPU's RIP, whose page was looked up already.
   * @param secondFrame frame of the page after, where it is known because an instruction crosses into it.
   */
  build(secondFrame: number): Block {
    const { cpu } = this.memory;
    const frame = cpu.words[STATE.codeFrame / 4]!;
    const mode = cpu.words[STATE.mode / 4]!;
    const codeSize = mode & MODE.codeSize;
    const bits: CodeMode = codeSize === 2 ? 64 : codeSize === 1 ? 32 : 16;
    const offset = (this.longLow(STATE.rip) - this.longLow(STATE.codeOffset)) & 0xffff;
    const decoded = this.decodeRun(frame, offset, bits, mode, secondFrame);
    if (this.top + (decoded.instructions.length + 3) * RECORD_BYTES > this.end) this.flush();
    const block = this.writeWithHandlers(decoded, frame, offset, mode, bits);
    if (decoded.isShared) this.publish(block, decoded.end);
    return block;
  }

  /** Bytes of a frame were written by something that is not the guest's own code: a device, a loader, a debugger. */
  wrote(frame: number, offset: number, length: number): boolean {
    const page = this.pages.get(frame);
    if (page === undefined) return false;
    const { granules } = this.memory;
    const last = (offset + length - 1) >> GRANULE_SHIFT;
    for (let granule = offset >> GRANULE_SHIFT; granule <= last; granule++) {
      if (((granules[2 * frame + (granule >> 5)]! >>> (granule & 31)) & 1) !== 0) {
        this.dropPage(frame, page);
        return true;
      }
    }
    return false;
  }

  /**
   * The same by software that keeps code there and changes little of it at a time: only blocks made of the bytes go. Returns
   * whether there were any.
   */
  patched(frame: number, offset: number, length: number): boolean {
    const page = this.pages.get(frame);
    if (page === undefined) return false;
    const isGone = (block: Block): boolean =>
      block.crosses || (block.pageOffset < offset + length && offset < this.endOf(block));
    const gone = page.blocks.filter(isGone);
    if (gone.length === 0) return false;
    const rest = page.blocks.filter((block) => !isGone(block));
    page.blocks = rest;
    const headers = new Set(gone.map(({ header }) => header));
    for (const block of rest) this.cutLinks(block, headers);
    for (const block of gone) this.drop(block);
    if (rest.length > 0) return true;
    this.pages.delete(frame);
    this.unmark(frame);
    return true;
  }

  /** Place in its page after the last byte that a block may depend on. */
  private endOf({ pageOffset, instructions }: Block): number {
    const end = instructions.reduce((sum, { length }) => sum + length, pageOffset);
    const last = instructions.at(-1);
    return last !== undefined && this.handlers.ends(last) ? end : end + LONGEST_INSTRUCTION;
  }

  /** Where a block goes on in another that is gone, that is looked up anew. Links are its last record's, or its tail's. */
  private cutLinks({ header, instructions }: Block, gone: ReadonlySet<number>): void {
    const { words } = this;
    const last = instructions.at(-1);
    const hasTail = last === undefined || !this.handlers.ends(last);
    const record = header + (instructions.length + (hasTail ? 1 : 0)) * RECORD_BYTES;
    for (const field of [RECORD.link, RECORD.fallThrough]) {
      const place = (record + field) >> 2;
      if (gone.has(words[place]!)) words[place] = 0;
    }
  }

  /** Takes one block away: it was decoded from a second page that is another now. */
  drop(block: Block): void {
    this.unlink(block);
    this.onDrop(block);
  }

  /** Drops everything. */
  flush(): void {
    for (const block of this.blocks) this.onDrop(block);
    for (const frame of this.pages.keys()) this.unmark(frame);
    this.pages.clear();
    this.blocks = [];
    this.memory.buckets.fill(0);
    this.top = this.memory.arena.byteOffset;
    this.flushes++;
  }

  private dropPage(frame: number, page: CodePage): void {
    for (const block of page.blocks) {
      this.unlink(block);
      this.onDrop(block);
    }
    this.pages.delete(frame);
    this.unmark(frame);
  }

  private unmark(frame: number): void {
    this.memory.frameKinds[frame] = FRAME_KIND.memory;
    this.memory.granules.fill(0, 2 * frame, 2 * frame + 2);
  }

  private unlink(block: Block): void {
    const { buckets } = this.memory;
    const bucket = bucketNumber(block.frame, block.pageOffset, block.mode);
    const next = this.words[(block.header + HEADER.next) >> 2]!;
    if (buckets[bucket] === block.header) {
      buckets[bucket] = next;
      return;
    }
    let at = buckets[bucket]!;
    while (at !== 0) {
      const place = (at + HEADER.next) >> 2;
      if (this.words[place] === block.header) {
        this.words[place] = next;
        return;
      }
      at = this.words[place]!;
    }
  }

  // Decoding.

  private decodeRun(
    frame: number,
    start: number,
    bits: CodeMode,
    mode: number,
    secondFrame: number,
  ): Decoded {
    const instructions: Instruction[] = [];
    const page = this.pageBytes(frame);
    const limit = this.limitInPage();
    const longest = (mode & MODE.singleStep) === 0 ? LONGEST : 1;
    // Code cut by CS.limit depends on it: the block serves once.
    const isShared = limit >= 4096;
    let offset = start;
    while (instructions.length < longest && offset < 4096) {
      const made: Instruction | DecodeFailure =
        offset >= limit ? "too-long" : this.decode(page, offset, bits);
      if (typeof made !== "string") {
        if (offset + made.length > limit)
          return { instructions, start, end: offset, failure: "too-long", isShared };
        instructions.push(made);
        offset += made.length;
        if (this.handlers.ends(made)) return { instructions, start, end: offset, ended: true, isShared };
        continue;
      }
      if (made !== "truncated") return { instructions, start, end: offset, failure: made, isShared };
      // It crosses into the next page: a block of its own.
      if (instructions.length > 0) break;
      if (limit <= 4096) return { instructions, start, end: offset, failure: "too-long", isShared };
      return this.decodeCrossing(page, offset, bits, secondFrame, limit);
    }
    return { instructions, start, end: offset, isShared };
  }

  private decodeCrossing(
    page: Uint8Array,
    offset: number,
    bits: CodeMode,
    secondFrame: number,
    limit: number,
  ): Decoded {
    const isShared = limit >= 4096 + LONGEST_INSTRUCTION;
    if (secondFrame < 0) {
      // Which page that is, its execution will say: it is a fetch like any other.
      return { instructions: [], start: offset, end: 4096, crossing: UNKNOWN_FRAME, isShared };
    }
    const both = new Uint8Array(2 * LONGEST_INSTRUCTION);
    const inFirst = 4096 - offset;
    both.set(page.subarray(offset), 0);
    both.set(this.pageBytes(secondFrame).subarray(0, LONGEST_INSTRUCTION), inFirst);
    const made = this.decode(both, 0, bits);
    if (typeof made === "string" || offset + made.length > limit) {
      const failure = typeof made !== "string" || made === "truncated" ? "too-long" : made;
      return { instructions: [], start: offset, end: 4096, crossing: secondFrame, failure, isShared };
    }
    const end = offset + made.length;
    return {
      instructions: [made],
      start: offset,
      end,
      crossing: secondFrame,
      ended: this.handlers.ends(made),
      isShared,
    };
  }

  /** The bytes of a frame; outside RAM everything reads as ones. */
  private pageBytes(frame: number): Uint8Array {
    const { frameKinds } = this.memory;
    const isMemory = frame >= 0 && frame < frameKinds.length && frameKinds[frame] !== FRAME_KIND.device;
    return isMemory ? this.ram.subarray(frame * 4096, frame * 4096 + 4096) : NOTHING;
  }

  /** First place in the code page that CS.limit forbids; above 4095 if none. */
  private limitInPage(): number {
    const { cpu } = this.memory;
    const mode = cpu.words[STATE.mode / 4]!;
    if ((mode & MODE.flatCode) !== 0) return Number.POSITIVE_INFINITY;
    const highest = cpu.words[(segmentOffset(CS) + SEGMENT.highest) / 4]! >>> 0;
    return highest - (this.longLow(STATE.codeOffset) | 0) + 1;
  }

  private longLow(offset: number): number {
    return this.memory.cpu.words[offset / 4]!;
  }

  // Writing records.

  private writeWithHandlers(
    decoded: Decoded,
    frame: number,
    offset: number,
    mode: number,
    bits: CodeMode,
  ): Block {
    try {
      return this.write(decoded, frame, offset, mode, bits);
    } catch (error) {
      if (!(error instanceof TooManyHandlers)) throw error;
      this.flush();
      this.handlers.forgetShapes();
      return this.write(decoded, frame, offset, mode, bits);
    }
  }

  private write(decoded: Decoded, frame: number, offset: number, mode: number, bits: CodeMode): Block {
    const { instructions } = decoded;
    const header = this.top;
    const number = this.blocks.length;
    const block: Block = {
      header,
      frame,
      pageOffset: offset,
      mode,
      instructions,
      crosses: decoded.crossing !== undefined,
      translation: 0,
    };
    this.blocks.push(block);
    const hasTail = decoded.ended !== true;
    const records = instructions.length + (hasTail ? 1 : 0);
    this.top = header + (records + 1) * RECORD_BYTES;
    this.words.fill(0, header >> 2, this.top >> 2);
    const { special } = this.handlers;
    const isCrossing = decoded.crossing !== undefined;
    this.words[header >> 2] = isCrossing ? special.enterCrossing : special.enter;
    this.words[(header + HEADER.frame) >> 2] = frame;
    this.halves[(header + HEADER.pageOffset) >> 1] = offset;
    this.halves[(header + HEADER.mode) >> 1] = mode;
    this.words[(header + HEADER.block) >> 2] = number;
    this.words[(header + HEADER.count) >> 2] = instructions.length;
    this.words[(header + HEADER.secondFrame) >> 2] = decoded.crossing ?? -1;
    this.words[(header + HEADER.codeEpoch) >> 2] = NEVER;

    let at = offset;
    const handlers = this.handlers.ofBlock(instructions, mode);
    instructions.forEach((instruction, index) => {
      const record = header + (index + 1) * RECORD_BYTES;
      this.words[record >> 2] = handlers[index]!;
      this.bytes[record + RECORD.number] = index;
      this.writeInstruction(record, instruction, at, mode);
      at += instruction.length;
    });
    if (hasTail) this.writeTail(header + records * RECORD_BYTES, decoded, bits, mode);
    this.writeSums(header, instructions);
    return block;
  }

  private writeInstruction(record: number, instruction: Instruction, at: number, mode: number): void {
    const { halves, bytes } = this;
    halves[(record + RECORD.pageOffset) >> 1] = at;
    bytes[record + RECORD.length] = instruction.length;
    const next = at + instruction.length;
    let linkable = (mode & MODE.flatCode) !== 0 && next < 4096 ? LINKABLE.next : 0;
    halves[(record + RECORD.base) >> 1] = STATE.zero;
    halves[(record + RECORD.index) >> 1] = STATE.zero;
    instruction.operands.forEach((operand, index) => {
      switch (operand.kind) {
        case "register":
          halves[(record + RECORD.operands + 2 * index) >> 1] = registerPlace(
            operand.file,
            operand.number,
            operand.high,
          );
          return;
        case "immediate":
          this.writeLong(record + immediatePlace(instruction, index), operand.value, operand.high);
          return;
        case "relative": {
          const target = next + operand.displacement;
          this.writeLong(record + RECORD.displacement, target | 0, target < 0 ? -1 : 0);
          if ((mode & MODE.flatCode) !== 0 && target >= 0 && target < 4096 && instruction.operandSize !== 2) {
            linkable |= LINKABLE.target;
          }
          return;
        }
        case "memory": {
          const isRelative = operand.base === BASE_RIP;
          // A string instruction's ES:DI is not asked for: its other operand may have another segment.
          if (instruction.row.forms[index]!.segment !== "ES")
            halves[(record + RECORD.segment) >> 1] = segmentPlace(operand.segment, mode);
          if (isRelative) {
            const displacement = operand.displacement + next;
            halves[(record + RECORD.base) >> 1] = STATE.codeOffset;
            this.writeLong(record + RECORD.displacement, displacement | 0, displacement < 0 ? -1 : 0);
          } else {
            if (operand.base >= 0) halves[(record + RECORD.base) >> 1] = STATE.general + operand.base * 8;
            this.writeLong(record + RECORD.displacement, operand.displacement, operand.displacementHigh);
          }
          if (operand.index >= 0) halves[(record + RECORD.index) >> 1] = STATE.general + operand.index * 8;
          bytes[record + RECORD.scale] = 31 - Math.clz32(operand.scale);
          return;
        }
        case "far":
          return;
      }
    });
    bytes[record + RECORD.linkable] = linkable;
  }

  /** What follows the last instruction: the next block, or the failure to decode one more. */
  private writeTail(record: number, decoded: Decoded, bits: CodeMode, mode: number): void {
    const { special } = this.handlers;
    const { failure, end } = decoded;
    const handler =
      failure === "undefined"
        ? special.undefined
        : failure === "too-long"
          ? special.generalProtection
          : special.fallThrough;
    this.words[record >> 2] = handler;
    this.bytes[record + RECORD.number] = decoded.instructions.length;
    this.halves[(record + RECORD.pageOffset) >> 1] = end;
    // Mask of the instruction pointer.
    this.writeLong(record + RECORD.displacement, bits === 16 ? 0xffff : -1, bits === 64 ? -1 : 0);
    const isLinkable = (mode & MODE.flatCode) !== 0 && end < 4096 && (mode & MODE.singleStep) === 0;
    this.bytes[record + RECORD.linkable] = isLinkable ? LINKABLE.target : 0;
  }

  /** Costs and counts of each instruction and all after it. */
  private writeSums(header: number, instructions: readonly Instruction[]): void {
    let cost = 0;
    for (let index = instructions.length; index >= 0; index--) {
      const record = header + index * RECORD_BYTES;
      if (index > 0) cost += this.costOf(instructions[index - 1]!);
      this.floats[(record + RECORD.costLeft) >> 3] = cost;
      const count = index === 0 ? instructions.length : instructions.length - index + 1;
      this.writeLong(record + RECORD.countsLeft, count, 0);
    }
  }

  private writeLong(address: number, low: number, high: number): void {
    this.words[address >> 2] = low;
    this.words[(address + 4) >> 2] = high;
  }

  /** Enters a block where look-ups find it, and marks its bytes as code. */
  private publish(block: Block, end: number): void {
    const { buckets } = this.memory;
    const bucket = bucketNumber(block.frame, block.pageOffset, block.mode);
    this.words[(block.header + HEADER.next) >> 2] = buckets[bucket]!;
    buckets[bucket] = block.header;
    this.mark(block, block.frame, block.pageOffset, Math.min(end, 4096));
    const second = this.words[(block.header + HEADER.secondFrame) >> 2]!;
    if (second >= 0 && end > 4096) this.mark(block, second, 0, end - 4096);
  }

  private mark(block: Block, frame: number, start: number, end: number): void {
    const { frameKinds } = this.memory;
    if (frame >= frameKinds.length || frameKinds[frame] === FRAME_KIND.device) return;
    let page = this.pages.get(frame);
    if (page === undefined) {
      page = { blocks: [] };
      this.pages.set(frame, page);
      frameKinds[frame] = FRAME_KIND.code;
      // Slots through which the page was written directly must go.
      this.clearSlots();
    }
    page.blocks.push(block);
    const last = (Math.max(end, start + 1) - 1) >> GRANULE_SHIFT;
    for (let granule = start >> GRANULE_SHIFT; granule <= last; granule++) {
      this.memory.granules[2 * frame + (granule >> 5)]! |= 1 << (granule & 31);
    }
  }
}

/** `crossing` before the second page's frame is known. */
const UNKNOWN_FRAME = 0x7fff_ffff;
const NOTHING = new Uint8Array(4096).fill(0xff);

interface Decoded {
  readonly instructions: readonly Instruction[];
  readonly start: number;
  /** Place after the last instruction. */
  readonly end: number;
  /** The last instruction ends blocks. */
  readonly ended?: boolean;
  /** Why there is no further instruction. */
  readonly failure?: DecodeFailure;
  /** Frame of the second page of a block's one instruction. */
  readonly crossing?: number;
  /** Whether the block is found again. */
  readonly isShared: boolean;
}

/** State offset of a register. */
function registerPlace(file: string, number: number, isHigh: boolean): number {
  switch (file) {
    case "general":
      return STATE.general + number * 8 + (isHigh ? 1 : 0);
    case "xmm":
      return STATE.xmm + number * 16;
    case "mm":
      return STATE.x87 + number * 16;
    case "segment":
      return segmentOffset(number) + SEGMENT.selector;
    default:
      return STATE.zero;
  }
}
