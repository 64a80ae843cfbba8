/**
 * Translation of hot code: a block that became hot is compiled together with those it reaches in its page (region.ts) to
 * one WebAssembly function, which takes the place of the block's handler. What it does is what the interpreter does, from
 * the same semantics. Functions live in the table; when it is full, all are dropped and hot code is compiled anew.
 */
import { MODE } from "../../../cpu/state.js";
import type { Machine } from "../../../machine.js";
import { TIME } from "../../../registers.js";
import { ModuleBuilder, type ModuleExports } from "../../../wasm/module.js";
import type { Block, CodeCache } from "../code-cache.js";
import type { Translator } from "../engine.js";
import { TABLE } from "../fast-slots.js";
import type { Handlers } from "../handlers.js";
import { HEADER } from "../record.js";
import { RUNTIME_FUNCTIONS } from "../runtime.js";
import type { Semantic } from "../scope.js";
import { findRegion, isTranslatable } from "./region.js";
import { RegionEmitter, type RegionImports } from "./region-emitter.js";

/** Table entries kept for handlers; translations take those above. */
const FIRST_TRANSLATION = 1 << 13;

export class RegionTranslator implements Translator {
  /** Regions compiled, bytes of WebAssembly, and how often all were dropped. */
  readonly counts = { regions: 0, instructions: 0, bytes: 0, flushes: 0 };
  private readonly words: Int32Array;
  private readonly floats: Float64Array;
  private readonly free: number[] = [];
  private readonly translated = new Set<Block>();
  private next = FIRST_TRANSLATION;

  constructor(
    private readonly machine: Machine,
    private readonly cache: CodeCache,
    private readonly handlers: Handlers,
    private readonly table: WebAssembly.Table,
    private readonly runtime: ModuleExports,
    private readonly semantics: Readonly<Record<string, Semantic>>,
    private readonly iterationCost: number,
    /** Translations kept at most. */
    private readonly capacity = (1 << 16) - FIRST_TRANSLATION,
  ) {
    this.words = new Int32Array(machine.memory.buffer);
    this.floats = new Float64Array(machine.memory.buffer);
  }

  translate(block: Block): void {
    if (!isTranslatable(block) || block.translation !== 0) return;
    if (this.translated.size >= this.capacity) this.dropAll();
    const index = this.free.pop() ?? this.next++;
    this.table.set(index, this.compile(block) as () => number);
    block.translation = index;
    this.translated.add(block);
    this.words[(block.header + HEADER.handler) >> 2] = index;
  }

  drop(block: Block): void {
    if (!this.translated.delete(block)) return;
    this.table.set(block.translation, null);
    this.free.push(block.translation);
    block.translation = 0;
  }

  private dropAll(): void {
    for (const block of [...this.translated]) {
      this.drop(block);
      this.words[(block.header + HEADER.handler) >> 2] = this.handlers.special.enter;
      this.words[(block.header + HEADER.heat) >> 2] = 0;
    }
    this.counts.flushes++;
  }

  private compile(block: Block): unknown {
    const nodes = findRegion(block, this.cache, this.handlers);
    const module = new ModuleBuilder();
    const from = (name: keyof typeof RUNTIME_FUNCTIONS) =>
      module.importFunction(name, RUNTIME_FUNCTIONS[name]);
    const imports: RegionImports = {
      accessSegment: from("accessSegment"),
      accessSlow: from("accessSlow"),
      commit: from("commit"),
      dispatch: from("dispatch"),
      flags: from("flags"),
      carry: from("carry"),
      noteFlags: from("noteFlags"),
      handlerType: module.type({ parameters: ["i32"], result: "i32" }),
    };
    module.importTable();
    const { machine } = this;
    const code = machine.code!;
    const isUser = (block.mode & MODE.user) !== 0;
    module.define(
      ["i32"],
      true,
      (builder) =>
        new RegionEmitter(builder, imports, {
          base: code.cpu.base,
          slots: code.slots.byteOffset + (isUser ? TABLE.user : TABLE.supervisor),
          nowAddress: machine.places.registers.words.byteOffset + TIME.now * 8,
          usesSlots: machine.options.caches !== "all",
          iterationCost: this.iterationCost,
          mode: block.mode,
          semantics: this.semantics,
          words: this.words,
          floats: this.floats,
          ends: (instruction) => this.handlers.ends(instruction),
        }).emit(nodes),
      "region",
    );
    this.counts.regions++;
    this.counts.instructions += nodes.reduce((sum, node) => sum + node.block.instructions.length, 0);
    const exports = module.instantiate({
      memory: machine.memory,
      functions: this.runtime,
      table: this.table,
    });
    return exports["region"];
  }
}
