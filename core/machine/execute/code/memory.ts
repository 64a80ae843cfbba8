/** What a machine that executes code has in linear memory besides: CPU state, decoded code, host-speed look-ups. */
import { allocateCpuState, type CpuState } from "../../cpu/state.js";
import type { Allocation } from "../../memory.js";
import { BUCKETS } from "./buckets.js";
import { allocateCrossings, type CrossingMemory } from "./crossings/memory.js";
import { SLOT_BYTES, SLOTS } from "./fast-slots.js";

export interface CodeMemoryOptions {
  /** Bytes for decoded code (record.ts); when it is full all of it is dropped. */
  readonly arenaBytes: number;
}

/** log2 of the bytes for which it is remembered whether they hold decoded code. */
export const GRANULE_SHIFT = 6;

/** Kinds of a physical frame, by what an access to it has to do. */
export const FRAME_KIND = {
  /** RAM, read and written directly. */
  memory: 0,
  /** RAM that holds decoded code: writes must look whether they change it. */
  code: 1,
  /** A device's registers, or nothing at all: the bus decides. Frames above RAM are this without an entry. */
  device: 2,
} as const;

/** A code epoch in which nothing was decoded. */
export const NEVER = -1;

export interface CodeMemory {
  readonly cpu: CpuState;
  /** For each line of 64 bytes of RAM the code epoch in which it was decoded; empty where code is cached as it is. */
  readonly decodedLines: Int32Array;
  /** Three tables of slots, for data at user and supervisor privilege and for fetches (fast-slots.ts). */
  readonly slots: Uint8Array;
  /** First slot that points to each entry of the translation store, as an address; 0 none. */
  readonly slotHeads: Int32Array;
  /** Which entries of the paging-structure caches were filled (compiled/walk-cache-journal.ts): one bit each. */
  readonly walkCacheJournal: Int32Array;
  /** FRAME_KIND of each backed frame. */
  readonly frameKinds: Uint8Array;
  /** For each frame one bit a granule of 64 bytes that holds decoded code: two words. */
  readonly granules: Int32Array;
  /** First header in each bucket (buckets.ts), as an address; 0 none. */
  readonly buckets: Int32Array;
  /** What quick crossings remember. */
  readonly crossings: CrossingMemory;
  readonly arena: Uint8Array;
}

/**
 * @param entries of the translation store.
 * @param cachesDecoded the processor caches decoded code by linear address (CostName decode_line).
 */
export function allocateCodeMemory(
  allocation: Allocation,
  options: CodeMemoryOptions,
  entries: number,
  backedFrames: number,
  cachesDecoded: boolean,
): CodeMemory {
  return {
    cpu: allocateCpuState(allocation),
    decodedLines: allocation.int32(cachesDecoded ? 64 * backedFrames : 0),
    slots: allocation.uint8(3 * SLOTS * SLOT_BYTES),
    slotHeads: allocation.int32(entries),
    walkCacheJournal: allocation.int32(2),
    frameKinds: allocation.uint8(backedFrames),
    granules: allocation.int32(2 * backedFrames),
    buckets: allocation.int32(BUCKETS),
    crossings: allocateCrossings(allocation),
    arena: allocation.uint8(options.arenaBytes),
  };
}
