/**
 * How the runtime translates addresses: by one function in the table, which changes with the paging format. That function has
 * a module of its own for each MMU; while paging is off it is the runtime's `identity`.
 */
import { VIOLATION_VECTOR } from "../../../cpu/interception.js";
import { EXCEPTION, STATE } from "../../../cpu/state.js";
import type { Machine } from "../../../machine.js";
import type { Mmu } from "../../../mmu/mmu.js";
import { WALK_VIOLATION } from "../../../mmu/walker.js";
import {
  add,
  and,
  call,
  eq,
  get,
  giveBack,
  ifElse,
  ifThen,
  int,
  isZero,
  load,
  select,
  set,
  setGlobal,
  xor,
} from "../../../wasm/code.js";
import { I32, I64, wrap } from "../../../wasm/integers.js";
import { ModuleBuilder } from "../../../wasm/module.js";
import { FIELD } from "../../compiled/arrays.js";
import { defineCacheAccess } from "../../compiled/caches.js";
import { Emitter } from "../../compiled/emitter.js";
import { defineInvalidatePage } from "../../compiled/invalidate.js";
import { defineMmu } from "../../compiled/mmu.js";
import { defineClaimSlot, defineClearSlots, defineDropSlots, dropSlotsOf } from "../fast-slots.js";
import { defineQuickMiss } from "../quick-miss.js";
import { ACCESS, INVALIDATE, QUICK } from "./contract.js";
import { type RuntimeParts, slotPlaces } from "./parts.js";

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

/** Functions that make and drop slots, and `identity`. */
export function defineSlotFunctions(parts: RuntimeParts): void {
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
export function defineFrameOf(parts: RuntimeParts): void {
  const { module, emitter } = parts;
  parts.frameOf = module.define(["i64", "i32", "i32"], true, (builder, linear, kind, user) => {
    const entry = builder.local();
    const pageLo = builder.local();
    const code = emitter.register("errorCode");
    return [
      set(entry, parts.translate(linear, get(kind), get(user))),
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

/** (linear) → whether INVLPG is done. */
export function defineInvalidate(parts: RuntimeParts): void {
  parts.module.define(
    ["i64"],
    true,
    (_builder, linear) => [parts.translate(linear, int(INVALIDATE), int(0))],
    "invalidatePage",
  );
}
