/**
 * A monitor's map from guest-physical to host-physical memory, kept as real tables in the machine's memory in the format
 * of the EPT or NPT. Under nested paging the hardware walks it; under shadow paging the monitor reads it (as Xen's p2m
 * for HVM guests does). Host frames come from the machine, at the host's page size.
 */
import { OWNER } from "../../events/memory-owners.js";
import type { Gfn, Hfn } from "../../machine/address.js";
import type { Machine } from "../../machine/machine.js";
import {
  A,
  D,
  EPT_A,
  EPT_D,
  EPT_R,
  EPT_W,
  EPT_WB,
  EPT_X,
  entryHi,
  entryLo,
  flagsOf,
  frameOf,
  P,
  PS,
  RW,
  US,
} from "../../machine/mmu/entry.js";
import { invariant } from "../../util/errors.js";
import type { HostRuns } from "./host-runs.js";

export class GuestMap {
  readonly root: Hfn;
  private readonly tableFlags: number;
  private readonly leafFlags: number;
  /** Host-speed copy of the translations of frames with contents, plus one; 0 is unknown. Invisible in results. */
  private readonly known: Int32Array;

  /**
   * @param levels of the tables; 1 is a flat table, which `flatFrames` guest frames have their entries in.
   * @param order log2 of the frames of a host page: 0, 9 or 18.
   * @param backedFrames guest frames with contents; a multiple of the host page.
   * @param owner of the tables' frames in the ledger (OWNER.*).
   * @param orderAt of the host page around a guest frame, where not all are of one size; at most `order`.
   * @param runs where single frames with contents come from; else they are the host's next.
   */
  constructor(
    private readonly machine: Machine,
    private readonly levels: number,
    readonly order: number,
    private readonly backedFrames: number,
    private readonly owner: number,
    private readonly orderAt?: (gfn: Gfn) => number,
    flatFrames = 0,
    private readonly runs?: HostRuns,
  ) {
    const isWhole = orderAt !== undefined || backedFrames % 2 ** order === 0;
    invariant(isWhole, "guest memory with contents is whole host pages", () => ({
      backedFrames,
      order,
    }));
    const isEpt = machine.nestedFormat === "ept";
    this.tableFlags = isEpt ? EPT_R | EPT_W | EPT_X : P | RW | US;
    this.leafFlags = isEpt ? EPT_R | EPT_W | EPT_X | EPT_WB : P | RW | US;
    this.root = levels === 1 ? this.newFlatTable(flatTableFrames(flatFrames)) : this.newTable();
    this.known = new Int32Array(backedFrames);
  }

  /** The host frame of a guest frame, or -1. */
  find(gfn: Gfn): Hfn {
    const { ram } = this.machine;
    let table = this.topTable(gfn);
    for (let level = this.levels; ; level--) {
      const word = table * 1024 + indexOf(gfn, level) * 2;
      const lo = ram[word]!;
      if ((lo & 7) === 0) return -1;
      const frame = frameOf(lo, ram[word + 1]!);
      if (level === 1) return frame;
      if ((lo & PS) !== 0) return frame + (gfn & (2 ** (9 * (level - 1)) - 1));
      table = frame;
    }
  }

  /** Gives the host page around a guest frame its frames and maps it. Returns the host frame. @throws UnsupportedError */
  populate(gfn: Gfn): Hfn {
    const { frames } = this.machine;
    const order = this.pageOrder(gfn);
    const first = gfn - (gfn % 2 ** order);
    const host =
      gfn >= this.backedFrames
        ? frames.takeBare(OWNER.guest_memory, order)
        : order === 0 && this.runs !== undefined
          ? this.runs.take(gfn, OWNER.guest_memory)
          : frames.takeBacked(OWNER.guest_memory, order);
    this.map(first, host, 1 + order / 9);
    return host + (gfn - first);
  }

  /** log2 of the frames of the host page around a guest frame. */
  pageOrder(gfn: Gfn): number {
    return this.orderAt?.(gfn) ?? this.order;
  }

  /** Maps one guest frame to a host frame that is given. Neither is counted as the guest's memory. */
  mapFrame(gfn: Gfn, host: Hfn): void {
    this.map(gfn, host, 1);
  }

  /** Takes a mapping of one frame away; the caller drops what the hardware remembers of it. */
  unmapFrame(gfn: Gfn): void {
    const { ram } = this.machine;
    let table = this.topTable(gfn);
    for (let level = this.levels; level > 1; level--) {
      const word = table * 1024 + indexOf(gfn, level) * 2;
      if ((ram[word]! & 7) === 0) return;
      table = frameOf(ram[word]!, ram[word + 1]!);
    }
    ram[table * 1024 + indexOf(gfn, 1) * 2] = 0;
  }

  /** Takes the host page around a guest frame away from the guest, and gives its frames back; nothing where there is none. */
  release(gfn: Gfn): void {
    const { ram, frames } = this.machine;
    let table = this.topTable(gfn);
    for (let level = this.levels; ; level--) {
      const word = table * 1024 + indexOf(gfn, level) * 2;
      const lo = ram[word]!;
      if ((lo & 7) === 0) return;
      const frame = frameOf(lo, ram[word + 1]!);
      if (level === 1 || (lo & PS) !== 0) {
        ram[word] = 0;
        const order = 9 * (level - 1);
        frames.give(OWNER.guest_memory, frame, order);
        const first = gfn - (gfn % 2 ** order);
        this.known.fill(0, first, first + 2 ** order);
        return;
      }
      table = frame;
    }
  }

