/** The part of IRET and RET that returns to a stack of its own: to a lesser privilege, and always by IRET in 64-bit mode. */
import type { Core } from "../core.js";
import { RPL } from "../descriptor.js";
import { GENERAL, RSP } from "../places.js";
import { dropPrivilegedSegments, loadCodeSegment, loadNull, loadSegment } from "../segments.js";
import { SS } from "../state.js";
import { checkReturnStack } from "./checks.js";

/**
 * Checks the stack segment, then loads CS (from `core.returnCode`, checked already), SS and RSP. CPL becomes the RPL of CS.
 * @param size of the popped pointer, bytes.
 */
export function returnToStack(
  core: Core,
  codeSelector: number,
  stackSelector: number,
  pointer: number,
  pointerHigh: number,
  size: number,
): void {
  const code = core.returnCode;
  const data = core.returnData;
  const cpl = codeSelector & RPL;
  const hasSegment = checkReturnStack(core, stackSelector, cpl);
  code.markAccessed();
  if (hasSegment) data.markAccessed();
  const isOuter = cpl > core.cpl;
  const isNarrow = !(core.isLong && code.isLong) && hasSegment && !data.isBig;
  setPointer(core, pointer, pointerHigh, size, isNarrow);
  if (hasSegment) loadSegment(core, SS, stackSelector, data);
  else loadNull(core, SS, stackSelector);
  loadCodeSegment(core, codeSelector, cpl, code);
  if (isOuter) dropPrivilegedSegments(core, cpl);
}

/** A 16-bit stack takes SP alone: the upper half of ESP stays that of the inner stack, as on hardware. */
function setPointer(core: Core, low: number, high: number, size: number, isNarrow: boolean): void {
  const at = GENERAL + 2 * RSP;
  if (isNarrow) core.words[at] = (core.words[at]! & ~0xffff) | (low & 0xffff);
  else core.words[at] = size === 2 ? low & 0xffff : low;
  core.words[at + 1] = isNarrow ? 0 : high;
}
