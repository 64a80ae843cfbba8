/**
 * A stack while an instruction or an interrupt pushes to it or pops from it, several items at once: all are checked before
 * one is written, so that a fault leaves nothing half done (SDM vol. 3, 6.5, restartable faults). The pointer is a copy
 * until `commit`. Item 0 is the one at the lowest address. Hot code: a frame within one page is one look-up.
 */
import type { Core } from "./core.js";
import type { Descriptor } from "./descriptor.js";
import { GuestFault } from "./fault.js";
import { type AccessBytes, SPAN_READ, SPAN_WRITE } from "./host.js";
import { isBeyondLongLimit } from "./long-limits.js";
import { BASE, GENERAL, HIGHEST, LOWEST, MODE_WORD, RSP, segmentWord } from "./places.js";
import { CODE_64, EXCEPTION, MODE, SS } from "./state.js";

const STACK_SEGMENT = segmentWord(SS);
const POINTER = GENERAL + 2 * RSP;
const NOT_FOUND = -1;

export class Stack {
  pointerLow = 0;
  pointerHigh = 0;

  /** 64-bit: flat, with canonical pointers. */
  private isLong = false;
  /** Of the pointer: 16 or 32 bits wrap around. */
  private mask = -1;
  private base = 0;
  private lowest = 0;
  private highest = 0;
  private isUser = false;
  private checksAlignment = false;
  /** 64-bit: SS has a limit nevertheless. */
  private isLimited = false;
  /** Of #SS for what lies outside. */
  private errorCode = 0;

  /** Index of item 0 in the memory's words, if the frame is in one piece, or -1; bytes of an item. */
  private index = NOT_FOUND;
  private size = 4;

  constructor(private readonly core: Core) {}

  /** The stack of SS:RSP. */
  useCurrent(): void {
    const { words } = this.core;
    const mode = words[MODE_WORD]!;
    this.pointerLow = words[POINTER]!;
    this.pointerHigh = words[POINTER + 1]!;
    this.isLong = (mode & MODE.codeSize) === CODE_64;
    this.isUser = (mode & MODE.user) !== 0;
    this.checksAlignment = (mode & MODE.alignmentCheck) !== 0;
    this.isLimited = (mode & MODE.longLimits) !== 0;
    this.errorCode = 0;
    if (this.isLong) return;
    this.mask = (mode & MODE.wideStack) !== 0 ? -1 : 0xffff;
    this.base = words[STACK_SEGMENT + BASE]!;
    this.lowest = words[STACK_SEGMENT + LOWEST]!;
    this.highest = words[STACK_SEGMENT + HIGHEST]!;
  }

  /** A stack whose segment is not loaded yet; #SS has its selector. */
  useDescriptor(pointer: number, descriptor: Descriptor, cpl: number): void {
    this.pointerLow = pointer;
    this.pointerHigh = 0;
    this.isLong = false;
    this.isUser = cpl === 3;
    this.checksAlignment = false;
    this.errorCode = descriptor.selector & 0xfffc;
    this.mask = descriptor.isBig ? -1 : 0xffff;
    this.base = descriptor.base;
    this.lowest = descriptor.lowest;
    this.highest = descriptor.highest;
  }

  /** A 64-bit stack of a lesser or equal CPL. */
  useLong(pointerLow: number, pointerHigh: number, cpl: number): void {
    this.pointerLow = pointerLow;
    this.pointerHigh = pointerHigh;
    this.isLong = true;
    this.isUser = cpl === 3;
    this.checksAlignment = false;
    this.isLimited = false;
    this.errorCode = 0;
  }

  /** Makes room for so many items and checks that they can be written. @param size 2, 4 or 8 bytes. */
  reserve(count: number, size: number): void {
    this.move(-count * size);
    this.locate(count, size, SPAN_WRITE);
  }

  /** Writes an item of a frame that was reserved; cannot fault. */
  put(item: number, low: number, high = 0): void {
    const { memory } = this.core;
    if (this.index >= 0) {
      const at = this.index + item * (this.size >> 2);
      memory.words[at] = low;
      if (this.size === 8) memory.words[at + 1] = high;
      return;
    }
    const linear = this.linearOf(item * this.size);
    if (this.size === 8) memory.write64(this.core.high, linear, low, high, this.isUser);
    else memory.write(this.core.high, linear, this.size as AccessBytes, low, this.isUser);
  }

