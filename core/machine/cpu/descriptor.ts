/**
 * A segment descriptor as it is in the GDT or LDT (SDM vol. 3, 3.4.5, 3.5, 8.2), fetched into two words and looked at.
 *
 *      low    31..16 base 15..0    15..0 limit 15..0
 *      high   31..24 base 31..24   23 G   22 D/B   21 L   20 AVL   19..16 limit 19..16
 *             15 P   14..13 DPL    12 S   11..8 type   7..0 base 23..16
 *
 * Types with S = 1:  8 code: 4 conforming, 2 readable;  data: 4 expand-down, 2 writable;  1 accessed.
 */
import type { Core } from "./core.js";
import { SPAN_READ } from "./host.js";
import { ATTRIBUTES, BASE, GDTR_BASE, GDTR_LIMIT, LIMIT, segmentWord } from "./places.js";
import { LDTR } from "./state.js";

export const ACCESSED = 0x100;
/** Of data: writable. Of code: readable. */
const READ_WRITE = 0x200;
/** Of data: expand-down. Of code: conforming. */
const DOWN_CONFORMING = 0x400;
const CODE = 0x800;
const S = 0x1000;
const PRESENT = 0x8000;
export const LONG = 0x20_0000;
export const BIG = 0x40_0000;
export const GRANULAR = 0x80_0000;

/** Types of system segments and gates (SDM vol. 3, table 3-2). In IA-32e mode 9, B and C, E, F are the 64-bit ones. */
export const SYSTEM_TYPE = {
  tss16: 1,
  ldt: 2,
  busyTss16: 3,
  callGate16: 4,
  taskGate: 5,
  interruptGate16: 6,
  trapGate16: 7,
  tss32: 9,
  busyTss32: 0xb,
  callGate32: 0xc,
  interruptGate32: 0xe,
  trapGate32: 0xf,
} as const;
export const BUSY = 2;

/** A selector: index (times 8), TI, RPL. */
export const RPL = 3;
const TI = 4;
export const isNull = (selector: number): boolean => (selector & 0xfffc) === 0;

const LDT_SEGMENT = segmentWord(LDTR);

export class Descriptor {
  selector = 0;
  low = 0;
  high = 0;
  /** Linear address of the descriptor. */
  private addressLow = 0;
  private addressHigh = 0;

  constructor(private readonly core: Core) {}

  /** Reads the descriptor of a selector, which is not null. False: it is outside its table. */
  fetch(selector: number): boolean {
    return this.fetchBytes(selector, 8);
  }

  /** The same for a system descriptor, which has 16 bytes in IA-32e mode; its upper base is read by `readUpper`. */
  fetchSystem(selector: number): boolean {
    return this.fetchBytes(selector, this.core.isLong ? 16 : 8);
  }

  private fetchBytes(selector: number, bytes: number): boolean {
    const { words, memory } = this.core;
    const isLocal = (selector & TI) !== 0;
    if (isLocal && words[LDT_SEGMENT + ATTRIBUTES] === 0) return false;
    const base = isLocal ? LDT_SEGMENT + BASE : GDTR_BASE;
    const limit = words[isLocal ? LDT_SEGMENT + LIMIT : GDTR_LIMIT]! >>> 0;
    const offset = selector & 0xfff8;
    if (offset + bytes - 1 > limit) return false;
    const start = words[base]!;
    const low = (start + offset) | 0;
    const high = (words[base + 1]! + (low >>> 0 < start >>> 0 ? 1 : 0)) | 0;
    this.selector = selector;
    this.addressLow = low;
    this.addressHigh = this.core.isLong ? high : 0;
    const at = memory.span(this.addressHigh, low, 8, SPAN_READ, false);
    if (at >= 0) {
      this.low = memory.words[at]!;
      this.high = memory.words[at + 1]!;
    } else {
      this.low = memory.read64(this.addressHigh, low, false);
      this.high = memory.high;
    }
    return true;
  }

