/**
 * From an offset in a segment to a linear address: segmentation's checks (SDM vol. 3, 5.3, 5.4), canonical addresses
 * (vol. 1, 3.3.7.1), alignment (vol. 3, 6.15, #AC). And loads and stores through it, for operands of system instructions.
 */
import type { Core } from "./core.js";
import { GuestFault, generalProtection, stackFault } from "./fault.js";
import type { AccessBytes } from "./host.js";
import { isBeyondLongLimit } from "./long-limits.js";
import { BASE, HIGHEST, LOWEST, MODE_WORD, RIGHTS, segmentWord } from "./places.js";
import { CODE_64, EXCEPTION, FS, MODE, SEGMENT_READABLE, SEGMENT_WRITABLE, SS } from "./state.js";

/**
 * The linear address of `bytes` bytes at an offset; its high half is left in `core.high`.
 * @param low,high the offset; outside 64-bit code `high` is 0.
 * @throws GuestFault #GP(0), #SS(0) or #AC(0).
 */
export function linearOf(
  core: Core,
  segment: number,
  low: number,
  high: number,
  bytes: number,
  write: boolean,
): number {
  const { words } = core;
  const mode = words[MODE_WORD]!;
  const at = segmentWord(segment);
  if ((mode & MODE.codeSize) === CODE_64) {
    const base = segment >= FS ? words[at + BASE]! : 0;
    const linear = (low + base) | 0;
    const carry = linear >>> 0 < base >>> 0 ? 1 : 0;
    const upper = (high + (segment >= FS ? words[at + BASE + 1]! : 0) + carry) | 0;
    const last = (linear + bytes - 1) | 0;
    const lastUpper = last >>> 0 < linear >>> 0 ? (upper + 1) | 0 : upper;
    if (!core.isCanonical(upper) || !core.isCanonical(lastUpper)) throw outside(segment);
    if ((mode & MODE.longLimits) !== 0 && isBeyondLongLimit(words, segment, linear, upper, bytes))
      throw outside(segment);
    checkAlignment(mode, linear, bytes);
    core.high = upper;
    return linear;
  }
  if ((words[at + RIGHTS]! & (write ? SEGMENT_WRITABLE : SEGMENT_READABLE)) === 0) throw generalProtection();
  const first = low >>> 0;
  if (first < words[at + LOWEST]! >>> 0 || first + bytes - 1 > words[at + HIGHEST]! >>> 0)
    throw outside(segment);
  const linear = (words[at + BASE]! + low) | 0;
  checkAlignment(mode, linear, bytes);
  core.high = 0;
  return linear;
}

const outside = (segment: number): GuestFault => (segment === SS ? stackFault() : generalProtection());

function checkAlignment(mode: number, linear: number, bytes: number): void {
  if ((mode & MODE.alignmentCheck) !== 0 && (linear & (bytes - 1)) !== 0)
    throw new GuestFault(EXCEPTION.AC, 0);
}

/** Loads 1, 2, 4 or 8 bytes; the high half of 8 is left in `core.high`. */
export function loadFrom(core: Core, segment: number, low: number, high: number, bytes: number): number {
  const linear = linearOf(core, segment, low, high, bytes, false);
  const { memory, isUser } = core;
  if (bytes === 8) {
    const value = memory.read64(core.high, linear, isUser);
    core.high = memory.high;
    return value;
  }
  const value = memory.read(core.high, linear, bytes as AccessBytes, isUser);
  core.high = 0;
  return value;
}

/** Stores 1, 2, 4 or 8 bytes. */
export function storeTo(
  core: Core,
  segment: number,
  low: number,
  high: number,
  bytes: number,
  value: number,
  valueHigh = 0,
): void {
  const linear = linearOf(core, segment, low, high, bytes, true);
  const { memory, isUser } = core;
  if (bytes === 8) memory.write64(core.high, linear, value, valueHigh, isUser);
  else memory.write(core.high, linear, bytes as AccessBytes, value, isUser);
}
