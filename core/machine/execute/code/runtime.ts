/**
 * What interpreter and translated code share at run time, as one WebAssembly module made for a machine: memory accesses
 * of a guest (segmentation, modelled TLB, page faults, devices), and the way from one block of code to the next.
 *
 * An access gives the host address where the bytes are, or 0 when it faulted. Where they are not in one piece of ordinary
 * memory (a page is crossed, a device, a page with decoded code), that is the bounce buffer: loads find the bytes there,
 * and what was stored there is carried to its place by `commit`.
 */

import { VIOLATION_VECTOR } from "../../cpu/interception.js";
import {
  CODE_64,
  EXCEPTION,
  MODE,
  SEGMENT,
  SEGMENT_READABLE,
  SEGMENT_WRITABLE,
  SS,
  STATE,
  segmentOffset,
} from "../../cpu/state.js";
import type { Machine } from "../../machine.js";
import type { Mmu } from "../../mmu/mmu.js";
import { FETCH, READ, WRITE } from "../../mmu/permissions.js";
import { USE_STEP } from "../../mmu/translations.js";
import { WALK_VIOLATION } from "../../mmu/walker.js";
import { TIME } from "../../registers.js";
import {
  add,
  and,
  type Code,
  call,
  callIndirect,
  eq,
  type FunctionReference,
  float,
  floatAtMost,
  floatSubtract,
  type Global,
  get,
  getGlobal,
  giveBack,
  ifElse,
  ifThen,
  int,
  isZero,
  type Local,
  lessThan,
  load,
  loadByte,
  loadFloat,
  mul,
  ne,
  or,
  select,
  set,
  setGlobal,
  shl,
  shrUnsigned,
  store,
  storeFloat,
  sub,
  tailCallIndirect,
  toFloat,
  whileLoop,
  xor,
} from "../../wasm/code.js";
import { extendSigned, extendUnsigned, I32, I64, wrap } from "../../wasm/integers.js";
import { ModuleBuilder, type ModuleExports } from "../../wasm/module.js";
import { FIELD } from "../compiled/arrays.js";
import { defineCacheAccess } from "../compiled/caches.js";
import { Emitter } from "../compiled/emitter.js";
import { defineInvalidatePage } from "../compiled/invalidate.js";
import { defineMmu } from "../compiled/mmu.js";
import { EXIT } from "./exits.js";
import {
  defineClaimSlot,
  defineClearSlots,
  defineDropSlots,
  dropSlotsOf,
  SLOT,
  type SlotPlaces,
  slotOf,
  stampSlot,
  TABLE,
} from "./fast-slots.js";
import { allOf, carryOf, FLAG_OPERATIONS, type FlagOperation, type FlagSource } from "./flags.js";
import { BUCKETS, FRAME_KIND, GRANULE_SHIFT } from "./memory.js";
import { defineQuickMiss } from "./quick-miss.js";
import { HEADER, RECORD } from "./record.js";

/** An access, in one operand: what is done, options, bytes. */
export const ACCESS = {
  read: 0,
  write: 1,
  /** Reads and then writes: the bounce buffer gets the bytes that are there. */
  modify: 2,
  kindMask: 3,
  /** #GP(0) unless the address is a multiple of the size. */
  aligned: 4,
  /** The segment is SS: faults are #SS. */
  stack: 8,
  /** At supervisor privilege whatever CPL is: descriptor tables, TSS. */
  supervisor: 16,
  /** By a flat segment whose limit was not asked, in 32-bit code: nothing lies beyond 4 GiB. */
  flat: 32,
  sizeShift: 8,
} as const;

/** The operand of an access. */
export const accessOf = (kind: number, size: number, aligned = false): number =>
  kind | (aligned ? ACCESS.aligned : 0) | (size << ACCESS.sizeShift);

/** Table indices of functions that change while the machine runs; handlers and translated code come after them. */
export const TABLE_INDEX = {
  /** Translation under the present paging format: as `defineMmu`. */
  translate: 0,
  /** () → whether the fault that code leaves with was delivered (crossings/page-fault.ts). */
  pageFault: 1,
  first: 2,
} as const;

/** A kind of access for the translation: INVLPG, whether that is done (compiled/invalidate.ts). */
const INVALIDATE = 3;
/** And an access that is as usual in all respects: its host address, or 0 if it is not (quick-miss.ts); `user` is ACCESS. */
const QUICK = 4;

/** Functions that TypeScript gives the runtime. */
export interface RuntimeImports {
  /** Fills the bounce buffer with the bytes of a pending access that meets a device. */
  readonly readDevice: () => void;
  /** Carries out a pending write that meets a device or decoded code. */
  readonly commitDevice: () => void;
}

