/**
 * Task switches (SDM vol. 3, 8.3): by JMP, CALL, IRET with NT, and through task gates, between 16- and 32-bit tasks; IA-32e
 * mode has none. The old task's state is saved and the new one's loaded, then checked: a fault after that is the new
 * task's, with its CS:EIP. A monitor is asked in between the checks of the descriptor and the first access to a TSS (SDM vol. 3,
 * 26.4.2; AMD APM vol. 2, 15.14.1).
 */

import { CR0 } from "../control-bits.js";
import type { Core } from "../core.js";
import { BUSY, isNull, RPL, SYSTEM_TYPE } from "../descriptor.js";
import { GuestFault, generalProtection, invalidTss, notPresent } from "../fault.js";
import type { AccessBytes } from "../host.js";
import type { SwitchKind, Vectoring } from "../interception.js";
import type { Event } from "../interrupts/event.js";
import { BASE, CR0_WORD, CR3_WORD, LIMIT, PRIVILEGE, RIP, SELECTOR, segmentWord } from "../places.js";
import { disableLocal, keepResumeFlag } from "../registers/breakpoints.js";
import { setRoot } from "../registers/control.js";
import { checkDataSelector, checkStackSelector } from "../segment-load.js";
import { loadNull, loadSegment, loadSystemSegment, loadVirtualSegment } from "../segments.js";
import { CS, DS, ES, EXCEPTION, FS, GS, LDTR, RFLAGS, SS, TR } from "../state.js";
import { taskType } from "../tss.js";
import { checkTarget, isReservedWidth } from "./checks.js";

/** Fields of a TSS: offsets, and bytes of a register's. */
interface Layout {
  readonly bytes: 2 | 4;
  /** Least limit. */
  readonly limit: number;
  readonly ip: number;
  readonly flags: number;
  /** EAX ECX EDX EBX ESP EBP ESI EDI one after the other, then the segments. */
  readonly general: number;
  readonly segments: readonly number[];
  readonly firstSegment: number;
  readonly ldt: number;
}

const LINK = 0;
const ROOT = 0x1c;
const TASK_32: Layout = {
  bytes: 4,
  limit: 0x67,
  ip: 0x20,
  flags: 0x24,
  general: 0x28,
  segments: [ES, CS, SS, DS, FS, GS],
  firstSegment: 0x48,
  ldt: 0x60,
};
const TASK_16: Layout = {
  bytes: 2,
  limit: 0x2b,
  ip: 0x0e,
  flags: 0x10,
  general: 0x12,
  segments: [ES, CS, SS, DS],
  firstSegment: 0x22,
  ldt: 0x2a,
};
const layoutOf = (type: number): Layout => ((type & ~BUSY) === SYSTEM_TYPE.tss16 ? TASK_16 : TASK_32);

const TASK = segmentWord(TR);
const BUSY_BIT = BUSY << 8;

/**
 * A switch that is made, but for the loading of the new task's state, and for the error code on its stack. What these meet may
 * leave for a monitor (memory that it has not given yet), which goes on here: the switch itself cannot be made twice.
 */
export interface UnfinishedSwitch {
  readonly state: TaskState;
  readonly layout: Layout;
  /** What came to a task gate, with its error code if that is pushed; undefined for an instruction. */
  readonly event: (Vectoring & { readonly hasErrorCode: boolean }) | undefined;
}

/** Through the task gate of an interrupt or exception; pushes its error code on the new task's stack. */
export function switchByGate(core: Core, selector: number, event: Event): void {
  switchTask(core, selector, "gate", event.returnLow, event.flags, event);
}

/** @param returnLow,flags EIP and EFLAGS to save as the old task's. @param event that came to a task gate. */
export function switchTask(
  core: Core,
  selector: number,
  kind: SwitchKind,
  returnLow: number,
  flags = core.readFlags(),
  event: Event | undefined = undefined,
): void {
  const { gate: target, words } = core;
  const vector = kind === "return" ? EXCEPTION.TS : EXCEPTION.GP;
  if (isNull(selector) || (selector & 4) !== 0 || !target.fetch(selector))
    throw new GuestFault(vector, selector & 0xfffc);
  const type = target.systemType;
  const wanted = kind === "return" ? (type & ~BUSY) | BUSY : type & ~BUSY;
  if (((type & ~BUSY) !== SYSTEM_TYPE.tss16 && (type & ~BUSY) !== SYSTEM_TYPE.tss32) || type !== wanted)
    throw new GuestFault(vector, selector & 0xfffc);
  if (!target.isPresent) throw notPresent(selector);
  const layout = layoutOf(type);
  if (target.limit >>> 0 < layout.limit) throw invalidTss(selector);
  if (core.leavesForTask(selector, kind, flags, event)) return;

  core.charge(core.costs.task_switch);
  const state = readTask(core, target.base, layout);
  const oldSelector = words[TASK + SELECTOR]!;
  saveTask(core, kind === "return" ? flags & ~RFLAGS.NT : flags, returnLow);
  if (kind === "jump" || kind === "return") setBusy(core, oldSelector, false);
  if (kind === "call" || kind === "gate") {
    core.memory.write(0, (target.base + LINK) | 0, 2, oldSelector, false);
    state.flags |= RFLAGS.NT;
  }
  if (kind !== "return") target.writeHigh(target.high | BUSY_BIT);
  loadSystemSegment(core, TR, selector, target, 0);
  words[CR0_WORD] = words[CR0_WORD]! | CR0.TS;
  core.unfinishedSwitch = { state, layout, event: event && { ...event } };
  finishSwitch(core);
}

