/**
 * Loading a segment register with a selector: MOV, POP, LDS and the like (SDM vol. 2, MOV; vol. 3, 5.6, 5.7). Each function
 * checks everything first, then sets the accessed bit, then loads.
 */
import type { Core } from "./core.js";
import { type Descriptor, isNull, RPL } from "./descriptor.js";
import { GuestFault, generalProtection, notPresent, stackFault } from "./fault.js";
import { loadNull, loadRealSegment, loadSegment, loadVirtualSegment } from "./segments.js";
import { EXCEPTION, SS } from "./state.js";

/** Loads ES, SS, DS, FS or GS in the present mode. SS: the caller sets the interrupt shadow. */
export function loadSelector(core: Core, segment: number, selector: number): void {
  if (!core.isProtected) loadRealSegment(core, segment, selector);
  else if (core.isVirtual8086) loadVirtualSegment(core, segment, selector);
  else if (segment === SS) loadStackSelector(core, selector);
  else loadDataSelector(core, segment, selector);
}

function loadDataSelector(core: Core, segment: number, selector: number): void {
  if (isNull(selector)) {
    loadNull(core, segment, selector);
    return;
  }
  const descriptor = checkDataSelector(core, selector, EXCEPTION.GP);
  if (!descriptor.isPresent) throw notPresent(selector);
  descriptor.markAccessed();
  loadSegment(core, segment, selector, descriptor);
  if (!core.is64BitCode) core.host.crossings?.rememberLoad(core, segment, selector, descriptor);
}

/** The checks of DS, ES, FS and GS but presence. @param vector what fails is: #GP, or #TS in a task switch. */
export function checkDataSelector(core: Core, selector: number, vector: number): Descriptor {
  const descriptor = core.data;
  const error = (): GuestFault => new GuestFault(vector, selector & 0xfffc);
  if (!descriptor.fetch(selector)) throw error();
  if (!descriptor.isReadable) throw error();
  const { privilege } = descriptor;
  if (!descriptor.isConforming && (privilege < (selector & RPL) || privilege < core.cpl)) throw error();
  return descriptor;
}

function loadStackSelector(core: Core, selector: number): void {
  const { cpl } = core;
  if (isNull(selector)) {
    // 64-bit mode needs no stack segment, but at CPL 3.
    if (!core.is64BitCode || cpl === 3 || (selector & RPL) !== cpl) throw generalProtection();
    loadNull(core, SS, selector);
    return;
  }
  const descriptor = checkStackSelector(core.data, selector, cpl, EXCEPTION.GP);
  descriptor.markAccessed();
  loadSegment(core, SS, selector, descriptor);
}

/**
 * The checks of a stack selector, which is not null, for a privilege. Returns its descriptor.
 * @param descriptor to fetch into.
 * @param vector of what fails: #GP, or #TS where the selector comes from a TSS; an absent segment is #SS.
 */
export function checkStackSelector(
  descriptor: Descriptor,
  selector: number,
  cpl: number,
  vector: number,
): Descriptor {
  if (
    !descriptor.fetch(selector) ||
    (selector & RPL) !== cpl ||
    !descriptor.isWritableData ||
    descriptor.privilege !== cpl
  )
    throw new GuestFault(vector, selector & 0xfffc);
  if (!descriptor.isPresent) throw stackFault(selector);
  return descriptor;
}
