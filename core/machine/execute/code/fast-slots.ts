/**
 * The host-speed look-up of data and code pages: for a page, where its bytes are and which entry of the modelled L1 TLB
 * translates it. Invisible in results: a slot exists only while its entry does and allows the access, and using it stamps
 * the entry's last use as the modelled look-up would. Direct-mapped by page number; one table for user privilege, one for
 * supervisor, one for fetches (mmu/translations.ts has the modelled entries).
 *
 *      slot   0 tag for reads, i64: linear address of the page, or NO_TAG
 *             8 tag for writes, i64
 *            16 what added to the low half of a linear address gives the host's address; for fetches the frame
 *            20 the entry, as an address; 0 none
 *            24 the entry's number modulo USE_STEP, f64, for its stamp
 *            32 next and 36 previous slot of the same entry, as addresses; 4 KiB pages' have none
 *
 * All go when the entry does. A 4 KiB page's can only be in its own place of each table; a larger page's form a list.
 */
import { SMALL_MASK } from "../../mmu/tlb.js";
import { ENTRY_WORDS, USE_STEP } from "../../mmu/translations.js";
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
  ifElse,
  ifThen,
  int,
  isZero,
  type Local,
  leave,
  load,
  loadFloat,
  ne,
  set,
  shl,
  shrUnsigned,
  store,
  storeFloat,
  sub,
  toFloat,
  whileLoop,
} from "../../wasm/code.js";
import { I32, I64, wrap } from "../../wasm/integers.js";
import type { ModuleBuilder } from "../../wasm/module.js";
import { FIELD } from "../compiled/arrays.js";
import type { CodeMemory } from "./memory.js";

export const SLOTS = 256;
export const SLOT_BYTES = 64;
const SLOT_SHIFT = 6;
export const SLOT = { read: 0, write: 8, addend: 16, entry: 20, number: 24, next: 32, previous: 36 } as const;
/** No page: pages have zeros in the low bits. */
const NO_TAG = -1;
const ENTRY_SHIFT = Math.log2(ENTRY_WORDS * 4);

/** Which table, as its first slot's offset. */
export const TABLE = { user: 0, supervisor: SLOTS * SLOT_BYTES, fetch: 2 * SLOTS * SLOT_BYTES } as const;

/** Addresses that the code below needs. */
export interface SlotPlaces {
  /** First byte of the translation store, and of the tables. */
  readonly store: number;
  readonly slots: number;
  readonly heads: number;
  /** Time of the next look-up, f64. */
  readonly now: number;
}

/** Address of the slot of a linear address (i64 local) in a table. */
export function slotOf(table: Code, linear: Local): Code {
  return slotOfPage(table, shrUnsigned(wrap(get(linear)), int(12)));
}

/** Address of the slot of a page number in a table. */
export function slotOfPage(table: Code, page: Code): Code {
  return add(table, shl(and(page, int(SLOTS - 1)), int(SLOT_SHIFT)));
}

/** What an entry's stamp is the time plus, as an f64. */
export function numberOf(entry: Code, places: SlotPlaces): Code {
  return toFloat(and(shrUnsigned(sub(entry, int(places.store)), int(ENTRY_SHIFT)), int(USE_STEP - 1)));
}

/** Stamps the entry of a slot, as a hit in the modelled TLB does, and lets time pass. `now` is an f64 local to reuse. */
export function stampSlot(slot: Local, now: Local, nowAddress: number): Code {
  return [
    set(now, loadFloat(int(0), nowAddress)),
    storeFloat(
      load(get(slot), SLOT.entry),
      floatAdd(get(now), loadFloat(get(slot), SLOT.number)),
      FIELD.lastUse,
    ),
    storeFloat(int(0), floatAdd(get(now), float(USE_STEP)), nowAddress),
  ];
}

const headOf = (entry: Code, places: SlotPlaces): Code =>
  shl(shrUnsigned(sub(entry, int(places.store)), int(ENTRY_SHIFT)), int(2));

/** Whether an entry translates a page of 4 KiB. */
export const isSmall = (entry: Code): Code => eq(load(entry, FIELD.mask), int(SMALL_MASK));

/** A slot that no entry has. */
const empty = (slot: Code): Code => [
  I64.store(8)(slot, I64.constant(NO_TAG), SLOT.read),
  I64.store(8)(slot, I64.constant(NO_TAG), SLOT.write),
  store(slot, int(0), SLOT.entry),
];