/** Functions of the runtime that handlers and translated code import: names and signatures. */
export const RUNTIME_FUNCTIONS = {
  /** (effective address, address of the segment, ACCESS) → host address, or 0. */
  accessSegment: { parameters: ["i64", "i32", "i32"], result: "i32" },
  /** (linear address, ACCESS) → host address, or 0; looks among the slots first. */
  accessLinear: { parameters: ["i64", "i32"], result: "i32" },
  /**
   * (linear address, ACCESS, left, now) → host address, left, now: for translated code, which looked among the slots itself and
   * has in locals what else is in STATE.left and TIME.now.
   */
  accessFromRegion: { parameters: ["i64", "i32", "f64", "f64"], result: ["i32", "f64", "f64"] },
  /** () → : after something was stored to the bounce buffer. */
  commit: { parameters: [], result: undefined },
  /** (linear address) → whether INVLPG is done; if not, nothing has happened. */
  invalidatePage: { parameters: ["i64"], result: "i32" },
  /** () → the six arithmetic flags at their places. */
  flags: { parameters: [], result: "i32" },
  carry: { parameters: [], result: "i32" },
  /** (kind, first, second, extra) → : flags that translated code carried in locals, into the state. */
  noteFlags: { parameters: ["i32", "i64", "i64", "i32"], result: undefined },
  /** () → exit code: goes on at RIP. */
  dispatch: { parameters: [], result: "i32" },
  /**
   * (record) → exit code: executes what the record's first word says. The runtime alone has the table: engines copy a table
   * for every instance that imports it.
   */
  execute: { parameters: ["i32"], result: "i32" },
} as const;

/** Makes the runtime of a machine. */
export function makeRuntime(
  machine: Machine,
  imports: RuntimeImports,
  table: WebAssembly.Table,
): ModuleExports {
  const module = new ModuleBuilder();
  const readDevice = module.importFunction("readDevice", { parameters: [] });
  const commitDevice = module.importFunction("commitDevice", { parameters: [] });
  module.importTable();
  const parts = new RuntimeParts(machine, module);
  defineSlotFunctions(parts);
  defineFrameOf(parts);
  const slow = defineSlow(parts, readDevice);
  const linear = defineLinear(parts, slow);
  defineSegment(parts, linear);
  defineFromRegion(parts, slow);
  defineOther(parts, linear);
  defineCommit(parts, commitDevice);
  defineInvalidate(parts);
  defineFlags(parts);
  defineNoteFlags(parts);
  defineFetch(parts);
  const dispatch = defineDispatch(parts);
  defineEnter(parts);
  defineExecute(parts);
  defineRun(parts, dispatch);
  return module.instantiate({ memory: machine.memory, functions: { ...imports }, table });
}

/** An MMU's translation; the caller puts it into the table. */
export function makeTranslate(machine: Machine, mmu: Mmu): unknown {
  const module = new ModuleBuilder();
  const code = machine.code!;
  const places = slotPlaces(machine);
  const emitter = new Emitter(module, {
    ...machine.places,
    left: code.cpu.base + STATE.left,
    tableFrames: machine.options.backedFrames,
    walkCacheJournal: code.walkCacheJournal.byteOffset,
  });
  const drop = defineDropSlots(module, places);
  const cacheAccess = defineCacheAccess(emitter, machine.caches);
  const translate = defineMmu(emitter, mmu, cacheAccess, dropSlotsOf(drop));
  const quickMiss = defineQuickMiss(emitter, mmu, {
    places,
    base: code.cpu.base,
    frameKinds: code.frameKinds.byteOffset,
    frames: machine.options.backedFrames,
    access: ACCESS,
    drop,
    claim: defineClaimSlot(module, places),
  });
  const invalidatePage = defineInvalidatePage(emitter, mmu, dropSlotsOf(drop));
  module.define(
    ["i32", "i32", "i32", "i32"],
    true,
    (_builder, hi, lo, kind, user) => [
      ifThen(
        I32.geU(get(kind), int(INVALIDATE)),
        ifElse(
          eq(get(kind), int(QUICK)),
          giveBack(quickMiss === undefined ? int(0) : call(quickMiss, get(hi), get(lo), get(user))),
          giveBack(call(invalidatePage, get(hi), get(lo))),
        ),
      ),
      call(translate, get(hi), get(lo), get(kind), get(user)),
    ],
    "translate",
  );
  return module.instantiate({ memory: machine.memory })["translate"];
}

function slotPlaces(machine: Machine): SlotPlaces {
  return {
    store: machine.places.store,
    slots: machine.code!.slots.byteOffset,
    heads: machine.code!.slotHeads.byteOffset,
    now: machine.places.registers.words.byteOffset + TIME.now * 8,
  };
}

/** Addresses and small pieces of code shared by the definitions below. */
class RuntimeParts {
  readonly base: number;
  readonly ram: number;
  readonly frames: number;
  readonly frameKinds: number;
  readonly bounce: number;
  readonly slots: number;
  readonly buckets: number;
  readonly places: SlotPlaces;
  readonly emitter: Emitter;
  readonly translateType;
  readonly handlerType;
  /** Access through the data caches, where they are modelled for data; then no access takes the quick way. */
  readonly cacheAccess: FunctionReference | undefined;
  /** The entry of references while paging is off. */
  readonly identityEntry: number;
  /** The L1 entry that `frameOf` found. */
  readonly entry: Global;
  claim!: FunctionReference;
  drop!: FunctionReference;
  frameOf!: FunctionReference;
  fetchPage!: FunctionReference;

