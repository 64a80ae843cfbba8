/**
 * Where a guest kernel puts things, by paging format: the direct map of guest-physical memory, the user's
 * addresses, and the flags of its entries. Follows Linux: Documentation/arch/x86/x86_64/mm.rst for the 64-bit
 * formats; 3 GiB / 1 GiB split with 896 MiB of low memory for the 32-bit ones; _PAGE_TABLE, _KERNPG_TABLE and
 * PAGE_KERNEL of pgtable_types.h for flags (software sets accessed bits in advance, as Linux does).
 *
 * Left out: vmalloc, kernel image and fixmap areas, page-table isolation, high memory's temporary mappings.
 */
import type { Gva } from "../../machine/address.js";
import { A, AVAILABLE, D, G, NX, P, PS, RW, US } from "../../machine/mmu/entry.js";
import type { PagingFormat } from "../../machine/mmu/format.js";

/** Software's mark on a leaf that fork write-protected; gone when it is written. */
export const COPY_ON_WRITE = AVAILABLE;

export interface KernelLayout {
  /** Address of guest-physical 0 in the direct map. */
  readonly directMap: Gva;
  /** The direct map covers frames below this. */
  readonly directFrames: number;
  readonly userStart: Gva;
  readonly userEnd: Gva;
  /**
   * Tables at this level and above live as long as their address space (under PAE the PDPTEs are registers).
   */
  readonly permanentLevel: number;
  /** Frames of one page by leaf level: `pageFrames[1]` is 1. Only levels at which the format has leaves. */
  readonly pageFrames: readonly number[];
}

const LOW_MEMORY_FRAMES = (896 * 1024) / 4;
const USER_START = 0x1000_0000;

/** @param frames guest-physical frames there are. */
export function layoutOf(format: PagingFormat, frames: number): KernelLayout {
  const large = 2 ** (format.shifts[2]! - 12);
  if (format.addressBits === 32) {
    return {
      directMap: 0xc000_0000,
      directFrames: Math.min(frames, LOW_MEMORY_FRAMES),
      userStart: USER_START,
      userEnd: 0xc000_0000,
      permanentLevel: 2,
      pageFrames: [0, 1, large],
    };
  }
  const fiveLevel = format.addressBits === 57;
  return {
    // 0xff11000000000000 and 0xffff888000000000 as signed numbers.
    directMap: fiveLevel ? -0xef_0000_0000_0000 : -0x7780_0000_0000,
    directFrames: frames,
    userStart: USER_START,
    userEnd: fiveLevel ? 2 ** 56 : 2 ** 47,
    permanentLevel: format.levels,
    pageFrames: [0, 1, large, large * format.entries],
  };
}

/**
 * Flags of an entry that points to a table, written in a table of `level`. A PDPTE of PAE has no permissions.
 */
export function linkFlags(format: PagingFormat, level: number, user: boolean): number {
  if (format.name === "pae" && level === format.levels) return P;
  return user ? P | RW | US | A : P | RW | A;
}

/** Flags of a direct-map leaf at a level. */
export function directFlags(format: PagingFormat, level: number): number {
  return P | RW | A | D | G | (level > 1 ? PS : 0) | (format.hasNx ? NX : 0);
}

/** Flags of a user's leaf at a level, accessed and clean. */
export function userFlags(
  format: PagingFormat,
  level: number,
  access: { readonly writable: boolean; readonly executable: boolean },
): number {
  const noExecute = format.hasNx && !access.executable ? NX : 0;
  return P | US | A | (access.writable ? RW : 0) | (level > 1 ? PS : 0) | noExecute;
}
