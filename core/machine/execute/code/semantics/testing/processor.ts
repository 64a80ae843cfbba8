/**
 * A CPU for tests of single instructions: both engines on a few pages without paging. Code is executed up to a HLT that is
 * put after it, or up to what the system side is asked for: interpreted first, then, from the same state, translated,
 * which must come out the same.
 */
import { findProfile } from "../../../../../events/profiles/index.js";
import { CODE_16, CODE_32, CODE_64, MODE, SEGMENT, STATE, segmentOffset } from "../../../../cpu/state.js";
import { Machine } from "../../../../machine.js";
import { PLAIN } from "../../../../testing/plain.js";
import { CodeEngine } from "../../engine.js";
import { EnginePaging } from "../../paging.js";
import { HEADER } from "../../record.js";
import { HOT, TEPID } from "../../runtime/contract.js";
import type { SystemSide } from "../../surroundings.js";
import { RegionTranslator } from "../../translate/translator.js";
import { SEMANTICS } from "../index.js";

/** Registers by number, as 64 bits. */
export type Registers = Readonly<Record<number, bigint | number>>;

export interface Given {
  readonly registers?: Registers;
  /** CF PF AF ZF SF OF. */
  readonly flags?: number;
  /** All others. */
  readonly systemFlags?: number;
}

export interface Outcome {
  /** Vector raised, if one was. */
  readonly vector: number | undefined;
  /** Mnemonic handed to the system side, if it was not the HLT at the end. */
  readonly system: string | undefined;
  /** RIP less the address of the first instruction. */
  readonly offset: number;
  readonly registers: readonly bigint[];
  readonly flags: number;
  readonly systemFlags: number;
}

/** Where code lies; each piece has its own place. */
const CODE = 0x1_0000;
const PLACE_BYTES = 64;
const PLACES = 0x1_0000 / PLACE_BYTES;
/** What tests read and write. */
const DATA = { from: 0x2000, to: 0xa000 };
const HLT = 0xf4;
const MODE_BITS = { 16: CODE_16, 32: CODE_32, 64: CODE_64 } as const;
/** More than any test executes. */
const LIMIT = 100_000;

class Recorder implements SystemSide {
  isHalted = false;
  vector: number | undefined;
  system: string | undefined;
  readonly hasShadow = false;
  readonly isShutDown = false;
  readonly hasExited = false;

  execute({ row }: { readonly row: { readonly mnemonic: string } }): void {
    this.isHalted = true;
    if (row.mnemonic !== "HLT") this.system = row.mnemonic;
  }
  raise(vector: number): void {
    this.isHalted = true;
    this.vector = vector;
  }
  reset(): void {
    this.isHalted = false;
    this.vector = undefined;
    this.system = undefined;
  }
  trap(): void {}
  interrupt(): boolean {
    return false;
  }
  clearShadow(): void {}
  endsShadow = false;
  meetsBreakpoint(): boolean {
    return false;
  }
}

export class TestProcessor {
  readonly engine: CodeEngine;
  /** RAM, from address 0; code lies from 64 to 128 KiB. */
  readonly memory: Uint8Array;
  private readonly recorder = new Recorder();
  /** The CPU's state, as words and as 64-bit integers; the machine's whole memory. */
  private readonly words: Int32Array;
  private readonly all: Int32Array;
  private readonly longs: BigInt64Array;
  private readonly placed = new Map<string, number>();
  private readonly translator: RegionTranslator;
  private readonly before = Buffer.alloc(DATA.to - DATA.from);
  private readonly interpreted = Buffer.alloc(DATA.to - DATA.from);

  /** @param modeBits MODE bits besides those of the code's width. */
  constructor(bits: 16 | 32 | 64, modeBits: number = MODE.flatData | MODE.flatCode | MODE.protected) {
    const machine = new Machine({
      profile: findProfile("skylake-2015")!,
      paging: "4-level",
      backedFrames: 64,
      frames: 64,
      ...PLAIN,
      code: { arenaBytes: 1 << 21 },
    });
    this.engine = new CodeEngine(machine, SEMANTICS, () => 1, 1);
    new EnginePaging(machine, this.engine);
    const { cache, handlers, table, runtime } = this.engine;
    this.translator = new RegionTranslator(machine, cache, handlers, table, runtime, SEMANTICS, 1, {
      leastBlocks: 1,
      batchBlocks: 1,
    });
    this.engine.connect(this.recorder, {
      nextDeadline: () => Number.POSITIVE_INFINITY,
      runDue: () => {},
      hasInterrupt: () => false,
      readMemory: () => 0xffff_ffff,
      writeMemory: () => {},
    });
    this.all = new Int32Array(machine.memory.buffer);
    this.memory = new Uint8Array(machine.memory.buffer, machine.ram.byteOffset, 64 * 4096);
    const { words, longs } = machine.code!.cpu;
    this.words = words;
    this.longs = longs;
    words[STATE.mode / 4] = modeBits | MODE_BITS[bits] | (bits === 16 ? 0 : MODE.wideStack);
    for (let number = 0; number < 6; number++) this.setSegment(number, 0xffff_ffff);
    this.engine.modeChanged();
  }

