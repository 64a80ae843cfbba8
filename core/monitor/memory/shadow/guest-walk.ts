/**
 * The monitor's walk of the guest's page tables in software: what the guest's own hardware would have done with an
 * access. Written apart from the machine's walker, as a real monitor's is. Reads go through the monitor's map of
 * guest memory; accessed and dirty bits are set as the hardware sets them, when the whole walk has succeeded.
 */
import { type Gfn, type Gva, highHalf, lowHalf } from "../../../machine/address.js";
import {
  A,
  D,
  frameOf,
  NX,
  P,
  PF_FETCH,
  PF_PRESENT,
  PF_RESERVED,
  PF_USER,
  PF_WRITE,
  PS,
  RW,
  US,
} from "../../../machine/mmu/entry.js";
import { indexAt } from "../../../machine/mmu/format.js";
import { FETCH, WRITE } from "../../../machine/mmu/permissions.js";
import type { GuestMap } from "../guest-map.js";
import type { ShadowHardware } from "./shadow-hardware.js";

export class GuestWalk {
  /** By level: the guest frame of the table, the index in it, and its entry's halves after A and D were set. */
  readonly tables = new Int32Array(6);
  readonly indices = new Int32Array(6);
  readonly lows = new Int32Array(6);
  readonly highs = new Int32Array(6);
  /** Level of the leaf. */
  leaf = 0;
  /** Guest frame of the 4 KiB page that was asked for. */
  frame: Gfn = 0;
  /** Error code of a failed walk. */
  errorCode = 0;
  /** The guest's CR0.WP. */
  writeProtect = true;
  /** Its kernel writes to a page that its tables have read-only, as CR0.WP lets it. */
  isForced = false;

  constructor(
    private readonly hardware: ShadowHardware,
    private readonly map: GuestMap,
    private readonly memory: { isMemory(gfn: Gfn): boolean },
    /** The PAE format's PDPTEs as the guest's CR3 load read them, two words each; undefined: they are read from memory. */
    private readonly pdptes?: Int32Array,
  ) {}

  /** Walks from a guest root. Returns whether the guest's tables allow the access; if not, `errorCode` is the guest's. */
  walk(root: Gfn, va: Gva, kind: number, user: boolean): boolean {
    const { paging } = this.hardware;
    const { profile } = this.hardware.machine;
    const hi = highHalf(va);
    const lo = lowHalf(va);
    let table = root;
    let rights = RW | US;
    let noExecute = false;
    let level = paging.levels;
    for (; ; level--) {
      const isRegister = paging.name === "pae" && level === 3;
      const index = indexAt(
        paging.shifts[level]!,
        level === paging.levels ? paging.rootEntries : paging.entries,
        hi,
        lo,
      );
      this.read(level, table, index);
      const entryLo = this.lows[level]!;
      const entryHi = this.highs[level]!;
      if ((entryLo & P) === 0) return this.fail(0, kind, user);
      if (!isRegister) {
        if (entryHi < 0 && !profile.features.nx) return this.fail(PF_PRESENT | PF_RESERVED, kind, user);
        rights &= entryLo;
        noExecute = noExecute || (entryHi & NX) !== 0;
        if (level === 1) break;
        if ((entryLo & PS) !== 0) {
          if (!this.mayBeLarge(level)) return this.fail(PF_PRESENT | PF_RESERVED, kind, user);
          break;
        }
      }
      table = frameOf(entryLo, entryHi);
    }
    const isDenied =
      (user && (rights & US) === 0) ||
      (kind === WRITE && (rights & RW) === 0 && (user || this.writeProtect)) ||
      (kind === FETCH && noExecute);
    if (isDenied) return this.fail(PF_PRESENT, kind, user);
    this.isForced = kind === WRITE && (rights & RW) === 0;
    this.leaf = level;
    const pages = 2 ** (paging.shifts[level]! - 12);
    const page = ((lo >>> 12) | (hi << 20)) & (pages - 1);
    this.frame = (frameOf(this.lows[level]!, this.highs[level]!) & -pages) + page;
    this.setBits(level, kind === WRITE);
    return true;
  }

  /** Reads one entry of a guest table into `lows` and `highs` at a level. */
  read(level: number, table: Gfn, index: number): void {
    const { paging } = this.hardware;
    const { ram } = this.hardware.machine;
    this.tables[level] = table;
    this.indices[level] = index;
    if (this.pdptes !== undefined && level === 3) {
      this.lows[level] = this.pdptes[2 * index]!;
      this.highs[level] = this.pdptes[2 * index + 1]!;
      return;
    }
    // Where there is no memory, ones are read.
    if (!this.memory.isMemory(table)) {
      this.lows[level] = -1;
      this.highs[level] = -1;
      return;
    }
    const frame = this.map.require(table);
    if (paging.entryBytes === 4) {
      this.lows[level] = ram[frame * 1024 + index]!;
      this.highs[level] = 0;
    } else {
      this.lows[level] = ram[frame * 1024 + index * 2]!;
      this.highs[level] = ram[frame * 1024 + index * 2 + 1]!;
    }
  }

  private mayBeLarge(level: number): boolean {
    const { paging } = this.hardware;
    const { profile } = this.hardware.machine;
    return level === paging.leafLevel["1G"] ? profile.features.page1G : level === 2;
  }

  private setBits(leaf: number, write: boolean): void {
    const { paging } = this.hardware;
    const { ram } = this.hardware.machine;
    for (let level = paging.levels; level >= leaf; level--) {
      if (paging.name === "pae" && level === 3) continue;
      const wanted = level === leaf && write ? A | D : A;
      if ((this.lows[level]! & wanted) === wanted) continue;
      this.lows[level]! |= wanted;
      const stride = paging.entryBytes / 4;
      ram[this.map.require(this.tables[level]!) * 1024 + this.indices[level]! * stride] = this.lows[level]!;
    }
  }

  private fail(code: number, kind: number, user: boolean): boolean {
    const fetch = kind === FETCH && this.hardware.machine.profile.features.nx && this.hardware.paging.hasNx;
    this.errorCode = code | (kind === WRITE ? PF_WRITE : 0) | (user ? PF_USER : 0) | (fetch ? PF_FETCH : 0);
    return false;
  }
}
