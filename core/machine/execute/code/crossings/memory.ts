/**
 * What quick crossings remember, in linear memory. A crossing of privilege or of a segment is first done in TypeScript
 * (cpu/), which writes down what it read from descriptor tables and what came of it. The next time WebAssembly reads the
 * same places again, through the TLB and in the same order; if they hold the same words, what came of it is the same.
 *
 * A memory also depends on registers: it holds under one mode word (CPL, mode, flags that matter) and one generation, which
 * changes whenever GDTR, IDTR, LDTR, TR, a control register or EFER does.
 */
import { SEGMENT_BYTES } from "../../../cpu/state.js";
import type { Allocation } from "../../../memory.js";

/** The hidden part that a segment register gets, as it lies in the state (SEGMENT in cpu/state.ts). */
const HIDDEN = SEGMENT_BYTES;

/** Fields of an interrupt's memory; one for each vector. Addresses are linear, i64. */
export const ENTRY = {
  generation: 0,
  mode: 4,
  /** Bit 0: may be used for exceptions and external interrupts; bit 1: for INT n, whose gate's DPL allows it. */
  kinds: 8,
  /** RFLAGS that are cleared. */
  cleared: 12,
  gate: 16,
  gateWords: 24,
  /** Of a 16-byte gate: its second half. */
  gateUpper: 32,
  code: 40,
  codeWords: 48,
  /** Where the TSS has the stack pointer, 0 if the stack stays. */
  stackSlot: 56,
  /** Outside IA-32e mode: the stack segment's descriptor and selector. */
  stack: 64,
  stackWords: 72,
  stackSelector: 80,
  /** To a higher privilege: SS is loaded, from a TSS or with null. */
  isInner: 84,
  newMode: 88,
  target: 96,
  codeHidden: 104,
  stackHidden: 104 + HIDDEN,
} as const;
const ENTRY_BYTES = 192;
export const VECTORS = 256;

/** Fields of a return's memory; found by the selector of CS. */
export const RETURN = {
  generation: 0,
  mode: 4,
  selector: 8,
  /** To a lesser privilege: SS and the pointer are popped. Always in 64-bit mode. */
  popsStack: 12,
  code: 16,
  codeWords: 24,
  /** 0 where SS is null. */
  stack: 32,
  stackWords: 40,
  stackSelector: 48,
  newMode: 52,
  privilege: 56,
  codeHidden: 64,
  stackHidden: 64 + HIDDEN,
} as const;
const RETURN_BYTES = 192;

/** Fields of a data segment's memory; found by its selector. */
export const LOAD = {
  generation: 0,
  mode: 4,
  selector: 8,
  privilege: 12,
  descriptor: 16,
  words: 24,
  hidden: 32,
} as const;
const LOAD_BYTES = 128;

/** Returns and loads remembered: by bits 6..3 of the selector. */
export const SELECTORS = 16;

export interface CrossingMemory {
  readonly words: Int32Array;
  /** First bytes of the three tables. */
  readonly entries: number;
  readonly returns: number;
  readonly loads: number;
}

export const entryAt = (memory: CrossingMemory, vector: number): number =>
  memory.entries + vector * ENTRY_BYTES;
export const returnAt = (memory: CrossingMemory, selector: number): number =>
  memory.returns + ((selector >> 3) & (SELECTORS - 1)) * RETURN_BYTES;
export const loadAt = (memory: CrossingMemory, selector: number): number =>
  memory.loads + ((selector >> 3) & (SELECTORS - 1)) * LOAD_BYTES;

/** log2 of the sizes is not whole: code multiplies. */
export const CROSSING_BYTES = { entry: ENTRY_BYTES, return: RETURN_BYTES, load: LOAD_BYTES } as const;

export function allocateCrossings(allocation: Allocation): CrossingMemory {
  const bytes = VECTORS * ENTRY_BYTES + SELECTORS * (RETURN_BYTES + LOAD_BYTES);
  const words = allocation.int32(bytes / 4);
  const entries = words.byteOffset;
  const returns = entries + VECTORS * ENTRY_BYTES;
  return { words, entries, returns, loads: returns + SELECTORS * RETURN_BYTES };
}
