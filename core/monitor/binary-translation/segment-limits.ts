/**
 * What keeps translated code of 64 bits from the monitor's window: the segments that it uses end where the window begins. Limits are
 * checked while EFER.LMSLE is set (cpu/long-limits.ts); the guest's own are put back after. 32-bit code: segment-extent.ts.
 */
import { EFER } from "../../machine/cpu/control-bits.js";
import { EFER_WORD, HIGHEST, segmentWord } from "../../machine/cpu/places.js";
import { DS, ES, FS, SS } from "../../machine/cpu/state.js";
import { WINDOW_BASE } from "../deprivileged/window.js";

/** Segments that the guest's kernel uses as they are, but for their limits, which mean something to its programs. */
const LIMITED = [ES, SS, DS, FS];

export class SegmentLimits {
  /** Highest offsets of the segments in LIMITED while others are in their place. */
  private readonly limits = new Int32Array(LIMITED.length);

  constructor(private readonly words: Int32Array) {}

  /** The monitor's limits begin. */
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
}
