/**
 * One shadow page table: a real frame in the machine's memory that stands for a guest page table, or for a guest large
 * page that has to be mapped by smaller ones (a split; it has no guest table).
 */
import type { Gfn, Hfn } from "../../../machine/address.js";

/**
 * Whose rights a shadow gives (Linux calls it a page's role). "guest": supervisor and user pages are what the guest's tables
 * say. "kernel": all are user pages, for a guest's kernel that runs at CPL 3; its programs run on the other.
 */
export const ROLES = ["guest", "kernel"] as const;
export type Role = (typeof ROLES)[number];

export interface ShadowTable {
  readonly frame: Hfn;
  readonly level: number;
  readonly role: Role;
  /** Has the monitor's own entries (shadow-hardware.ts, ReservedEntries). */
  readonly hasReserved: boolean;
  /** The guest table; of a split, the first guest frame of what the large page maps. */
  readonly gfn: Gfn;
  readonly isSplit: boolean;
  /** RAM words of the shadow entries that point to this table. */
  readonly parents: Set<number>;
  /** Some entry was filled from a guest's that is not global: a load of CR3 flushes it. */
  isLocal: boolean;
  /** The guest may write the table without an exit; the shadow may differ from it until the next flush. */
  isUnsynced: boolean;
  /** Order of last use, for dropping the oldest. */
  lastUse: number;
  /** Emulated writes since the shadow was last used by a fill: a table written often and never used is no table any more. */
  writesSinceUse: number;
}
