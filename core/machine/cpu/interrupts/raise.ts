/**
 * Delivery of interrupts and exceptions, and what happens when it faults itself (SDM vol. 3, 6.15, #DF, tables 6-4 and
 * 6-5): the second fault is delivered in place of the first, or both become a double fault, or the CPU shuts down.
 */
import { CYCLES } from "../../../events/categories.js";
import { EVENT } from "../../../events/events.js";
import { DR7_GD } from "../control-bits.js";
import { ACTIVITY, type Core } from "../core.js";
import { CROSSING_KIND } from "../crossings.js";
import { GuestFault } from "../fault.js";
import type { Vectoring } from "../interception.js";
import { BREAKPOINTS_MET, CR2_WORD, DR7_WORD, FAULT_ADDRESS, FLAGS, RIP, RIP_HIGH } from "../places.js";
import { EXCEPTION, RFLAGS } from "../state.js";
import { finishSwitch } from "../transfers/task-switch.js";
import { EXT } from "./event.js";
import { deliverLong } from "./long.js";
import { deliverProtected } from "./protected.js";
import { deliverReal } from "./real.js";

/** Where an event comes from. Exceptions push error codes; software's check the gate's DPL and are no external event. */
export const EVENT_KIND = { exception: 0, external: 1, software: 2 } as const;

const bit = (vector: number): number => 1 << vector;
const { DE, DB, NMI, BP, OF, DF, TS, NP, SS, GP, PF, AC, MC } = EXCEPTION;
/** Vectors that push an error code (SDM vol. 3, table 6-1), and those whose code has the EXT bit. */
const WITH_ERROR_CODE = bit(DF) | bit(TS) | bit(NP) | bit(SS) | bit(GP) | bit(PF) | bit(AC);
const WITH_EXT = bit(TS) | bit(NP) | bit(SS) | bit(GP);
/** Contributory exceptions (SDM vol. 3, table 6-4). */
const CONTRIBUTORY = bit(DE) | bit(TS) | bit(NP) | bit(SS) | bit(GP);
/** Traps and aborts: they push RF as it was, faults push it set (SDM vol. 3, 18.3.1.1). */
const NOT_FAULTS = bit(DB) | bit(NMI) | bit(BP) | bit(OF) | bit(DF) | bit(MC);

const isIn = (set: number, vector: number): boolean => vector < 32 && (set & bit(vector)) !== 0;

/** Whether an exception of a vector pushes an error code. */
export const pushesErrorCode = (vector: number): boolean => isIn(WITH_ERROR_CODE, vector);

/** Delivers an exception of the instruction at RIP. Error codes of vectors without one are ignored. */
export function raise(core: Core, vector: number, errorCode: number): void {
  const { words } = core;
  deliver(core, vector, EVENT_KIND.exception, errorCode, words[RIP]!, words[RIP_HIGH]!);
}

/** Delivers a fault that was caught, unless it leaves for a monitor. */
export function raiseFault(core: Core, fault: GuestFault): void {
  core.words[BREAKPOINTS_MET] = 0;
  if (leaves(core, fault, undefined)) return;
  if (fault.vector === PF) noteAddress(core, fault);
  raise(core, fault.vector, fault.errorCode);
}

/** Whether a fault leaves for a monitor. @param during what was being delivered when it arose. */
function leaves(core: Core, fault: GuestFault, during: Vectoring | undefined): boolean {
  if (core.interception === undefined) return false;
  core.words[FAULT_ADDRESS] = fault.addressLow;
  core.words[FAULT_ADDRESS + 1] = fault.addressHigh;
  return core.leaves(fault.vector, fault.errorCode, during);
}

/** Delivers an event completely: when this returns the CPU is in a handler, or shut down. */
export function deliver(
  core: Core,
  vector: number,
  kind: number,
  errorCode: number,
  returnLow: number,
  returnHigh: number,
): void {
  core.activity = ACTIVITY.active;
  const isAtRip = returnLow === core.words[RIP] && returnHigh === core.words[RIP_HIGH];
  if (isAtRip && kind !== EVENT_KIND.software && isRemembered(core, vector, kind, errorCode)) return;
  try {
    deliverOnce(core, vector, kind, errorCode, returnLow, returnHigh);
    return;
  } catch (fault) {
    if (!(fault instanceof GuestFault)) throw fault;
    if (leaves(core, fault, { vector, kind, errorCode })) return;
    deliverInstead(core, kind === EVENT_KIND.exception ? vector : undefined, kind, fault);
  }
}

/**
 * Goes on with a task switch whose rest had left. A fault of it is the new task's, as in the first attempt. Returns whether the
 * switch is through.
 */
export function resumeSwitch(core: Core): boolean {
  const { event } = core.unfinishedSwitch!;
  try {
    finishSwitch(core);
    if (event !== undefined) count(core, event.vector, event.kind);
    return true;
  } catch (fault) {
    if (!(fault instanceof GuestFault)) throw fault;
    if (event === undefined) raiseFault(core, fault);
    else if (!leaves(core, fault, event)) {
      const isException = event.kind === EVENT_KIND.exception;
      deliverInstead(core, isException ? event.vector : undefined, event.kind, fault);
    }
    return false;
  }
}

