/**
 * What others must know of the runtime: operands of accesses, functions to import, places in the table, and how often a cold
 * block is entered until it is translated.
 */

/** An access, in one operand: what is done, options, bytes. */
export const ACCESS = {
  read: 0,
  write: 1,
  /** Reads and then writes: the bounce buffer gets the bytes that are there. */
  modify: 2,
  kindMask: 3,
  /** #GP(0) unless the address is a multiple of the size. */
  aligned: 4,
  /** The segment is SS: faults are #SS. */
  stack: 8,
  /** At supervisor privilege whatever CPL is: descriptor tables, TSS. */
  supervisor: 16,
  /** By a flat segment whose limit was not asked, in 32-bit code: nothing lies beyond 4 GiB. */
  flat: 32,
  sizeShift: 8,
} as const;

/** The operand of an access. */
export const accessOf = (kind: number, size: number, aligned = false): number =>
  kind | (aligned ? ACCESS.aligned : 0) | (size << ACCESS.sizeShift);

/** Table indices of functions that change while the machine runs; handlers and translated code come after them. */
export const TABLE_INDEX = {
  /** Translation under the present paging format: as `defineMmu`. */
  translate: 0,
  /** () → whether the fault that code leaves with was delivered (crossings/page-fault.ts). */
  pageFault: 1,
  first: 2,
} as const;

/** A kind of access for the translation: INVLPG, whether that is done (compiled/invalidate.ts). */
export const INVALIDATE = 3;
/** And an access that is as usual in all respects: its host address, or 0 if it is not (quick-miss.ts); `user` is ACCESS. */
export const QUICK = 4;

/** Functions that TypeScript gives the runtime. */
export interface RuntimeImports {
  /** Fills the bounce buffer with the bytes of a pending access that meets a device. */
  readonly readDevice: () => void;
  /** Carries out a pending write that meets a device or decoded code. */
  readonly commitDevice: () => void;
}

/** Functions of the runtime that handlers and translated code import: names and signatures. */
export const RUNTIME_FUNCTIONS = {
  /** (effective address, address of the segment, ACCESS) → host address, or 0. */
  accessSegment: { parameters: ["i64", "i32", "i32"], result: "i32" },
  /** The same for 64-bit code whose segments have limits; the segment is the instruction's own, not one without a base. */
  accessLimited: { parameters: ["i64", "i32", "i32"], result: "i32" },
  /** (linear address, ACCESS) → host address, or 0; looks among the slots first. */
  accessLinear: { parameters: ["i64", "i32"], result: "i32" },
  /** The same, or 0 where no slot has it: then nothing has happened. */
  accessSlot: { parameters: ["i64", "i32"], result: "i32" },
  /**
   * (linear address, ACCESS, left, now) → host address, left, now: for translated code, which looked among the slots itself and
   * has in locals what else is in STATE.left and TIME.now.
   */
  accessFromRegion: { parameters: ["i64", "i32", "f64", "f64"], result: ["i32", "f64", "f64"] },
  /** () → : after something was stored to the bounce buffer. */
  commit: { parameters: [], result: undefined },
  /** (linear address) → whether INVLPG is done; if not, nothing has happened. */
  invalidatePage: { parameters: ["i64"], result: "i32" },
  /** () → the six arithmetic flags at their places. */
  flags: { parameters: [], result: "i32" },
  carry: { parameters: [], result: "i32" },
  /** (kind, first, second, extra) → : flags that translated code carried in locals, into the state. */
  noteFlags: { parameters: ["i32", "i64", "i64", "i32"], result: undefined },
  /** (header) → : decoded-lines.ts; the runtime has it where the machine models that. */
  decodeLines: { parameters: ["i32"], result: undefined },
  /** () → exit code: goes on at RIP. */
  dispatch: { parameters: [], result: "i32" },
  /**
   * (record) → exit code: executes what the record's first word says. The runtime alone has the table: engines copy a table
   * for every instance that imports it.
   */
  execute: { parameters: ["i32"], result: "i32" },
} as const;

/**
 * Entries after which a cold block is executed by code that it shares with others like it, after which it is to be translated
 * with others, and after which it is at once.
 */
export const TEPID = 16;
export const WARM = 1024;
export const HOT = 4096;
