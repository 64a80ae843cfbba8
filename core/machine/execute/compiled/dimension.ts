/**
 * What the two dimensions of a compiled walk have in common: starting from the paging-structure caches, the price of a
 * reference, setting accessed and dirty bits, and filling the caches when the walk has succeeded. guest-walk.ts and
 * host-walk.ts are what differs. Page numbers and tags are given as code without side effects.
 */
import type { WalkCaches } from "../../mmu/walk-caches.js";
import {
  add,
  and,
  atMost,
  type Code,
  call,
  eq,
  type FunctionReference,
  float,
  get,
  getGlobal,
  ifThen,
  int,
  isZero,
  type Local,
  lessThan,
  load,
  loadFloat,
  mul,
  ne,
  or,
  set,
  setGlobal,
  shl,
  shrUnsigned,
  store,
  toFloat,
} from "../../wasm/code.js";
import type { FunctionBuilder } from "../../wasm/module.js";
import { defineFill, defineFind, FIELD, type Find, stamp } from "./arrays.js";
import type { Emitter } from "./emitter.js";
import { WalkCacheJournal } from "./walk-cache-journal.js";

export interface DimensionParts {
  readonly name: "guest" | "host";
  readonly walkCaches: WalkCaches | undefined;
  /** Undefined where caches are off: every reference costs `flatLatency`. */
  readonly cacheAccess: FunctionReference | undefined;
  readonly flatLatency: number;
  readonly entryBitsCost: number;
}

/** The locals of a walk. */
export interface WalkLocals {
  /** Level at which the walk starts, 0 while unknown; and at which the leaf is. */
  readonly start: Local;
  readonly leaf: Local;
  /** Level to read next; 0 when the leaf is reached. */
  readonly level: Local;
  /** Host frame of the table at hand, and the rights of the levels above it. */
  readonly table: Local;
  readonly rights: Local;
  /** Address of the entry at hand in RAM. */
  readonly word: Local;
  /** By level: that address, each table below the first, and its rights. */
  readonly path: readonly Local[];
  readonly tables: readonly Local[];
  readonly tableRights: readonly Local[];
  /** An entry of a translation array. */
  readonly entry: Local;
  readonly wantedBits: Local;
}

interface CompiledPrefix {
  readonly shift: number;
  readonly maskLo: number;
  readonly maskHi: number;
  readonly find: Find;
  readonly fill: FunctionReference;
}

export class Dimension {
  private readonly category: "walk_guest" | "walk_host";
  private readonly timeAddress: number;
  /** By the level of the table pointed to. */
  private readonly prefixes: readonly (CompiledPrefix | undefined)[];

  constructor(
    private readonly emitter: Emitter,
    private readonly parts: DimensionParts,
  ) {
    this.category = parts.name === "guest" ? "walk_guest" : "walk_host";
    this.timeAddress = emitter.timeAddress(parts.name === "guest" ? "current" : "hostNow");
    const journal = parts.name === "guest" ? WalkCacheJournal.of(emitter, parts.walkCaches) : undefined;
    this.prefixes = (parts.walkCaches?.prefixes ?? []).map((prefix) =>
      prefix === undefined
        ? undefined
        : {
            ...prefix,
            find: defineFind(emitter, prefix.array),
            fill: defineFill(emitter, prefix.array, this.timeAddress, (entry) => journal?.note(entry) ?? []),
          },
    );
  }

  locals(builder: FunctionBuilder, levels: number): WalkLocals {
    const one = (): Local => builder.local();
    const byLevel = (): Local[] => Array.from({ length: levels + 1 }, one);
    return {
      start: one(),
      leaf: one(),
      level: one(),
      table: one(),
      rights: one(),
      word: one(),
      path: byLevel(),
      tables: byLevel(),
      tableRights: byLevel(),
      entry: one(),
      wantedBits: one(),
    };
  }