  constructor(
    readonly machine: Machine,
    readonly module: ModuleBuilder,
  ) {
    const code = machine.code!;
    this.base = code.cpu.base;
    this.ram = machine.places.ram;
    this.frames = machine.options.backedFrames;
    this.frameKinds = code.frameKinds.byteOffset;
    this.bounce = this.base + STATE.bounce;
    this.slots = code.slots.byteOffset;
    this.buckets = code.buckets.byteOffset;
    this.places = slotPlaces(machine);
    this.emitter = new Emitter(module, { ...machine.places, left: this.base + STATE.left });
    this.entry = module.global();
    this.translateType = module.type({ parameters: ["i32", "i32", "i32", "i32"], result: "i32" });
    this.handlerType = module.type({ parameters: ["i32"], result: "i32" });
    const { words } = machine.mmu.parts.store;
    this.identityEntry = words.byteOffset + words.byteLength - 32;
    this.cacheAccess =
      machine.options.caches === "all" ? defineCacheAccess(this.emitter, machine.caches) : undefined;
  }

  word(offset: number): Code {
    return load(int(0), this.base + offset);
  }

  setWord(offset: number, value: Code): Code {
    return store(int(0), value, this.base + offset);
  }

  long(offset: number): Code {
    return I64.load(8)(int(0), this.base + offset);
  }

  setLong(offset: number, value: Code): Code {
    return I64.store(8)(int(0), value, this.base + offset);
  }

  fault(vector: number | Code, code: Code): Code {
    return [
      this.setWord(STATE.faultVector, typeof vector === "number" ? int(vector) : vector),
      this.setWord(STATE.faultCode, code),
    ];
  }

  kindOf(frame: Code): Code {
    return loadByte(frame, this.frameKinds);
  }
}

const isBelow = (left: Code, right: Code): Code => I32.ltU(left, right);
const pageOf = (linear: Code): Code => I64.and(linear, I64.constant(-4096));

function defineSlotFunctions(parts: RuntimeParts): void {
  parts.claim = defineClaimSlot(parts.module, parts.places);
  parts.drop = defineDropSlots(parts.module, parts.places);
  parts.module.define(["i32"], false, (_builder, entry) => call(parts.drop, get(entry)), "dropSlots");
  const { l1d, l1i } = parts.machine.profile.tlb;
  const entriesOf = (arrays: typeof l1d): number => arrays.reduce((sum, { entries }) => sum + entries, 0);
  const entries = { data: entriesOf(l1d), instructions: entriesOf(l1i) };
  defineClearSlots(parts.module, parts.places, parts.drop, entries, parts.identityEntry);
  // Translation while paging is off: one entry whose mask compares nothing gives each page its own number.
  parts.module.define(
    ["i32", "i32", "i32", "i32"],
    true,
    (_builder, _hi, _lo, kind) =>
      select(I32.geU(get(kind), int(INVALIDATE)), int(0), int(parts.identityEntry)),
    "identity",
  );
}

/** (linear, kind, user) → frame, or -1 with the fault noted; leaves the entry in `parts.entry`. */
function defineFrameOf(parts: RuntimeParts): void {
  const { module, emitter } = parts;
  parts.frameOf = module.define(["i64", "i32", "i32"], true, (builder, linear, kind, user) => {
    const entry = builder.local();
    const pageLo = builder.local();
    const code = emitter.register("errorCode");
    return [
      set(
        entry,
        callIndirect(
          parts.translateType,
          int(TABLE_INDEX.translate),
          wrap(I64.shrU(get(linear), I64.constant(32))),
          wrap(get(linear)),
          get(kind),
          get(user),
        ),
      ),
      ifThen(isZero(get(entry)), [
        parts.setLong(STATE.faultAddress, get(linear)),
        ifElse(
          eq(emitter.register("status"), int(WALK_VIOLATION)),
          parts.fault(VIOLATION_VECTOR, int(0)),
          parts.fault(EXCEPTION.PF, code),
        ),
        giveBack(int(-1)),
      ]),
      setGlobal(parts.entry, get(entry)),
      set(pageLo, wrap(I64.shrU(get(linear), I64.constant(12)))),
      add(load(get(entry), FIELD.frame), and(get(pageLo), xor(load(get(entry), FIELD.mask), int(-1)))),
    ];
  });
}

