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
import { LDTR, MODE, SEGMENT_READABLE, SEGMENT_WRITABLE } from "./state.js";

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
const INDEX_BITS = 0xfff8;
export const isNull = (selector: number): boolean => (selector & 0xfffc) === 0;

/** Of a descriptor's second word, kept in a segment register: type, S, DPL, P, AVL, L, D/B, G. */
const ATTRIBUTE_BITS = 0xf0_ff00;

const LDT_SEGMENT = segmentWord(LDTR);

/**
 * One descriptor. What follows from its two words is worked out when they differ from those fetched before: interrupts and
 * their returns fetch the same ones again and again.
 */
export class Descriptor {
  selector = 0;
  low = 0;
  high = 0;

  /** The hidden part it gives (SEGMENT in state.ts), all int32. */
  base = 0;
  limit = 0;
  lowest = 0;
  highest = 0;
  attributes = 0;
  rights = 0;
  flat = 0;

  /** Linear address of the descriptor. */
  addressLow = 0;
  addressHigh = 0;

  constructor(private readonly core: Core) {
    this.parse(0, 0);
  }

  /** Reads the descriptor of a selector, which is not null. False: it is outside its table. */
  fetch(selector: number): boolean {
    const { words } = this.core;
    const offset = selector & INDEX_BITS;
    if ((selector & TI) !== 0) return this.fetchLocal(selector, offset + 7);
    if (offset + 7 > words[GDTR_LIMIT]!) return false;
    this.read(selector, words[GDTR_BASE]!, words[GDTR_BASE + 1]!);
    return true;
  }

  /** The same for a system descriptor, which has 16 bytes in IA-32e mode; its upper base is read by `readUpper`. */
  fetchSystem(selector: number): boolean {
    const { words, isLong } = this.core;
    const last = (selector & INDEX_BITS) + (isLong ? 15 : 7);
    if ((selector & TI) !== 0) return this.fetchLocal(selector, last);
    if (last > words[GDTR_LIMIT]!) return false;
    this.read(selector, words[GDTR_BASE]!, words[GDTR_BASE + 1]!);
    return true;
  }

  /** @param last offset of the descriptor's last byte in the LDT. */
  private fetchLocal(selector: number, last: number): boolean {
    const { words } = this.core;
    if (words[LDT_SEGMENT + ATTRIBUTES] === 0 || last > words[LDT_SEGMENT + LIMIT]! >>> 0) return false;
    this.read(selector, words[LDT_SEGMENT + BASE]!, words[LDT_SEGMENT + BASE + 1]!);
    return true;
  }

  /** Reads from the table at a linear address. */
  private read(selector: number, base: number, baseHigh: number): void {
    const { memory, isLong } = this.core;
    const address = (base + (selector & INDEX_BITS)) | 0;
    const addressHigh = isLong ? (baseHigh + (address >>> 0 < base >>> 0 ? 1 : 0)) | 0 : 0;
    this.selector = selector;
    this.addressLow = address;
    this.addressHigh = addressHigh;
    const at = memory.span(addressHigh, address, 8, SPAN_READ, false);
    if (at >= 0) {
      const low = memory.words[at]!;
      const high = memory.words[at + 1]!;
      if (low !== this.low || high !== this.high) this.parse(low, high);
    } else this.parse(memory.read64(addressHigh, address, false), memory.high);
  }

  private parse(low: number, high: number): void {
    const limit = limitOf(low, high);
    this.low = low;
    this.high = high;
    this.base = baseOf(low, high);
    this.limit = limit;
    this.lowest = lowestOf(high, limit);
    this.highest = highestOf(high, limit);
    this.attributes = high & ATTRIBUTE_BITS;
    this.rights = rightsOf(high);
    this.flat = flatOf(this.base, this.lowest, this.highest, this.rights);
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
    this.parse(this.low, high);
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

/** SEGMENT_READABLE and SEGMENT_WRITABLE by a descriptor's second word. */
export function rightsOf(high: number): number {
  const isReadable = (high & (CODE | READ_WRITE)) !== CODE;
  const isWritable = (high & (CODE | READ_WRITE)) === READ_WRITE;
  return (isReadable ? SEGMENT_READABLE : 0) | (isWritable ? SEGMENT_WRITABLE : 0);
}

/** SEGMENT.flat of a hidden part. */
export function flatOf(base: number, lowest: number, highest: number, rights: number): number {
  if (base !== 0 || lowest !== 0 || highest !== -1) return 0;
  return rights === (SEGMENT_READABLE | SEGMENT_WRITABLE) ? MODE.flatCode | MODE.flatData : MODE.flatCode;
}