  /** Sets `start`, `level`, `table` and `rights` from the lowest cache that knows the way. */
  startFromCaches(builder: FunctionBuilder, locals: WalkLocals, page: Code, tag: Code): Code {
    const { start, level, table, rights, entry } = locals;
    return this.prefixes.map((prefix, below) =>
      prefix === undefined
        ? []
        : ifThen(isZero(get(start)), [
            set(
              entry,
              prefix.find(builder, {
                set: setOf(prefix, page, tag),
                key: and(page, int(prefix.maskLo)),
                mask: int(prefix.maskLo),
                tag: and(tag, int(prefix.maskHi)),
                globalTag: and(tag, int(prefix.maskHi)),
              }),
            ),
            ifThen(get(entry), [
              stamp(this.emitter, get(entry), loadFloat(int(0), this.timeAddress)),
              set(start, int(below)),
              set(level, int(below)),
              set(table, load(get(entry), FIELD.frame)),
              set(rights, load(get(entry), FIELD.flags)),
              this.emitter.count(`walk_cache_${this.parts.name}_hits`),
            ]),
          ]),
    );
  }

  /** Remembers every table that the walk passed. */
  fillCaches(locals: WalkLocals, page: Code, tag: Code): Code {
    const { start, leaf, tables, tableRights, entry } = locals;
    return [...this.prefixes.entries()]
      .reverse()
      .map(([below, prefix]) =>
        prefix === undefined
          ? []
          : ifThen(and(lessThan(int(below), get(start)), atMost(get(leaf), int(below))), [
              set(
                entry,
                call(
                  prefix.fill,
                  int(0),
                  setOf(prefix, page, tag),
                  and(page, int(prefix.maskLo)),
                  and(tag, int(prefix.maskHi)),
                  int(prefix.maskLo),
                  get(tables[below]!),
                  get(tableRights[below]!),
                  int(prefix.maskLo),
                ),
              ),
            ]),
      );
  }

  /** Counts and prices the reading of the entry at `word` in `table`. */
  reference(locals: WalkLocals, level: number): Code {
    const { emitter } = this;
    const { cacheAccess, flatLatency, name } = this.parts;
    const line = and(shrUnsigned(get(locals.word), int(6)), int(63));
    return [
      setGlobal(emitter.references, add(getGlobal(emitter.references), int(1))),
      emitter.count(`walk_refs_${name}_l${level as 1}`),
      cacheAccess === undefined
        ? emitter.charge(this.category, float(flatLatency))
        : [
            emitter.charge(this.category, toFloat(call(cacheAccess, get(locals.table), line))),
            emitter.countByCacheLevel(),
          ],
    ];
  }

  /** Sets the accessed bit at a level that the walk passed, and the dirty bit at its leaf for a write (0 or 1). */
  setBits(locals: WalkLocals, level: number, bits: { accessed: number; dirty: number }, isWrite: Code): Code {
    const { start, leaf, path, wantedBits } = locals;
    const { emitter } = this;
    const address = get(path[level]!);
    const passed = and(atMost(get(leaf), int(level)), atMost(int(level), get(start)));
    return ifThen(passed, [
      set(wantedBits, or(int(bits.accessed), mul(and(eq(get(leaf), int(level)), isWrite), int(bits.dirty)))),
      ifThen(ne(and(load(address), get(wantedBits)), get(wantedBits)), [
        store(address, or(load(address), get(wantedBits))),
        emitter.count("entry_bits_set"),
        emitter.charge(this.category, float(this.parts.entryBitsCost)),
      ]),
    ]);
  }

  /** Leaves a hint where a level-1 table is (mmu/leaf-hints.ts). @param number the address's bits above that table. */
  noteLeafTable(locals: WalkLocals, number: Code, hints: Int32Array): Code {
    const slot = shl(and(number, int(hints.length - 1)), int(2));
    return ifThen(eq(get(locals.leaf), int(1)), store(slot, get(locals.table), hints.byteOffset));
  }
}

function setOf(prefix: CompiledPrefix, page: Code, tag: Code): Code {
  return prefix.shift >= 32 ? and(tag, int(prefix.maskHi)) : shrUnsigned(page, int(prefix.shift));
}