/** (linear, access) → host address or 0. */
function defineSlow(parts: RuntimeParts, readDevice: FunctionReference): FunctionReference {
  const { module } = parts;
  const noteAccess = (size: Local, linear: Local, frame: Code, frame2: Code): Code => [
    parts.setWord(STATE.pendingBytes, get(size)),
    parts.setLong(STATE.pendingAddress, get(linear)),
    parts.setWord(STATE.pendingFrame, frame),
    parts.setWord(STATE.pendingFrame2, frame2),
  ];
  const isOrdinary = (frame: Local): Code =>
    select(
      isBelow(get(frame), int(parts.frames)),
      ne(
        parts.kindOf(select(isBelow(get(frame), int(parts.frames)), get(frame), int(0))),
        int(FRAME_KIND.device),
      ),
      int(0),
    );
  const isLong = eq(and(parts.word(STATE.mode), int(MODE.codeSize)), int(CODE_64));
  const stackOrGeneral = (access: Local): Code =>
    select(and(get(access), int(ACCESS.stack)), int(EXCEPTION.SS), int(EXCEPTION.GP));
  const quick = (linear: Local, access: Local): Code =>
    callIndirect(
      parts.translateType,
      int(TABLE_INDEX.translate),
      wrap(I64.shrU(get(linear), I64.constant(32))),
      wrap(get(linear)),
      int(QUICK),
      get(access),
    );
  const crossing = module.define(
    ["i64", "i32", "i32", "i32", "i32"],
    true,
    (builder, linear, size, kind, access, user) => {
      const first = builder.local();
      const second = builder.local();
      const at = builder.local();
      const offset = builder.local();
      const next = builder.local("i64");
      const outside = [parts.fault(stackOrGeneral(access), int(0)), giveBack(int(0))];
      return [
        set(next, I64.add(pageOf(get(linear)), I64.constant(4096))),
        ifElse(isLong, ifThen(isNotCanonical(parts, next), outside), [
          ifThen(
            and(get(access), int(ACCESS.flat)),
            ifThen(I64.gtU(get(next), I64.constant(0xffff_ffff)), outside),
          ),
          set(next, I64.and(get(next), I64.constant(0xffff_ffff))),
        ]),
        set(first, call(parts.frameOf, get(linear), get(kind), get(user))),
        ifThen(lessThan(get(first), int(0)), giveBack(int(0))),
        set(second, call(parts.frameOf, get(next), get(kind), get(user))),
        ifThen(lessThan(get(second), int(0)), giveBack(int(0))),
        noteAccess(size, linear, get(first), get(second)),
        ifThen(ne(and(get(access), int(ACCESS.kindMask)), int(ACCESS.write)), [
          ifElse(
            and(isOrdinary(first), isOrdinary(second)),
            [
              set(at, int(0)),
              set(offset, and(wrap(get(linear)), int(4095))),
              whileLoop(isBelow(get(at), get(size)), [
                I32.store(1)(
                  get(at),
                  loadByte(
                    select(
                      isBelow(add(get(offset), get(at)), int(4096)),
                      add(add(shl(get(first), int(12)), get(offset)), get(at)),
                      add(shl(get(second), int(12)), sub(add(get(offset), get(at)), int(4096))),
                    ),
                    parts.ram,
                  ),
                  parts.bounce,
                ),
                set(at, add(get(at), int(1))),
              ]),
            ],
            call(readDevice),
          ),
        ]),
        int(parts.bounce),
      ];
    },
  );

  return module.define(
    ["i64", "i32"],
    true,
    (builder, linear, access) => {
      const size = builder.local();
      const kind = builder.local();
      const user = builder.local();
      const frame = builder.local();
      const entry = builder.local();
      const slot = builder.local();
      const host = builder.local();
      const offset = builder.local();
      const writable = ne(
        and(
          load(get(entry), FIELD.flags),
          select(
            get(user),
            int(1 << WRITE),
            select(parts.emitter.register("writeProtect"), int(1 << 5), int(1 << 9)),
          ),
        ),
        int(0),
      );
      return [
        parts.cacheAccess === undefined
          ? [set(host, quick(linear, access)), ifThen(get(host), giveBack(get(host)))]
          : [],
        // Canonical addresses: vol. 1, 3.3.7.1. Five-level paging widens them.
        ifThen(
          isLong,
          ifThen(isNotCanonical(parts, linear), [
            parts.fault(stackOrGeneral(access), int(0)),
            giveBack(int(0)),
          ]),
        ),
        set(size, shrUnsigned(get(access), int(ACCESS.sizeShift))),
        set(
          user,
          select(
            and(get(access), int(ACCESS.supervisor)),
            int(0),
            ne(and(parts.word(STATE.mode), int(MODE.user)), int(0)),
          ),
        ),
        ifThen(
          and(parts.word(STATE.mode), int(MODE.alignmentCheck)),
          ifThen(
            and(
              get(user),
              ne(
                and(wrap(get(linear)), sub(select(I32.gtU(get(size), int(8)), int(8), get(size)), int(1))),
                int(0),
              ),
            ),
            [parts.fault(EXCEPTION.AC, int(0)), giveBack(int(0))],
          ),
        ),
        set(kind, select(and(get(access), int(ACCESS.kindMask)), int(WRITE), int(READ))),
        set(offset, and(wrap(get(linear)), int(4095))),
        ifThen(
          I32.gtU(add(get(offset), get(size)), int(4096)),
          giveBack(call(crossing, get(linear), get(size), get(kind), get(access), get(user))),
        ),
        set(frame, call(parts.frameOf, get(linear), get(kind), get(user))),
        ifThen(lessThan(get(frame), int(0)), giveBack(int(0))),
        set(entry, getGlobal(parts.entry)),
        ifThen(isZero(isOrdinary(frame)), [
          noteAccess(size, linear, get(frame), int(-1)),
          ifThen(ne(and(get(access), int(ACCESS.kindMask)), int(ACCESS.write)), call(readDevice)),
          giveBack(int(parts.bounce)),
        ]),
        parts.cacheAccess === undefined ? [] : chargeCaches(parts, frame, offset),
        set(host, add(add(shl(get(frame), int(12)), get(offset)), int(parts.ram))),
        ifThen(
          get(kind),
          ifThen(writesCode(parts, frame, offset, size), [
            noteAccess(size, linear, get(frame), int(-1)),
            // What is there now, for a read before the write.
            I64.store(8)(int(0), I64.load(8)(get(host)), parts.bounce),
            I64.store(8)(int(0), I64.load(8)(get(host), 8), parts.bounce + 8),
            giveBack(int(parts.bounce)),
          ]),
        ),
        parts.cacheAccess !== undefined
          ? []
          : [
              set(
                slot,
                slotOf(
                  add(int(parts.slots), select(get(user), int(TABLE.user), int(TABLE.supervisor))),
                  linear,
                ),
              ),
              call(parts.claim, get(slot), get(entry)),
              store(
                get(slot),
                sub(add(shl(get(frame), int(12)), int(parts.ram)), and(wrap(get(linear)), int(-4096))),
                SLOT.addend,
              ),
              I64.store(8)(get(slot), pageOf(get(linear)), SLOT.read),
              I64.store(8)(
                get(slot),
                select(
                  and(writable, ne(parts.kindOf(get(frame)), int(FRAME_KIND.code))),
                  pageOf(get(linear)),
                  I64.constant(-1),
                ),
                SLOT.write,
              ),
            ],
        get(host),
      ];
    },
    "accessSlow",
  );
}

