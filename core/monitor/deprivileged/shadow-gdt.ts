/**
 * The descriptor table that the machine reads while a guest kernel runs at CPL 1: a copy of the guest's in which what was for
 * CPL 0 is for CPL 1, and gates and system segments are absent, so that their use traps.
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
const ACCESSED = 0x100;

/** A table has at most 64 KiB. */
const PAGES = 16;

export class ShadowGdt {
  readonly address: number;
  /** Highest valid offset; -1 while the guest has loaded none. */
  limit = -1;
  private readonly frames: readonly Hfn[];

  constructor(
    private readonly hardware: CodeMachine,
    window: MonitorWindow,
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
      const word = this.frames[offset >> 12]! * 1024 + ((offset & 0xfff) >> 2);
      let low = read(offset);
      let high = deprivileged(read(offset + 4));
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
    const word = this.frames[offset >> 12]! * 1024 + ((offset & 0xfff) >> 2);
    return this.hardware.machine.ram[word + 1]!;
  }
}

function isFlatData(low: number, high: number): boolean {
  const limit = (low & 0xffff) | (high & LIMIT_HIGH);
  return (high & (CODE_OR_DATA | CODE | GRANULAR)) === (CODE_OR_DATA | GRANULAR) && limit === FLAT_LIMIT;
}

/** The second word of a descriptor for CPL 1 what the guest's is for CPL 0. The accessed bit is set: the table is read-only. */
function deprivileged(high: number): number {
  if ((high & CODE_OR_DATA) === 0) return high & ~PRESENT;
  const marked = high | ACCESSED;
  return (marked & DPL) === 0 ? marked | (1 << PRIVILEGE_SHIFT) : marked;
}
