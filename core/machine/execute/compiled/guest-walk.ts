/**
 * The page walk, compiled for one paging format and geometry. Step for step what Walker does (mmu/walker.ts), which says
 * why; results are globals.
 */

import { AgileWalker } from "../../mmu/agile-walker.js";
import {
  A,
  D,
  G,
  NX,
  P,
  PF_FETCH,
  PF_PRESENT,
  PF_RESERVED,
  PF_USER,
  PF_WRITE,
  PS,
  RW,
  US,
} from "../../mmu/entry.js";
import { FETCH, WRITE } from "../../mmu/permissions.js";
import { WALK_DONE, WALK_PAGE_FAULT, WALK_VIOLATION, type Walker } from "../../mmu/walker.js";
import {
  add,
  and,
  type Code,
  call,
  eq,
  type FunctionReference,
  floatMax,
  type Global,
  get,
  getGlobal,
  giveBack,
  ifElse,
  ifThen,
  int,
  isZero,
  lessThan,
  load,
  loadFloat,
  mul,
  ne,
  or,
  select,
  set,
  setGlobal,
  shl,
  shrUnsigned,
  storeFloat,
  sub,
  toFloat,
  xor,
} from "../../wasm/code.js";
import { I32 } from "../../wasm/integers.js";
import { Dimension } from "./dimension.js";
import { type Emitter, lacksBits } from "./emitter.js";
import type { CompiledHostWalk } from "./host-walk.js";
import { agileModes, type WalkModes } from "./walk-modes.js";

export interface CompiledWalk {
  /** (high half, low half, kind, user, high tag) → WALK_*. */
  readonly walk: FunctionReference;
  readonly frame: Global;
  readonly rights: Global;
  readonly order: Global;
  readonly guestOrder: Global;
}

/** @param cacheAccess undefined where caches are off. @param host undefined in one dimension. */
export function defineWalk(
  emitter: Emitter,
  walker: Walker,
  cacheAccess: FunctionReference | undefined,
  host: CompiledHostWalk | undefined,
): CompiledWalk {
  const results = walkResults(emitter);
  const define = (one: Walker, found: WalkResults, modes?: WalkModes): FunctionReference =>
    defineDescend(emitter, one, cacheAccess, host, found, modes);
  if (!(walker instanceof AgileWalker)) return countedWalk(emitter, define(walker, results), results);
  const mark = define(walker.dirtyWalker, walkResults(emitter));
  const modes = agileModes(emitter, mark);
  return countedWalk(emitter, define(walker, results, modes), results, modes.count);
}

type WalkResults = Omit<CompiledWalk, "walk">;

/** Globals for what a walk finds. */
export function walkResults({ module }: Emitter): WalkResults {
  return {
    frame: module.global(),
    rights: module.global(),
    order: module.global(),
    guestOrder: module.global(),
  };
}

/**
 * A walk with its references counted.
 * @param descend the walk itself: operands as of CompiledWalk's `walk`. @param more what else is counted.
 */
export function countedWalk(
  emitter: Emitter,
  descend: FunctionReference,
  results: WalkResults,
  more: Code = [],
): CompiledWalk {
  const { module } = emitter;
  const most = emitter.eventAddress("walk_refs_max");
  const walk = module.define(
    ["i32", "i32", "i32", "i32", "i32"],
    true,
    (builder, hi, lo, kind, user, tag) => {
      const status = builder.local();
      const references = toFloat(getGlobal(emitter.references));
      return [
        setGlobal(emitter.references, int(0)),
        set(status, call(descend, get(hi), get(lo), get(kind), get(user), get(tag))),
        more,
        emitter.count("walks"),
        emitter.count("walk_refs", references),
        storeFloat(int(0), floatMax(loadFloat(int(0), most), references), most),
        get(status),
      ];
    },
  );
  return { walk, ...results };
}