/** Whether a write within a page touches bytes of decoded code: most pages with code have data too. */
function writesCode(parts: RuntimeParts, frame: Local, offset: Local, size: Local): Code {
  const granules = I64.load(8)(shl(get(frame), int(3)), parts.machine.code!.granules.byteOffset);
  const bitOf = (place: Code): Code =>
    I64.shl(I64.constant(1), extendUnsigned(shrUnsigned(place, int(GRANULE_SHIFT))));
  const touched = I64.or(bitOf(get(offset)), bitOf(sub(add(get(offset), get(size)), int(1))));
  return I64.ne(I64.and(granules, touched), I64.constant(0));
}

/** Bits above the canonical ones: 64 - 48, or 64 - 57 under five-level paging (CR4.LA57). */
function canonicalShift(parts: RuntimeParts): Code {
  return select(and(parts.word(STATE.cr4), int(1 << 12)), I64.constant(7), I64.constant(16));
}

const isNotCanonical = (parts: RuntimeParts, linear: Local): Code =>
  I64.ne(I64.shrS(I64.shl(get(linear), canonicalShift(parts)), canonicalShift(parts)), get(linear));

function chargeCaches(parts: RuntimeParts, frame: Local, offset: Local): Code {
  const { caches } = parts.machine;
  const latency = call(parts.cacheAccess!, get(frame), shrUnsigned(get(offset), int(6)));
  return parts.emitter.charge("guest_memory", toFloat(sub(latency, int(caches.l1.latency))));
}

function defineLinear(parts: RuntimeParts, slow: FunctionReference): FunctionReference {
  return parts.module.define(
    ["i64", "i32"],
    true,
    (builder, linear, access) => {
      const slot = builder.local();
      const mayBeQuick = builder.local();
      const now = builder.local("f64");
      const last = I64.sub(
        I64.add(get(linear), extendUnsigned(shrUnsigned(get(access), int(ACCESS.sizeShift)))),
        I64.constant(1),
      );
      const tag = I64.load(8)(
        add(get(slot), select(and(get(access), int(ACCESS.kindMask)), int(SLOT.write), int(SLOT.read))),
      );
      return [
        parts.cacheAccess === undefined
          ? [
              set(slot, slotOf(parts.word(STATE.fastSlots), linear)),
              // Where alignment is checked every access goes the long way.
              set(mayBeQuick, isZero(and(parts.word(STATE.mode), int(MODE.alignmentCheck)))),
              ifThen(and(get(mayBeQuick), I64.eq(tag, pageOf(last))), [
                stampSlot(slot, now, parts.places.now),
                giveBack(add(wrap(get(linear)), load(get(slot), SLOT.addend))),
              ]),
            ]
          : [],
        call(slow, get(linear), get(access)),
      ];
    },
    "accessLinear",
  );
}

/** accessSlow with the clocks as values: a region calls it from as little code as may be. */
function defineFromRegion(parts: RuntimeParts, slow: FunctionReference): void {
  const { parameters, result } = RUNTIME_FUNCTIONS.accessFromRegion;
  const left = parts.base + STATE.left;
  const { now } = parts.places;
  parts.module.define(
    parameters,
    result,
    (_builder, linear, access, leftBefore, nowBefore) => [
      storeFloat(int(0), get(leftBefore), left),
      storeFloat(int(0), get(nowBefore), now),
      call(slow, get(linear), get(access)),
      loadFloat(int(0), left),
      loadFloat(int(0), now),
    ],
    "accessFromRegion",
  );
}

