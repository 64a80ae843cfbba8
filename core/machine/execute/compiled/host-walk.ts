/**
 * The second dimension, compiled for one format, number of levels and geometry. Step for step what HostWalker does
 * (mmu/host-walker.ts), which says why.
 */
import { A, D, EPT_A, EPT_D, P, PS } from "../../mmu/entry.js";
import { DIRTY, type HostWalkerParts, MAY_EXECUTE, MAY_WRITE, ORDER_SHIFT } from "../../mmu/host-walker.js";
import { LeafHints } from "../../mmu/leaf-hints.js";
import {
  add,
  and,
  atMost,
  type Code,
  call,
  eq,
  type FunctionReference,
  float,
  floatAdd,
  type Global,
  get,
  getGlobal,
  giveBack,
  greaterThan,
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
  storeFloat,
  sub,
  toFloat,
  xor,
} from "../../wasm/code.js";
import { defineFill, defineFind, FIELD, stamp } from "./arrays.js";
import { type Emitter, lacksBits } from "./emitter.js";

export interface CompiledHostWalk {
  /** (guest frame, write, fetch) → host frame, or -1: a violation. */
  readonly translate: FunctionReference;
  /** Of the last translation: its order, whether it may be executed, and written without another walk. */
  readonly order: Global;
  readonly executable: Global;
  readonly writable: Global;
}

/** @param cacheAccess undefined where caches are off. */
export function defineHostWalk(
  emitter: Emitter,
  parts: HostWalkerParts,
  cacheAccess: FunctionReference | undefined,
): CompiledHostWalk {
  const { module } = emitter;
  const globals = { order: module.global(), executable: module.global(), writable: module.global() };
  const walk = defineWalk(emitter, parts, cacheAccess, globals);
  const { nestedTlb } = parts;
  const find = nestedTlb === undefined ? undefined : defineFind(emitter, nestedTlb);
  const hostNow = emitter.timeAddress("hostNow");
  const translate = module.define(["i32", "i32", "i32"], true, (builder, gfn, write, fetch) => {
    const entry = builder.local();
    const allowed = builder.local();
    const now = builder.local("f64");
    const writableFlags = MAY_WRITE | DIRTY;
    const mayWrite = eq(and(get(allowed), int(writableFlags)), int(writableFlags));
    const mayExecute = ne(and(get(allowed), int(MAY_EXECUTE)), int(0));
    const lookUp: Code =
      find === undefined
        ? []
        : [
            set(
              entry,
              find(builder, {
                set: get(gfn),
                key: get(gfn),
                mask: int(-1),
                tag: emitter.register("hostContext"),
                globalTag: emitter.register("hostContext"),
              }),
            ),
            ifThen(get(entry), [
              set(allowed, load(get(entry), FIELD.flags)),
              ifThen(and(or(isZero(get(write)), mayWrite), or(isZero(get(fetch)), mayExecute)), [
                emitter.count("nested_tlb_hits"),
                stamp(emitter, get(entry), get(now)),
                setGlobal(globals.order, shrUnsigned(get(allowed), int(ORDER_SHIFT))),
                setGlobal(globals.executable, mayExecute),
                setGlobal(globals.writable, mayWrite),
                giveBack(load(get(entry), FIELD.frame)),
              ]),
            ]),
            emitter.count("nested_tlb_misses"),
          ];
    return [
      set(now, floatAdd(loadFloat(int(0), hostNow), float(128))),
      storeFloat(int(0), get(now), hostNow),
      lookUp,
      call(walk, get(gfn), get(write), get(fetch), get(entry)),
    ];
  });
  return { translate, ...globals };
}

