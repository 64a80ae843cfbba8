/**
 * Interrupts and exceptions in IA-32e mode (SDM vol. 3, 6.14): 16-byte gates to 64-bit code, stacks from the 64-bit TSS or
 * its interrupt stack table, frames of 8-byte items aligned to 16. Hot: every fault and interrupt of a 64-bit kernel.
 *
 *      gate 0   31..16 selector         15..0 offset 15..0
 *           1   31..16 offset 31..16    15 P   14..13 DPL   12..8 type   2..0 IST
 *           2   31..0  offset 63..32
 *
 *      pushed, downwards   SS RSP RFLAGS CS RIP [error code]
 */
import type { Core } from "../core.js";
import { CROSSING_KIND } from "../crossings.js";
import { isNull, SYSTEM_TYPE } from "../descriptor.js";
import { GuestFault, generalProtection, notPresent } from "../fault.js";
import { SPAN_READ } from "../host.js";
import { GENERAL, IDTR_BASE, IDTR_LIMIT, RSP } from "../places.js";
import { loadCodeSegment, loadNull } from "../segments.js";
import { CS, EXCEPTION, MODE, RFLAGS, SS } from "../state.js";
import { interruptStackSlotOf, readLongStack, stackSlotOf } from "../tss.js";
import { type Event, IDT } from "./event.js";

const PRESENT = 0x8000;
const GATE_BYTES = 16;
const STACK_ALIGNMENT = 16;

export function deliverLong(core: Core, event: Event): void {
  const { words, memory } = core;
  const offset = event.vector * GATE_BYTES;
  const gateError = (event.vector << 3) | IDT;
  if (offset + GATE_BYTES - 1 > words[IDTR_LIMIT]! >>> 0) throw new GuestFault(EXCEPTION.GP, gateError);
  const base = words[IDTR_BASE]!;
  const address = (base + offset) | 0;
  const addressHigh = (words[IDTR_BASE + 1]! + (address >>> 0 < base >>> 0 ? 1 : 0)) | 0;
  const at = memory.span(addressHigh, address, GATE_BYTES, SPAN_READ, false);
  let low: number;
  let middle: number;
  let high: number;
  if (at >= 0) {
    low = memory.words[at]!;
    middle = memory.words[at + 1]!;
    high = memory.words[at + 2]!;
  } else {
    const next = (address + 8) | 0;
    low = memory.read64(addressHigh, address, false);
    middle = memory.high;
    high = memory.read((addressHigh + (next >>> 0 < address >>> 0 ? 1 : 0)) | 0, next, 4, false);
  }
  const type = (middle >>> 8) & 31;
  if (type !== SYSTEM_TYPE.interruptGate32 && type !== SYSTEM_TYPE.trapGate32)
    throw new GuestFault(EXCEPTION.GP, gateError);
  if (event.isSoftware && ((middle >>> 13) & 3) < core.cpl) throw new GuestFault(EXCEPTION.GP, gateError);
  if ((middle & PRESENT) === 0) throw new GuestFault(EXCEPTION.NP, gateError);
  const { mode, cpl } = core;
  const interruptStack = middle & 7;
  const cleared = RFLAGS.TF | RFLAGS.NT | RFLAGS.VM | (type === SYSTEM_TYPE.trapGate32 ? 0 : RFLAGS.IF);
  enter(core, event, low >>> 16, (middle & 0xffff_0000) | (low & 0xffff), high, interruptStack, cleared);
  const { crossings } = core.host;
  if (crossings === undefined || (mode & MODE.singleStep) !== 0 || core.cpl === 3) return;
  const isInner = core.cpl < cpl;
  const changesStack = isInner || interruptStack !== 0;
  const slot = !changesStack
    ? 0
    : interruptStack === 0
      ? stackSlotOf(core, core.cpl)
      : interruptStackSlotOf(core, interruptStack);
  crossings.rememberEntry(core, {
    vector: event.vector,
    mode,
    kinds:
      ((middle >>> 13) & 3) >= cpl ? CROSSING_KIND.hardware | CROSSING_KIND.software : CROSSING_KIND.hardware,
    cleared,
    gateAddress: address,
    gateAddressHigh: addressHigh,
    gateLow: low,
    gateMiddle: middle,
    gateUpper: high,
    code: core.code,
    isInner,
    stackSlot: slot,
    stackSlotHigh: changesStack ? core.high : 0,
    stack: undefined,
  });
}

function enter(
  core: Core,
  event: Event,
  selector: number,
  target: number,
  targetHigh: number,
  interruptStack: number,
  cleared: number,
): void {
  const { code, stack, words } = core;
  if (isNull(selector)) throw generalProtection();
  if (!code.fetch(selector) || !code.isCode || code.privilege > core.cpl || !code.isLong || code.isBig)
    throw generalProtection(selector);
  if (!code.isPresent) throw notPresent(selector);
  const cpl = code.isConforming ? core.cpl : code.privilege;
  const isInner = cpl < core.cpl;
  const oldLow = words[GENERAL + 2 * RSP]!;
  const oldHigh = words[GENERAL + 2 * RSP + 1]!;
  let pointer = oldLow;
  let pointerHigh = oldHigh;
  if (isInner || interruptStack !== 0) {
    pointer = readLongStack(core, cpl, interruptStack);
    pointerHigh = core.high;
  }
  if (!core.isCanonical(targetHigh)) throw generalProtection();
  stack.useLong(pointer & -STACK_ALIGNMENT, pointerHigh, cpl);
  let item = event.hasErrorCode ? 1 : 0;
  stack.reserve(item + 5, 8);
  code.markAccessed();
  if (event.hasErrorCode) stack.put(0, event.errorCode);
  stack.put(item++, event.returnLow, event.returnHigh);
  stack.put(item++, core.selector(CS));
  stack.put(item++, event.flags);
  stack.put(item++, oldLow, oldHigh);
  stack.put(item, core.selector(SS));
  stack.commit();
  if (isInner) loadNull(core, SS, cpl);
  loadCodeSegment(core, selector, cpl, code);
  core.jump(target, targetHigh);
  core.writeFlags(event.flags & ~cleared);
  core.updateMode();
}