  /** Gives a segment register a limit, and a selector that tells which it is. */
  setSegment(number: number, limit: number, selector = 8 * number + 8): void {
    const at = segmentOffset(number);
    this.words[(at + SEGMENT.lowest) / 4] = 0;
    this.words[(at + SEGMENT.highest) / 4] = limit | 0;
    this.words[(at + SEGMENT.rights) / 4] = 3;
    this.words[(at + SEGMENT.selector) / 4] = selector;
    this.words[(at + SEGMENT.limit) / 4] = limit | 0;
  }

  setState(offset: number, value: number): void {
    this.words[offset / 4] = value;
  }

  /** Executes code given as hexadecimal digits. */
  execute(code: string, given: Given = {}): Outcome {
    const start = this.place(code);
    const data = this.memory.subarray(DATA.from, DATA.to);
    this.before.set(data);
    const outcome = this.run(code, start, given);
    this.interpreted.set(data);
    // Code that blocks of a shape share first, then that of a region.
    for (const heat of [TEPID, HOT]) {
      if (!this.translate(start, heat)) continue;
      data.set(this.before);
      const translated = this.run(code, start, given);
      if (!this.interpreted.equals(data) || describe(translated) !== describe(outcome)) {
        const name = heat === TEPID ? "shared" : "translated";
        throw new Error(`"${code}" interpreted: ${describe(outcome)}; ${name}: ${describe(translated)}`);
      }
    }
    return outcome;
  }

  /** Has the block at an address translated, if its mode is one for that. Returns whether it is. */
  private translate(start: number, heat: number): boolean {
    const mode = this.words[STATE.mode / 4]!;
    if ((mode & MODE.flatCode) === 0 || (mode & MODE.codeSize) === CODE_16) return false;
    const block = this.engine.cache.find(Math.floor(start / 4096), start % 4096, mode);
    if (block === undefined) throw new Error("the block that was executed is not found");
    const before = this.all[block.header / 4];
    this.all[(block.header + HEADER.heat) / 4] = heat;
    this.translator.translate(block);
    const isTranslated = heat === TEPID ? this.all[block.header / 4] !== before : block.translation !== 0;
    // Executed again, it may have its code already.
    if (!isTranslated && before === this.engine.handlers.special.enter)
      throw new Error("the block was not translated");
    return true;
  }

  private run(
    code: string,
    start: number,
    { registers = {}, flags = 0, systemFlags = 0x202 }: Given,
  ): Outcome {
    for (let number = 0; number < 16; number++)
      this.longs[number] = BigInt.asIntN(64, BigInt(registers[number] ?? 0));
    this.words[STATE.flags / 4] = systemFlags;
    this.words[STATE.flagKind / 4] = 0;
    this.words[STATE.flagExtra / 4] = flags;
    this.longs[STATE.rip / 8] = BigInt(start);
    this.recorder.reset();
    const end = this.engine.run(this.engine.instructions + LIMIT);
    if (end !== "asleep") throw new Error(`"${code}" did not come to its end`);
    return {
      vector: this.recorder.vector,
      system: this.recorder.system,
      offset: Number(this.longs[STATE.rip / 8]!) - start,
      registers: Array.from({ length: 16 }, (_, number) => BigInt.asUintN(64, this.longs[number]!)),
      flags: this.engine.runtime["flags"]!(),
      systemFlags: this.words[STATE.flags / 4]!,
    };
  }

  /** Address at which a piece of code begins. */
  place(code: string): number {
    const known = this.placed.get(code);
    if (known !== undefined) return known;
    if (this.placed.size === PLACES) throw new Error("no more room for code");
    const start = CODE + this.placed.size * PLACE_BYTES;
    const bytes = (code.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16));
    this.memory.fill(HLT, start, start + PLACE_BYTES);
    this.memory.set(bytes, start);
    this.engine.wroteMemory(start, PLACE_BYTES);
    this.placed.set(code, start);
    return start;
  }
}

const describe = ({ vector, system, offset, registers, flags, systemFlags }: Outcome): string =>
  `${vector} ${system} at ${offset}, ${registers.map((value) => value.toString(16))}, ${flags} ${systemFlags}`;
