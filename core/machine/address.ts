/**
 * Addresses and how they are carried.
 *
 * Interfaces use distinct types for distinct addresses. A virtual address is a number: signed and canonical, so kernel
 * addresses are negative; every multiple of 8 is exact in an f64 even with 57 bits. Hot code carries a virtual address
 * as two int32 halves (`hi`, `lo`) and frames as int32: machine memory is below 2^30 frames (4 TiB).
 *
 * A batch of references is an Int32Array with two elements for each reference:
 *
 *      [2i]   bits 31..3  low half of the 8-byte-aligned virtual address
 *             bit  1      instruction fetch
 *             bit  0      write
 *      [2i+1]             high half of the virtual address, sign-extended
 */
declare const brand: unique symbol;
type Branded<T extends string> = number & { readonly [brand]?: T };

/** Guest-virtual address, signed canonical. */
export type Gva = Branded<"Gva">;
/** Guest frame number: guest-physical address >> 12. */
export type Gfn = Branded<"Gfn">;
/** Host (machine) frame number: host-physical address >> 12. */
export type Hfn = Branded<"Hfn">;

/** Of the smallest page, and of a frame. */
export const PAGE_BYTES = 4096;

/** Kind bits in the low element of a reference. */
export const REF_WRITE = 1;
export const REF_FETCH = 2;
export const REF_KIND_MASK = 7;

/** High half (sign-extended) of a virtual address. */
export function highHalf(va: Gva): number {
  return Math.floor(va / 0x1_0000_0000) | 0;
}

/** Low half of a virtual address, as int32. */
export function lowHalf(va: Gva): number {
  return va | 0;
}

/** The address with these halves. */
export function addressOf(hi: number, lo: number): Gva {
  return hi * 0x1_0000_0000 + (lo >>> 0);
}
