/**
 * An access that no slot has, in one piece, where everything is as usual: 4 KiB pages, not in the first-level TLB; in the second,
 * or found by a walk, from the cache of level-1 tables or from the root. What it does is what the look-up (compiled/translate.ts), the walk
 * (compiled/guest-walk.ts) and `accessSlow` (runtime/slow-access.ts) do one after the other, without what they ask in case it is not.
 * Nothing is changed before it is certain that all is usual; if not, those do it. Host-speed code: results are the same.
 */
import { PAGE_BYTES } from "../../address.js";
import { MODE, STATE } from "../../cpu/state.js";
import { A, D, G, NX, P, PS, RW, US } from "../../mmu/entry.js";
import type { Mmu } from "../../mmu/mmu.js";
import { needOf, READ, WRITE } from "../../mmu/permissions.js";
import { type Probe, SMALL_MASK } from "../../mmu/tlb.js";
import { type AssociativeArray, USE_STEP } from "../../mmu/translations.js";
import type { Prefix } from "../../mmu/walk-caches.js";
import { WALK_DONE } from "../../mmu/walker.js";
import {
  add,
  and,
  block,
  branch,
  branchIf,
  type Code,
  call,
  drop,
  eq,
  type FunctionReference,
  float,
  floatAdd,
  floatMax,
  get,
  giveBack,
  ifElse,
  ifThen,
  int,
  isZero,
  Label,
  type Local,
  load,
  loadByte,
  loadFloat,
  ne,
  or,
  select,
  set,
  shl,
  shrUnsigned,
  store,
  storeFloat,
  sub,
} from "../../wasm/code.js";
import { extendUnsigned, I32, I64 } from "../../wasm/integers.js";
import type { FunctionBuilder } from "../../wasm/module.js";
import {
  defineFill,
  defineFind,
  defineSlot,
  FIELD,
  type Find,
  firstOfSet,
  stamp,
  type Wanted,
} from "../compiled/arrays.js";
import { type Emitter, lacksBits } from "../compiled/emitter.js";
import { permissions } from "../compiled/translate.js";
import { WalkCacheJournal } from "../compiled/walk-cache-journal.js";
import { dropSmall, isSmall, numberOf, SLOT, type SlotPlaces, slotOfPage, TABLE } from "./fast-slots.js";
import { FRAME_KIND } from "./memory.js";
import { readAhead } from "./read-ahead.js";

export interface QuickMissParts {
  readonly places: SlotPlaces;
  /** Address of the CPU's state, and of FRAME_KIND by frame. */
  readonly base: number;
  readonly frameKinds: number;
  /** Frames that are RAM. */
  readonly frames: number;
  /** Of an access operand (runtime/contract.ts). */
  readonly access: { readonly kindMask: number; readonly supervisor: number; readonly sizeShift: number };
  /** Take away an entry's slots; make a slot an entry's. */
  readonly drop: FunctionReference;
  readonly claim: FunctionReference;
}

/** What it works with: an array for 4 KiB pages in each level, and the cache of level-1 tables. */
interface Arrays {
  readonly first: Probe;
  readonly second: Probe;
  /** Probes of other sizes in both levels. */
  readonly others: readonly Probe[];
}

/** A paging-structure cache: of tables of a level. */
interface Cached extends Prefix {
  readonly level: number;
  readonly find: Find;
  readonly fill: FunctionReference;
}

/** What of a translation goes into the entries. */
interface Translation {
  readonly pageLo: Local;
  readonly tagHi: Local;
  readonly frame: Local;
  readonly flags: Local;
  readonly guestMask: Local;
}