function defineSegment(parts: RuntimeParts, accessLinear: FunctionReference): void {
  parts.module.define(
    ["i64", "i32", "i32"],
    true,
    (builder, address, segment, access) => {
      const linear = builder.local("i64");
      const options = builder.local();
      const size = shrUnsigned(get(options), int(ACCESS.sizeShift));
      const alignedTo = extendUnsigned(sub(size, int(1)));
      const isStack = or(
        eq(get(segment), int(parts.base + segmentOffset(SS))),
        eq(get(segment), int(parts.base + STATE.flatStack)),
      );
      const vector = select(isStack, int(EXCEPTION.SS), int(EXCEPTION.GP));
      const bound = (offset: number): Code => I64.load(4)(get(segment), offset);
      const lastByte = I64.add(get(address), alignedTo);
      const need = select(
        and(get(options), int(ACCESS.kindMask)),
        int(SEGMENT_WRITABLE),
        int(SEGMENT_READABLE),
      );
      return [
        set(options, or(get(access), mul(isStack, int(ACCESS.stack)))),
        set(linear, I64.add(get(address), I64.load(8)(get(segment), SEGMENT.base))),
        ifThen(ne(and(parts.word(STATE.mode), int(MODE.codeSize)), int(CODE_64)), [
          ifThen(
            or(
              or(I64.ltU(get(address), bound(SEGMENT.lowest)), I64.gtU(lastByte, bound(SEGMENT.highest))),
              isZero(and(load(get(segment), SEGMENT.rights), need)),
            ),
            [parts.fault(vector, int(0)), giveBack(int(0))],
          ),
          set(linear, I64.and(get(linear), I64.constant(0xffff_ffff))),
        ]),
        ifThen(
          and(get(options), int(ACCESS.aligned)),
          ifThen(I64.ne(I64.and(get(linear), alignedTo), I64.constant(0)), [
            parts.fault(EXCEPTION.GP, int(0)),
            giveBack(int(0)),
          ]),
        ),
        call(accessLinear, get(linear), get(options)),
      ];
    },
    "accessSegment",
  );
}

/** For TypeScript, which has no i64: (high half, low half, access) → host address or 0. */
function defineOther(parts: RuntimeParts, accessLinear: FunctionReference): void {
  parts.module.define(
    ["i32", "i32", "i32"],
    true,
    (builder, hi, lo, access) => {
      const linear = builder.local("i64");
      const saved = builder.local();
      const result = builder.local();
      return [
        set(linear, I64.or(I64.shl(extendSigned(get(hi)), I64.constant(32)), extendUnsigned(get(lo)))),
        ifElse(
          and(get(access), int(ACCESS.supervisor)),
          [
            // The supervisor's slots for this one access.
            set(saved, parts.word(STATE.fastSlots)),
            parts.setWord(STATE.fastSlots, int(parts.slots + TABLE.supervisor)),
            set(result, call(accessLinear, get(linear), get(access))),
            parts.setWord(STATE.fastSlots, get(saved)),
          ],
          set(result, call(accessLinear, get(linear), get(access))),
        ),
        get(result),
      ];
    },
    "access",
  );
}

function defineInvalidate(parts: RuntimeParts): void {
  parts.module.define(
    ["i64"],
    true,
    (_builder, linear) => [
      callIndirect(
        parts.translateType,
        int(TABLE_INDEX.translate),
        wrap(I64.shrU(get(linear), I64.constant(32))),
        wrap(get(linear)),
        int(INVALIDATE),
        int(0),
      ),
    ],
    "invalidatePage",
  );
}

function defineCommit(parts: RuntimeParts, commitDevice: FunctionReference): void {
  parts.module.define([], false, () => call(commitDevice), "commit");
}

/** Flags from their state: one case for each kind. */
function defineFlags(parts: RuntimeParts): void {
  const define = (name: string, compute: (source: FlagSource) => Code): void => {
    const byKind = FLAG_OPERATIONS.flatMap((operation) =>
      [1, 2, 4, 8].map((size) =>
        parts.module.define([], true, () => compute(sourceInState(parts, operation, size))),
      ),
    );
    parts.module.define(
      [],
      true,
      (builder) => {
        const kind = builder.local();
        const search = (first: number, count: number): Code => {
          if (count === 1) return giveBack(call(byKind[first]!));
          const half = count >> 1;
          return ifElse(
            isBelow(get(kind), int(first + half)),
            search(first, half),
            search(first + half, count - half),
          );
        };
        return [set(kind, parts.word(STATE.flagKind)), search(0, byKind.length), int(0)];
      },
      name,
    );
  };
  define("flags", allOf);
  define("carry", carryOf);
}

/** Carried flags are operands alone (translate/block-flags.ts): the result is computed from them. */
function defineNoteFlags(parts: RuntimeParts): void {
  parts.module.define(
    ["i32", "i64", "i64", "i32"],
    false,
    (builder, kind, first, second, extra) => {
      const operation = builder.local();
      const isOf = (name: FlagOperation): Code => eq(get(operation), int(FLAG_OPERATIONS.indexOf(name)));
      const results: [FlagOperation, Code][] = [
        ["add", I64.add(get(first), get(second))],
        ["sub", I64.sub(get(first), get(second))],
        ["inc", I64.add(get(first), I64.constant(1))],
        ["dec", I64.sub(get(first), I64.constant(1))],
      ];
      const result = results.reduce<Code>(
        (otherwise, [name, value]) => select(isOf(name), value, otherwise),
        get(first),
      );
      // 64 less the bits of the size.
      const above = I64.sub(
        I64.constant(64),
        I64.shl(I64.constant(8), extendUnsigned(and(get(kind), int(3)))),
      );
      return [
        set(operation, shrUnsigned(get(kind), int(2))),
        parts.setWord(STATE.flagKind, get(kind)),
        parts.setLong(STATE.flagLeft, get(first)),
        parts.setLong(STATE.flagRight, get(second)),
        parts.setWord(STATE.flagExtra, get(extra)),
        parts.setLong(STATE.flagResult, I64.shrU(I64.shl(result, above), above)),
      ];
    },
    "noteFlags",
  );
}

