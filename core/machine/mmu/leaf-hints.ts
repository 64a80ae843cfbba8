/**
 * A host-speed trick, invisible in the results: when references miss the TLB one after the other, most of the host's time
 * goes into waiting for page-table entries that lie scattered over tens of MiB. `warm` reads the leaf entries of the
 * references to come, one independent load after the other, so that the host fetches many at once.
 *
 * Where a leaf table is, is remembered without a tag, by a few address bits: a wrong hint reads a useless word and no more.
 * Hot code.
 */
import type { Allocation } from "../memory.js";
import { frameOf } from "./entry.js";

const SLOTS = 1 << 16;

export function allocateLeafHints(allocation: Allocation): Int32Array {
  return allocation.int32(2 * SLOTS);
}

export class LeafHints {
  static readonly slots = SLOTS;
  /** Frame of the level-1 table by address bits 36..21, and by guest-physical bits of the nested dimension. */
  readonly guestTables: Int32Array;
  readonly hostTables: Int32Array;
  private readonly stride: number;
  private readonly tableShift: number;

  constructor(
    tables: Int32Array,
    private readonly ram: Int32Array,
    entryBytes: 4 | 8,
    private readonly isNested: boolean,
  ) {
    this.guestTables = tables.subarray(0, SLOTS);
    this.hostTables = tables.subarray(SLOTS);
    this.stride = entryBytes / 4;
    this.tableShift = entryBytes === 8 ? 9 : 10;
  }

  noteGuest(pageLo: number, table: number): void {
    this.guestTables[(pageLo >>> this.tableShift) & (SLOTS - 1)] = table;
  }

  noteHost(gfn: number, table: number): void {
    this.hostTables[(gfn >>> 9) & (SLOTS - 1)] = table;
  }

  /** Reads ahead for references [from, to) of a batch. Returns what was read, mixed, so that no engine may drop it. */
  warm(refs: Int32Array, from: number, to: number): number {
    const { ram, guestTables, hostTables, isNested, stride, tableShift } = this;
    const indexMask = (1 << tableShift) - 1;
    let read = 0;
    for (let i = from; i < to; i++) {
      const pageLo = (refs[2 * i]! >>> 12) | (refs[2 * i + 1]! << 20);
      const table = guestTables[(pageLo >>> tableShift) & (SLOTS - 1)]!;
      const word = table * 1024 + (pageLo & indexMask) * stride;
      const entry = ram[word]!;
      if (isNested) {
        const gfn = stride === 2 ? frameOf(entry, ram[word + 1]!) : entry >>> 12;
        read ^= ram[hostTables[(gfn >>> 9) & (SLOTS - 1)]! * 1024 + (gfn & 511) * 2]!;
      } else read ^= entry;
    }
    return read;
  }
}