/** (high half, low half, access) → host address, or 0: nothing has happened. Undefined where nothing is ever as usual. */
export function defineQuickMiss(
  emitter: Emitter,
  mmu: Mmu,
  parts: QuickMissParts,
): FunctionReference | undefined {
  const arrays = arraysOf(mmu);
  if (arrays === undefined) return undefined;
  const { first, second, others } = arrays;
  const { walker, l2HitCost, walkStartCost, guestWalkCaches } = mmu.parts;
  const { format, hints, flatLatency } = walker.parts;
  const { places, access: bits } = parts;
  const finds = new Map<AssociativeArray, Find>();
  for (const { array } of [first, second, ...others])
    if (!finds.has(array)) finds.set(array, defineFind(emitter, array));
  const findIn = (array: AssociativeArray): Find => finds.get(array)!;
  const journal = WalkCacheJournal.of(emitter, guestWalkCaches);
  const prefixes = guestWalkCaches!.prefixes.flatMap((prefix, level): Cached[] => {
    if (prefix === undefined) return [];
    const { array } = prefix;
    const current = emitter.timeAddress("current");
    const filled = defineFill(emitter, array, current, (entry) => journal?.note(entry) ?? []);
    return [{ ...prefix, level, find: defineFind(emitter, array), fill: filled }];
  });
  const lowest = prefixes[0]!;
  const isPae = format.entries !== format.rootEntries;
  const upperLevels = Array.from({ length: format.levels - 1 }, (_, index) => format.levels - index);
  const chooseFirst = defineSlot(emitter, first.array);
  const chooseSecond = defineSlot(emitter, second.array);
  const findOther = defineFindOther(emitter, others, findIn);
  const smallBits = first.usedBit | second.usedBit;
  const otherBits = others.reduce((all, { usedBit }) => all | usedBit, 0);
  const state = (offset: number): Code => load(int(0), parts.base + offset);
  const time = loadFloat(int(0), emitter.timeAddress("current"));

  return emitter.module.define(["i32", "i32", "i32"], true, (builder, hi, lo, access) => {
    const unusual = new Label();
    const [pageLo, tag, globalTag, user, isWrite, second_, table] = locals(builder);
    const [word, entryLo, entryHi, entryAfter, rights, kind, slot, entry, old, leafTable] = locals(builder);
    /** By level: the tables below the root that the walk came to, and their rights. */
    const passed = format.shifts.map(() => builder.local());
    const passedRights = format.shifts.map(() => builder.local());
    const translation: Translation = {
      pageLo,
      tagHi: builder.local(),
      frame: builder.local(),
      flags: builder.local(),
      guestMask: builder.local(),
    };
    const { tagHi, frame, flags, guestMask } = translation;
    const page = builder.local("i64");
    const wanted = {
      set: get(pageLo),
      key: get(pageLo),
      mask: int(SMALL_MASK),
      tag: get(tag),
      globalTag: get(globalTag),
    };
    const maySupervisorWrite = select(
      emitter.register("writeProtect"),
      int(needOf(WRITE, false, true)),
      int(needOf(WRITE, false, false)),
    );
    const writeNeeds = select(get(user), int(needOf(WRITE, true, true)), maySupervisorWrite);
    const readNeeds = select(get(user), int(needOf(READ, true, true)), int(needOf(READ, false, true)));
    const lacksRight = isZero(and(get(flags), select(get(isWrite), writeNeeds, readNeeds)));

    const accept: Code = [
      set(isWrite, ne(and(get(access), int(bits.kindMask)), int(0))),
      set(slot, add(and(get(lo), int(PAGE_BYTES - 1)), shrUnsigned(get(access), int(bits.sizeShift)))),
      branchIf(
        or(
          and(state(STATE.mode), int(MODE.alignmentCheck | MODE.breakpoints)),
          I32.gtU(get(slot), int(PAGE_BYTES)),
        ),
        unusual,
      ),
      format.levels < 4 ? [] : branchIf(isNotCanonical(hi, format.name === "5-level"), unusual),
      set(pageLo, or(shrUnsigned(get(lo), int(12)), shl(get(hi), int(20)))),
      readAhead(emitter, walker, hi, lo, entry, parts.frames * PAGE_BYTES),
      set(
        user,
        and(
          ne(and(state(STATE.mode), int(MODE.user)), int(0)),
          isZero(and(get(access), int(bits.supervisor))),
        ),
      ),
      set(tag, and(shrUnsigned(get(hi), int(12)), int(0x1fff))),
      set(globalTag, or(emitter.register("globalContext"), get(tag))),
      set(tag, or(emitter.register("context"), get(tag))),
      branchIf(ne(and(emitter.register("usedSizes"), int(smallBits)), int(smallBits)), unusual),
      ifThen(
        and(emitter.register("usedSizes"), int(otherBits)),
        branchIf(call(findOther, get(pageLo), get(tag), get(globalTag)), unusual),
      ),
      branchIf(findIn(first.array)(builder, wanted), unusual),
    ];

    /** Reads the entry of a level in the table at `frame`, whose rights are `rights`. */
    const readEntry = (level: number): Code => {
      const shift = format.shifts[level]!;
      const number =
        shift < 32 ? shrUnsigned(get(pageLo), int(shift - 12)) : shrUnsigned(get(hi), int(shift - 32));
      const index = and(number, int(format.entries - 1));
      return [
        branchIf(I32.geU(get(frame), int(parts.frames)), unusual),
        set(word, add(shl(get(frame), int(12)), shl(index, int(Math.log2(format.entryBytes))))),
        set(entryLo, load(get(word), emitter.places.ram)),
        format.entryBytes === 8 ? set(entryHi, load(get(word), emitter.places.ram + 4)) : [],
        branchIf(or(lacksBits(get(entryLo), P), and(get(entryHi), int(walker.reservedHi))), unusual),
        set(
          rights,
          or(and(and(get(rights), get(entryLo)), int(RW | US)), and(or(get(rights), get(entryHi)), int(NX))),
        ),
      ];
    };
    const fromRoot: Code = [
      prefixes
        .slice(1)
        .map((prefix) => branchIf(prefix.find(builder, prefixOf(prefix, pageLo, tag)), unusual)),
      set(rights, int(RW | US)),
      set(frame, emitter.register("root")),
      upperLevels.map((level) => [
        readEntry(level),
        branchIf(ne(and(get(entryLo), int(A | PS)), int(A)), unusual),
        set(frame, emitter.frameOf(get(entryLo), get(entryHi))),
        set(passed[level - 1]!, get(frame)),
        set(passedRights[level - 1]!, get(rights)),
      ]),
    ];
    const walk: Code = [
      set(table, lowest.find(builder, prefixOf(lowest, pageLo, tag))),
      ifElse(
        get(table),
        [set(frame, load(get(table), FIELD.frame)), set(rights, load(get(table), FIELD.flags))],
        isPae ? branch(unusual) : fromRoot,
      ),
      set(leafTable, get(frame)),
      readEntry(1),
      set(entryAfter, or(or(get(entryLo), int(A)), select(get(isWrite), int(D), int(0)))),
      set(rights, or(get(rights), and(get(entryAfter), int(D | G)))),
      set(flags, permissions(get(rights))),
      branchIf(lacksRight, unusual),
      set(frame, emitter.frameOf(get(entryLo), get(entryHi))),
      set(tagHi, select(and(get(rights), int(G)), get(globalTag), get(tag))),
      set(guestMask, int(SMALL_MASK)),
    ];
    const fromSecond: Code = [
      set(flags, load(get(second_), FIELD.flags)),
      branchIf(lacksRight, unusual),
      set(frame, load(get(second_), FIELD.frame)),
      set(tagHi, load(get(second_), FIELD.tagHi)),
      set(guestMask, load(get(second_), FIELD.guestMask)),
    ];
    const isRam: Code = [
      branchIf(I32.geU(get(frame), int(parts.frames)), unusual),
      set(kind, loadByte(get(frame), parts.frameKinds)),
      // A write where code may be is looked at more closely.
      ifThen(get(kind), branchIf(or(eq(get(kind), int(FRAME_KIND.device)), get(isWrite)), unusual)),
    ];

    const now = emitter.timeAddress("now");
    const most = emitter.eventAddress("walk_refs_max");
    const tableNumber = and(shrUnsigned(get(pageLo), int(lowest.shift)), int(hints.guestTables.length - 1));
    const pass: Code = [
      storeFloat(int(0), loadFloat(int(0), now), emitter.timeAddress("current")),
      storeFloat(int(0), floatAdd(time, float(USE_STEP)), now),
      emitter.count("tlb_l1d_misses"),
    ];
    const takeSecond: Code = [
      stamp(emitter, get(second_), time),
      emitter.count("tlb_l2_hits"),
      emitter.charge("tlb_l2", float(l2HitCost)),
    ];
    /** References of a walk of so many levels. */
    const takeReferences = (levels: number): Code => [
      Array.from({ length: levels }, (_, index) => emitter.count(`walk_refs_guest_l${(index + 1) as 1}`)),
      emitter.count("walk_refs", float(levels)),
      storeFloat(int(0), floatMax(loadFloat(int(0), most), float(levels)), most),
      emitter.charge("walk_guest", float(walkStartCost + levels * flatLatency)),
    ];
    const takeWalk: Code = [
      emitter.setRegister("status", int(WALK_DONE)),
      emitter.count("tlb_misses"),
      emitter.count("walks"),
      store(shl(tableNumber, int(2)), get(leafTable), hints.guestTables.byteOffset),
      ifElse(
        get(table),
        [stamp(emitter, get(table), time), emitter.count("walk_cache_guest_hits"), takeReferences(1)],
        isPae
          ? []
          : [
              takeReferences(format.levels),
              [...prefixes]
                .reverse()
                .map((prefix) =>
                  drop(
                    call(
                      prefix.fill,
                      int(0),
                      setOf(prefix, pageLo, tag),
                      and(get(pageLo), int(prefix.maskLo)),
                      and(get(tag), int(prefix.maskHi)),
                      int(prefix.maskLo),
                      get(passed[prefix.level]!),
                      get(passedRights[prefix.level]!),
                      int(prefix.maskLo),
                    ),
                  ),
                ),
            ],
      ),
      ifThen(ne(get(entryAfter), get(entryLo)), [
        store(get(word), get(entryAfter), emitter.places.ram),
        emitter.count("entry_bits_set"),
        emitter.charge("walk_guest", float(walker.parts.entryBitsCost)),
      ]),
      set(entry, call(chooseSecond, firstOfSet(emitter, second.array, get(pageLo)))),
      fill(emitter, entry, translation, time),
    ];
    const isShared = others.some(({ array }) => array === first.array);
    const tables_ = [TABLE.user, TABLE.supervisor];
    const takeFirst: Code = [
      set(entry, call(chooseFirst, firstOfSet(emitter, first.array, get(pageLo)))),
      isShared ? call(parts.drop, get(entry)) : dropSmall(get(entry), slot, places, tables_),
      fill(emitter, entry, translation, time),
    ];
    const tableOfSlots = select(
      get(user),
      int(places.slots + TABLE.user),
      int(places.slots + TABLE.supervisor),
    );
    const addend = sub(
      add(shl(get(frame), int(12)), int(emitter.places.ram)),
      and(get(lo), int(-PAGE_BYTES)),
    );
    const isWritable = and(ne(and(get(flags), writeNeeds), int(0)), isZero(get(kind)));
    const takeSlot: Code = [
      set(slot, slotOfPage(tableOfSlots, get(pageLo))),
      set(old, load(get(slot), SLOT.entry)),
      ifThen(get(old), ifThen(isZero(isSmall(get(old))), call(parts.claim, get(slot), get(entry)))),
      store(get(slot), get(entry), SLOT.entry),
      storeFloat(get(slot), numberOf(get(entry), places), SLOT.number),
      store(get(slot), addend, SLOT.addend),
      set(
        page,
        I64.or(
          I64.shl(extendUnsigned(get(hi)), I64.constant(32)),
          extendUnsigned(and(get(lo), int(-PAGE_BYTES))),
        ),
      ),
      I64.store(8)(get(slot), get(page), SLOT.read),
      I64.store(8)(get(slot), select(isWritable, get(page), I64.constant(-1)), SLOT.write),
    ];
    return [
      block(unusual, [
        accept,
        set(second_, findIn(second.array)(builder, wanted)),
        ifElse(get(second_), fromSecond, walk),
        isRam,
        pass,
        ifElse(get(second_), takeSecond, takeWalk),
        takeFirst,
        takeSlot,
        giveBack(add(get(lo), load(get(slot), SLOT.addend))),
      ]),
      int(0),
    ];
  });
}