function defineDescend(
  emitter: Emitter,
  walker: Walker,
  cacheAccess: FunctionReference | undefined,
  host: CompiledHostWalk | undefined,
  results: WalkResults,
  modes: WalkModes | undefined,
): FunctionReference {
  const { format, hints, noExecute } = walker.parts;
  const { levels, shifts } = format;
  const entryShift = format.entryBytes === 8 ? 3 : 2;
  const isPae = format.entries !== format.rootEntries;
  const dimension = new Dimension(emitter, { ...walker.parts, name: "guest", cacheAccess });

  return emitter.module.define(
    ["i32", "i32", "i32", "i32", "i32"],
    true,
    (builder, hi, lo, kind, user, tag) => {
      const pageLo = builder.local();
      const locals = dimension.locals(builder, levels);
      const { start, leaf, level, table, rights, word, path, tables, tableRights } = locals;
      const next = builder.local();
      const entryLo = builder.local();
      const entryHi = builder.local();
      const guestFrame = builder.local();
      const order = builder.local();
      const guestOrder = builder.local();
      const inPage = builder.local();
      const dirty = builder.local();
      const frame = builder.local();
      const isWrite = eq(get(kind), int(WRITE));
      const isFetch = eq(get(kind), int(FETCH));

      const fault = (code: number): Code => [
        emitter.setRegister(
          "errorCode",
          or(
            or(int(code), mul(isWrite, int(PF_WRITE))),
            or(mul(ne(get(user), int(0)), int(PF_USER)), noExecute ? mul(isFetch, int(PF_FETCH)) : int(0)),
          ),
        ),
        giveBack(modes?.faultStatus ?? int(WALK_PAGE_FAULT)),
      ];
      const violation = (gfn: Code, write: Code, isTable: number): Code => [
        emitter.setRegister("violationFrame", gfn),
        emitter.setRegister("violationWrite", write),
        emitter.setRegister("violationTable", int(isTable)),
        giveBack(int(WALK_VIOLATION)),
      ];
      /** Sets `table` to the host frame of a guest table, or returns a violation. */
      const toHost = (gfn: Code): Code => {
        if (host === undefined) return set(table, gfn);
        const writes = int(walker.host!.parts.tableReadsAreWrites ? 1 : 0);
        return [
          set(next, gfn),
          set(table, call(host.translate, get(next), writes, int(0))),
          ifThen(lessThan(get(table), int(0)), violation(get(next), writes, 1)),
        ];
      };

      const pdpteLo = builder.local();
      const pdpteHi = builder.local();
      const pdpteAddress = shl(shrUnsigned(get(lo), int(30)), int(3));
      const pdptes = emitter.registerAddress("pdptes");
      const fromRoot: Code = isPae
        ? [
            set(pdpteLo, load(pdpteAddress, pdptes)),
            set(pdpteHi, load(pdpteAddress, pdptes + 4)),
            ifThen(lacksBits(get(pdpteLo), P), fault(0)),
            toHost(emitter.frameOf(get(pdpteLo), get(pdpteHi))),
            set(level, int(2)),
            set(tables[2]!, get(table)),
            set(tableRights[2]!, get(rights)),
          ]
        : [
            set(level, int(levels)),
            modes?.rootTable(table, toHost) ?? toHost(emitter.register(walker.rootRegister)),
          ];

      const tableBelow = (at: number): Code => {
        const named = emitter.frameOf(get(entryLo), get(entryHi));
        return modes?.tableBelow(at, table, get(entryLo), named, toHost) ?? toHost(named);
      };

      const indexOf = (at: number): Code => {
        const shift = shifts[at]!;
        const mask = int(format.entries - 1);
        if (shift >= 32) return and(shrUnsigned(get(hi), int(shift - 32)), mask);
        const low = shrUnsigned(get(lo), int(shift));
        return and(shift > 22 ? or(low, shl(get(hi), int(32 - shift))) : low, mask);
      };
      const readLevel = (at: number): Code => {
        const toLeaf: Code = [set(leaf, int(at)), set(level, int(0))];
        const checkLarge = ifThen(
          isZero(lacksBits(get(entryLo), walker.reservedInLarge(at))),
          fault(PF_PRESENT | PF_RESERVED),
        );
        const { tableFrames } = emitter.places;
        return ifThen(eq(get(level), int(at)), [
          // What nobody answers reads as ones: reserved bits are set.
          tableFrames === undefined
            ? []
            : ifThen(I32.geU(get(table), int(tableFrames)), fault(PF_PRESENT | PF_RESERVED)),
          set(
            word,
            add(int(emitter.places.ram), add(shl(get(table), int(12)), shl(indexOf(at), int(entryShift)))),
          ),
          set(path[at]!, get(word)),
          dimension.reference(locals, at),
          set(entryLo, load(get(word))),
          format.entryBytes === 8 ? set(entryHi, load(get(word), 4)) : [],
          ifThen(lacksBits(get(entryLo), P), fault(0)),
          format.entryBytes === 8
            ? ifThen(isZero(lacksBits(get(entryHi), walker.reservedHi)), fault(PF_PRESENT | PF_RESERVED))
            : [],
          set(
            rights,
            or(
              and(and(get(rights), get(entryLo)), int(RW | US)),
              and(or(get(rights), get(entryHi)), int(NX)),
            ),
          ),
          at === 1
            ? toLeaf
            : ifElse(
                isZero(lacksBits(get(entryLo), PS)),
                [checkLarge, toLeaf],
                [
                  tableBelow(at),
                  set(tables[at - 1]!, get(table)),
                  set(tableRights[at - 1]!, modes?.toCache(get(rights)) ?? get(rights)),
                  set(level, int(at - 1)),
                ],
              ),
        ]);
      };
      const firstMemoryLevel = isPae ? 2 : levels;
      const downwards = Array.from({ length: firstMemoryLevel }, (_, index) => firstMemoryLevel - index);

      const isDenied = or(
        or(
          and(ne(get(user), int(0)), lacksBits(get(rights), US)),
          and(
            isWrite,
            and(
              lacksBits(get(rights), RW),
              or(ne(get(user), int(0)), ne(emitter.register("writeProtect"), int(0))),
            ),
          ),
        ),
        and(isFetch, shrUnsigned(get(rights), int(31))),
      );
      const orderOf: Code = downwards
        .slice(0, -1)
        .reduce<Code>(
          (otherwise, at) => select(eq(get(leaf), int(at)), int(shifts[at]! - 12), otherwise),
          int(0),
        );
      const normalFrame = emitter.frameOf(get(entryLo), get(entryHi));
      const pse36Frame = or(
        and(shrUnsigned(get(entryLo), int(12)), int(~0x3ff)),
        shl(and(shrUnsigned(get(entryLo), int(13)), int(0xff)), int(20)),
      );
      const baseFrame =
        format.entryBytes === 4 ? select(eq(get(leaf), int(2)), pse36Frame, normalFrame) : normalFrame;
      const toHostPage: Code =
        host === undefined
          ? set(frame, get(guestFrame))
          : [
              set(frame, call(host.translate, get(guestFrame), isWrite, isFetch)),
              ifThen(lessThan(get(frame), int(0)), violation(get(guestFrame), isWrite, 0)),
              ifThen(lessThan(getGlobal(host.order), get(order)), set(order, getGlobal(host.order))),
              ifThen(isZero(getGlobal(host.writable)), set(dirty, int(0))),
              ifThen(isZero(getGlobal(host.executable)), set(rights, or(get(rights), int(NX)))),
            ];
      const isClean = lacksBits(get(entryLo), D);
      const operands = [hi, lo, kind, user, tag].map(get);
      const toPage =
        modes?.toPage(and(isWrite, isClean), operands, set(frame, get(guestFrame)), toHostPage) ?? toHostPage;
      const bits = { accessed: A, dirty: D };
      const tableBits = format.entries === 1024 ? 10 : 9;
      return [
        set(pageLo, or(shrUnsigned(get(lo), int(12)), shl(get(hi), int(20)))),
        set(rights, int(RW | US)),
        dimension.startFromCaches(builder, locals, get(pageLo), get(tag)),
        modes === undefined ? [] : ifThen(get(start), modes.fromCache(rights)),
        ifThen(isZero(get(start)), [set(start, int(levels)), fromRoot]),
        downwards.map(readLevel),
        ifThen(isDenied, fault(PF_PRESENT)),
        set(guestOrder, orderOf),
        set(order, get(guestOrder)),
        set(inPage, sub(shl(int(1), get(guestOrder)), int(1))),
        set(guestFrame, or(and(baseFrame, xor(get(inPage), int(-1))), and(get(pageLo), get(inPage)))),
        set(dirty, or(isWrite, isZero(lacksBits(get(entryLo), D)))),
        toPage,
        dimension.noteLeafTable(locals, shrUnsigned(get(pageLo), int(tableBits)), hints.guestTables),
        downwards.map((at) => dimension.setBits(locals, at, bits, isWrite)),
        dimension.fillCaches(locals, get(pageLo), get(tag)),
        setGlobal(results.frame, get(frame)),
        setGlobal(results.rights, or(or(get(rights), mul(get(dirty), int(D))), and(get(entryLo), int(G)))),
        setGlobal(results.order, get(order)),
        setGlobal(results.guestOrder, get(guestOrder)),
        int(WALK_DONE),
      ];
    },
  );
}
