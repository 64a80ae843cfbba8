/** Where things lie in a timeless guest (timeless-guests.ts), and the numbers that its kernel and its fragments share. */
import type { CodeMode, RegisterOperand } from "../../machine/x86/instruction.js";
import { GENERAL } from "../../machine/x86/registers.js";

export type Width = Extract<CodeMode, 32 | 64>;

export const PAGE = 0x1000;
/** Number of the register. */
export const STACK_POINTER = 4;

/** The general registers of code of a width, but for the stack pointer. */
export const freeRegisters = (width: Width): readonly RegisterOperand[] =>
  GENERAL[width === 64 ? 8 : 4].filter(({ number }) => number !== STACK_POINTER && number < width / 4);

/** Linear addresses, which are physical ones but for the local APIC's. Below `stack` the kernel may only read. */
export const PLACES = {
  tables: 0x1000,
  idt: 0x2000,
  kernel: 0x3000,
  stack: 0x8000,
  variables: 0x9000,
  data: 0xa000,
  readOnly: 0xe000,
  /** Mapped by the page-fault handler each time it is touched and absent. */
  demand: 0xf000,
  userStack: 0x1_1000,
  code: 0x2_0000,
  pages: 0x3_0000,
  apic: 0x1f_f000,
} as const;
export const DATA_PAGES = 4;
export const END_OF_CODE = 0x2_c000;

/** Of the page of variables. */
export const VARIABLES = {
  hash: PLACES.variables,
  fragment: PLACES.variables + 8,
  turns: PLACES.variables + 16,
  saved: PLACES.variables + 24,
  interrupts: PLACES.variables + 32,
} as const;

export const SELECTORS = { code: 0x08, data: 0x10, userData: 0x1b, userCode: 0x23, task: 0x28 } as const;

/** Software's vectors: comes back; goes on with the next fragment. And that of the local APIC to itself. */
export const VECTORS = { call: 0x80, done: 0x81, apic: 0x40 } as const;

export const ENTRY = { present: 1, writable: 2, user: 4 } as const;
export const CR0_WP = 0x1_0000;

/** Offset of the interrupt command register's lower half (SDM vol. 3, 11.6.1), and its value: this vector, to itself. */
export const APIC_COMMAND = 0x300;
export const TO_ITSELF = 0x4_4000 | VECTORS.apic;

/** Bytes of an entry of a page table: 32-bit paging has 4, the other formats 8. */
export type EntryBytes = 4 | 8;
