/**
 * The reference driver, compiled to WebAssembly for one machine: geometry, prices and addresses are constants of the
 * code. It does exactly what ReferenceDriver does (execute/references.ts) on the same state in linear memory, several
 * times as fast; tests hold the two against each other. Chosen when the machine is made (driver.ts, `chooseDriver`).
 */
import { EVENT } from "../../../events/events.js";
import type { Caches } from "../../cache.js";
import { G } from "../../mmu/entry.js";
import { LeafHints } from "../../mmu/leaf-hints.js";
import type { Mmu } from "../../mmu/mmu.js";
import { FETCH, needOf, permissionsOf, READ, WRITE } from "../../mmu/permissions.js";
import type { Tlb } from "../../mmu/tlb.js";
import { WALK_DONE } from "../../mmu/walker.js";
import {
  add, and, call, type Code, countLeadingZeros, eq, float, floatAdd, type FunctionReference, get, getGlobal,
  giveBack, ifElse, ifThen, int, isZero, lessThan, load, loadFloat, mul, ne, or, select, set, shl,
  shrUnsigned, store, storeFloat, sub, toFloat, whileLoop, xor,
} from "../../wasm/code.js";
import { ModuleBuilder } from "../../wasm/module.js";
import type { Driver } from "../driver.js";
import { defineFill, defineFind, FIELD, isCompilable, stamp } from "./arrays.js";
import { defineCacheAccess } from "./caches.js";
import { Emitter, type Places } from "./emitter.js";
import { type CompiledWalk, defineWalk } from "./guest-walk.js";
import { defineHostWalk } from "./host-walk.js";

export interface CompiledDriverParts {
  readonly memory: WebAssembly.Memory;
  readonly places: Places;
  readonly mmu: Mmu;
  readonly caches: Caches;
  /** Whether the guest's own references go through them too. */
  readonly cachesData: boolean;
  readonly referenceCost: number;
  /** References that fit `batch`. */
  readonly batchLength: number;
  /** Two words a reference, as in a batch (address.ts). */
  readonly batch: Int32Array;
  /** PREDICTIONS words for data and as many for fetches. */
  readonly predicted: Int32Array;
}

/** Slots of each half of `predicted`. */
export const PREDICTIONS = 1 << 12;
/** References between two decisions whether to read ahead. */
const CHUNK = 128;

/** Whether every array has a policy that the compiled driver knows. */
export function canCompile(mmu: Mmu): boolean {
  const { l1i, l1d, l2 } = mmu.parts;
  return [l1i, l1d, l2].every((tlb) => tlb === undefined || tlb.arrays.every(isCompilable));
}

export class CompiledDriver implements Driver {
  frame = 0;
  private readonly runBatch: (from: number, to: number, user: number) => number;
  private readonly runOne: (hi: number, lo: number, kind: number, user: number) => number;
  private readonly warm: (from: number, to: number) => number;
  private missesOften = false;

  constructor(private readonly parts: CompiledDriverParts) {
    const { mmu, places, predicted } = parts;
    // Every prediction names some entry of the right level, and is checked when it is used.
    predicted.fill(places.store + mmu.parts.l1d.arrays[0]!.base * 4, 0, PREDICTIONS);
    predicted.fill(places.store + mmu.parts.l1i.arrays[0]!.base * 4, PREDICTIONS);
    const exported = compile(parts).instantiate(parts.memory);
    this.runBatch = exported["run"]!;
    this.runOne = exported["once"]!;
    this.warm = exported["warm"]!;
  }

  run(refs: Int32Array, from: number, to: number, user: boolean): number {
    const { batch, batchLength, mmu } = this.parts;
    const { events } = mmu.parts.counters;
    for (let first = from; first < to; first += batchLength) {
      const count = Math.min(batchLength, to - first);
      batch.set(refs.subarray(2 * first, 2 * (first + count)));
      for (let start = 0; start < count; ) {
        const end = this.missesOften ? Math.min(start + CHUNK, count) : count;
        if (this.missesOften) this.warm(start, end);
        const walks = events[EVENT.walks]!;
        const reached = this.runBatch(start, end, user ? 1 : 0);
        if (reached < end) return first + reached;
        this.missesOften = (events[EVENT.walks]! - walks) * 8 > end - start;
        start = end;
      }
    }
    return to;
  }

  once(hi: number, lo: number, kind: number, user: boolean): boolean {
    this.frame = this.runOne(hi, lo, kind, user ? 1 : 0);
    return this.frame >= 0;
  }
}

