/**
 * Batches of references, compiled: what ReferenceDriver's `run` and `once` do (execute/references.ts), and LeafHints'
 * `warm` (mmu/leaf-hints.ts).
 */
import { LeafHints } from "../../mmu/leaf-hints.js";
import { FETCH, needOf, READ, WRITE } from "../../mmu/permissions.js";
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
  get,
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
  shl,
  shrUnsigned,
  store,
  storeFloat,
  sub,
  toFloat,
  whileLoop,
  xor,
} from "../../wasm/code.js";
import { PREDICTIONS } from "../driver.js";
import { FIELD, stamp } from "./arrays.js";
import type { CompiledDriverParts } from "./driver.js";
import type { Emitter } from "./emitter.js";

/** The host frame of the page number, through an entry. */
function frameThrough(entry: Code, pageLo: Code): Code {
  return add(load(entry, FIELD.frame), and(pageLo, xor(load(entry, FIELD.mask), int(-1))));
}

/** Counters of references made at a privilege. */
function countReferences(
  emitter: Emitter,
  parts: CompiledDriverParts,
  references: Code,
  writes: Code,
  fetches: Code,
  stall: Code,
  user: Code,
): Code {
  const cost = [references, float(parts.referenceCost), 0xa2];
  return [
    emitter.count("references", references),
    emitter.count("writes", writes),
    emitter.count("fetches", fetches),
    emitter.count("reads", [[references, writes, 0xa1], fetches, 0xa1]),
    emitter.count("tlb_lookups", references),
    ifElse(user, emitter.charge("guest_user", cost), [
      emitter.count("kernel_references", references),
      emitter.charge("guest_kernel", cost),
    ]),
    emitter.charge("guest_memory", stall),
  ];
}

/** (high half, low half, kind, user) → host frame, or -1 when it could not be translated. */
export function defineOnce(
  emitter: Emitter,
  parts: CompiledDriverParts,
  translate: FunctionReference,
  dataAccess: FunctionReference | undefined,
): void {
  emitter.module.define(
    ["i32", "i32", "i32", "i32"],
    true,
    (builder, hi, lo, kind, user) => {
      const entry = builder.local();
      const frame = builder.local();
      const stall = builder.local();
      return [
        set(entry, call(translate, get(hi), get(lo), get(kind), get(user))),
        ifThen(isZero(get(entry)), [emitter.count("tlb_lookups"), giveBack(int(-1))]),
        set(frame, frameThrough(get(entry), or(shrUnsigned(get(lo), int(12)), shl(get(hi), int(20))))),
        dataAccess === undefined
          ? []
          : set(
              stall,
              sub(
                call(dataAccess, get(frame), and(shrUnsigned(get(lo), int(6)), int(63))),
                int(parts.caches.l1.latency),
              ),
            ),
        countReferences(
          emitter,
          parts,
          float(1),
          toFloat(eq(get(kind), int(WRITE))),
          toFloat(eq(get(kind), int(FETCH))),
          toFloat(get(stall)),
          get(user),
        ),
        get(frame),
      ];
    },
    "once",
  );
}

