/**
 * What a TLB entry allows, as one bit for each kind of access, so that a check is one AND. A write is allowed only once
 * the page's dirty bit is set: the first write to a clean page walks again, as on hardware.
 *
 *      bit   0     1      2      4     5      6      9
 *            user               supervisor          supervisor
 *            read  write  fetch  read  write  fetch  write with CR0.WP = 0
 */
import { D, NX, RW, US } from "./entry.js";

/** Access kinds, as in the low bits of a reference (address.ts). */
export const READ = 0;
export const WRITE = 1;
export const FETCH = 2;

const SUPERVISOR = 4;
const WRITE_WITHOUT_WP = 1 << 9;

/** The bit that an access needs. @param kind READ, WRITE or FETCH. */
export function needOf(kind: number, user: boolean, writeProtect: boolean): number {
  if (user) return 1 << kind;
  return kind === WRITE && !writeProtect ? WRITE_WITHOUT_WP : 1 << (kind + SUPERVISOR);
}

/**
 * The bits that a translation allows.
 * @param rights R/W and U/S of every level together, D of the leaf, and NX if any level forbids execution.
 */
export function permissionsOf(rights: number): number {
  const writable = (rights & RW) !== 0 && (rights & D) !== 0;
  const executable = (rights & NX) === 0;
  let bits = 1 << SUPERVISOR;
  if ((rights & D) !== 0) bits |= WRITE_WITHOUT_WP;
  if (writable) bits |= 1 << (SUPERVISOR + WRITE);
  if (executable) bits |= 1 << (SUPERVISOR + FETCH);
  if ((rights & US) !== 0) {
    bits |= 1;
    if (writable) bits |= 1 << WRITE;
    if (executable) bits |= 1 << FETCH;
  }
  return bits;
}
