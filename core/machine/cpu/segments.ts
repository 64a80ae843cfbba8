/**
 * Setting segment registers and their hidden parts (SDM vol. 3, 3.4.3) once everything has been checked: from a
 * descriptor, null, and as real and virtual-8086 mode do. Nothing here can fault.
 */
import type { Core } from "./core.js";
import {
  baseOf,
  type Descriptor,
  highestOf,
  isReadableType,
  isWritableType,
  limitOf,
  lowestOf,
} from "./descriptor.js";
import {
  ATTRIBUTES,
  BASE,
  HIGHEST,
  LIMIT,
  LOWEST,
  PRIVILEGE,
  RIGHTS,
  SELECTOR,
  segmentWord,
} from "./places.js";
import { CS, FS, SEGMENT_READABLE, SEGMENT_WRITABLE, SS } from "./state.js";

/** Bits of a descriptor's second word that are kept: type, S, DPL, P, AVL, L, D/B, G. */
const ATTRIBUTE_BITS = 0xf0_ff00;
const READ_AND_WRITE = SEGMENT_READABLE | SEGMENT_WRITABLE;
/** Present data, writable, accessed, of privilege 0: what real mode's segments have; and 3, virtual-8086 mode's. */
const REAL_ATTRIBUTES = 0x9300;
const VIRTUAL_ATTRIBUTES = 0xf300;
const REAL_LIMIT = 0xffff;
/** Present flat code and stack, as SYSCALL and its like make them up: 4 GiB, accessed (SDM vol. 2, SYSCALL). */
export const FLAT_CODE_ATTRIBUTES = 0xc0_9b00;
export const FLAT_CODE_64_ATTRIBUTES = 0xa0_9b00;
export const FLAT_DATA_ATTRIBUTES = 0xc0_9300;
/** Bits 14..13: DPL. */
export const PRIVILEGE_SHIFT = 13;

/** Loads a segment register from a descriptor; code and data. */
export function loadSegment(core: Core, segment: number, selector: number, descriptor: Descriptor): void {
  const { low, high } = descriptor;
  const { words } = core;
  const at = segmentWord(segment);
  const limit = limitOf(low, high);
  words[at + BASE] = baseOf(low, high);
  words[at + BASE + 1] = 0;
  words[at + SELECTOR] = selector;
  words[at + ATTRIBUTES] = high & ATTRIBUTE_BITS;
  words[at + LIMIT] = limit;
  words[at + RIGHTS] =
    (isReadableType(high) ? SEGMENT_READABLE : 0) | (isWritableType(high) ? SEGMENT_WRITABLE : 0);
  words[at + LOWEST] = lowestOf(high, limit);
  words[at + HIGHEST] = highestOf(high, limit);
}

/** Loads CS with a selector of privilege `cpl`, which becomes CPL. Mode word and engine are told by the caller. */
export function loadCodeSegment(core: Core, selector: number, cpl: number, descriptor: Descriptor): void {
  loadSegment(core, CS, (selector & ~3) | cpl, descriptor);
  core.words[PRIVILEGE] = cpl;
}

/** Loads LDTR or TR. `upper`: bits 63..32 of the base. */
export function loadSystemSegment(
  core: Core,
  segment: number,
  selector: number,
  descriptor: Descriptor,
  upper: number,
): void {
  loadSegment(core, segment, selector, descriptor);
  const { words } = core;
  const at = segmentWord(segment);
  words[at + BASE + 1] = upper;
  words[at + RIGHTS] = 0;
}

/**
 * Makes a segment register null: no access through it is allowed. Its base stays, but for FS and GS on Intel's
 * processors, where it becomes 0 (AMD keeps it: APM vol. 2, 4.8.1).
 */
export function loadNull(core: Core, segment: number, selector: number): void {
  const { words } = core;
  const at = segmentWord(segment);
  words[at + SELECTOR] = selector;
  words[at + ATTRIBUTES] = 0;
  words[at + RIGHTS] = 0;
  words[at + LOWEST] = 1;
  words[at + HIGHEST] = 0;
  if (segment < FS || core.processor.isIntel) {
    words[at + BASE] = 0;
    words[at + BASE + 1] = 0;
  }
}

/** Real mode: the base follows from the selector; limit and attributes stay as they are, unless they are unusable. */
export function loadRealSegment(core: Core, segment: number, selector: number): void {
  const { words } = core;
  const at = segmentWord(segment);
  words[at + SELECTOR] = selector;
  words[at + BASE] = selector << 4;
  words[at + BASE + 1] = 0;
  words[at + RIGHTS] = READ_AND_WRITE;
  if (words[at + ATTRIBUTES] !== 0) return;
  words[at + ATTRIBUTES] = REAL_ATTRIBUTES;
  setWhole(words, at, REAL_LIMIT);
}

/** In real mode every segment may be read and written, code too. */
export function allowRealAccess(core: Core, segment: number): void {
  core.words[segmentWord(segment) + RIGHTS] = READ_AND_WRITE;
}

/** Virtual-8086 mode (SDM vol. 3, 21.2.1). */
export function loadVirtualSegment(core: Core, segment: number, selector: number): void {
  setSegment(core, segment, selector, selector << 4, REAL_LIMIT, VIRTUAL_ATTRIBUTES);
}

/** As RESET# leaves them, with the limit and attributes of real mode. */
export function resetSegment(core: Core, segment: number, selector: number, base: number): void {
  setSegment(core, segment, selector, base, REAL_LIMIT, REAL_ATTRIBUTES);
}

/** Sets all of a segment register. Expand-up; code and data by the attributes. */
export function setSegment(
  core: Core,
  segment: number,
  selector: number,
  base: number,
  limit: number,
  attributes: number,
): void {
  const { words } = core;
  const at = segmentWord(segment);
  words[at + SELECTOR] = selector;
  words[at + BASE] = base;
  words[at + BASE + 1] = 0;
  words[at + ATTRIBUTES] = attributes;
  words[at + RIGHTS] =
    (isReadableType(attributes) ? SEGMENT_READABLE : 0) | (isWritableType(attributes) ? SEGMENT_WRITABLE : 0);
  setWhole(words, at, limit);
}

function setWhole(words: Int32Array, at: number, limit: number): void {
  words[at + LIMIT] = limit;
  words[at + LOWEST] = 0;
  words[at + HIGHEST] = limit;
}

/** CS and SS of SYSCALL, SYSRET, SYSENTER and SYSEXIT: fixed, without reading descriptors. */
export function loadFlatPair(core: Core, code: number, stack: number, cpl: number, is64: boolean): void {
  const privilege = cpl << PRIVILEGE_SHIFT;
  setSegment(core, CS, code, 0, -1, (is64 ? FLAT_CODE_64_ATTRIBUTES : FLAT_CODE_ATTRIBUTES) | privilege);
  setSegment(core, SS, stack, 0, -1, FLAT_DATA_ATTRIBUTES | privilege);
  core.words[PRIVILEGE] = cpl;
}

/** After a return to a lesser privilege: data segments that it may not use become null (SDM vol. 3, 5.8.6). */
export function dropPrivilegedSegments(core: Core, cpl: number): void {
  const { words } = core;
  for (let segment = 0; segment <= 5; segment++) {
    if (segment === CS || segment === SS) continue;
    const attributes = words[segmentWord(segment) + ATTRIBUTES]!;
    if (attributes === 0) continue;
    const isConformingCode = (attributes & 0xc00) === 0xc00;
    if (((attributes >>> PRIVILEGE_SHIFT) & 3) < cpl && !isConformingCode) loadNull(core, segment, 0);
  }
}
