/**
 * Limits of data segments in 64-bit mode (APM vol. 2, 3.1.7 and 4.12.2): with EFER.LMSLE set, references above CPL 0 by ES, SS, DS
 * and FS may not go beyond a linear address in the last 4 GiB of the address space:
 *
 *      linear address of the last byte  ≤  FFFF_FFFF_0000_0000H + the segment's 32-bit limit
 *
 * By GS, by CS and at CPL 0 there is none, nor for what the processor reads itself. Where the segment is null or expands downwards
 * the manual leaves open what happens: here the first ends at offset 0 and the second at the last.
 */
import { HIGHEST, segmentWord } from "./places.js";
import { CS, GS } from "./state.js";

/** Whether a segment has a limit in 64-bit mode, while segments have any there. */
export const hasLongLimit = (segment: number): boolean => segment < GS && segment !== CS;

/** Whether `bytes` bytes at a linear address, by a segment, go beyond its limit in 64-bit mode. */
export function isBeyondLongLimit(
  words: Int32Array,
  segment: number,
  low: number,
  high: number,
  bytes: number,
): boolean {
  if (!hasLongLimit(segment)) return false;
  // The last address where so many bytes may begin: of the last 4 GiB, or a little below.
  const last = (words[segmentWord(segment) + HIGHEST]! >>> 0) - (bytes - 1);
  const lastHigh = last < 0 ? -2 : -1;
  return high >>> 0 > lastHigh >>> 0 || (high === lastHigh && low >>> 0 > last >>> 0);
}