function defineWalk(
  emitter: Emitter,
  parts: HostWalkerParts,
  cacheAccess: FunctionReference | undefined,
  globals: { readonly order: Global; readonly executable: Global; readonly writable: Global },
): FunctionReference {
  const { levels, nestedTlb, walkCaches, accessedDirty, hints } = parts;
  const isEpt = parts.format === "ept";
  const accessedBit = isEpt ? EPT_A : A;
  const dirtyBit = isEpt ? EPT_D : D;
  const hostNow = emitter.timeAddress("hostNow");
  const fillNested = nestedTlb === undefined ? undefined : defineFill(emitter, nestedTlb, hostNow);
  const prefixes = (walkCaches?.prefixes ?? []).map((prefix) =>
    prefix === undefined
      ? undefined
      : {
          ...prefix,
          find: defineFind(emitter, prefix.array),
          fill: defineFill(emitter, prefix.array, hostNow),
        },
  );

  return emitter.module.define(["i32", "i32", "i32", "i32"], true, (builder, gfn, write, fetch, known) => {
    const level = builder.local();
    const start = builder.local();
    const leaf = builder.local();
    const table = builder.local();
    const rights = builder.local();
    const entry = builder.local();
    const word = builder.local();
    const lo = builder.local();
    const hi = builder.local();
    const frame = builder.local();
    const order = builder.local();
    const dirty = builder.local();
    const byLevel = (): Local[] => Array.from({ length: levels + 1 }, () => builder.local());
    const path = byLevel();
    const tables = byLevel();
    const tableRights = byLevel();
    const context = emitter.register("hostContext");

    const fromCaches = prefixes.map((prefix, below) =>
      prefix === undefined
        ? []
        : ifThen(isZero(get(start)), [
            set(
              entry,
              prefix.find(builder, {
                set: shrUnsigned(get(gfn), int(prefix.shift)),
                key: and(get(gfn), int(prefix.maskLo)),
                mask: int(prefix.maskLo),
                tag: context,
                globalTag: context,
              }),
            ),
            ifThen(get(entry), [
              stamp(emitter, get(entry), loadFloat(int(0), hostNow)),
              set(start, int(below)),
              set(table, load(get(entry), FIELD.frame)),
              set(rights, load(get(entry), FIELD.flags)),
              emitter.count("walk_cache_host_hits"),
            ]),
          ]),
    );
    const reference = (at: number): Code => [
      setGlobal(emitter.references, add(getGlobal(emitter.references), int(1))),
      emitter.count(`walk_refs_host_l${at}` as "walk_refs_host_l1"),
      cacheAccess === undefined
        ? emitter.charge("walk_host", float(parts.flatLatency))
        : [
            emitter.charge(
              "walk_host",
              toFloat(call(cacheAccess, get(table), and(shrUnsigned(get(word), int(6)), int(63)))),
            ),
            emitter.countByCacheLevel(),
          ],
    ];
    const allowedHere = isEpt
      ? and(shrUnsigned(get(lo), int(1)), int(MAY_WRITE | MAY_EXECUTE))
      : or(
          and(shrUnsigned(get(lo), int(1)), int(MAY_WRITE)),
          shl(xor(shrUnsigned(get(hi), int(31)), int(1)), int(1)),
        );
    const readLevel = (at: number): Code => {
      const index = at === 5 ? int(0) : and(shrUnsigned(get(gfn), int(9 * (at - 1))), int(511));
      const isLeaf = at === 1 ? int(1) : ne(and(get(lo), int(PS)), int(0));
      const toLeaf: Code = [set(leaf, int(at)), set(level, int(0))];
      const descend: Code =
        at === 1
          ? []
          : [
              set(table, emitter.frameOf(get(lo), get(hi))),
              set(tables[at - 1]!, get(table)),
              set(tableRights[at - 1]!, get(rights)),
              set(level, int(at - 1)),
            ];
      return ifThen(eq(get(level), int(at)), [
        set(word, add(int(emitter.places.ram), add(shl(get(table), int(12)), shl(index, int(3))))),
        set(path[at]!, get(word)),
        reference(at),
        set(lo, load(get(word))),
        set(hi, load(get(word), 4)),
        ifThen(lacksBits(get(lo), isEpt ? 7 : P), giveBack(int(-1))),
        set(rights, and(get(rights), allowedHere)),
        at === 1 ? toLeaf : [ifThen(isLeaf, toLeaf), ifThen(isZero(isLeaf), descend)],
      ]);
    };
    const downwards = Array.from({ length: levels }, (_, index) => levels - index);
    const within = (at: number): Code => and(atMost(get(leaf), int(at)), atMost(int(at), get(start)));
    const setBitsAt = (at: number): Code => {
      const wanted = builder.local();
      return ifThen(within(at), [
        set(
          wanted,
          or(int(accessedBit), mul(and(eq(get(leaf), int(at)), ne(get(write), int(0))), int(dirtyBit))),
        ),
        ifThen(ne(and(load(get(path[at]!)), get(wanted)), get(wanted)), [
          store(get(path[at]!), or(load(get(path[at]!)), get(wanted))),
          emitter.count("entry_bits_set"),
          emitter.charge("walk_host", float(parts.entryBitsCost)),
        ]),
        ifThen(eq(get(leaf), int(at)), set(lo, load(get(path[at]!)))),
      ]);
    };
    const fillCaches = [...prefixes.entries()]
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
                  shrUnsigned(get(gfn), int(prefix.shift)),
                  and(get(gfn), int(prefix.maskLo)),
                  context,
                  int(prefix.maskLo),
                  get(tables[below]!),
                  get(tableRights[below]!),
                  int(prefix.maskLo),
                ),
              ),
            ]),
      );
    const hasWrite = and(get(rights), int(MAY_WRITE));
    const hasExecute = ne(and(get(rights), int(MAY_EXECUTE)), int(0));
    return [
      fromCaches,
      ifThen(isZero(get(start)), [
        set(start, int(levels)),
        set(table, emitter.register("hostRoot")),
        set(rights, int(MAY_WRITE | MAY_EXECUTE)),
      ]),
      set(level, get(start)),
      downwards.map(readLevel),
      ifThen(and(ne(get(write), int(0)), isZero(hasWrite)), giveBack(int(-1))),
      ifThen(and(ne(get(fetch), int(0)), isZero(hasExecute)), giveBack(int(-1))),
      accessedDirty ? downwards.map(setBitsAt) : [],
      ifThen(
        eq(get(leaf), int(1)),
        store(
          shl(and(shrUnsigned(get(gfn), int(9)), int(LeafHints.slots - 1)), int(2)),
          get(table),
          hints.hostTables.byteOffset,
        ),
      ),
      fillCaches,
      set(order, mul(sub(get(leaf), int(1)), int(9))),
      set(dirty, accessedDirty ? ne(and(get(lo), int(dirtyBit)), int(0)) : int(1)),
      set(frame, add(emitter.frameOf(get(lo), get(hi)), and(get(gfn), sub(shl(int(1), get(order)), int(1))))),
      setGlobal(globals.order, get(order)),
      setGlobal(globals.executable, hasExecute),
      setGlobal(globals.writable, and(greaterThan(hasWrite, int(0)), get(dirty))),
      fillNested === undefined
        ? []
        : set(
            entry,
            call(
              fillNested,
              get(known),
              get(gfn),
              get(gfn),
              context,
              int(-1),
              get(frame),
              or(or(get(rights), mul(get(dirty), int(DIRTY))), shl(get(order), int(ORDER_SHIFT))),
              int(-1),
            ),
          ),
      get(frame),
    ];
  });
}
