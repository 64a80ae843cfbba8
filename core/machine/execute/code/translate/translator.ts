/**
 * Translation of hot code: a block that became hot is compiled together with those it reaches in its page (region.ts) to
 * one WebAssembly function, which takes the place of the block's handler. What it does is what the interpreter does, from
 * the same semantics. Functions live in the table; when it is full, all are dropped and hot code is compiled anew.
 */
import { MODE, STATE } from "../../../cpu/state.js";
import type { Machine } from "../../../machine.js";
import { REGISTER, TIME } from "../../../registers.js";
import { ModuleBuilder, type ModuleExports } from "../../../wasm/module.js";
import type { Block, CodeCache } from "../code-cache.js";
import { SLOT, SLOT_BYTES, SLOTS, TABLE } from "../fast-slots.js";
import { type Handlers, MOST_HANDLERS } from "../handlers.js";
import { HEADER, RECORD, RECORD_BYTES } from "../record.js";
import { HOT, RUNTIME_FUNCTIONS, WARM } from "../runtime/contract.js";
import type { Semantic } from "../scope.js";
import type { Translator } from "../surroundings.js";
import { findRegion, isTranslatable, LUKEWARM, loneRegion, type Region } from "./region.js";
import { RegionEmitter, type RegionImports, type RegionSetting } from "./region-emitter.js";
import { SHARING, Shapes, type SharingPolicy } from "./shapes.js";

/** Translations take the upper part of the table (handlers.ts keeps to the lower). */
const FIRST_TRANSLATION = MOST_HANDLERS;
/** Warm blocks that are compiled together. */
const BATCH = 64;

const IS_SHARED = true;

/**
 * Instructions of regions that are translated for nothing, and executed instructions that earn another: to translate one takes
 * about as long as code of its own saves in so many.
 */
const FREE_INSTRUCTIONS = 4000;
const EARNING = 20_000;

const instructionsOf = (nodes: Region): number =>
  nodes.reduce((sum, { block }) => sum + block.instructions.length, 0);

export class RegionTranslator implements Translator {
  /** Regions compiled, their instructions, and how often all were dropped. */
  readonly counts = { regions: 0, instructions: 0, flushes: 0 };
  private readonly words: Int32Array;
  private readonly floats: Float64Array;
  private readonly free: number[] = [];
  private readonly translated = new Set<Block>();
  /** For each block, the entries of the regions that it is part of. */
  private readonly partOf = new Map<Block, Set<Block>>();
  private readonly waiting = new Set<Block>();
  private readonly shapes: Shapes;
  private next = FIRST_TRANSLATION;

  constructor(
    private readonly machine: Machine,
    private readonly cache: CodeCache,
    private readonly handlers: Handlers,
    private readonly table: WebAssembly.Table,
    private readonly runtime: ModuleExports,
    private readonly semantics: Readonly<Record<string, Semantic>>,
    private readonly iterationCost: number,
    sharing: SharingPolicy = SHARING,
    /** Translations kept at most. */
    private readonly capacity = (1 << 16) - FIRST_TRANSLATION,
  ) {
    this.words = new Int32Array(machine.memory.buffer);
    this.floats = new Float64Array(machine.memory.buffer);
    this.shapes = new Shapes(this.words, sharing, {
      compile: (blocks) => this.place(this.compile(blocks.map(loneRegion), IS_SHARED)),
      install: (block, place) => {
        this.words[(block.header + HEADER.handler) >> 2] = place;
      },
      recordsOf: (block) => this.sharedRecords(block),
      generation: () => handlers.generation,
    });
  }

  /** Puts functions into the table. */
  private place(functions: readonly unknown[]): number[] {
    return functions.map((code) => {
      const place = this.free.pop() ?? this.next++;
      this.table.set(place, code as () => number);
      return place;
    });
  }

  /** A block that is entered again and again shares code with others like it. A warm block waits for others: a module costs more than most functions in it. A hot one is compiled, with all that wait. */
  translate(block: Block, executed = Number.POSITIVE_INFINITY): void {
    if (!isTranslatable(block) || block.translation !== 0) return;
    if (this.cache.heatOf(block) < WARM) {
      this.shapes.share(block);
      return;
    }
    if (this.counts.instructions > FREE_INSTRUCTIONS + executed / EARNING) {
      this.cool(block);
      return;
    }
    this.waiting.add(block);
    if (this.cache.heatOf(block) >= HOT || this.waiting.size >= BATCH) this.compileWaiting();
  }

  private compileWaiting(): void {
    const regions = this.chooseRegions();
    this.waiting.clear();
    if (this.translated.size + this.shapes.made + regions.length > this.capacity) this.dropAll();
    const places = this.place(this.compile(regions, !IS_SHARED));
    regions.forEach((nodes, index) => {
      const [{ block }] = nodes;
      this.note(nodes);
      const place = places[index]!;
      block.translation = place;
      this.translated.add(block);
      this.shapes.drop(block);
      this.words[(block.header + HEADER.handler) >> 2] = place;
    });
  }

  /** Records of a block whose code may be shared, 0 of others: where no instruction can be decoded next, that is no part of it. */
  private sharedRecords({ header, instructions }: Block): number {
    const { length } = instructions;
    if (this.handlers.ends(instructions[length - 1]!)) return length;
    const tail = this.words[(header + (length + 1) * RECORD_BYTES + RECORD.handler) >> 2]!;
    return tail === this.handlers.special.fallThrough ? length + 1 : 0;
  }

