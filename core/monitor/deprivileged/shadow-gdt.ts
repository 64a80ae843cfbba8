/**
 * A descriptor table that the machine reads while a guest runs: a copy of the guest's in which what was for CPL 0 is for the
 * ring of the guest's kernel, and gates and system segments are absent, so that their use traps.
 */
import type { Hfn } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { PRIVILEGE_SHIFT } from "../../machine/cpu/segments.js";
import { type MonitorWindow, WINDOW_BASE } from "./window.js";

/** Of a descriptor's second word: present, code or data, code, DPL, accessed; and its limit. */
const PRESENT = 0x8000;
const CODE_OR_DATA = 0x1000;
const CODE = 0x800;
const LIMIT_HIGH = 0xf_0000;
const GRANULAR = 0x80_0000;
/** Limits of a flat segment, in pages, and of one that ends where the window begins. */
const FLAT_LIMIT = 0xf_ffff;
const TRUNCATED_LIMIT = WINDOW_BASE / 4096 - 1;
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
    /** Data segments end where the monitor's addresses begin. */
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
      if (this.truncates && isFlatData(low, high)) {
        low = (low & ~0xffff) | (TRUNCATED_LIMIT & 0xffff);
        high = (high & ~LIMIT_HIGH) | (TRUNCATED_LIMIT & LIMIT_HIGH);
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

function isFlatData(low: number, high: number): boolean {
  const limit = (low & 0xffff) | (high & LIMIT_HIGH);
  return (high & (CODE_OR_DATA | CODE | GRANULAR)) === (CODE_OR_DATA | GRANULAR) && limit === FLAT_LIMIT;
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
