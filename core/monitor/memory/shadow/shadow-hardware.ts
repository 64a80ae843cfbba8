/** What shadow tables need of the machine under them: its memory, the format that it walks, and that it forgets translations. */
import type { Gfn, Gva, Hfn } from "../../../machine/address.js";
import type { Machine } from "../../../machine/machine.js";
import type { PagingFormat } from "../../../machine/mmu/format.js";

export interface ShadowHardware {
  readonly machine: Machine;
  /** Of the guest's tables, and of their shadows. */
  readonly paging: PagingFormat;
  /** Every translation that came from the tables is to be forgotten. */
  flush(): void;
  invalidatePage(va: Gva): void;
  /** The guest's frames are reached otherwise than by shadows, too: forbids writes to one there, or allows them again. */
  protect?(gfn: Gfn, isReadOnly: boolean): void;
  /** PAE: the running root's entries changed, which the hardware holds in registers. */
  loadRegisters?(): void;
  /** Linear addresses that are the monitor's in every address space; none when absent. */
  readonly reserved?: ReservedEntries | undefined;
}

/**
 * Entries that every address space has for the monitor itself, in the root and in tables below its reserved entries. A page
 * table that the guest has elsewhere too gets another shadow there, which has none.
 */
export interface ReservedEntries {
  /**
   * Low word of what stands in an entry of a table of a level, where the guest has nothing; 0 for nothing. The high word is 0.
   * What is below an entry of level 2 is the monitor's whatever the guest has there.
   */
  entry(level: number, index: number): number;
  /** Whether a frame holds one of the monitor's own tables or pages. */
  owns(frame: Hfn): boolean;
}

/** Of a machine whose references are generated: nothing besides the MMU remembers translations. */
export const plainHardware = (machine: Machine): ShadowHardware => ({
  machine,
  paging: machine.paging,
  flush: () => machine.mmu.flushAll(false),
  invalidatePage: (va) => machine.mmu.invalidatePage(va),
});
