/** The stack that the TSS has for a higher privilege, outside IA-32e mode: for gates of the IDT and call gates. */
import type { Core } from "../core.js";
import { isNull } from "../descriptor.js";
import { invalidTss } from "../fault.js";
import { checkStackSelector } from "../segment-load.js";
import { EXCEPTION } from "../state.js";
import { readStackOf } from "../tss.js";

/**
 * Checks it and has `core.stack` push there; its descriptor is in `core.data`. Returns its selector.
 * @throws GuestFault #TS, or #SS where the segment is absent.
 */
export function useInnerStack(core: Core, cpl: number): number {
  const pointer = readStackOf(core, cpl);
  const selector = core.high;
  if (isNull(selector)) throw invalidTss(0);
  core.stack.useDescriptor(pointer, checkStackSelector(core.data, selector, cpl, EXCEPTION.TS), cpl);
  return selector;
}
