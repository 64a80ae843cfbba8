/**
 * What far transfers of every kind check about where they go: code segments (SDM vol. 3, 5.8), targets within them, and the
 * stack that a return to a lesser privilege brings.
 */
import type { Core } from "../core.js";
import { type Descriptor, isNull, RPL } from "../descriptor.js";
import { generalProtection, notPresent } from "../fault.js";
import { checkStackSelector } from "../segment-load.js";
import { EXCEPTION } from "../state.js";

/** The target must be in the limit of a code segment, or canonical where that is 64-bit code: else #GP(0). */
export function checkTarget(core: Core, code: Descriptor, low: number, high: number): void {
  if (core.isLong && code.isLong) {
    if (!core.isCanonical(high)) throw generalProtection();
  } else if (high !== 0 || low >>> 0 > code.limit >>> 0) throw generalProtection();
}

/** Fetches a selector of JMP or CALL into `core.code`; null is #GP(0), outside its table #GP(selector). */
export function fetchTarget(core: Core, selector: number): void {
  if (isNull(selector)) throw generalProtection();
  if (!core.code.fetch(selector)) throw generalProtection(selector);
}

/** Code that is 64-bit and 32-bit at once is reserved in IA-32e mode. */
export const isReservedWidth = (core: Core, code: Descriptor): boolean =>
  core.isLong && code.isLong && code.isBig;

/** The checks of JMP and CALL straight to a code segment, which is in `core.code`. CPL stays. */
export function checkDirectCode(core: Core, selector: number): void {
  const { code, cpl } = core;
  if (isReservedWidth(core, code)) throw generalProtection(selector);
  if (code.isConforming) {
    if (code.privilege > cpl) throw generalProtection(selector);
  } else if ((selector & RPL) > cpl || code.privilege !== cpl) throw generalProtection(selector);
  if (!code.isPresent) throw notPresent(selector);
}

/** The checks of the code segment that RET or IRET return to; returns it. The new CPL is the selector's RPL. */
export function checkReturnCode(core: Core, selector: number): Descriptor {
  const code = core.returnCode;
  if (isNull(selector)) throw generalProtection();
  const rpl = selector & RPL;
  if (!code.fetch(selector) || !code.isCode || rpl < core.cpl || isReservedWidth(core, code))
    throw generalProtection(selector);
  if (code.isConforming ? code.privilege > rpl : code.privilege !== rpl) throw generalProtection(selector);
  if (!code.isPresent) throw notPresent(selector);
  return code;
}

/**
 * The checks of the stack segment that a return brings, for the new CPL; leaves it in `core.returnData`. Returns false for a null
 * selector where one is allowed: in a return to 64-bit code, but at CPL 3.
 */
export function checkReturnStack(core: Core, selector: number, cpl: number): boolean {
  if (isNull(selector)) {
    if (core.isLong && core.returnCode.isLong && cpl !== 3) return false;
    throw generalProtection();
  }
  checkStackSelector(core.returnData, selector, cpl, EXCEPTION.GP);
  return true;
}