function arraysOf(mmu: Mmu): Arrays | undefined {
  const { l1d, l2, walker, guestWalkCaches, tlbEnabled } = mmu.parts;
  if (!tlbEnabled || walker.host !== undefined || walker.parts.caches !== undefined) return undefined;
  const first = l1d.holderOf(0);
  const second = l2?.holderOf(0);
  if (first === undefined || second === undefined || l2 === undefined) return undefined;
  if (guestWalkCaches?.prefixes[1] === undefined) return undefined;
  const others = [...l1d.probes, ...l2.probes].filter((probe) => probe !== first && probe !== second);
  return { first, second, others };
}

const setOf = ({ shift, maskHi }: Prefix, pageLo: Local, tag: Local): Code =>
  shift >= 32 ? and(get(tag), int(maskHi)) : shrUnsigned(get(pageLo), int(shift));

/** What is looked for in a paging-structure cache. */
function prefixOf(prefix: Prefix, pageLo: Local, tag: Local): Wanted {
  const { maskLo, maskHi } = prefix;
  const tagHi = and(get(tag), int(maskHi));
  const key = and(get(pageLo), int(maskLo));
  return { set: setOf(prefix, pageLo, tag), key, mask: int(maskLo), tag: tagHi, globalTag: tagHi };
}

/** As many locals as are taken out of it. */
function* locals(builder: FunctionBuilder): Generator<Local, never> {
  for (;;) yield builder.local();
}