/** (from, to, user) → `to`, or the index of the reference that could not be translated. */
export function defineRun(
  emitter: Emitter,
  parts: CompiledDriverParts,
  translate: FunctionReference,
  dataAccess: FunctionReference | undefined,
): void {
  const { batch, predicted, mmu, caches } = parts;
  const { tlbEnabled } = mmu.parts;
  const nowAddress = emitter.timeAddress("now");
  const l1 = dataAccess === undefined ? undefined : caches.l1;
  emitter.module.define(
    ["i32", "i32", "i32"],
    true,
    (builder, from, to, user) => {
      const at = builder.local();
      const end = builder.local();
      const word = builder.local();
      const hi = builder.local();
      const pageLo = builder.local();
      const need = builder.local();
      const slot = builder.local();
      const entry = builder.local();
      const tag = builder.local();
      const address = builder.local();
      const frame = builder.local();
      const lastPage = builder.local();
      const lastHi = builder.local();
      const lastFlags = builder.local();
      const lastFrame = builder.local();
      const writes = builder.local();
      const fetches = builder.local();
      const context = builder.local();
      const globalContext = builder.local();
      const needRead = builder.local();
      const needWrite = builder.local();
      const needFetch = builder.local();
      const stall = builder.local("f64");
      const now = builder.local("f64");
      const made = builder.local("f64");
      const start = builder.local();

      const finish = (result: Code): Code => [
        storeFloat(int(0), get(now), nowAddress),
        set(made, toFloat(shrUnsigned(sub(get(at), get(start)), int(3)))),
        countReferences(
          emitter,
          parts,
          get(made),
          toFloat(get(writes)),
          toFloat(get(fetches)),
          get(stall),
          get(user),
        ),
        giveBack(result),
      ];
      const index = shrUnsigned(sub(get(at), int(batch.byteOffset)), int(3));
      const isData = isZero(and(get(word), int(FETCH)));
      const slow: Code = [
        storeFloat(int(0), get(now), nowAddress),
        set(entry, call(translate, get(hi), and(get(word), int(~7)), and(get(word), int(3)), get(user))),
        set(now, loadFloat(int(0), nowAddress)),
        ifThen(isZero(get(entry)), [emitter.count("tlb_lookups"), finish(index)]),
        store(get(slot), get(entry), predicted.byteOffset),
      ];
      const isPredicted = and(
        and(
          isZero(and(xor(load(get(entry), FIELD.tagLo), get(pageLo)), load(get(entry), FIELD.mask))),
          or(
            eq(get(tag), or(get(context), get(address))),
            eq(get(tag), or(get(globalContext), get(address))),
          ),
        ),
        ne(and(load(get(entry), FIELD.flags), get(need)), int(0)),
      );
      const look: Code = [
        set(
          slot,
          shl(or(and(get(pageLo), int(PREDICTIONS - 1)), select(isData, int(0), int(PREDICTIONS))), int(2)),
        ),
        set(entry, load(get(slot), predicted.byteOffset)),
        set(tag, load(get(entry), FIELD.tagHi)),
        set(address, and(shrUnsigned(get(hi), int(12)), int(0x1fff))),
        ifElse(
          isPredicted,
          [stamp(emitter, get(entry), get(now)), set(now, floatAdd(get(now), float(USE_STEP)))],
          slow,
        ),
        set(frame, frameThrough(get(entry), get(pageLo))),
        tlbEnabled
          ? ifThen(isData, [
              set(lastPage, get(pageLo)),
              set(lastHi, get(hi)),
              set(lastFlags, load(get(entry), FIELD.flags)),
              set(lastFrame, get(frame)),
            ])
          : [],
      ];
      const isSamePage = and(
        and(eq(get(pageLo), get(lastPage)), eq(get(hi), get(lastHi))),
        and(ne(and(get(lastFlags), get(need)), int(0)), isData),
      );
      const line = and(shrUnsigned(get(word), int(6)), int(63));
      const access: Code =
        dataAccess === undefined || l1 === undefined
          ? []
          : [
              // The most recent line of its set costs no more than the reference itself.
              ifThen(
                l1.setMask === 63
                  ? ne(load(mul(line, int(l1.ways * 4)), l1.tags.byteOffset), add(get(frame), int(1)))
                  : int(1),
                set(
                  stall,
                  floatAdd(get(stall), toFloat(sub(call(dataAccess, get(frame), line), int(l1.latency)))),
                ),
              ),
            ];
      const writeNeed = select(
        emitter.register("writeProtect"),
        int(needOf(WRITE, false, true)),
        int(needOf(WRITE, false, false)),
      );
      return [
        set(context, emitter.register("context")),
        set(globalContext, emitter.register("globalContext")),
        set(needRead, select(get(user), int(needOf(READ, true, true)), int(needOf(READ, false, true)))),
        set(needWrite, select(get(user), int(needOf(WRITE, true, true)), writeNeed)),
        set(needFetch, select(get(user), int(needOf(FETCH, true, true)), int(needOf(FETCH, false, true)))),
        set(now, loadFloat(int(0), nowAddress)),
        set(lastHi, int(0x7fffffff)),
        set(start, add(int(batch.byteOffset), shl(get(from), int(3)))),
        set(at, get(start)),
        set(end, add(int(batch.byteOffset), shl(get(to), int(3)))),
        whileLoop(lessThan(get(at), get(end)), [
          set(word, load(get(at))),
          set(hi, load(get(at), 4)),
          set(pageLo, or(shrUnsigned(get(word), int(12)), shl(get(hi), int(20)))),
          set(
            need,
            select(isData, select(and(get(word), int(1)), get(needWrite), get(needRead)), get(needFetch)),
          ),
          ifElse(isSamePage, set(frame, get(lastFrame)), look),
          access,
          set(writes, add(get(writes), and(get(word), int(1)))),
          set(fetches, add(get(fetches), and(shrUnsigned(get(word), int(1)), int(1)))),
          set(at, add(get(at), int(8))),
        ]),
        finish(get(to)),
        int(0),
      ];
    },
    "run",
  );
}

/** (from, to) → what was read ahead, mixed: see mmu/leaf-hints.ts. */
export function defineWarm(emitter: Emitter, parts: CompiledDriverParts): void {
  const { walker } = parts.mmu;
  const { hints, format } = walker.parts;
  const { ram } = emitter.places;
  const tableBits = format.entries === 1024 ? 10 : 9;
  const entryShift = format.entryBytes === 8 ? 3 : 2;
  emitter.module.define(
    ["i32", "i32"],
    true,
    (builder, from, to) => {
      const at = builder.local();
      const end = builder.local();
      const pageLo = builder.local();
      const word = builder.local();
      const gfn = builder.local();
      const read = builder.local();
      const previous = builder.local();
      const table = (number: Code, tables: Int32Array): Code =>
        load(shl(and(number, int(LeafHints.slots - 1)), int(2)), tables.byteOffset);
      const entryAddress = add(
        shl(table(shrUnsigned(get(pageLo), int(tableBits)), hints.guestTables), int(12)),
        shl(and(get(pageLo), int((1 << tableBits) - 1)), int(entryShift)),
      );
      const highPart = format.entryBytes === 8 ? load(get(word), ram + 4) : int(0);
      const hostAddress = add(
        shl(table(shrUnsigned(get(gfn), int(9)), hints.hostTables), int(12)),
        shl(and(get(gfn), int(511)), int(3)),
      );
      return [
        set(at, add(int(parts.batch.byteOffset), shl(get(from), int(3)))),
        set(end, add(int(parts.batch.byteOffset), shl(get(to), int(3)))),
        whileLoop(lessThan(get(at), get(end)), [
          set(pageLo, or(shrUnsigned(load(get(at)), int(12)), shl(load(get(at), 4), int(20)))),
          // An update is a read and a write of one page: the second needs nothing.
          ifThen(ne(get(pageLo), get(previous)), [
            set(word, entryAddress),
            set(gfn, emitter.frameOf(load(get(word), ram), highPart)),
            set(read, xor(get(read), walker.host === undefined ? get(gfn) : load(hostAddress, ram))),
            set(previous, get(pageLo)),
          ]),
          set(at, add(get(at), int(8))),
        ]),
        get(read),
      ];
    },
    "warm",
  );
}
