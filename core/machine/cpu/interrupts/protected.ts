/**
 * Interrupts and exceptions through the IDT outside IA-32e mode (SDM vol. 3, 6.12; vol. 2, INT n): 16- and 32-bit interrupt
 * and trap gates, to the same privilege or a higher one, and task gates. Hot: INT and every fault of a 32-bit kernel.
 *
 *      gate low    31..16 selector         15..0 offset 15..0
 *           high   31..16 offset 31..16    15 P   14..13 DPL   12..8 type
 *
 *      pushed, downwards   [GS FS DS ES from virtual-8086 mode]   [SS ESP to a higher privilege]   EFLAGS CS EIP   [error code]
 *
 * The faults here have error codes without EXT, which raise.ts adds.
 */
import type { Core } from "../core.js";
import { CROSSING_KIND } from "../crossings.js";
import { isNull, SYSTEM_TYPE } from "../descriptor.js";
import { GuestFault, generalProtection, notPresent } from "../fault.js";
import { SPAN_READ } from "../host.js";
import { GENERAL, IDTR_BASE, IDTR_LIMIT, RSP } from "../places.js";
import { loadCodeSegment, loadNull, loadSegment } from "../segments.js";
import { CS, DS, ES, EXCEPTION, FS, GS, MODE, RFLAGS, SS } from "../state.js";
import { useInnerStack } from "../transfers/inner-stack.js";
import { switchByGate } from "../transfers/task-switch.js";
import { stackSlotOf, taskType } from "../tss.js";
import { type Event, IDT } from "./event.js";

const PRESENT = 0x8000;
/** Of gate types: 32 bits wide; trap (IF stays). */
const WIDE = 8;
const TRAP = 1;

export function deliverProtected(core: Core, event: Event): void {
  const { words, memory } = core;
  const offset = event.vector * 8;
  const gateError = offset | IDT;
  if (offset + 7 > words[IDTR_LIMIT]! >>> 0) throw new GuestFault(EXCEPTION.GP, gateError);
  const address = (words[IDTR_BASE]! + offset) | 0;
  const at = memory.span(0, address, 8, SPAN_READ, false);
  let low: number;
  let high: number;
  if (at >= 0) {
    low = memory.words[at]!;
    high = memory.words[at + 1]!;
  } else {
    low = memory.read64(0, address, false);
    high = memory.high;
  }
  const type = (high >>> 8) & 31;
  const isTask = type === SYSTEM_TYPE.taskGate;
  if (!isTask && (type & ~(WIDE | TRAP)) !== SYSTEM_TYPE.interruptGate16)
    throw new GuestFault(EXCEPTION.GP, gateError);
  if (event.isSoftware && ((high >>> 13) & 3) < core.cpl) throw new GuestFault(EXCEPTION.GP, gateError);
  if ((high & PRESENT) === 0) throw new GuestFault(EXCEPTION.NP, gateError);
  const selector = low >>> 16;
  if (isTask) switchByGate(core, selector, event);
  else {
    const { mode, cpl } = core;
    const isWide = (type & WIDE) !== 0;
    const target = isWide ? (high & 0xffff_0000) | (low & 0xffff) : low & 0xffff;
    const cleared = RFLAGS.TF | RFLAGS.NT | RFLAGS.VM | ((type & TRAP) !== 0 ? 0 : RFLAGS.IF);
    enter(core, event, selector, target, isWide ? 4 : 2, cleared);
    if (isWide) remember(core, event, mode, cpl, cleared, address, low, high);
  }
}

/** Tells the engine what it can do itself the next time: not from virtual-8086 mode or in single steps, on a flat stack. */
function remember(
  core: Core,
  event: Event,
  mode: number,
  cpl: number,
  cleared: number,
  gateAddress: number,
  gateLow: number,
  gateMiddle: number,
): void {
  const { crossings } = core.host;
  const isInner = core.cpl < cpl;
  const isPlain = (mode & (MODE.virtual8086 | MODE.singleStep)) === 0 && core.cpl < 3;
  if (isInner && taskType(core) !== SYSTEM_TYPE.tss32) return;
  if (crossings === undefined || !isPlain || (isInner && (core.data.flat & MODE.flatData) === 0)) return;
  crossings.rememberEntry(core, {
    vector: event.vector,
    mode,
    kinds:
      ((gateMiddle >>> 13) & 3) >= cpl
        ? CROSSING_KIND.hardware | CROSSING_KIND.software
        : CROSSING_KIND.hardware,
    cleared,
    gateAddress,
    gateAddressHigh: 0,
    gateLow,
    gateMiddle,
    gateUpper: 0,
    code: core.code,
    isInner,
    stackSlot: isInner ? stackSlotOf(core, core.cpl) : 0,
    stackSlotHigh: isInner ? core.high : 0,
    stack: isInner ? core.data : undefined,
  });
}

function enter(
  core: Core,
  event: Event,
  selector: number,
  target: number,
  size: number,
  cleared: number,
): void {
  const { code, cpl } = core;
  if (isNull(selector)) throw generalProtection();
  if (!code.fetch(selector) || !code.isCode || code.privilege > cpl) throw generalProtection(selector);
  if (!code.isPresent) throw notPresent(selector);
  const isInner = code.privilege < cpl && !code.isConforming;
  // From virtual-8086 mode only privilege 0 may be entered.
  if (core.isVirtual8086 && (!isInner || code.privilege !== 0)) throw generalProtection(selector);
  if (target >>> 0 > code.limit >>> 0) throw generalProtection();
  if (isInner) enterInner(core, event, selector, size);
  else {
    const { stack } = core;
    stack.useCurrent();
    stack.reserve(event.hasErrorCode ? 4 : 3, size);
    code.markAccessed();
    pushReturn(core, event);
    stack.commit();
    loadCodeSegment(core, selector, cpl, code);
  }
  core.jump(target, 0);
  core.writeFlags(event.flags & ~cleared);
  core.updateMode();
}

/** To a higher privilege: with the stack that the TSS has for it. */
function enterInner(core: Core, event: Event, selector: number, size: number): void {
  const { code, data, stack, words, isVirtual8086 } = core;
  const cpl = code.privilege;
  const stackSelector = useInnerStack(core, cpl);
  const first = event.hasErrorCode ? 1 : 0;
  stack.reserve(first + (isVirtual8086 ? 9 : 5), size);
  code.markAccessed();
  data.markAccessed();
  pushReturn(core, event);
  stack.put(first + 3, words[GENERAL + 2 * RSP]!);
  stack.put(first + 4, core.selector(SS));
  if (isVirtual8086) {
    stack.put(first + 5, core.selector(ES));
    stack.put(first + 6, core.selector(DS));
    stack.put(first + 7, core.selector(FS));
    stack.put(first + 8, core.selector(GS));
    for (const segment of [ES, DS, FS, GS]) loadNull(core, segment, 0);
  }
  stack.commit();
  loadSegment(core, SS, stackSelector, data);
  loadCodeSegment(core, selector, cpl, code);
}

function pushReturn(core: Core, event: Event): void {
  const { stack } = core;
  let item = 0;
  if (event.hasErrorCode) stack.put(item++, event.errorCode);
  stack.put3(item, event.returnLow, core.selector(CS), event.flags);
}