  /** Bits 63..32 of a 64-bit system descriptor's base or offset; the type bits above them are left in `core.high`. */
  readUpper(): number {
    const { core } = this;
    const low = (this.addressLow + 8) | 0;
    const carry = low >>> 0 < this.addressLow >>> 0 ? 1 : 0;
    const upper = core.memory.read64((this.addressHigh + carry) | 0, low, false);
    core.high = core.memory.high;
    return upper;
  }

  /** Sets the accessed bit in the table unless it is set. */
  markAccessed(): void {
    if ((this.high & ACCESSED) === 0) this.writeHigh(this.high | ACCESSED);
  }

  /** Replaces the second word in the table (accessed and busy bits). */
  writeHigh(high: number): void {
    this.high = high;
    const low = (this.addressLow + 4) | 0;
    const carry = low >>> 0 < this.addressLow >>> 0 ? 1 : 0;
    this.core.memory.write((this.addressHigh + carry) | 0, low, 4, high, false);
  }

  // What it says.

  get privilege(): number {
    return (this.high >>> 13) & 3;
  }
  get isPresent(): boolean {
    return (this.high & PRESENT) !== 0;
  }
  get isCode(): boolean {
    return (this.high & (S | CODE)) === (S | CODE);
  }
  get isConforming(): boolean {
    return (this.high & (S | CODE | DOWN_CONFORMING)) === (S | CODE | DOWN_CONFORMING);
  }
  get isWritableData(): boolean {
    return (this.high & (S | CODE | READ_WRITE)) === (S | READ_WRITE);
  }
  /** Data, or code that may be read. */
  get isReadable(): boolean {
    return (this.high & S) !== 0 && (this.high & (CODE | READ_WRITE)) !== CODE;
  }
  /** Type of a system descriptor, or -1 of code and data. */
  get systemType(): number {
    return (this.high & S) !== 0 ? -1 : (this.high >>> 8) & 15;
  }
  get isLong(): boolean {
    return (this.high & LONG) !== 0;
  }
  get isBig(): boolean {
    return (this.high & BIG) !== 0;
  }
  /** Last byte of the segment by the limit field, unsigned; G is applied. */
  get limit(): number {
    return limitOf(this.low, this.high) >>> 0;
  }
  get base(): number {
    return baseOf(this.low, this.high);
  }
}

/** Base of a descriptor, as int32. */
export function baseOf(low: number, high: number): number {
  return (low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000);
}

/** Limit in bytes, as int32. */
export function limitOf(low: number, high: number): number {
  const limit = (low & 0xffff) | (high & 0xf_0000);
  return (high & GRANULAR) === 0 ? limit : (limit << 12) | 0xfff;
}

/**
 * Lowest and highest offset in a segment of this type and limit, as int32. Expand-down data (SDM vol. 3, 3.4.5.1) lies
 * above the limit, up to 64 KiB or 4 GiB; where the limit leaves nothing of it, lowest is above highest.
 */
export function lowestOf(high: number, limit: number): number {
  if (!isExpandDown(high)) return 0;
  return isNothingAbove(high, limit) ? 1 : limit + 1;
}
export function highestOf(high: number, limit: number): number {
  if (!isExpandDown(high)) return limit;
  return isNothingAbove(high, limit) ? 0 : topOf(high);
}

const isExpandDown = (high: number): boolean =>
  (high & (S | CODE | DOWN_CONFORMING)) === (S | DOWN_CONFORMING);
const topOf = (high: number): number => ((high & BIG) !== 0 ? -1 : 0xffff);
const isNothingAbove = (high: number, limit: number): boolean => limit >>> 0 >= topOf(high) >>> 0;

/** Of a descriptor's second word: may be read, may be written. */
export const isReadableType = (high: number): boolean => (high & (CODE | READ_WRITE)) !== CODE;
export const isWritableType = (high: number): boolean => (high & (CODE | READ_WRITE)) === READ_WRITE;