/** Has the engine deliver what is at RIP, if it was delivered so before. */
function isRemembered(core: Core, vector: number, kind: number, errorCode: number): boolean {
  const { crossings } = core.host;
  if (crossings === undefined) return false;
  const isException = kind === EVENT_KIND.exception;
  const hasErrorCode = isException && pushesErrorCode(vector) ? 1 : 0;
  const flags = isException && !isIn(NOT_FAULTS, vector) ? RFLAGS.RF : 0;
  if (!crossings.deliver(vector, CROSSING_KIND.hardware, errorCode, hasErrorCode, flags)) return false;
  count(core, vector, kind);
  return true;
}

/**
 * Delivers what follows from a fault in the delivery of an event (tables 6-4 and 6-5).
 * @param first the exception under delivery, undefined for an interrupt, which is benign.
 */
export function deliverInstead(
  core: Core,
  first: number | undefined,
  kind: number,
  second: GuestFault,
): void {
  let before = first;
  let fault = second;
  const story = [first === undefined ? "an interrupt" : nameOf(first)];
  let external = kind === EVENT_KIND.software ? 0 : EXT;
  for (;;) {
    if (fault.vector === PF) noteAddress(core, fault);
    story.push(nameOf(fault.vector));
    const vector = combine(before, fault.vector);
    if (vector === undefined) {
      shutDown(core, story);
      if (core.interception?.shutdown() === true) core.hasExited = true;
      return;
    }
    const errorCode = vector === DF ? 0 : fault.errorCode | (isIn(WITH_EXT, vector) ? external : 0);
    try {
      deliverOnce(core, vector, EVENT_KIND.exception, errorCode, core.words[RIP]!, core.words[RIP_HIGH]!);
      return;
    } catch (next) {
      if (!(next instanceof GuestFault)) throw next;
      if (leaves(core, next, { vector, kind: EVENT_KIND.exception, errorCode })) return;
      before = vector;
      fault = next;
      external = EXT;
    }
  }
}

/** The exception to deliver when `second` arose during the delivery of `first`; undefined: shutdown. */
function combine(first: number | undefined, second: number): number | undefined {
  if (first === undefined) return second;
  const isSecondSerious = isIn(CONTRIBUTORY, second) || second === PF;
  if (first === DF) return isSecondSerious ? undefined : second;
  if (first === PF) return isSecondSerious ? DF : second;
  return isIn(CONTRIBUTORY, first) && isIn(CONTRIBUTORY, second) ? DF : second;
}

function deliverOnce(
  core: Core,
  vector: number,
  kind: number,
  errorCode: number,
  returnLow: number,
  returnHigh: number,
): void {
  const isException = kind === EVENT_KIND.exception;
  // Of a switch that was not finished before, this is the fault.
  core.unfinishedSwitch = undefined;
  const flags = core.readFlags() | (core.words[FLAGS]! & RFLAGS.RF);
  if (isException && vector === DB) core.words[DR7_WORD]! &= ~DR7_GD;
  if (!core.isProtected) deliverReal(core, vector, flags, returnLow);
  else {
    const { event } = core;
    event.vector = vector;
    event.kind = kind;
    event.isSoftware = kind === EVENT_KIND.software;
    event.hasErrorCode = isException && pushesErrorCode(vector);
    event.errorCode = errorCode;
    event.flags = isException && !isIn(NOT_FAULTS, vector) ? flags | RFLAGS.RF : flags;
    event.returnLow = returnLow;
    event.returnHigh = returnHigh;
    if (core.isLong) deliverLong(core, event);
    else deliverProtected(core, event);
    if (core.hasExited) return;
  }
  count(core, vector, kind);
}

function count(core: Core, vector: number, kind: number): void {
  const { host, costs } = core;
  if (kind === EVENT_KIND.exception) {
    host.count(EVENT.exceptions);
    if (vector === PF) host.count(EVENT.guest_page_faults);
  } else host.count(kind === EVENT_KIND.external ? EVENT.interrupts : EVENT.software_interrupts);
  if (core.deliversInSoftware) {
    core.softwareDeliveries++;
    return;
  }
  host.charge(
    CYCLES.guest_fault,
    kind === EVENT_KIND.software ? costs.software_interrupt : costs.interrupt_delivery,
  );
}

function noteAddress(core: Core, fault: GuestFault): void {
  core.words[CR2_WORD] = fault.addressLow;
  core.words[CR2_WORD + 1] = fault.addressHigh;
}

/** @param story what was to be delivered, and each exception that its delivery ran into, the double fault's last. */
function shutDown(core: Core, story: readonly string[]): void {
  core.activity = ACTIVITY.shutdown;
  core.shutdownReason = `triple fault: ${story.join(", then ")} while the double fault was delivered`;
}

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(EXCEPTION).map(([name, vector]) => [vector, `#${name}`]),
);

function nameOf(vector: number): string {
  return NAMES.get(vector) ?? `vector ${vector}`;
}
