/** The task-state segment as far as stacks and ports need it (SDM vol. 3, 8.2.1, 8.7, 19.5.2). Task switches: task-switch.ts. */
import type { Core } from "./core.js";
import { BUSY, SYSTEM_TYPE } from "./descriptor.js";
import { invalidTss } from "./fault.js";
import { type AccessBytes, SPAN_READ } from "./host.js";
import { ATTRIBUTES, BASE, LIMIT, SELECTOR, segmentWord } from "./places.js";
import { TR } from "./state.js";

const TASK = segmentWord(TR);
/** Offsets in a 32-bit, 16-bit and 64-bit TSS. */
const STACKS_32 = 4;
const STACKS_16 = 2;
const STACKS_64 = 4;
const INTERRUPT_STACKS_64 = 0x24;
/** 16-bit offset of the I/O permission bitmap, in a 32- or 64-bit TSS. */
const MAP_BASE = 0x66;
const INTERRUPT_REDIRECTION_BYTES = 32;

/** The type of the running task's TSS, busy bit removed: tss16 or tss32 (which is the 64-bit one too). */
export const taskType = (core: Core): number => (core.words[TASK + ATTRIBUTES]! >>> 8) & 15 & ~BUSY;

/** Linear address of an offset in the TSS; the high half is left in `core.high`. */
function addressOf(core: Core, offset: number): number {
  const base = core.words[TASK + BASE]!;
  const low = (base + offset) | 0;
  core.high = (core.words[TASK + BASE + 1]! + (low >>> 0 < base >>> 0 ? 1 : 0)) | 0;
  return low;
}

const limitOfTask = (core: Core): number => core.words[TASK + LIMIT]! >>> 0;

const tooSmall = (core: Core): never => {
  throw invalidTss(core.words[TASK + SELECTOR]!);
};

/** Linear address of a privilege's stack pointer in a 32- or 64-bit TSS; the high half is left in `core.high`. */
export const stackSlotOf = (core: Core, cpl: number): number => addressOf(core, STACKS_32 + cpl * 8);
/** The same for an interrupt stack, 1 to 7. */
export const interruptStackSlotOf = (core: Core, interruptStack: number): number =>
  addressOf(core, INTERRUPT_STACKS_64 + (interruptStack - 1) * 8);

/**
 * SS:ESP for a privilege, from the TSS: returns ESP and leaves SS in `core.high`.
 * @throws GuestFault #TS with TR's selector when the TSS is too small.
 */
export function readStackOf(core: Core, cpl: number): number {
  const { memory } = core;
  if (taskType(core) === SYSTEM_TYPE.tss16) {
    const offset = STACKS_16 + cpl * 4;
    if (offset + 3 > limitOfTask(core)) tooSmall(core);
    const low = addressOf(core, offset);
    const pair = memory.read(core.high, low, 4, false);
    core.high = pair >>> 16;
    return pair & 0xffff;
  }
  const offset = STACKS_32 + cpl * 8;
  if (offset + 5 > limitOfTask(core)) tooSmall(core);
  const low = addressOf(core, offset);
  const at = memory.span(core.high, low, 8, SPAN_READ, false);
  if (at >= 0) {
    core.high = memory.words[at + 1]! & 0xffff;
    return memory.words[at]!;
  }
  const pointer = memory.read64(core.high, low, false);
  core.high = memory.high & 0xffff;
  return pointer;
}

/** RSP0 to RSP2, or IST1 to IST7 where `interruptStack` is not 0; the high half is left in `core.high`. */
export function readLongStack(core: Core, cpl: number, interruptStack: number): number {
  const offset = interruptStack === 0 ? STACKS_64 + cpl * 8 : INTERRUPT_STACKS_64 + (interruptStack - 1) * 8;
  if (offset + 7 > limitOfTask(core)) tooSmall(core);
  const { memory } = core;
  const low = addressOf(core, offset);
  const pointer = memory.read64(core.high, low, false);
  core.high = memory.high;
  return pointer;
}

/** Whether the I/O permission bitmap lets `size` ports from `port` be used. A task without a bitmap allows none. */
export function isPortAllowed(core: Core, port: number, size: number): boolean {
  const mapBase = readMapBase(core);
  if (mapBase < 0) return false;
  const offset = mapBase + (port >> 3);
  // Two bytes are read whatever the size: the bitmap ends with a byte of ones.
  if (offset + 1 > limitOfTask(core)) return false;
  const bits = readTask(core, offset, 2);
  return ((bits >> (port & 7)) & ((1 << size) - 1)) === 0;
}

/**
 * Virtual-8086 mode extensions (SDM vol. 3, 21.3): whether INT n goes to the program's own table in virtual-8086 mode,
 * by the 32 bytes below the I/O permission bitmap.
 */
export function isInterruptRedirected(core: Core, vector: number): boolean {
  const mapBase = readMapBase(core);
  const offset = mapBase - INTERRUPT_REDIRECTION_BYTES + (vector >> 3);
  if (mapBase < INTERRUPT_REDIRECTION_BYTES || offset > limitOfTask(core)) return false;
  return ((readTask(core, offset, 1) >> (vector & 7)) & 1) === 0;
}

/** Offset of the bitmap, or -1: the TSS has none. */
function readMapBase(core: Core): number {
  if (taskType(core) !== SYSTEM_TYPE.tss32 || MAP_BASE + 1 > limitOfTask(core)) return -1;
  return readTask(core, MAP_BASE, 2);
}

function readTask(core: Core, offset: number, bytes: AccessBytes): number {
  const low = addressOf(core, offset);
  return core.memory.read(core.high, low, bytes, false);
}