function compile(parts: CompiledDriverParts): ModuleBuilder {
  const { mmu } = parts;
  const module = new ModuleBuilder();
  const emitter = new Emitter(module, parts.places);
  const { walker } = mmu;
  const cacheAccess = defineCacheAccess(emitter, parts.caches);
  const host =
    walker.host === undefined
      ? undefined
      : defineHostWalk(emitter, walker.host.parts, walker.host.parts.caches === undefined ? undefined : cacheAccess);
  const walk = defineWalk(emitter, walker, walker.parts.caches === undefined ? undefined : cacheAccess, host);
  const translate = defineTranslate(emitter, mmu, walk);
  const dataAccess = parts.cachesData ? cacheAccess : undefined;
  defineOnce(emitter, parts, translate, dataAccess);
  defineRun(emitter, parts, translate, dataAccess);
  defineWarm(emitter, parts);
  return module;
}

interface CompiledTlb {
  /** (page number, tag, global tag) → entry or 0. */
  readonly find: FunctionReference;
  /** (known, page number, tag, order, guest order, frame, flags) → entry or 0. */
  readonly fill: FunctionReference;
}

function defineTlb(emitter: Emitter, tlb: Tlb): CompiledTlb {
  const { module } = emitter;
  const current = emitter.timeAddress("current");
  const arrays = new Map(
    tlb.arrays.map((array) => [array, { find: defineFind(emitter, array), fill: defineFill(emitter, array, current) }]),
  );
  const find = module.define(["i32", "i32", "i32"], true, (builder, pageLo, tag, globalTag) => {
    const entry = builder.local();
    return [
      tlb.probes.map((probe) =>
        ifThen(and(emitter.register("usedSizes"), int(probe.usedBit)), [
          set(entry, call(
            arrays.get(probe.array)!.find, shrUnsigned(get(pageLo), int(probe.order)), and(get(pageLo), int(probe.mask)),
            int(probe.mask), get(tag), get(globalTag),
          )),
          ifThen(get(entry), giveBack(get(entry))),
        ]),
      ),
      int(0),
    ];
  });
  const fill = module.define(
    ["i32", "i32", "i32", "i32", "i32", "i32", "i32"],
    true,
    (builder, known, pageLo, tag, order, guestOrder, frame, flags) => {
      const entry = builder.local();
      return [
        [0, 9, 10, 18].map((size) => {
          const probe = tlb.holderOf(size);
          if (probe === undefined) return [];
          const hold = call(
            arrays.get(probe.array)!.fill, get(entry), shrUnsigned(get(pageLo), int(probe.order)),
            and(get(pageLo), int(probe.mask)), get(tag), int(probe.mask),
            sub(get(frame), and(get(pageLo), int(~probe.mask))), get(flags), shl(int(-1), get(guestOrder)),
          );
          return ifThen(eq(get(order), int(size)), [
            emitter.setRegister("usedSizes", or(emitter.register("usedSizes"), int(probe.usedBit))),
            set(entry, get(known)),
            ifThen(get(entry), ifThen(ne(load(get(entry), FIELD.mask), int(probe.mask)), [
              store(get(entry), int(-1), FIELD.tagHi),
              set(entry, int(0)),
            ])),
            giveBack(hold),
          ]);
        }),
        int(0),
      ];
    },
  );
  return { find, fill };
}