  /**
   * The regions that waiting blocks begin, largest first, but for blocks that are inside of one already: most of a loop's blocks
   * become warm together, and one of them is enough to enter by. If that proves wrong they become warm again.
   */
  private chooseRegions(): Region[] {
    const regions = [...this.waiting].map((block) => this.regionOf(block));
    const size = new Map(regions.map((nodes) => [nodes, instructionsOf(nodes)]));
    regions.sort((left, right) => size.get(right)! - size.get(left)!);
    const covered = new Set<Block>();
    return regions.filter((nodes) => {
      const [{ block }] = nodes;
      if (covered.has(block)) {
        this.cool(block);
        return false;
      }
      for (const node of nodes) covered.add(node.block);
      return true;
    });
  }

  /** The block has to become warm again. */
  private cool({ header }: Block): void {
    this.words[(header + HEADER.heat) >> 2] = LUKEWARM;
  }

  private regionOf(block: Block): Region {
    const isUser = (block.mode & MODE.user) !== 0;
    return findRegion(block, this.cache, this.handlers, (page) => this.frameOfPage(page, isUser));
  }

  drop(block: Block): void {
    // Other pages' blocks may have been translated with this one.
    for (const entry of this.partOf.get(block) ?? []) if (entry !== block) this.undo(entry);
    this.partOf.delete(block);
    this.waiting.delete(block);
    this.shapes.drop(block);
    this.forget(block);
  }

  private dropAll(): void {
    for (const block of [...this.translated]) this.undo(block);
    this.partOf.clear();
    this.counts.flushes++;
  }

  /** Interprets a block again, until it is hot once more. */
  private undo(block: Block): void {
    if (!this.forget(block)) return;
    this.words[(block.header + HEADER.handler) >> 2] = this.handlers.special.enter;
    this.words[(block.header + HEADER.heat) >> 2] = 0;
  }

  private forget(block: Block): boolean {
    if (!this.translated.delete(block)) return false;
    this.table.set(block.translation, null);
    this.free.push(block.translation);
    block.translation = 0;
    return true;
  }

  /** Frame of a page near the present code page, as the fetches' slots know it; asking changes nothing. */
  private frameOfPage(pages: number, isUser: boolean): number {
    const { cpu, slots } = this.machine.code!;
    const low = (cpu.words[STATE.codePage / 4]! + pages * 4096) | 0;
    const carry = Math.floor(((cpu.words[STATE.codePage / 4]! >>> 0) + pages * 4096) / 2 ** 32);
    const high = cpu.words[STATE.codePage / 4 + 1]! + carry;
    const slot = (slots.byteOffset + TABLE.fetch + ((low >>> 12) & (SLOTS - 1)) * SLOT_BYTES) >> 2;
    const tag = slot + (isUser ? SLOT.read : SLOT.write) / 4;
    if (this.words[tag] !== low || this.words[tag + 1] !== high) return -1;
    return this.words[slot + SLOT.addend / 4]!;
  }

  /** The functions of regions; those that blocks of a shape share know the block by their parameter alone. */
  private compile(regions: readonly Region[], isShared: boolean): unknown[] {
    const module = new ModuleBuilder();
    const take = (name: keyof typeof RUNTIME_FUNCTIONS) =>
      module.importFunction(name, RUNTIME_FUNCTIONS[name]);
    const imports: RegionImports = {
      accessSegment: take("accessSegment"),
      accessFromRegion: take("accessFromRegion"),
      commit: take("commit"),
      dispatch: take("dispatch"),
      flags: take("flags"),
      carry: take("carry"),
      noteFlags: take("noteFlags"),
      execute: take("execute"),
      decodeLines: this.machine.code!.decodedLines.length > 0 ? take("decodeLines") : undefined,
    };
    regions.forEach((nodes, index) => {
      const setting = this.settingOf(nodes[0].block);
      module.define(
        ["i32"],
        true,
        (builder, header) =>
          new RegionEmitter(builder, imports, setting, isShared ? header : undefined).emit(nodes),
        String(index),
      );
    });
    const made = module.instantiate({ memory: this.machine.memory, functions: this.runtime });
    return regions.map((_, index) => made[String(index)]);
  }

  /** Notes which blocks a region consists of. */
  private note(nodes: Region): void {
    const [{ block }] = nodes;
    for (const node of nodes) {
      let entries = this.partOf.get(node.block);
      if (entries === undefined) {
        entries = new Set();
        this.partOf.set(node.block, entries);
      }
      entries.add(block);
    }
    this.counts.regions++;
    this.counts.instructions += instructionsOf(nodes);
  }

  private settingOf({ mode }: Block): RegionSetting {
    const { machine } = this;
    const code = machine.code!;
    const isUser = (mode & MODE.user) !== 0;
    return {
      base: code.cpu.base,
      slots: code.slots.byteOffset + (isUser ? TABLE.user : TABLE.supervisor),
      fetchSlots: code.slots.byteOffset + TABLE.fetch,
      nowAddress: machine.places.registers.words.byteOffset + TIME.now * 8,
      codeEpochAddress: machine.places.registers.words.byteOffset + REGISTER.codeEpoch * 4,
      usesSlots: machine.options.caches !== "all",
      iterationCost: this.iterationCost,
      mode,
      semantics: this.semantics,
      words: this.words,
      floats: this.floats,
      ends: (instruction) => this.handlers.ends(instruction),
      isCrossing: (instruction) => this.handlers.crossingHandler(instruction) !== undefined,
    };
  }
}