/** Takes away the slots of a 4 KiB page's entry in some tables. `slot` is a local to work with. */
export function dropSmall(entry: Code, slot: Local, places: SlotPlaces, tables: readonly number[]): Code {
  return [
    set(slot, slotOfPage(int(0), load(entry, FIELD.tagLo))),
    tables.map((table) => {
      const at = places.slots + table;
      return ifThen(eq(load(get(slot), at + SLOT.entry), entry), empty(add(get(slot), int(at))));
    }),
  ];
}

/** (entry) → : takes away every slot of an entry that is about to go. */
export function defineDropSlots(module: ModuleBuilder, places: SlotPlaces): FunctionReference {
  return module.define(["i32"], false, (builder, entry) => {
    const head = builder.local();
    const slot = builder.local();
    const next = builder.local();
    return [
      ifThen(isSmall(get(entry)), [dropSmall(get(entry), slot, places, Object.values(TABLE)), leave]),
      set(head, headOf(get(entry), places)),
      set(slot, load(get(head), places.heads)),
      whileLoop(get(slot), [set(next, load(get(slot), SLOT.next)), empty(get(slot)), set(slot, get(next))]),
      store(get(head), int(0), places.heads),
    ];
  });
}

/** Code for `beforeReplacing` (compiled/arrays.ts). */
export function dropSlotsOf(drop: FunctionReference): (entry: Code) => Code {
  return (entry) => call(drop, entry);
}

/** (slot, entry) → : makes a slot an entry's; tags and addend are the caller's to set. */
export function defineClaimSlot(module: ModuleBuilder, places: SlotPlaces): FunctionReference {
  return module.define(["i32", "i32"], false, (builder, slot, entry) => {
    const next = builder.local();
    const previous = builder.local();
    const head = builder.local();
    const unlink: Code = [
      set(next, load(get(slot), SLOT.next)),
      set(previous, load(get(slot), SLOT.previous)),
      ifElse(
        get(previous),
        store(get(previous), get(next), SLOT.next),
        store(headOf(load(get(slot), SLOT.entry), places), get(next), places.heads),
      ),
      ifThen(get(next), store(get(next), get(previous), SLOT.previous)),
    ];
    return [
      ifThen(ne(load(get(slot), SLOT.entry), get(entry)), [
        set(previous, load(get(slot), SLOT.entry)),
        ifThen(get(previous), ifThen(isZero(isSmall(get(previous))), unlink)),
        ifThen(isZero(isSmall(get(entry))), [
          set(head, headOf(get(entry), places)),
          set(next, load(get(head), places.heads)),
          store(get(slot), get(next), SLOT.next),
          store(get(slot), int(0), SLOT.previous),
          ifThen(get(next), store(get(next), get(slot), SLOT.previous)),
          store(get(head), get(slot), places.heads),
        ]),
        store(get(slot), get(entry), SLOT.entry),
        storeFloat(get(slot), numberOf(get(entry), places), SLOT.number),
      ]),
    ];
  });
}

/**
 * () → : takes away every slot. Only entries of the first level have any, and they lie first in the store: data, then
 * instructions.
 * @param entries of the first level by what they are for; @param identityEntry the one of references while paging is off.
 */
export function defineClearSlots(
  module: ModuleBuilder,
  places: SlotPlaces,
  drop: FunctionReference,
  entries: { readonly data: number; readonly instructions: number },
  identityEntry: number,
): void {
  module.define(
    [],
    false,
    (builder) => {
      const slot = builder.local();
      const entry = builder.local();
      const dropUpTo = (end: number, tables: readonly number[]): Code =>
        whileLoop(I32.ltU(get(entry), int(places.store + end * ENTRY_WORDS * 4)), [
          ifElse(
            isSmall(get(entry)),
            dropSmall(get(entry), slot, places, tables),
            ifThen(load(headOf(get(entry), places), places.heads), call(drop, get(entry))),
          ),
          set(entry, add(get(entry), int(ENTRY_WORDS * 4))),
        ]);
      return [
        set(entry, int(places.store)),
        dropUpTo(entries.data, [TABLE.user, TABLE.supervisor]),
        dropUpTo(entries.data + entries.instructions, [TABLE.fetch]),
        ifThen(load(headOf(int(identityEntry), places), places.heads), call(drop, int(identityEntry))),
      ];
    },
    "clearSlots",
  );
}

/** Empties every table, whatever memory held: when a machine is made, or restored. */
export function resetSlots({ slots, slotHeads, walkCacheJournal }: CodeMemory): void {
  // Any of the paging-structure caches' entries may have been filled.
  walkCacheJournal.fill(-1);
  slots.fill(0xff);
  const words = new Int32Array(slots.buffer, slots.byteOffset, slots.length / 4);
  for (let at = 0; at < words.length; at += SLOT_BYTES / 4) words[at + SLOT.entry / 4] = 0;
  slotHeads.fill(0);
}