/** Whether the bits above bit 47, or 56, are not copies of it (SDM vol. 1, 3.3.7.1). */
function isNotCanonical(hi: Local, isWide: boolean): Code {
  const above = int(isWide ? 7 : 16);
  return ne(I32.shrS(shl(get(hi), above), above), get(hi));
}

/** (page number, tag, global tag) → an entry of another size in either level, or 0. */
function defineFindOther(
  emitter: Emitter,
  others: readonly Probe[],
  findIn: (array: AssociativeArray) => Find,
): FunctionReference {
  return emitter.module.define(["i32", "i32", "i32"], true, (builder, pageLo, tag, globalTag) => {
    const entry = builder.local();
    return [
      others.map(({ array, order, mask, usedBit }) =>
        ifThen(and(emitter.register("usedSizes"), int(usedBit)), [
          set(
            entry,
            findIn(array)(builder, {
              set: shrUnsigned(get(pageLo), int(order)),
              key: and(get(pageLo), int(mask)),
              mask: int(mask),
              tag: get(tag),
              globalTag: get(globalTag),
            }),
          ),
          ifThen(get(entry), giveBack(get(entry))),
        ]),
      ),
      int(0),
    ];
  });
}

/** Writes a 4 KiB page's entry. */
function fill(emitter: Emitter, entry: Local, from: Translation, time: Code): Code {
  return [
    store(get(entry), get(from.pageLo), FIELD.tagLo),
    store(get(entry), get(from.tagHi), FIELD.tagHi),
    store(get(entry), int(SMALL_MASK), FIELD.mask),
    store(get(entry), get(from.frame), FIELD.frame),
    store(get(entry), get(from.flags), FIELD.flags),
    store(get(entry), get(from.guestMask), FIELD.guestMask),
    stamp(emitter, get(entry), time),
  ];
}