function sourceInState(parts: RuntimeParts, operation: FlagOperation, size: number): FlagSource {
  const value = (offset: number): Code => (size === 8 ? parts.long(offset) : parts.word(offset));
  return {
    operation,
    size,
    left: value(STATE.flagLeft),
    right: value(STATE.flagRight),
    result: value(STATE.flagResult),
    extra: parts.word(STATE.flagExtra),
  };
}

/** (page) → frame, or -1 with the fault noted: the modelled look-up of a fetch. */
function defineFetch(parts: RuntimeParts): void {
  parts.fetchPage = parts.module.define(["i64"], true, (builder, page) => {
    const slot = builder.local();
    const now = builder.local("f64");
    const frame = builder.local();
    const user = ne(and(parts.word(STATE.mode), int(MODE.user)), int(0));
    return [
      set(slot, slotOf(int(parts.slots + TABLE.fetch), page)),
      // Reads' tag for user code, writes' tag for the supervisor's: an entry allows them apart.
      ifThen(I64.eq(I64.load(8)(add(get(slot), select(user, int(SLOT.read), int(SLOT.write)))), get(page)), [
        stampSlot(slot, now, parts.places.now),
        giveBack(load(get(slot), SLOT.addend)),
      ]),
      set(frame, call(parts.frameOf, get(page), int(FETCH), user)),
      ifThen(lessThan(get(frame), int(0)), giveBack(int(-1))),
      call(parts.claim, get(slot), getGlobal(parts.entry)),
      store(get(slot), get(frame), SLOT.addend),
      I64.store(8)(get(slot), select(user, get(page), I64.constant(-1)), SLOT.read),
      I64.store(8)(get(slot), select(user, I64.constant(-1), get(page)), SLOT.write),
      get(frame),
    ];
  });
  parts.module.define(
    ["i32", "i32"],
    true,
    (builder, hi, lo) => {
      const page = builder.local("i64");
      return [
        set(page, I64.or(I64.shl(extendSigned(get(hi)), I64.constant(32)), extendUnsigned(get(lo)))),
        call(parts.fetchPage, get(page)),
      ];
    },
    "fetchPage",
  );
}

/** The bucket of a block: a hash of physical address and mode (code-cache.ts computes the same). */
export function bucketOf(frame: Code, pageOffset: Code, mode: Code): Code {
  const mixed = mul(xor(add(shl(frame, int(12)), pageOffset), shl(mode, int(20))), int(0x9e3779b1 | 0));
  return shrUnsigned(mixed, int(32 - Math.log2(BUCKETS)));
}

/** () → exit: goes on at RIP; the page of code is looked up when it is another one. */
function defineDispatch(parts: RuntimeParts): FunctionReference {
  return parts.module.define(
    [],
    true,
    (builder) => {
      const linear = builder.local("i64");
      const page = builder.local("i64");
      const frame = builder.local();
      const offset = builder.local();
      const mode = builder.local();
      const header = builder.local();
      const key = builder.local("i64");
      const codeSegment = segmentOffset(1);
      return [
        set(mode, parts.word(STATE.mode)),
        parts.setWord(STATE.exitRecord, int(0)),
        set(linear, parts.long(STATE.rip)),
        ifThen(isZero(and(get(mode), int(MODE.flatCode))), [
          // Past the limit, #GP is raised where the instruction would be decoded.
          ifThen(
            I64.gtU(get(linear), I64.load(4)(int(0), parts.base + codeSegment + SEGMENT.highest)),
            giveBack(int(EXIT.decode)),
          ),
          set(
            linear,
            I64.and(I64.add(get(linear), parts.long(codeSegment + SEGMENT.base)), I64.constant(0xffff_ffff)),
          ),
        ]),
        set(page, pageOf(get(linear))),
        ifThen(I64.ne(get(page), parts.long(STATE.codePage)), [
          parts.setWord(STATE.linkFrom, int(0)),
          ifThen(
            I64.ne(I64.shrS(I64.shl(get(page), canonicalShift(parts)), canonicalShift(parts)), get(page)),
            giveBack(int(EXIT.decode)),
          ),
          set(frame, call(parts.fetchPage, get(page))),
          ifThen(lessThan(get(frame), int(0)), [
            parts.setWord(STATE.exitRecord, int(0)),
            giveBack(int(EXIT.fault)),
          ]),
          parts.setLong(STATE.codePage, get(page)),
          parts.setLong(STATE.codeOffset, I64.sub(parts.long(STATE.rip), I64.sub(get(linear), get(page)))),
          parts.setWord(STATE.codeFrame, get(frame)),
        ]),
        set(frame, parts.word(STATE.codeFrame)),
        set(offset, and(wrap(get(linear)), int(4095))),
        set(header, load(shl(bucketOf(get(frame), get(offset), get(mode)), int(2)), parts.buckets)),
        set(
          key,
          I64.or(
            extendUnsigned(get(frame)),
            I64.shl(extendUnsigned(or(get(offset), shl(get(mode), int(16)))), I64.constant(32)),
          ),
        ),
        whileLoop(get(header), [
          ifThen(I64.eq(I64.load(8)(get(header), HEADER.frame), get(key)), [
            ifThen(parts.word(STATE.linkFrom), [
              store(parts.word(STATE.linkFrom), get(header)),
              parts.setWord(STATE.linkFrom, int(0)),
            ]),
            tailCallIndirect(parts.handlerType, load(get(header)), get(header)),
          ]),
          set(header, load(get(header), HEADER.next)),
        ]),
        int(EXIT.decode),
      ];
    },
    "dispatch",
  );
}

