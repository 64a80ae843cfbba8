/**
 * Puts the CPU into the state in which a guest image gets control, as a loader decided it (guest/images/boot-state.ts has
 * this shape). What the loader does not name is as after reset.
 */
import { CR0 } from "./control-bits.js";
import { ACTIVITY, type Core } from "./core.js";
import {
  CR0_WORD,
  CR3_WORD,
  CR4_WORD,
  EFER_WORD,
  GDTR_BASE,
  GDTR_LIMIT,
  IDTR_BASE,
  IDTR_LIMIT,
  PRIVILEGE,
} from "./places.js";
import { allowRealAccess, loadNull, PRIVILEGE_SHIFT, setSegment } from "./segments.js";
import { GS } from "./state.js";

/** A segment register with its hidden part; attributes as in SEGMENT.attributes, 0 when unusable. */
export interface StartSegment {
  readonly selector: number;
  readonly base: number;
  readonly limit: number;
  readonly attributes: number;
}

export interface StartTable {
  readonly base: number;
  readonly limit: number;
}

/** Numbers are unsigned, or signed where they are canonical addresses. */
export interface StartState {
  readonly rip: number;
  readonly rflags: number;
  /** By 64-bit name: rax, rcx, …, r15. */
  readonly registers: Readonly<Record<(typeof GENERAL_NAMES)[number], number>>;
  readonly segments: Readonly<Record<(typeof SEGMENT_NAMES)[number], StartSegment>>;
  readonly gdtr: StartTable;
  readonly idtr: StartTable;
  readonly cr0: number;
  readonly cr3: number;
  readonly cr4: number;
  readonly efer: number;
}

// biome-ignore format: in the order of their numbers
const GENERAL_NAMES = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
  "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
] as const;
const SEGMENT_NAMES = ["es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"] as const;

const highOf = (value: number): number => Math.floor(value / 0x1_0000_0000) | 0;

/** To be called after a reset. */
export function applyStart(core: Core, start: StartState): void {
  const { words, host } = core;
  const isReal = (start.cr0 & CR0.PE) === 0;
  const setPair = (word: number, value: number): void => {
    words[word] = value | 0;
    words[word + 1] = highOf(value);
  };
  for (const [number, name] of GENERAL_NAMES.entries())
    core.setRegister(number, 8, start.registers[name] | 0, highOf(start.registers[name]));
  for (const [number, name] of SEGMENT_NAMES.entries()) {
    const { selector, base, limit, attributes } = start.segments[name];
    if (attributes === 0) loadNull(core, number, selector);
    else setSegment(core, number, selector, base | 0, limit | 0, attributes);
    if (isReal && number <= GS) allowRealAccess(core, number);
  }
  setPair(GDTR_BASE, start.gdtr.base);
  words[GDTR_LIMIT] = start.gdtr.limit | 0;
  setPair(IDTR_BASE, start.idtr.base);
  words[IDTR_LIMIT] = start.idtr.limit | 0;
  words[CR0_WORD] = start.cr0 | CR0.ET;
  setPair(CR3_WORD, start.cr3);
  words[CR4_WORD] = start.cr4 | 0;
  words[EFER_WORD] = start.efer | 0;
  words[PRIVILEGE] = isReal ? 0 : (start.segments.cs.attributes >>> PRIVILEGE_SHIFT) & 3;
  core.jump(start.rip | 0, highOf(start.rip));
  core.writeFlags(start.rflags | 0);
  core.activity = ACTIVITY.active;
  core.forgetCrossings();
  host.paging.changed();
  host.paging.loadRoot(false);
  core.updateMode();
}
