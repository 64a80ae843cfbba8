/**
 * The registers of the memory-management unit, in linear memory where every engine reaches them, 4 bytes each.
 *
 *      word   0 context         tag of the running address space, in place (mmu/contexts.ts)
 *             1 globalContext   tag of its VPID's global pages
 *             2 root            CR3: frame of the root; guest-physical under nested paging
 *             3 writeProtect    CR0.WP, 0 or 1
 *             4 hostRoot        EPTP or nCR3: frame of the nested table's root
 *             5 hostContext     tag of the guest-physical mappings
 *             6 usedSizes       one bit a TLB probe: an entry of that size was filled at some time
 *             7 hasFractures    some page is held in pieces: INVLPG must look for them, 0 or 1
 *             8 status          how the last translation ended (WALK_* in mmu/walker.ts)
 *             9 errorCode       of a page fault
 *            10 violationFrame  of a violation: guest frame
 *            11 violationWrite  the access to it was a write, 0 or 1
 *            12 violationTable  it is a guest page table, 0 or 1
 *            13 rootMode        agile paging: how the root is walked (mmu/agile-walker.ts)
 *            14 guestRoot       agile paging: CR3 as the guest has it, guest-physical
 *            15 codeEpoch       how often the code that was cached decoded was lost (execute/code/runtime/decoded-lines.ts)
 *         16-23 pdptes          the PAE format's four PDPTEs, low and high halves
 *   f64   12 now                time of the next look-up, for replacement (mmu/translations.ts)
 *         13 current            time of the look-up under way
 *         14 hostNow            time of the last look-up in the nested dimension
 */
export const REGISTER = {
  context: 0,
  globalContext: 1,
  root: 2,
  writeProtect: 3,
  hostRoot: 4,
  hostContext: 5,
  usedSizes: 6,
  hasFractures: 7,
  status: 8,
  errorCode: 9,
  violationFrame: 10,
  violationWrite: 11,
  violationTable: 12,
  rootMode: 13,
  guestRoot: 14,
  codeEpoch: 15,
  pdptes: 16,
} as const;

/** Places in `times`. */
export const TIME = { now: 12, current: 13, hostNow: 14 } as const;
export const REGISTER_WORDS = 32;

export interface Registers {
  readonly words: Int32Array;
  /** The same memory as f64. */
  readonly times: Float64Array;
}

export function registersOver(words: Int32Array): Registers {
  return { words, times: new Float64Array(words.buffer, words.byteOffset, words.length / 2) };
}
