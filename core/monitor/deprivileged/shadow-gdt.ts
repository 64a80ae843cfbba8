/**
 * A descriptor table that the machine reads while a guest runs: a copy of the guest's in which what was for CPL 0 is for the
 * ring of the guest's kernel, and gates and system segments are absent, so that their use traps.
 */
import { type Hfn, PAGE_BYTES } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { highestOf, limitOf, lowestOf, rightsOf } from "../../machine/cpu/descriptor.js";
import { PRIVILEGE_SHIFT } from "../../machine/cpu/segments.js";
import { isInWindow, type SegmentExtent } from "./segment-extent.js";
import { type MonitorWindow, WINDOW_BASE } from "./window.js";

/** Of a descriptor's second word: present, code or data, code, DPL, accessed; and its limit. */
const PRESENT = 0x8000;
const CODE_OR_DATA = 0x1000;
const CODE = 0x800;
/** Of code. */
const READABLE = 0x200;
const LIMIT_HIGH = 0xf_0000;
const GRANULAR = 0x80_0000;
/** Data whose limit is its lower end. */
const EXPAND_DOWN = 0x400;
const DPL = 3 << PRIVILEGE_SHIFT;
const CONFORMING = 0x400;
const ACCESSED = 0x100;

/** A table has at most 64 KiB. */
const PAGES = 16;

/**
 * Whom a table is for: a kernel in its ring, with the programs that it enters by IRET; the same for a kernel that is translated; or,
 * where all are at CPL 3, the kernel or the programs alone.
 */
export type TableUse = "ring-1" | "translated" | "kernel-at-3" | "programs";

export class ShadowGdt {
  readonly address: number;
  /** Highest valid offset; -1 while the guest has loaded none. */
  limit = -1;
  private readonly frames: readonly Hfn[];
  /** By their offset in the table, segments that are not as the guest has them: those. */
  private readonly whole = new Map<number, SegmentExtent>();

  constructor(
    private readonly hardware: CodeMachine,
    window: MonitorWindow,
    private readonly use: TableUse,
    /**
     * Segments end where the monitor's addresses begin, or are absent: their load is emulated. Code of programs stays whole, for
     * flat code is the fastest; it is not readable, so that a kernel cannot refer to memory by it.
     */
    private readonly truncates: boolean,
  ) {
    const { address, frames } = window.add(PAGES, false);
    this.address = address;
    this.frames = frames;
  }

  /**
   * Copies the guest's table.
   * @param limit of the guest's GDTR. @param read an aligned word of the guest's at an offset in its table.
   */
  copy(limit: number, read: (offset: number) => number): void {
    this.limit = limit;
    this.whole.clear();
    const { ram } = this.hardware.machine;
    for (let offset = 0; offset + 7 <= limit; offset += 8) {
      const word = this.wordAt(offset);
      let low = read(offset);
      let high = DEPRIVILEGED[this.use](read(offset + 4));
      if (this.truncates && reachesWindow(low, high)) {
        this.whole.set(offset, extentOf(low, high));
        if (isProgramCode(high)) high &= ~READABLE;
        else [low, high] = truncated(low, high);
      }
      ram[word] = low;
      ram[word + 1] = high;
    }
  }

  /** A segment that is not as the guest has it: that one. */
  wholeAt(offset: number): SegmentExtent | undefined {
    return this.whole.get(offset);
  }

  /** The word at an offset in the table, a multiple of 4. */
  word(offset: number): number {
    return this.hardware.machine.ram[this.wordAt(offset)]!;
  }

  private wordAt(offset: number): number {
    return this.frames[offset >> 12]! * 1024 + ((offset & 0xfff) >> 2);
  }
}

const baseOf = (low: number, high: number): number =>
  ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000)) >>> 0;

/** What a descriptor of code or data says of its segment's extent. */
export function extentOf(low: number, high: number): SegmentExtent {
  const limit = limitOf(low, high);
  return {
    base: baseOf(low, high),
    lowest: lowestOf(high, limit),
    highest: highestOf(high, limit),
    rights: rightsOf(high),
  };
}

const reachesWindow = (low: number, high: number): boolean =>
  (high & CODE_OR_DATA) !== 0 && isInWindow(extentOf(low, high));

/**
 * The descriptor of such a segment when it ends before the window. It is absent where no limit says that; or where it is for
 * programs too, and does not begin at 0: with offsets that wrap these reach their thread's data (Drepper, "ELF handling for
 * thread-local storage", 2013), which is harmless at CPL 3.
 */
function truncated(low: number, high: number): [low: number, high: number] {
  const base = baseOf(low, high);
  const expandsDown = (high & (CODE | EXPAND_DOWN)) === EXPAND_DOWN;
  const bytes = WINDOW_BASE - base;
  const limit = (high & GRANULAR) === 0 ? bytes - 1 : Math.floor(bytes / PAGE_BYTES) - 1;
  if (expandsDown || ((high & DPL) === DPL && base !== 0) || limit < 0) return [low, high & ~PRESENT];
  return [(low & ~0xffff) | (limit & 0xffff), (high & ~LIMIT_HIGH) | (limit & LIMIT_HIGH)];
}

/** The second word of a descriptor that traps when it is used, or is marked accessed: the table is read-only. */
function trapping(high: number): number {
  return (high & CODE_OR_DATA) === 0 ? high & ~PRESENT : high | ACCESSED;
}

const isProgramCode = (high: number): boolean =>
  (high & (CODE_OR_DATA | CODE | DPL)) === (CODE_OR_DATA | CODE | DPL);

/** What is for CPL 0 is for another ring. */
function raised(high: number, ring: number): number {
  return (high & (DPL | CODE_OR_DATA)) === CODE_OR_DATA ? high | (ring << PRIVILEGE_SHIFT) : high;
}

const isKernelCode = (high: number): boolean =>
  (high & (CODE_OR_DATA | CODE)) === (CODE_OR_DATA | CODE) && (high & DPL) !== DPL;

/** The second word of a descriptor, for each use. */
const DEPRIVILEGED: Readonly<Record<TableUse, (high: number) => number>> = {
  "ring-1": (high) => raised(trapping(high), 1),
  // What translated code goes to is translated: its IRET finds no code but programs'.
  translated: (high) => (isKernelCode(high) ? high & ~PRESENT : raised(trapping(high), 1)),
  "kernel-at-3": (high) => {
    // The way to a program would be no change of privilege, and would not trap: its code is for nobody (#GP).
    return isProgramCode(high) ? trapping(high) & ~(DPL | CONFORMING) : raised(trapping(high), 3);
  },
  programs: trapping,
};