/** Loads the new task's state, and pushes the error code; may be done again where it faulted and left. */
export function finishSwitch(core: Core): void {
  const { state, layout, event } = core.unfinishedSwitch!;
  loadTask(core, state, layout);
  if (event?.hasErrorCode === true) {
    const { stack } = core;
    stack.useCurrent();
    stack.reserve(1, layout.bytes);
    stack.put(0, event.errorCode);
    stack.commit();
  }
  core.unfinishedSwitch = undefined;
}

/** What a TSS holds, read before anything is changed. */
interface TaskState {
  root: number;
  ip: number;
  flags: number;
  general: number[];
  selectors: number[];
  ldt: number;
}

function readTask(core: Core, base: number, layout: Layout): TaskState {
  const read = (offset: number, bytes: AccessBytes): number =>
    core.memory.read(0, (base + offset) | 0, bytes, false);
  const { bytes, general, firstSegment, segments } = layout;
  return {
    root: bytes === 4 ? read(ROOT, 4) : 0,
    ip: read(layout.ip, bytes),
    flags: read(layout.flags, bytes),
    general: Array.from({ length: 8 }, (_, register) => read(general + register * bytes, bytes)),
    selectors: segments.map((_, index) => read(firstSegment + index * bytes, 2)),
    ldt: read(layout.ldt, 2),
  };
}

function saveTask(core: Core, flags: number, ip: number): void {
  const { memory, words } = core;
  const layout = layoutOf(taskType(core));
  const { bytes, general, firstSegment, segments } = layout;
  const base = words[TASK + BASE]!;
  if (words[TASK + LIMIT]! >>> 0 < layout.limit) throw invalidTss(words[TASK + SELECTOR]!);
  const last = firstSegment + segments.length * bytes;
  memory.checkWrite(0, (base + layout.ip) | 0, last - layout.ip, false);
  const write = (offset: number, value: number): void =>
    memory.write(0, (base + offset) | 0, bytes, value, false);
  write(layout.ip, ip);
  write(layout.flags, flags);
  for (let register = 0; register < 8; register++)
    write(general + register * bytes, core.register(register, bytes));
  for (const [index, segment] of segments.entries())
    write(firstSegment + index * bytes, core.selector(segment));
}

function setBusy(core: Core, selector: number, on: boolean): void {
  const descriptor = core.data;
  if (isNull(selector) || !descriptor.fetch(selector)) return;
  descriptor.writeHigh(on ? descriptor.high | BUSY_BIT : descriptor.high & ~BUSY_BIT);
}

function loadTask(core: Core, state: TaskState, layout: Layout): void {
  const { words } = core;
  const { bytes } = layout;
  if (bytes === 4 && (words[CR0_WORD]! & CR0.PG) !== 0 && state.root !== words[CR3_WORD])
    setRoot(core, state.root, 0);
  core.jump(state.ip, 0);
  core.writeFlags(bytes === 4 ? state.flags : (core.readFlags() & ~0xffff & ~RFLAGS.VM) | state.flags);
  for (let register = 0; register < 8; register++)
    core.setRegister(register, bytes, state.general[register]!);
  // Selectors are loaded before anything of them is checked, null for the time being.
  const selectorOf = (segment: number): number => state.selectors[layout.segments.indexOf(segment)] ?? 0;
  for (const segment of [ES, CS, SS, DS, FS, GS]) loadNull(core, segment, selectorOf(segment));
  loadNull(core, LDTR, state.ldt);
  const cpl = core.isVirtual8086 ? 3 : selectorOf(CS) & RPL;
  words[PRIVILEGE] = cpl;
  disableLocal(core);
  core.updateMode();
  if (bytes === 4) keepResumeFlag(core, state.flags);
  loadLdt(core, state.ldt);
  if (core.isVirtual8086) {
    for (const segment of layout.segments) loadVirtualSegment(core, segment, selectorOf(segment));
  } else {
    const stackSelector = selectorOf(SS);
    checkTaskCode(core, selectorOf(CS));
    if (isNull(stackSelector)) throw invalidTss(0);
    const stack = checkStackSelector(core.data, stackSelector, cpl, EXCEPTION.TS);
    stack.markAccessed();
    loadSegment(core, SS, stackSelector, stack);
    core.code.markAccessed();
    loadSegment(core, CS, selectorOf(CS), core.code);
    for (const segment of [ES, DS, FS, GS]) loadTaskData(core, segment, selectorOf(segment));
  }
  core.updateMode();
  if (!core.isVirtual8086) checkTarget(core, core.code, words[RIP]!, 0);
  else if (words[RIP]! >>> 0 > 0xffff) throw generalProtection();
}

function loadLdt(core: Core, selector: number): void {
  if (isNull(selector)) return;
  const descriptor = core.data;
  if (
    (selector & 4) !== 0 ||
    !descriptor.fetch(selector) ||
    descriptor.systemType !== SYSTEM_TYPE.ldt ||
    !descriptor.isPresent
  )
    throw invalidTss(selector);
  loadSystemSegment(core, LDTR, selector, descriptor, 0);
}

/** The new task's code segment, into `core.code`. */
function checkTaskCode(core: Core, selector: number): void {
  const { code } = core;
  const rpl = selector & RPL;
  if (isNull(selector) || !code.fetch(selector) || !code.isCode || isReservedWidth(core, code))
    throw invalidTss(selector);
  if (code.isConforming ? code.privilege > rpl : code.privilege !== rpl) throw invalidTss(selector);
  if (!code.isPresent) throw notPresent(selector);
}

function loadTaskData(core: Core, segment: number, selector: number): void {
  if (isNull(selector)) return;
  const descriptor = checkDataSelector(core, selector, EXCEPTION.TS);
  if (!descriptor.isPresent) throw notPresent(selector);
  descriptor.markAccessed();
  loadSegment(core, segment, selector, descriptor);
}
