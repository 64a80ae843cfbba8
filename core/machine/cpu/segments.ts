/**
 * Setting segment registers and their hidden parts (SDM vol. 3, 3.4.3) once everything has been checked: from a
 * descriptor, null, and as real and virtual-8086 mode do. Nothing here can fault.
 */
import type { Core } from "./core.js";
import { type Descriptor, flatOf, rightsOf } from "./descriptor.js";
import {
  ATTRIBUTES,
  BASE,
  FLAT,
  HIGHEST,
  LIMIT,
  LOWEST,
  PRIVILEGE,
  RIGHTS,
  SELECTOR,
  segmentWord,
} from "./places.js";
import { CS, DS, ES, FS, GS, SEGMENT_READABLE, SEGMENT_WRITABLE, SS } from "./state.js";

const READ_AND_WRITE = SEGMENT_READABLE | SEGMENT_WRITABLE;
/** Present data, writable, accessed, of privilege 0: what real mode's segments have; and 3, virtual-8086 mode's. */
const REAL_ATTRIBUTES = 0x9300;
const VIRTUAL_ATTRIBUTES = 0xf300;
const REAL_LIMIT = 0xffff;
/** Present flat code and stack, as SYSCALL and its like make them up: 4 GiB, accessed (SDM vol. 2, SYSCALL). */
export const FLAT_CODE_ATTRIBUTES = 0xc0_9b00;
export const FLAT_CODE_64_ATTRIBUTES = 0xa0_9b00;
export const FLAT_DATA_ATTRIBUTES = 0xc0_9300;
/** Types of code with the conforming bit. */
const CONFORMING_CODE = 0xc00;
/** Bits 14..13: DPL. */
export const PRIVILEGE_SHIFT = 13;

/** Loads a segment register from a descriptor; code and data. */
export function loadSegment(core: Core, segment: number, selector: number, descriptor: Descriptor): void {
  const { words } = core;
  const at = segmentWord(segment);
  words[at + BASE] = descriptor.base;
  words[at + BASE + 1] = 0;
  words[at + LOWEST] = descriptor.lowest;
  words[at + HIGHEST] = descriptor.highest;
  words[at + SELECTOR] = selector;
  words[at + ATTRIBUTES] = descriptor.attributes;
  words[at + RIGHTS] = descriptor.rights;
  words[at + LIMIT] = descriptor.limit;
  words[at + FLAT] = descriptor.flat;
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
  core.forgetCrossings();
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
  words[at + FLAT] = 0;
  if (segment < FS || core.processor.isIntel) {
    words[at + BASE] = 0;
    words[at + BASE + 1] = 0;
  }
}

/** Real mode: the base follows from the selector; limit and attributes stay as they are, unless they are unusable. */
export function loadRealSegment(core: Core, segment: number, selector: number): void {
  const { words } = core;
  const at = segmentWord(segment);
  if (words[at + ATTRIBUTES] === 0) setSegment(core, segment, selector, 0, REAL_LIMIT, REAL_ATTRIBUTES);
  words[at + SELECTOR] = selector;
  words[at + BASE] = selector << 4;
  words[at + BASE + 1] = 0;
  allowRealAccess(core, segment);
}

/** In real mode every segment may be read and written, code too. */
export function allowRealAccess({ words }: Core, segment: number): void {
  const at = segmentWord(segment);
  words[at + RIGHTS] = READ_AND_WRITE;
  words[at + FLAT] = flatOf(words[at + BASE]!, words[at + LOWEST]!, words[at + HIGHEST]!, READ_AND_WRITE);
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
  const rights = rightsOf(attributes);
  words[at + SELECTOR] = selector;
  words[at + BASE] = base;
  words[at + BASE + 1] = 0;
  words[at + ATTRIBUTES] = attributes;
  words[at + RIGHTS] = rights;
  words[at + LIMIT] = limit;
  words[at + LOWEST] = 0;
  words[at + HIGHEST] = limit;
  words[at + FLAT] = flatOf(base, 0, limit, rights);
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
  drop(core, ES, cpl);
  drop(core, DS, cpl);
  drop(core, FS, cpl);
  drop(core, GS, cpl);
}

function drop(core: Core, segment: number, cpl: number): void {
  const attributes = core.words[segmentWord(segment) + ATTRIBUTES]!;
  if (((attributes >>> PRIVILEGE_SHIFT) & 3) >= cpl || attributes === 0) return;
  const isConformingCode = (attributes & CONFORMING_CODE) === CONFORMING_CODE;
  if (!isConformingCode) loadNull(core, segment, 0);
}