/** Entries of a cold block: the header's handler until it is translated. */
function defineEnter(parts: RuntimeParts): void {
  const define = (name: string, crosses: boolean): void => {
    parts.module.define(
      ["i32"],
      true,
      (builder, header) => {
        const second = builder.local();
        const ip = I64.add(
          parts.long(STATE.codeOffset),
          extendUnsigned(I32.load(2)(get(header), HEADER.pageOffset)),
        );
        // Outside 64-bit code IP wraps around at 4 GiB, which a page of code may contain.
        const isLong = eq(and(parts.word(STATE.mode), int(MODE.codeSize)), int(CODE_64));
        const setRip = parts.setLong(
          STATE.rip,
          ifElse(isLong, ip, I64.and(ip, I64.constant(0xffff_ffff)), "i64"),
        );
        const leave = (exit: number): Code => [
          setRip,
          parts.setWord(STATE.exitRecord, get(header)),
          giveBack(int(exit)),
        ];
        return [
          ifThen(
            or(
              floatAtMost(loadFloat(int(0), parts.base + STATE.left), float(0)),
              I32.gtS(parts.word(STATE.counts), parts.word(STATE.instructionLimit)),
            ),
            leave(EXIT.deadline),
          ),
          crosses
            ? [
                set(second, call(parts.fetchPage, I64.add(parts.long(STATE.codePage), I64.constant(4096)))),
                ifThen(lessThan(get(second), int(0)), [
                  setRip,
                  parts.setWord(STATE.exitRecord, int(0)),
                  giveBack(int(EXIT.fault)),
                ]),
                // Another page than the one it was decoded from: decode again. Then this look-up happens again, as if at this time.
                ifThen(ne(get(second), load(get(header), HEADER.secondFrame)), [
                  parts.setWord(STATE.pendingFrame2, get(second)),
                  storeFloat(
                    int(0),
                    floatSubtract(loadFloat(int(0), parts.places.now), float(USE_STEP)),
                    parts.places.now,
                  ),
                  leave(EXIT.decode),
                ]),
              ]
            : [
                store(get(header), add(load(get(header), HEADER.heat), int(1)), HEADER.heat),
                set(second, load(get(header), HEADER.heat)),
                ifThen(
                  or(eq(get(second), int(TEPID)), or(eq(get(second), int(WARM)), eq(get(second), int(HOT)))),
                  leave(EXIT.hot),
                ),
              ],
          storeFloat(
            int(0),
            floatSubtract(
              loadFloat(int(0), parts.base + STATE.left),
              loadFloat(get(header), RECORD.costLeft),
            ),
            parts.base + STATE.left,
          ),
          parts.setLong(
            STATE.counts,
            I64.add(parts.long(STATE.counts), I64.load(8)(get(header), RECORD.countsLeft)),
          ),
          tailCallIndirect(parts.handlerType, load(get(header), 64), add(get(header), int(64))),
        ];
      },
      name,
    );
  };
  define("enter", false);
  define("enterCrossing", true);
}

/**
 * Entries after which a cold block is executed by code that it shares with others like it, after which it is to be translated
 * with others, and after which it is at once.
 */
export const TEPID = 16;
export const WARM = 1024;
export const HOT = 4096;

function defineExecute(parts: RuntimeParts): void {
  parts.module.define(
    ["i32"],
    true,
    (_builder, record) => [tailCallIndirect(parts.handlerType, load(get(record)), get(record)), int(0)],
    "execute",
  );
}

/** (record) → exit: starts at RIP, or at a record when one is given; goes on in the handler of a page fault. */
function defineRun(parts: RuntimeParts, dispatch: FunctionReference): void {
  const faultType = parts.module.type({ parameters: [], result: "i32" });
  parts.module.define([], true, () => int(0), "leaveFault");
  parts.module.define(
    ["i32"],
    true,
    (builder, record) => {
      const exit = builder.local();
      return [
        ifElse(
          get(record),
          set(exit, callIndirect(parts.handlerType, load(get(record)), get(record))),
          set(exit, call(dispatch)),
        ),
        whileLoop(eq(get(exit), int(EXIT.fault)), [
          ifThen(isZero(callIndirect(faultType, int(TABLE_INDEX.pageFault))), giveBack(get(exit))),
          set(exit, call(dispatch)),
        ]),
        get(exit),
      ];
    },
    "run",
  );
}
