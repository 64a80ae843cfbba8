/**
 * A descriptor table that the machine reads while a guest runs: a copy of the guest's in which what was for CPL 0 is for the
 * ring of the guest's kernel, and gates and system segments are absent, so that their use traps.
 */
import { type Hfn, PAGE_BYTES } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { highestOf, limitOf, lowestOf } from "../../machine/cpu/descriptor.js";
import { PRIVILEGE_SHIFT } from "../../machine/cpu/segments.js";
import { type MonitorWindow, WINDOW_BASE } from "./window.js";

/** Of a descriptor's second word: present, code or data, code, DPL, accessed; and its limit. */
const PRESENT = 0x8000;
const CODE_OR_DATA = 0x1000;
const CODE = 0x800;
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
 * Whom a table is for: a kernel in its ring, with the programs that it enters by IRET; or, where all are at CPL 3, the kernel
 * or the programs alone.
 */
export type TableUse = "ring-1" | "kernel-at-3" | "programs";

export class ShadowGdt {
  readonly address: number;
  /** Highest valid offset; -1 while the guest has loaded none. */
  limit = -1;
  private readonly frames: readonly Hfn[];

  constructor(
    private readonly hardware: CodeMachine,
    window: MonitorWindow,
    private readonly use: TableUse,
    /** Data segments end where the monitor's addresses begin, or are absent: their load is emulated. */
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
    const { ram } = this.hardware.machine;
    for (let offset = 0; offset + 7 <= limit; offset += 8) {
      const word = this.wordAt(offset);
      let low = read(offset);
      let high = DEPRIVILEGED[this.use](read(offset + 4));
      if (this.truncates && reachesWindow(low, high)) {
        const limit = truncatedLimit(low, high);
        low = (low & ~0xffff) | (limit & 0xffff);
        high = (high & ~LIMIT_HIGH) | (limit & LIMIT_HIGH);
        if (limit < 0) high &= ~PRESENT;
      }
      ram[word] = low;
      ram[word + 1] = high;
    }
  }

  /** The second word of the descriptor at an offset in the table. */
  high(offset: number): number {
    return this.hardware.machine.ram[this.wordAt(offset) + 1]!;
  }

  private wordAt(offset: number): number {
    return this.frames[offset >> 12]! * 1024 + ((offset & 0xfff) >> 2);
  }
}

const baseOf = (low: number, high: number): number =>
  ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000)) >>> 0;

/** Whether data have the window's addresses, whatever follows behind it, where addresses wrap. */
function reachesWindow(low: number, high: number): boolean {
  if ((high & (CODE_OR_DATA | CODE)) !== CODE_OR_DATA) return false;
  const base = baseOf(low, high);
  const limit = limitOf(low, high);
  return (
    base + (highestOf(high, limit) >>> 0) >= WINDOW_BASE && base + (lowestOf(high, limit) >>> 0) < 2 ** 32
  );
}

/**
 * Limit field of such a segment when it ends before the window. Negative: it must be absent, for no limit says it; or it is
 * for programs too, and does not begin at 0: with offsets that wrap these reach their thread's data (Drepper, "ELF handling for
 * thread-local storage", 2013), which is harmless at CPL 3.
 */
function truncatedLimit(low: number, high: number): number {
  const base = baseOf(low, high);
  if ((high & EXPAND_DOWN) !== 0 || ((high & DPL) === DPL && base !== 0)) return -1;
  const bytes = WINDOW_BASE - base;
  return (high & GRANULAR) === 0 ? bytes - 1 : Math.floor(bytes / PAGE_BYTES) - 1;
}

/** The second word of a descriptor that traps when it is used, or is marked accessed: the table is read-only. */
function trapping(high: number): number {
  return (high & CODE_OR_DATA) === 0 ? high & ~PRESENT : high | ACCESSED;
}

/** What is for CPL 0 is for another ring. */
function raised(high: number, ring: number): number {
  return (high & (DPL | CODE_OR_DATA)) === CODE_OR_DATA ? high | (ring << PRIVILEGE_SHIFT) : high;
}

/** The second word of a descriptor, for each use. */
const DEPRIVILEGED: Readonly<Record<TableUse, (high: number) => number>> = {
  "ring-1": (high) => raised(trapping(high), 1),
  "kernel-at-3": (high) => {
    // The way to a program would be no change of privilege, and would not trap: its code is for nobody (#GP).
    const isProgramCode = (high & (CODE_OR_DATA | CODE | DPL)) === (CODE_OR_DATA | CODE | DPL);
    return isProgramCode ? trapping(high) & ~(DPL | CONFORMING) : raised(trapping(high), 3);
  },
  programs: trapping,
};