/** (high half, low half, kind, user) → L1 entry, or 0 with the status register set. */
function defineTranslate(emitter: Emitter, mmu: Mmu, walk: CompiledWalk): FunctionReference {
  const { l1i, l1d, l2, tlbEnabled, l2HitCost, walkStartCost } = mmu.parts;
  const instruction = defineTlb(emitter, l1i);
  const data = defineTlb(emitter, l1d);
  const unified = l2 === undefined ? undefined : defineTlb(emitter, l2);
  const now = emitter.timeAddress("now");
  const current = emitter.timeAddress("current");

  return emitter.module.define(["i32", "i32", "i32", "i32"], true, (builder, hi, lo, kind, user) => {
    const pageLo = builder.local();
    const tag = builder.local();
    const globalTag = builder.local();
    const need = builder.local();
    const first = builder.local();
    const second = builder.local();
    const status = builder.local();
    const entry = builder.local();
    const isFetch = eq(get(kind), int(FETCH));
    const address = and(shrUnsigned(get(hi), int(12)), int(0x1fff));
    const time = loadFloat(int(0), current);
    const allows = (found: Code): Code => ne(and(load(found, FIELD.flags), get(need)), int(0));
    const findSecond: Code =
      unified === undefined ? [] : set(second, call(unified.find, get(pageLo), get(tag), get(globalTag)));
    const fillFirst = (known: Code, tagHi: Code, order: Code, guestOrder: Code, frame: Code, flags: Code): Code => {
      const operands = [known, get(pageLo), tagHi, order, guestOrder, frame, flags];
      return ifElse(isFetch, set(entry, call(instruction.fill, ...operands)), set(entry, call(data.fill, ...operands)));
    };
    const orderOfMask = (mask: Code): Code => sub(int(31), countLeadingZeros(sub(int(0), mask)));
    const promote: Code = [
      fillFirst(
        int(0),
        load(get(second), FIELD.tagHi),
        orderOfMask(load(get(second), FIELD.mask)),
        orderOfMask(load(get(second), FIELD.guestMask)),
        add(load(get(second), FIELD.frame), and(get(pageLo), xor(load(get(second), FIELD.mask), int(-1)))),
        load(get(second), FIELD.flags),
      ),
      giveBack(get(entry)),
    ];
    const lookUp: Code = [
      ifElse(isFetch,
        set(first, call(instruction.find, get(pageLo), get(tag), get(globalTag))),
        set(first, call(data.find, get(pageLo), get(tag), get(globalTag)))),
      ifElse(
        get(first),
        [
          ifThen(allows(get(first)), [stamp(emitter, get(first), time), giveBack(get(first))]),
          emitter.count("tlb_permission_walks"),
          findSecond,
        ],
        [
          ifElse(isFetch, emitter.count("tlb_l1i_misses"), emitter.count("tlb_l1d_misses")),
          findSecond,
          ifElse(
            get(second),
            [
              ifThen(allows(get(second)), [
                emitter.count("tlb_l2_hits"),
                emitter.charge("tlb_l2", float(l2HitCost)),
                stamp(emitter, get(second), time),
                promote,
              ]),
              emitter.count("tlb_permission_walks"),
            ],
            emitter.count("tlb_misses"),
          ),
        ],
      ),
    ];
    const flags = builder.local();
    const tagHi = builder.local();
    const order = getGlobal(walk.order);
    const guestOrder = getGlobal(walk.guestOrder);
    return [
      storeFloat(int(0), loadFloat(int(0), now), current),
      storeFloat(int(0), floatAdd(time, float(128)), now),
      set(pageLo, or(shrUnsigned(get(lo), int(12)), shl(get(hi), int(20)))),
      set(tag, or(emitter.register("context"), address)),
      set(globalTag, or(emitter.register("globalContext"), address)),
      set(need, select(
        and(and(isZero(get(user)), eq(get(kind), int(WRITE))), isZero(emitter.register("writeProtect"))),
        int(needOf(WRITE, false, false)),
        shl(select(get(user), int(needOf(READ, true, true)), int(needOf(READ, false, true))), get(kind)),
      )),
      tlbEnabled ? lookUp : emitter.count("tlb_misses"),
      emitter.charge("walk_guest", float(walkStartCost)),
      set(status, call(walk.walk, get(hi), get(lo), get(kind), get(user), get(tag))),
      emitter.setRegister("status", get(status)),
      ifThen(ne(get(status), int(WALK_DONE)), giveBack(int(0))),
      set(tagHi, select(and(getGlobal(walk.rights), int(G)), get(globalTag), get(tag))),
      set(flags, permissions(getGlobal(walk.rights))),
      ifThen(ne(order, guestOrder), emitter.setRegister("hasFractures", int(1))),
      unified === undefined
        ? []
        : set(entry, call(unified.fill, get(second), get(pageLo), get(tagHi), order, guestOrder, getGlobal(walk.frame), get(flags))),
      fillFirst(get(first), get(tagHi), order, guestOrder, getGlobal(walk.frame), get(flags)),
      ifThen(ne(load(get(entry), FIELD.mask), shl(int(-1), guestOrder)), emitter.setRegister("hasFractures", int(1))),
      tlbEnabled ? [] : store(get(entry), int(-1), FIELD.tagHi),
      get(entry),
    ];
  });
}

/** permissionsOf (mmu/permissions.ts) for the sixteen combinations of the four flags that matter, by selects. */
function permissions(rights: Code): Code {
  const D = 1 << 6;
  const RW = 1 << 1;
  const US = 1 << 2;
  const NX = 1 << 31;
  const choose = (flags: readonly number[], chosen: number): Code => {
    const [flag, ...rest] = flags;
    if (flag === undefined) return int(permissionsOf(chosen));
    return select(and(rights, int(flag)), choose(rest, chosen | flag), choose(rest, chosen));
  };
  return choose([D, RW, US, NX], 0);
}

/** The host frame of the page number, through an entry. */
function frameThrough(entry: Code, pageLo: Code): Code {
  return add(load(entry, FIELD.frame), and(pageLo, xor(load(entry, FIELD.mask), int(-1))));
}

