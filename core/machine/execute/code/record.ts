/**
 * Decoded code in linear memory. A block is a header and one record for each instruction, 64 bytes each (one host cache
 * line), one after the other. The first word of each is the table index of the function that executes it: a handler of the
 * interpreter, or, in a header, a translated function for the whole block. A function gets the address of its record and
 * ends by a tail call to the next one's, or returns why it leaves (exits.ts).
 */
import type { Instruction } from "../../x86/instruction.js";

/** Bytes of a record. */
export const RECORD_BYTES = 64;

/** Fields of an instruction's record. */
export const RECORD = {
  handler: 0,
  /** Header of the block at the branch's target, and at the next instruction, once they are known; 0 before. Same page only. */
  link: 4,
  /** State offsets (16 bits) of the registers that operands 0-3 are; of an immediate operand nothing. */
  operands: 8,
  /** State offsets (16 bits) of base and index registers; `zero` where there is none. */
  base: 16,
  index: 18,
  /** log2 of the scale (8 bits). */
  scale: 20,
  /** Bytes of the instruction (8 bits), and its first byte's place in its page (16 bits). */
  length: 21,
  pageOffset: 22,
  /** State offset of the memory operand's segment (16 bits). */
  segment: 24,
  /** Which of the two next blocks are in the same page, LINKABLE (8 bits). */
  linkable: 26,
  /** Number of the record in its block, from 0 (8 bits). */
  number: 27,
  /** Second link: of the next instruction, for conditional branches. */
  fallThrough: 28,
  /** Sign-extended displacement, i64; of a relative branch and with base RIP counted from the page's first byte. */
  displacement: 32,
  /** ENTER's second immediate, in place of a displacement, which it does not have. */
  secondImmediate: 32,
  /** Sign-extended immediate, i64. */
  immediate: 40,
  /** Base cycles of this instruction and those after it in the block, f64; taken back when the instruction does not complete. */
  costLeft: 48,
  /** The same for counts (STATE.counts), i64. */
  countsLeft: 56,
} as const;

/** Bits of RECORD.linkable: the branch's target, and the next instruction. */
export const LINKABLE = { target: 1, next: 2 } as const;

/** Fields of a block's header; costLeft and countsLeft lie as in a record and are the whole block's. */
export const HEADER = {
  handler: 0,
  /** How often the block was entered while cold. */
  heat: 4,
  /** Physical address of its first byte: frame, place in the page (16 bits); low half of the mode word. One key of 64 bits. */
  frame: 8,
  pageOffset: 12,
  mode: 14,
  /** Next header with the same hash, 0 at the end. */
  next: 20,
  /** Number of the block (code-cache.ts). */
  block: 24,
  /** Instructions in it. */
  count: 28,
  /** For a block whose last instruction crosses into the next page: the physical frame of that page; else -1. */
  secondFrame: 32,
  /** REGISTER.codeEpoch when its lines were last found decoded; only where that is modelled (runtime/decoded-lines.ts). */
  codeEpoch: 36,
} as const;

/** Where the record has the value of an immediate operand. */
export function immediatePlace({ operands }: Instruction, operand: number): number {
  return operands[operand - 1]?.kind === "immediate" ? RECORD.secondImmediate : RECORD.immediate;
}
