/**
 * The hypercalls for memory of Xen's PV ABI, as the guest calls them (xen/include/public/xen.h): mmu_update in batches,
 * mmuext_op for pinning, CR3 and invalidation, and the tables that give machine frames for guest frames and back.
 * Frames inside page-table entries are machine frames; everywhere else the kernel uses its own guest frames.
 */
import type { Gfn, Gva, Hfn } from "../../machine/address.js";

export interface XenHypercalls {
  /** Most updates that one mmu_update takes. */
  readonly batch: number;
  /** phys_to_machine_mapping: the machine frame of a guest frame. Allocates nothing; unpriced like an array look-up. */
  machineFrame(gfn: Gfn): Hfn;
  /** machine_to_phys_mapping: the guest frame of a machine frame. */
  guestFrame(mfn: Hfn): Gfn;
  /** MMU_NORMAL_PT_UPDATE for `count` updates; three elements each: table gfn * 1024 + index, lo, hi (machine frames). */
  mmuUpdate(updates: Int32Array, count: number): void;
  /** MMUEXT_PIN_L<level>_TABLE: validates the whole tree and makes it read-only to the guest. */
  pin(root: Gfn, level: number): void;
  /** MMUEXT_UNPIN_TABLE. */
  unpin(root: Gfn): void;
  /** MMUEXT_NEW_BASEPTR. */
  newBasePointer(root: Gfn): void;
  /** MMUEXT_TLB_FLUSH_LOCAL. */
  flushLocal(): void;
  /** MMUEXT_INVLPG_LOCAL. */
  invalidatePage(va: Gva): void;
}
