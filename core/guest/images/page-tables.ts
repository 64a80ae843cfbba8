/**
 * Page tables of a guest that starts in 64-bit mode: the first 4 GiB, each address to itself, in 2 MiB pages
 * (SDM vol. 3, 4.5.4). One PML4, one page-directory-pointer table, four page directories:
 *
 *     47      39 38      30 29      21 20                0
 *     ┌─────────┬──────────┬──────────┬──────────────────┐
 *     │ PML4: 0 │ PDPT 0–3 │ PD 0–511 │ offset in 2 MiB  │
 *     └─────────┴──────────┴──────────┴──────────────────┘
 */
import { GIB, MIB } from "../../util/units.js";
import { ByteWriter } from "./byte-writer.js";
import { PAGE, type Placement } from "./placement.js";

const PRESENT = 1 << 0;
const WRITABLE = 1 << 1;
const LARGE = 1 << 7;
const ENTRY_BYTES = 8;

/** What the tables map. */
export const IDENTITY_MAPPED_BYTES = 4 * GIB;
const DIRECTORIES = IDENTITY_MAPPED_BYTES / GIB;
const LARGE_PAGE = 2 * MIB;

/** Places the tables in low memory. @returns the value of CR3 */
export function placeIdentityMap(placement: Placement): number {
  const tables = new ByteWriter((2 + DIRECTORIES) * PAGE);
  const pml4 = placement.placeLow("page tables", tables.bytes, PAGE);
  const pointerTable = pml4 + PAGE;
  const directory = (index: number): number => pointerTable + PAGE * (1 + index);
  tables.u64(0, pointerTable + PRESENT + WRITABLE);
  for (let i = 0; i < DIRECTORIES; i++) {
    tables.u64(PAGE + ENTRY_BYTES * i, directory(i) + PRESENT + WRITABLE);
  }
  for (let page = 0; page < IDENTITY_MAPPED_BYTES / LARGE_PAGE; page++) {
    tables.u64(2 * PAGE + ENTRY_BYTES * page, page * LARGE_PAGE + PRESENT + WRITABLE + LARGE);
  }
  return pml4;
}
