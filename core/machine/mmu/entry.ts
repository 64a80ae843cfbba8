/**
 * Page-table entries, as the manuals lay them out (Intel SDM vol. 3, 4.3 to 4.5 and 29.3.2; AMD APM vol. 2, 5.3).
 *
 *      63  62..52   51..12          11..9   8   7    6   5   4    3    2    1    0
 *      NX  ignored  frame number    avail   G   PS   D   A   PCD  PWT  U/S  R/W  P      ordinary tables (leaf)
 *           -       frame number     ..     A*  PS  (6..3 memory type)  X    W    R     EPT   (*A is bit 8, D bit 9)
 *
 * An entry is two int32 halves. In 32-bit paging an entry is one: frame in bits 31..12, no NX.
 * Flags travel as one int32: bits 11..0 of the entry, and bit 31 for NX.
 */

/** Present. */
export const P = 1 << 0;
/** Read/write. */
export const RW = 1 << 1;
/** User/supervisor. */
export const US = 1 << 2;
export const PWT = 1 << 3;
export const PCD = 1 << 4;
/** Accessed. */
export const A = 1 << 5;
/** Dirty (leaf only). */
export const D = 1 << 6;
/** Page size: a leaf above level 1. */
export const PS = 1 << 7;
/** Global. */
export const G = 1 << 8;
/** First of the three bits left to software (9..11). */
export const AVAILABLE = 1 << 9;
/** Agile paging: in a shadow entry, the table that it points to is the guest's own (agile-walker.ts). Left to software else. */
export const SWITCH = 1 << 10;
/** No-execute, as a flag; bit 63 of the entry. */
export const NX = 1 << 31;

/** EPT: read, write, execute, page size, accessed, dirty. */
export const EPT_R = 1 << 0;
export const EPT_W = 1 << 1;
export const EPT_X = 1 << 2;
/** EPT memory type write-back (6) in bits 5..3. */
export const EPT_WB = 6 << 3;
export const EPT_A = 1 << 8;
export const EPT_D = 1 << 9;

/** Page-fault error code bits (SDM vol. 3, 4.7). */
export const PF_PRESENT = 1 << 0;
export const PF_WRITE = 1 << 1;
export const PF_USER = 1 << 2;
export const PF_RESERVED = 1 << 3;
export const PF_FETCH = 1 << 4;

/** Frame number in an entry's halves; below 2^31. */
export function frameOf(lo: number, hi: number): number {
  return (lo >>> 12) | ((hi & 0x7ff) << 20);
}

/** Low half of the entry that maps a frame with flags. */
export function entryLo(frame: number, flags: number): number {
  return (frame << 12) | (flags & 0xfff);
}

/** High half of the entry that maps a frame with flags. */
export function entryHi(frame: number, flags: number): number {
  return (frame >>> 20) | (flags & NX);
}

/** The flags in an entry's halves. */
export function flagsOf(lo: number, hi: number): number {
  return (lo & 0xfff) | (hi & NX);
}
