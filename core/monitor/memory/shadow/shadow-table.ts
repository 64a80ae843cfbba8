/**
 * One shadow page table: a real frame in the machine's memory that stands for a guest page table, or for a guest large
 * page that has to be mapped by smaller ones (a split; it has no guest table).
 */
import type { Gfn, Hfn } from "../../../machine/address.js";

export interface ShadowTable {
  readonly frame: Hfn;
  readonly level: number;
  /** The guest table; of a split, the first guest frame of what the large page maps. */
  readonly gfn: Gfn;
  readonly isSplit: boolean;
  /** RAM words of the shadow entries that point to this table. */
  readonly parents: Set<number>;
  /** The guest may write the table without an exit; the shadow may differ from it until the next flush. */
  isUnsynced: boolean;
  /** Order of last use, for dropping the oldest. */
  lastUse: number;
  /** Emulated writes since the shadow was last used by a fill: a table written often and never used is no table any more. */
  writesSinceUse: number;
}

/** Emulated writes without a use after which a shadow is dropped (KVM's write-flooding limit). */
export const WRITE_FLOOD = 3;
