/**
 * What a fuzzed guest finds in memory besides its code: descriptors, gates, a task state and page tables (Intel SDM vol. 3,
 * chapters 3 to 6), mostly sound, so that the guest gets somewhere, with some that are not.
 */

import { PAGE_BYTES } from "../../machine/address.js";
import type { CodeMode } from "../../machine/x86/instruction.js";
import type { Random } from "../../util/random.js";
import { ByteWriter } from "../images/byte-writer.js";
import { pick } from "./random-code.js";

/** P, R/W, U/S; a large page; caches, dirty and global. */
const PRESENT = 1;
const WRITABLE = 2;
const USER = 4;
const LARGE = 0x80;
const OPEN = PRESENT | WRITABLE | USER;

export type Paging = "off" | "2-level" | "pae" | "4-level";

/** Selectors of the guest's descriptor table. */
export const SELECTORS = { code: 0x10, data: 0x18, userCode: 0x23, userData: 0x2b, task: 0x30 } as const;
export const GDT_BYTES = 0x80;

/** Attributes in the descriptor's second word: P, S, type; G, D, L. */
const CODE = { 16: 0x00_9b_00, 32: 0xc0_9b_00, 64: 0xa0_9b_00 } as const;
const DATA = 0xc0_93_00;
const RING_3 = 0x60_00;
const BUSY_TASK = 0x8b_00;

/** @param tss where the task state lies */
export function descriptorTable(random: Random, mode: CodeMode, tss: number): Uint8Array {
  const table = new ByteWriter(GDT_BYTES);
  const set = (selector: number, low: number, high: number): void => {
    const at = selector & ~7;
    table.u32(at, low >>> 0).u32(at + 4, high >>> 0);
  };
  // Behind the sound ones: anything, call gates and task gates among them.
  for (let selector = SELECTORS.task + 16; selector < GDT_BYTES; selector += 8)
    set(selector, random.int32(), random.int32());
  const flat = (selector: number, attributes: number): void => set(selector, 0xffff, 0x0f_0000 | attributes);
  flat(SELECTORS.code, CODE[mode]);
  flat(SELECTORS.data, DATA);
  flat(SELECTORS.userCode, CODE[mode] | RING_3);
  flat(SELECTORS.userData, DATA | RING_3);
  set(SELECTORS.task, (tss << 16) | 0x67, BUSY_TASK | ((tss >>> 16) & 0xff));
  return table.bytes;
}

/** A task state whose stacks for every ring are one. */
export function taskState(mode: CodeMode, stack: number): Uint8Array {
  const state = new ByteWriter(0x80);
  if (mode === 64) return state.u64(4, stack).u64(12, stack).u64(20, stack).u64(36, stack).bytes;
  for (let ring = 0; ring < 3; ring++) state.u32(4 + ring * 8, stack).u32(8 + ring * 8, SELECTORS.data);
  return state.bytes;
}

const VECTORS = 256;
/** P, DPL 3, interrupt gate or trap gate. */
const GATES = [0xee00, 0xef00];

/** Gates of every vector to one entry; some of a damaged table to nowhere. */
export function gates(random: Random, mode: CodeMode, entry: number, isDamaged: boolean): Uint8Array {
  if (mode === 16) {
    const vectors = new ByteWriter(VECTORS * 4);
    for (let vector = 0; vector < VECTORS; vector++)
      vectors.u32(vector * 4, isDamaged && random.below(8) === 0 ? random.int32() >>> 0 : entry);
    return vectors.bytes;
  }
  const size = mode === 64 ? 16 : 8;
  const table = new ByteWriter(VECTORS * size);
  for (let vector = 0; vector < VECTORS; vector++) {
    const isWrong = isDamaged && random.below(8) === 0;
    const attributes = isWrong ? random.below(0x10000) : pick(random, GATES);
    const selector = isWrong ? random.below(GDT_BYTES) : SELECTORS.code;
    table
      .u32(vector * size, ((selector << 16) | (entry & 0xffff)) >>> 0)
      .u32(vector * size + 4, ((entry & 0xffff_0000) | attributes) >>> 0);
  }
  return table.bytes;
}

/** Frames that are not RAM: the local and the I/O APIC, video memory, beyond RAM, beyond what the processor addresses. */
const STRANGE_FRAMES = [0xfee0_0000, 0xfec0_0000, 0xb_8000, 0x4000_0000, 0xffff_f000];
/** Levels from the top down to the directory, and what an entry of theirs is. */
const FORMATS = {
  "2-level": { levels: 1, entryBytes: 4, top: OPEN },
  // In the four entries of PAE's top, R/W and U/S are reserved (SDM vol. 3, table 4-8).
  pae: { levels: 2, entryBytes: 8, top: PRESENT },
  "4-level": { levels: 3, entryBytes: 8, top: OPEN },
} as const;
/** What is mapped to itself, soundly: the guest's own tables, code and data. */
const SOUND_PAGES = 64;

/**
 * Tables from `at`: the first two pages' tables (2 or 4 MiB each) in small pages, after the sound ones aliases, devices and
 * entries that say anything; then large pages.
 */
export function pageTables(
  random: Random,
  paging: Exclude<Paging, "off">,
  at: number,
  ramBytes: number,
): Uint8Array {
  const { levels, entryBytes, top } = FORMATS[paging];
  const entries = PAGE_BYTES / entryBytes;
  const tables = new ByteWriter((levels + 2) * PAGE_BYTES);
  const set = (table: number, entry: number, low: number, high = 0): void => {
    tables.u32(table * PAGE_BYTES + entry * entryBytes, low >>> 0);
    if (entryBytes === 8) tables.u32(table * PAGE_BYTES + entry * entryBytes + 4, high >>> 0);
  };
  for (let level = 0; level + 1 < levels; level++)
    set(level, 0, (at + (level + 1) * PAGE_BYTES) | (level === 0 ? top : OPEN));
  const directory = levels - 1;
  for (let entry = 0; entry < entries; entry++) {
    if (entry < 2) set(directory, entry, (at + (levels + entry) * PAGE_BYTES) | OPEN);
    else if (random.below(4) !== 0) set(directory, entry, (entry * PAGE_BYTES * entries) | OPEN | LARGE);
    else set(directory, entry, random.int32(), random.int32() & random.int32());
  }
  for (let page = 0; page < 2 * entries; page++) {
    const [low, high] = page < SOUND_PAGES ? [(page * PAGE_BYTES) | OPEN, 0] : strangeEntry(random, ramBytes);
    set(levels + Math.floor(page / entries), page % entries, low, high);
  }
  return tables.bytes;
}

function strangeEntry(random: Random, ramBytes: number): readonly [low: number, high: number] {
  const flags =
    pick(random, [OPEN, OPEN, PRESENT | USER, PRESENT | WRITABLE, 0]) |
    (random.below(0x200) & ~7 & random.int32());
  switch (random.below(8)) {
    case 0:
      return [pick(random, STRANGE_FRAMES) | flags, 0];
    case 1:
      return [random.int32(), random.int32()];
    default:
      // An alias: often of the frames that hold code and tables.
      return [
        (random.below(random.below(2) === 0 ? SOUND_PAGES : ramBytes / PAGE_BYTES) * PAGE_BYTES) | flags,
        0,
      ];
  }
}
