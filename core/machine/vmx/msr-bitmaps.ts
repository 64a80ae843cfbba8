/**
 * The page of MSR bitmaps (Intel SDM vol. 3, 25.6.9): a bit for each of 8,192 MSRs from 0 and from C0000000H; 1: it leaves.
 *
 *      byte  0  reads, low        1024  reads, high        2048  writes, low        3072  writes, high
 */
const MSRS = 0x2000;
const HIGH_FIRST = 0xc000_0000;
const HIGH_BIT = 1024 * 8;
const WRITE_BIT = 2048 * 8;

/** The place of an MSR's bit in the page; -1 where it has none, and always leaves. */
export function msrBit(register: number, isWrite: boolean): number {
  const first = isWrite ? WRITE_BIT : 0;
  if (register < MSRS) return first + register;
  const number = register - HIGH_FIRST;
  return number < 0 || number >= MSRS ? -1 : first + HIGH_BIT + number;
}
