/**
 * The four formats of guest page tables: levels, bits of index, size of an entry, large pages.
 *
 *      32-bit    10 | 10 | 12                 4-byte entries, 4 KiB and 4 MiB (PSE) pages
 *      PAE        2 |  9 |  9 | 12            8-byte entries, 4 KiB and 2 MiB; the 4 PDPTEs are registers
 *      4-level    9 |  9 |  9 |  9 | 12       4 KiB, 2 MiB, 1 GiB
 *      5-level    9 |  9 |  9 |  9 |  9 | 12  4 KiB, 2 MiB, 1 GiB
 */
import type { PageSizeName } from "../../util/units.js";

export type PagingName = "32-bit" | "pae" | "4-level" | "5-level";

export interface PagingFormat {
  readonly name: PagingName;
  /** Levels of tables; the root is at this level. */
  readonly levels: number;
  readonly entryBytes: 4 | 8;
  /** Entries in a table below the root. */
  readonly entries: 512 | 1024;
  /** Entries of the root: 4 under PAE. */
  readonly rootEntries: number;
  /** log2 of the bytes one entry of a level maps: `shifts[1]` is 12. */
  readonly shifts: readonly number[];
  /** Levels at which an entry may be a leaf, by page size. */
  readonly leafLevel: Readonly<Partial<Record<PageSizeName, number>>>;
  /** Bits of a virtual address that are translated. */
  readonly addressBits: 32 | 48 | 57;
  readonly hasNx: boolean;
}

export const PAGING_FORMATS: Readonly<Record<PagingName, PagingFormat>> = {
  "32-bit": {
    name: "32-bit",
    levels: 2,
    entryBytes: 4,
    entries: 1024,
    rootEntries: 1024,
    shifts: [0, 12, 22],
    leafLevel: { "4K": 1, "4M": 2 },
    addressBits: 32,
    hasNx: false,
  },
  pae: {
    name: "pae",
    levels: 3,
    entryBytes: 8,
    entries: 512,
    rootEntries: 4,
    shifts: [0, 12, 21, 30],
    leafLevel: { "4K": 1, "2M": 2 },
    addressBits: 32,
    hasNx: true,
  },
  "4-level": {
    name: "4-level",
    levels: 4,
    entryBytes: 8,
    entries: 512,
    rootEntries: 512,
    shifts: [0, 12, 21, 30, 39],
    leafLevel: { "4K": 1, "2M": 2, "1G": 3 },
    addressBits: 48,
    hasNx: true,
  },
  "5-level": {
    name: "5-level",
    levels: 5,
    entryBytes: 8,
    entries: 512,
    rootEntries: 512,
    shifts: [0, 12, 21, 30, 39, 48],
    leafLevel: { "4K": 1, "2M": 2, "1G": 3 },
    addressBits: 57,
    hasNx: true,
  },
};

/** Index into the table of a level for an address given by its halves. The shift is the format's for that level. */
export function indexAt(shift: number, entries: number, hi: number, lo: number): number {
  if (shift >= 32) return (hi >>> (shift - 32)) & (entries - 1);
  // Bits shift..31 come from lo; above them the low bits of hi.
  return ((lo >>> shift) | (shift > 22 ? hi << (32 - shift) : 0)) & (entries - 1);
}
