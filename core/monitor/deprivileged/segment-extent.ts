/**
 * Where the segments of a kernel at CPL 1 end: paging does not keep the monitor's window from it, so that each segment ends where
 * the window begins (Robin & Irvine, USENIX Security 2000, section 3; Barham et al., SOSP 2003, 3.1). What such a segment was
 * before is put back for what the monitor does in the guest's stead, without the window.
 */
import {
  ATTRIBUTES,
  BASE,
  FLAT,
  HIGHEST,
  LIMIT,
  LOWEST,
  RIGHTS,
  SEGMENT_WORDS,
  SELECTOR,
  segmentWord,
} from "../../machine/cpu/places.js";
import { PRIVILEGE_SHIFT } from "../../machine/cpu/segments.js";
import { CS, DS, ES, FS, GS, SS } from "../../machine/cpu/state.js";
import { WINDOW_BASE } from "./window.js";

const DATA = [ES, SS, DS, FS, GS];
const ALL = [CS, ...DATA];
/** Of a selector, and of a segment's attributes: they change with CPL. */
const RPL = 3;
const DPL = 3 << PRIVILEGE_SHIFT;

/** Base, first and last offset of a segment, and whether it is readable and writable, as its register has it. */
export interface SegmentExtent {
  readonly base: number;
  readonly lowest: number;
  readonly highest: number;
  readonly rights: number;
}

/** Whether a segment has the window's addresses, whatever follows behind it, where addresses wrap. */
export const isInWindow = ({ base, lowest, highest }: SegmentExtent): boolean =>
  base + (highest >>> 0) >= WINDOW_BASE && base + (lowest >>> 0) < 2 ** 32;

/** The segments of a kernel, as registers have them, and what was cut off of them. */
export class SegmentRegisters {
  /** By register: what it had before it was cut short last. */
  private readonly before = Array.from({ length: ALL.length }, () => new Int32Array(SEGMENT_WORDS));

  /** @param isTranslated the kernel's code is: the code segment in the register is the monitor's. */
  constructor(
    private readonly words: Int32Array,
    private readonly isTranslated: boolean,
  ) {}

  /** None by which the kernel refers to memory reaches the window, wherever it begins. @returns whether any did. */
  truncate(): boolean {
    const { words } = this;
    let found = false;
    for (const segment of this.isTranslated ? DATA : ALL) {
      const at = segmentWord(segment);
      if (words[at + ATTRIBUTES] !== 0 && this.truncateAt(words, at, this.before[segment]!)) found = true;
    }
    return found;
  }

  /**
   * Gives them what they had. @param wholeOf the segment of a selector, if the monitor's table has it shorter.
   * @returns whether any had less.
   */
  restore(wholeOf: (selector: number) => SegmentExtent | undefined): boolean {
    const { words } = this;
    let found = false;
    for (const segment of ALL) {
      const at = segmentWord(segment);
      if (words[at + ATTRIBUTES] === 0) continue;
      const whole = wholeOf(words[at + SELECTOR]!) ?? this.wasCut(segment);
      if (whole !== undefined && restoreSegment(words, at, whole)) found = true;
    }
    return found;
  }

  /**
   * What of a segment lies behind the window, where addresses wrap, is cut off too. One that begins in the window is empty.
   * @param at its first word.
   */
  private truncateAt(words: Int32Array, at: number, before: Int32Array): boolean {
    const base = words[at + BASE]! >>> 0;
    const lowest = words[at + LOWEST]! >>> 0;
    const last = WINDOW_BASE - 1 - base;
    if (words[at + HIGHEST]! >>> 0 <= last || base + lowest >= 2 ** 32) return false;
    for (let word = 0; word < SEGMENT_WORDS; word++) before[word] = words[at + word]!;
    const isEmpty = lowest > last;
    words[at + LOWEST] = isEmpty ? 1 : lowest;
    words[at + HIGHEST] = isEmpty ? 0 : last;
    words[at + FLAT] = 0;
    return true;
  }

  /**
   * A loader's segments are in no table. One of the same selector that was loaded since has a limit of its own: what was cut short in
   * the register has not.
   */
  private wasCut(segment: number): SegmentExtent | undefined {
    const before = this.before[segment]!;
    const at = segmentWord(segment);
    for (const word of [SELECTOR, LIMIT, ATTRIBUTES]) {
      const ignored = word === SELECTOR ? RPL : word === ATTRIBUTES ? DPL : 0;
      if (((before[word]! ^ this.words[at + word]!) & ~ignored) !== 0) return undefined;
    }
    const [lowest, highest, rights] = [before[LOWEST]!, before[HIGHEST]!, before[RIGHTS]!];
    return { base: before[BASE]! >>> 0, lowest, highest, rights };
  }
}

/** Unless it is another segment. @returns whether it had less. */
function restoreSegment(words: Int32Array, at: number, whole: SegmentExtent): boolean {
  const { base, lowest, highest, rights } = whole;
  if (words[at + BASE]! >>> 0 !== base) return false;
  const isShorter = words[at + HIGHEST]! >>> 0 < highest >>> 0 || words[at + LOWEST]! !== lowest;
  if (!isShorter && words[at + RIGHTS] === rights) return false;
  words[at + LOWEST] = lowest;
  words[at + HIGHEST] = highest;
  words[at + RIGHTS] = rights;
  return true;
}
