/**
 * The second dimension, compiled for one format, number of levels and geometry. Step for step what HostWalker does
 * (mmu/host-walker.ts), which says why.
 */
import { A, D, EPT_A, EPT_D, P, PS } from "../../mmu/entry.js";
import { DIRTY, type HostWalkerParts, MAY_EXECUTE, MAY_WRITE, ORDER_SHIFT } from "../../mmu/host-walker.js";
import { USE_STEP } from "../../mmu/translations.js";
import {
  add,
  and,
  type Code,
  call,
  eq,
  type FunctionReference,
  float,
  floatAdd,
  type Global,
  get,
  giveBack,
  greaterThan,
  ifThen,
  int,
  isZero,
  load,
  loadFloat,
  mul,
  ne,
  or,
  set,
  setGlobal,
  shl,
  shrUnsigned,
  storeFloat,
  sub,
  xor,
} from "../../wasm/code.js";
import { defineFill, defineFind, FIELD, stamp } from "./arrays.js";
import { Dimension } from "./dimension.js";
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
      set(now, floatAdd(loadFloat(int(0), hostNow), float(USE_STEP))),
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
  const { levels, nestedTlb, accessedDirty, hints } = parts;
  const isEpt = parts.format === "ept";
  const bits = isEpt ? { accessed: EPT_A, dirty: EPT_D } : { accessed: A, dirty: D };
  const fillNested =
    nestedTlb === undefined ? undefined : defineFill(emitter, nestedTlb, emitter.timeAddress("hostNow"));
  const dimension = new Dimension(emitter, { ...parts, name: "host", cacheAccess });

  return emitter.module.define(["i32", "i32", "i32", "i32"], true, (builder, gfn, write, fetch, known) => {
    const locals = dimension.locals(builder, levels);
    const { start, leaf, level, table, rights, entry, word, path, tables, tableRights } = locals;
    const lo = builder.local();
    const hi = builder.local();
    const frame = builder.local();
    const order = builder.local();
    const dirty = builder.local();
    const context = emitter.register("hostContext");

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
        dimension.reference(locals, at),
        set(lo, load(get(word))),
        set(hi, load(get(word), 4)),
        ifThen(lacksBits(get(lo), isEpt ? 7 : P), giveBack(int(-1))),
        set(rights, and(get(rights), allowedHere)),
        at === 1 ? toLeaf : [ifThen(isLeaf, toLeaf), ifThen(isZero(isLeaf), descend)],
      ]);
    };
    const downwards = Array.from({ length: levels }, (_, index) => levels - index);
    const leafLo = downwards.map((at) => ifThen(eq(get(leaf), int(at)), set(lo, load(get(path[at]!)))));
    const hasWrite = and(get(rights), int(MAY_WRITE));
    const hasExecute = ne(and(get(rights), int(MAY_EXECUTE)), int(0));
    return [
      dimension.startFromCaches(builder, locals, get(gfn), context),
      ifThen(isZero(get(start)), [
        set(start, int(levels)),
        set(level, int(levels)),
        set(
          table,
          levels === 1
            ? add(emitter.register("hostRoot"), shrUnsigned(get(gfn), int(9)))
            : emitter.register("hostRoot"),
        ),
        set(rights, int(MAY_WRITE | MAY_EXECUTE)),
      ]),
      downwards.map(readLevel),
      ifThen(and(ne(get(write), int(0)), isZero(hasWrite)), giveBack(int(-1))),
      ifThen(and(ne(get(fetch), int(0)), isZero(hasExecute)), giveBack(int(-1))),
      accessedDirty
        ? [downwards.map((at) => dimension.setBits(locals, at, bits, ne(get(write), int(0)))), leafLo]
        : [],
      dimension.noteLeafTable(locals, shrUnsigned(get(gfn), int(9)), hints.hostTables),
      dimension.fillCaches(locals, get(gfn), context),
      set(order, mul(sub(get(leaf), int(1)), int(9))),
      set(dirty, accessedDirty ? ne(and(get(lo), int(bits.dirty)), int(0)) : int(1)),
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
