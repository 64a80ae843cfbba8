/**
 * Where code is executed: RIP, and the page of code that was looked up last. A page is known by its linear address
 * (STATE.codePage), its frame, and what RIP is at its first byte (STATE.codeOffset).
 */
import { PAGE_BYTES } from "../../address.js";
import { CODE_16, CODE_64, CS, MODE, SEGMENT, STATE, segmentOffset } from "../../cpu/state.js";
import type { Machine } from "../../machine.js";
import { RECORD } from "./record.js";

const CODE_SEGMENT = segmentOffset(CS);

export class CodePosition {
  private readonly words: Int32Array;
  /** All of linear memory: records lie outside the CPU's state. */
  private readonly all: Int32Array;

  constructor(machine: Machine) {
    this.words = machine.code!.cpu.words;
    this.all = new Int32Array(machine.memory.buffer);
  }

  /** RIP becomes that of a record's instruction. */
  setTo(record: number): void {
    const { words } = this;
    const place = (this.all[(record + RECORD.length - 1) >> 2]! >>> 16) & 0xffff;
    const first = words[STATE.codeOffset / 4]!;
    const low = (first + place) | 0;
    const carry = low >>> 0 < first >>> 0 ? 1 : 0;
    const { codeSize } = this;
    words[STATE.rip / 4] = codeSize === CODE_16 ? low & 0xffff : low;
    words[STATE.rip / 4 + 1] = codeSize === CODE_64 ? words[STATE.codeOffset / 4 + 1]! + carry : 0;
  }

  /** The page of code is looked up anew. */
  forgetPage(): void {
    this.words[STATE.codePage / 4] = -1;
    this.words[STATE.codePage / 4 + 1] = -1;
  }

  get isForgotten(): boolean {
    const { words } = this;
    return words[STATE.codePage / 4] === -1 && words[STATE.codePage / 4 + 1] === -1;
  }

  /** Whether the look-up of RIP's page failed before it began: it is not canonical, or beyond CS.limit. */
  get isPageUnknown(): boolean {
    const { words } = this;
    if (this.isForgotten) return true;
    const distance = (words[STATE.rip / 4]! - words[STATE.codeOffset / 4]!) | 0;
    if (distance < 0 || distance >= PAGE_BYTES) return true;
    return this.codeSize !== CODE_64 && this.isBeyondLimit;
  }

  /** A fetch was looked up by its page; its fault is at RIP, or at the next page where the instruction crosses into that. */
  nameFetch(): void {
    const { words } = this;
    const page = words[STATE.faultAddress / 4]!;
    const base = this.codeSize === CODE_64 ? 0 : words[(CODE_SEGMENT + SEGMENT.base) / 4]!;
    const linear = (words[STATE.rip / 4]! + base) | 0;
    if ((linear & -PAGE_BYTES) === page) words[STATE.faultAddress / 4] = linear;
  }

  private get isBeyondLimit(): boolean {
    const { words } = this;
    if ((words[STATE.mode / 4]! & MODE.flatCode) !== 0) return false;
    return words[STATE.rip / 4]! >>> 0 > words[(CODE_SEGMENT + SEGMENT.highest) / 4]! >>> 0;
  }

  private get codeSize(): number {
    return this.words[STATE.mode / 4]! & MODE.codeSize;
  }
}
