/**
 * What keeps translated code from the monitor's window: the segments that it uses end where the window begins. In 64-bit mode
 * limits are checked while EFER.LMSLE is set (cpu/long-limits.ts), and the guest's own are put back after.
 */
import { EFER } from "../../machine/cpu/control-bits.js";
import { ATTRIBUTES, BASE, EFER_WORD, FLAT, HIGHEST, LOWEST, segmentWord } from "../../machine/cpu/places.js";
import { DS, ES, FS, GS, SS } from "../../machine/cpu/state.js";
import { WINDOW_BASE } from "../deprivileged/window.js";

/** Segments that the guest's kernel uses as they are, but that they end where the window begins. */
const TRUNCATED = [ES, SS, DS, FS, GS];
/** The same in 64-bit mode, where the limits that the guest's own have are put back: there they mean something to its programs. */
const LIMITED = [ES, SS, DS, FS];

export class SegmentLimits {
  /** Highest offsets of the segments in LIMITED while others are in their place. */
  private readonly limits = new Int32Array(LIMITED.length);

  constructor(private readonly words: Int32Array) {}

  /** 64-bit mode: the limits begin. */
  limit(): void {
    const { words } = this;
    LIMITED.forEach((segment, index) => {
      const at = segmentWord(segment) + HIGHEST;
      this.limits[index] = words[at]!;
      words[at] = (WINDOW_BASE - 1) | 0;
    });
    words[EFER_WORD]! |= EFER.LMSLE;
  }

  unlimit(): void {
    const { words } = this;
    LIMITED.forEach((segment, index) => {
      words[segmentWord(segment) + HIGHEST] = this.limits[index]!;
    });
    words[EFER_WORD]! &= ~EFER.LMSLE;
  }

  /** 32-bit code: no segment of the kernel's reaches the window, wherever it begins. */
  truncate(): void {
    const { words } = this;
    for (const segment of TRUNCATED) {
      const at = segmentWord(segment);
      if (words[at + ATTRIBUTES] !== 0) truncateSegment(words, at);
    }
  }
}

/**
 * Ends a segment where the window begins; what of it lies behind the window, where addresses wrap, is cut off too. One that
 * begins in the window is empty. @param at its first word.
 */
function truncateSegment(words: Int32Array, at: number): void {
  const base = words[at + BASE]! >>> 0;
  const lowest = words[at + LOWEST]! >>> 0;
  const last = WINDOW_BASE - 1 - base;
  if (words[at + HIGHEST]! >>> 0 <= last || base + lowest >= 2 ** 32) return;
  const isEmpty = lowest > last;
  words[at + LOWEST] = isEmpty ? 1 : lowest;
  words[at + HIGHEST] = isEmpty ? 0 : last;
  words[at + FLAT] = 0;
}