  /** Forbids writes to a guest frame that is mapped, or allows them again; the caller drops what the hardware remembers. */
  setWritable(gfn: Gfn, isWritable: boolean): void {
    this.setBits(gfn, this.machine.nestedFormat === "ept" ? EPT_W : RW, isWritable);
  }

  /** Sets or clears the dirty bit of a guest frame that is mapped; the caller drops what the hardware remembers. */
  setDirty(gfn: Gfn, isDirty: boolean): void {
    this.setBits(gfn, this.machine.nestedFormat === "ept" ? EPT_D : D, isDirty);
  }

  /** Of the 4 KiB entry of a guest frame; a large page around it is split. */
  private setBits(gfn: Gfn, bits: number, isSet: boolean): void {
    const { ram } = this.machine;
    let table = this.topTable(gfn);
    for (let level = this.levels; level > 1; level--) {
      const word = table * 1024 + indexOf(gfn, level) * 2;
      invariant((ram[word]! & 7) !== 0, "the guest frame is mapped", () => ({ gfn }));
      if ((ram[word]! & PS) !== 0) this.split(word, level);
      table = frameOf(ram[word]!, ram[word + 1]!);
    }
    const word = table * 1024 + indexOf(gfn, 1) * 2;
    ram[word] = isSet ? ram[word]! | bits : ram[word]! & ~bits;
  }

  /** Maps in pieces of the next smaller size what one entry of a level maps: same frames, same rights. */
  private split(word: number, level: number): void {
    const { ram } = this.machine;
    const [lo, hi] = [ram[word]!, ram[word + 1]!];
    const below = this.newTable();
    const flags = flagsOf(lo, hi) & (level === 2 ? ~PS : -1);
    const frames = 2 ** (9 * (level - 2));
    for (let index = 0; index < 512; index++) {
      const frame = frameOf(lo, hi) + index * frames;
      ram[below * 1024 + index * 2] = entryLo(frame, flags);
      ram[below * 1024 + index * 2 + 1] = entryHi(frame, flags);
    }
    ram[word] = entryLo(below, this.tableFlags);
    ram[word + 1] = entryHi(below, this.tableFlags);
  }

  /** @param leaf level of the leaf; `first` and `host` are aligned to its page. */
  private map(first: Gfn, host: Hfn, leaf: number): void {
    const { ram } = this.machine;
    let table = this.topTable(first);
    for (let level = this.levels; level > leaf; level--) {
      const word = table * 1024 + indexOf(first, level) * 2;
      if ((ram[word]! & 7) === 0) {
        const below = this.newTable();
        ram[word] = entryLo(below, this.tableFlags);
        ram[word + 1] = entryHi(below, this.tableFlags);
      }
      table = frameOf(ram[word]!, ram[word + 1]!);
    }
    const word = table * 1024 + indexOf(first, leaf) * 2;
    const flags = leaf === 1 ? this.leafFlags : this.leafFlags | PS;
    ram[word] = entryLo(host, flags);
    ram[word + 1] = entryHi(host, flags);
  }

  /** The host frame of a guest frame, populated if need be. */
  require(gfn: Gfn): Hfn {
    const known = gfn < this.backedFrames ? this.known[gfn]! : 0;
    if (known !== 0) return known - 1;
    const found = this.find(gfn);
    const frame = found >= 0 ? found : this.populate(gfn);
    if (gfn < this.backedFrames) this.known[gfn] = frame + 1;
    return frame;
  }

  /** Whether the leaf of a guest frame has its accessed or dirty bit set (debugger's view). */
  bits(gfn: Gfn): { accessed: boolean; dirty: boolean } {
    const { ram } = this.machine;
    const isEpt = this.machine.nestedFormat === "ept";
    let table = this.topTable(gfn);
    for (let level = this.levels; ; level--) {
      const word = table * 1024 + indexOf(gfn, level) * 2;
      const lo = ram[word]!;
      if (level === 1 || (lo & PS) !== 0 || (lo & 7) === 0) {
        return { accessed: (lo & (isEpt ? EPT_A : A)) !== 0, dirty: (lo & (isEpt ? EPT_D : D)) !== 0 };
      }
      table = frameOf(lo, ram[word + 1]!);
    }
  }

  /** The table of the highest level that has a guest frame's entry. */
  private topTable(gfn: Gfn): Hfn {
    return this.levels === 1 ? this.root + (gfn >>> 9) : this.root;
  }

  private newFlatTable(tables: number): Hfn {
    const { ram, frames } = this.machine;
    const first = frames.takeBacked(this.owner, Math.log2(tables));
    ram.fill(0, first * 1024, (first + tables) * 1024);
    return first;
  }

  private newTable(): Hfn {
    const { ram, frames } = this.machine;
    const frame = frames.takeBacked(this.owner);
    ram.fill(0, frame * 1024, frame * 1024 + 1024);
    return frame;
  }
}

/** Frames of a flat table with entries for so many guest frames. */
export function flatTableFrames(guestFrames: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(guestFrames / 512)));
}

function indexOf(gfn: number, level: number): number {
  return level === 5 ? 0 : (gfn >>> (9 * (level - 1))) & 511;
}