/** Counters of references made at a privilege. */
function countReferences(
  emitter: Emitter, parts: CompiledDriverParts, references: Code, writes: Code, fetches: Code, stall: Code, user: Code,
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
function defineOnce(
  emitter: Emitter, parts: CompiledDriverParts, translate: FunctionReference, dataAccess: FunctionReference | undefined,
): void {
  emitter.module.define(["i32", "i32", "i32", "i32"], true, (builder, hi, lo, kind, user) => {
    const entry = builder.local();
    const frame = builder.local();
    const stall = builder.local();
    return [
      set(entry, call(translate, get(hi), get(lo), get(kind), get(user))),
      ifThen(isZero(get(entry)), [emitter.count("tlb_lookups"), giveBack(int(-1))]),
      set(frame, frameThrough(get(entry), or(shrUnsigned(get(lo), int(12)), shl(get(hi), int(20))))),
      dataAccess === undefined
        ? []
        : set(stall, sub(call(dataAccess, get(frame), and(shrUnsigned(get(lo), int(6)), int(63))), int(parts.caches.l1.latency))),
      countReferences(
        emitter, parts, float(1), toFloat(eq(get(kind), int(WRITE))), toFloat(eq(get(kind), int(FETCH))), toFloat(get(stall)), get(user),
      ),
      get(frame),
    ];
  }, "once");
}

/** (from, to, user) → `to`, or the index of the reference that could not be translated. */
function defineRun(
  emitter: Emitter, parts: CompiledDriverParts, translate: FunctionReference, dataAccess: FunctionReference | undefined,
): void {
  const { batch, predicted, mmu, caches } = parts;
  const { tlbEnabled } = mmu.parts;
  const nowAddress = emitter.timeAddress("now");
  const l1 = dataAccess === undefined ? undefined : caches.l1;
  emitter.module.define(["i32", "i32", "i32"], true, (builder, from, to, user) => {
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
      countReferences(emitter, parts, get(made), toFloat(get(writes)), toFloat(get(fetches)), get(stall), get(user)),
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
        or(eq(get(tag), or(get(context), get(address))), eq(get(tag), or(get(globalContext), get(address)))),
      ),
      ne(and(load(get(entry), FIELD.flags), get(need)), int(0)),
    );
    const look: Code = [
      set(slot, shl(or(and(get(pageLo), int(PREDICTIONS - 1)), select(isData, int(0), int(PREDICTIONS))), int(2))),
      set(entry, load(get(slot), predicted.byteOffset)),
      set(tag, load(get(entry), FIELD.tagHi)),
      set(address, and(shrUnsigned(get(hi), int(12)), int(0x1fff))),
      ifElse(isPredicted, [stamp(emitter, get(entry), get(now)), set(now, floatAdd(get(now), float(128)))], slow),
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
              set(stall, floatAdd(get(stall), toFloat(sub(call(dataAccess, get(frame), line), int(l1.latency))))),
            ),
          ];
    const writeNeed = select(emitter.register("writeProtect"), int(needOf(WRITE, false, true)), int(needOf(WRITE, false, false)));
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
        set(need, select(isData, select(and(get(word), int(1)), get(needWrite), get(needRead)), get(needFetch))),
        ifElse(isSamePage, set(frame, get(lastFrame)), look),
        access,
        set(writes, add(get(writes), and(get(word), int(1)))),
        set(fetches, add(get(fetches), and(shrUnsigned(get(word), int(1)), int(1)))),
        set(at, add(get(at), int(8))),
      ]),
      finish(get(to)),
      int(0),
    ];
  }, "run");
}

/** (from, to) → what was read ahead, mixed: see mmu/leaf-hints.ts. */
function defineWarm(emitter: Emitter, parts: CompiledDriverParts): void {
  const { walker } = parts.mmu;
  const { hints, format } = walker.parts;
  const { ram } = emitter.places;
  const tableBits = format.entries === 1024 ? 10 : 9;
  const entryShift = format.entryBytes === 8 ? 3 : 2;
  emitter.module.define(["i32", "i32"], true, (builder, from, to) => {
    const at = builder.local();
    const end = builder.local();
    const pageLo = builder.local();
    const word = builder.local();
    const gfn = builder.local();
    const read = builder.local();
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
        set(word, entryAddress),
        set(gfn, emitter.frameOf(load(get(word), ram), highPart)),
        set(read, xor(get(read), walker.host === undefined ? get(gfn) : load(hostAddress, ram))),
        set(at, add(get(at), int(8))),
      ]),
      get(read),
    ];
  }, "warm");
}
