/** What shadow tables need of the machine under them: its memory, the format that it walks, and that it forgets translations. */
import type { Gva } from "../../../machine/address.js";
import type { Machine } from "../../../machine/machine.js";
import type { PagingFormat } from "../../../machine/mmu/format.js";

export interface ShadowHardware {
  readonly machine: Machine;
  /** Of the guest's tables, and of their shadows. */
  readonly paging: PagingFormat;
  /** Every translation that came from the tables is to be forgotten. */
  flush(): void;
  invalidatePage(va: Gva): void;
}

/** Of a machine whose references are generated: nothing besides the MMU remembers translations. */
export const plainHardware = (machine: Machine): ShadowHardware => ({
  machine,
  paging: machine.paging,
  flush: () => machine.mmu.flushAll(false),
  invalidatePage: (va) => machine.mmu.invalidatePage(va),
});