  /** Three items one after the other, as `put`. */
  put3(item: number, first: number, second: number, third: number): void {
    const { index } = this;
    if (index >= 0 && this.size === 4) {
      const { words } = this.core.memory;
      words[index + item] = first;
      words[index + item + 1] = second;
      words[index + item + 2] = third;
    } else {
      this.put(item, first);
      this.put(item + 1, second);
      this.put(item + 2, third);
    }
  }

  /** Checks that so many items can be read where the pointer is. */
  view(count: number, size: number): void {
    this.locate(count, size, SPAN_READ);
  }

  /** Reads an item in view; the high half of 8 bytes is left in `core.high`. May fault. */
  at(item: number): number {
    const { core } = this;
    const { memory } = core;
    if (this.index >= 0) {
      const at = this.index + item * (this.size >> 2);
      core.high = this.size === 8 ? memory.words[at + 1]! : 0;
      return memory.words[at]!;
    }
    const linear = this.linearOf(item * this.size);
    if (this.size === 8) {
      const value = memory.read64(core.high, linear, this.isUser);
      core.high = memory.high;
      return value;
    }
    const value = memory.read(core.high, linear, this.size as AccessBytes, this.isUser);
    core.high = 0;
    return value;
  }

  /** Moves the pointer by so many bytes: up after items were popped. */
  move(bytes: number): void {
    const pointer = this.pointerLow;
    const sum = (pointer + bytes) | 0;
    if (this.isLong) {
      const carry = bytes >= 0 ? sum >>> 0 < pointer >>> 0 : sum >>> 0 > pointer >>> 0;
      if (carry) this.pointerHigh = (this.pointerHigh + (bytes >= 0 ? 1 : -1)) | 0;
      this.pointerLow = sum;
    } else this.pointerLow = (pointer & ~this.mask) | (sum & this.mask);
  }

  /** Makes the pointer RSP. */
  commit(): void {
    const { words } = this.core;
    words[POINTER] = this.pointerLow;
    words[POINTER + 1] = this.isLong ? this.pointerHigh : 0;
  }

  private locate(count: number, size: number, kind: number): void {
    const { core } = this;
    const bytes = count * size;
    this.size = size;
    this.index = NOT_FOUND;
    if (this.checksAlignment && (this.linearOf(0) & (size - 1)) !== 0) throw new GuestFault(EXCEPTION.AC, 0);
    if (this.isLong) {
      const last = (this.pointerLow + bytes - 1) | 0;
      const lastHigh = (this.pointerHigh + (last >>> 0 < this.pointerLow >>> 0 ? 1 : 0)) | 0;
      if (!core.isCanonical(this.pointerHigh) || !core.isCanonical(lastHigh)) this.fail();
      if (this.isLimited && isBeyondLongLimit(core.words, SS, this.pointerLow, this.pointerHigh, bytes))
        this.fail();
    } else {
      const first = (this.pointerLow & this.mask) >>> 0;
      if (first + bytes - 1 > this.mask >>> 0) {
        this.checkEach(count, size);
        if (kind === SPAN_WRITE) this.checkWrites(count, size);
        return;
      }
      if (first < this.lowest >>> 0 || first + bytes - 1 > this.highest >>> 0) this.fail();
    }
    const linear = this.linearOf(0);
    if (size >= 4) this.index = core.memory.span(core.high, linear, bytes, kind, this.isUser);
    if (this.index < 0 && kind === SPAN_WRITE) this.checkWrites(count, size);
  }

  /** A frame that wraps around: each item for itself. */
  private checkEach(count: number, size: number): void {
    for (let item = 0; item < count; item++) {
      const first = ((this.pointerLow + item * size) & this.mask) >>> 0;
      if (first < this.lowest >>> 0 || first + size - 1 > this.highest >>> 0) this.fail();
    }
  }

  private checkWrites(count: number, size: number): void {
    for (let item = 0; item < count; item++) {
      const linear = this.linearOf(item * size);
      this.core.memory.checkWrite(this.core.high, linear, size, this.isUser);
    }
  }

  /** Linear address of a byte of the frame; the high half is left in `core.high`. */
  private linearOf(offset: number): number {
    const { core } = this;
    const sum = (this.pointerLow + offset) | 0;
    if (!this.isLong) {
      core.high = 0;
      return (this.base + (sum & this.mask)) | 0;
    }
    core.high = (this.pointerHigh + (sum >>> 0 < this.pointerLow >>> 0 ? 1 : 0)) | 0;
    return sum;
  }

  private fail(): never {
    throw new GuestFault(EXCEPTION.SS, this.errorCode);
  }
}
