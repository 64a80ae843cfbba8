/**
 * A hash of the guest's architectural state as far as memory goes: every present entry of the user part of
 * each process's tables (its path, flags with accessed and dirty bits, and for leaves the frame), and what
 * the kernel did. The same guest ends with the same fingerprint under every technique. The frame of a page
 * counts from the first page of its size in data memory, and the frames of tables are left out, so the memory
 * for tables may differ (Xen's direct map is larger; a host's 1 GiB pages round it up).
 */
import type { Gfn } from "../../machine/address.js";
import { flagsOf, frameOf, P, PS } from "../../machine/mmu/entry.js";
import type { Vcpu } from "../vcpu.js";

/**
 * FNV-1a of 64 bits over 32-bit words, each taken as four bytes. State in two halves, since numbers have 53
 * bits.
 */
export class Fnv64 {
  private hi = 0xcbf29ce4 | 0;
  private lo = 0x84222325 | 0;

  add(word: number): void {
    for (let shift = 0; shift < 32; shift += 8) {
      const lo = (this.lo ^ ((word >>> shift) & 0xff)) >>> 0;
      // Times 2^40 + 0x1b3: the low half's product with 0x1b3 fits an f64.
      const product = lo * 0x1b3;
      this.hi = (Math.imul(this.hi, 0x1b3) + Math.floor(product / 0x1_0000_0000) + (lo << 8)) | 0;
      this.lo = product | 0;
    }
  }

  /** 16 hexadecimal digits. */
  get hex(): string {
    const half = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
    return half(this.hi) + half(this.lo);
  }
}

/**
 * Hashes the user part of a tree.
 * @param userEntries entries of the root that are the user's. @param dataBase first data frame.
 */
export function hashTables(hash: Fnv64, cpu: Vcpu, root: Gfn, userEntries: number, dataBase: Gfn): void {
  const { paging } = cpu;
  const firstPage = (level: number): number => {
    const frames = 2 ** (paging.shifts[level]! - 12);
    return Math.ceil(dataBase / frames) * frames;
  };
  const visit = (table: Gfn, level: number, count: number): void => {
    for (let index = 0; index < count; index++) {
      const { lo, hi } = cpu.inspect(table, index);
      if ((lo & P) === 0) continue;
      const isLeaf = level === 1 || (lo & PS) !== 0;
      hash.add((level << 16) | index);
      hash.add(flagsOf(lo, hi));
      if (isLeaf) hash.add(frameOf(lo, hi) - firstPage(level));
      else visit(frameOf(lo, hi), level - 1, paging.entries);
    }
  };
  visit(root, paging.levels, userEntries);
}
