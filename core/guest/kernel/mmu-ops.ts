/**
 * What a kernel asks of memory management that differs between an unmodified kernel and a paravirtual port,
 * after Linux's pv_mmu_ops (arch/x86/include/asm/paravirt_types.h). Two implementations: native-mmu.ts and
 * xen-mmu.ts. Frames here are always guest frames; what an entry holds in memory is the implementation's
 * affair.
 */
import type { Gfn, Gva } from "../../machine/address.js";

/** A tree of page tables with its root. */
export interface AddressSpace {
  /** 0 is the kernel's own; processes count from 1 and never reuse one. */
  readonly id: number;
  readonly root: Gfn;
  /** The hardware may hold translations that are out of date: the next activation must not keep them. */
  stale: boolean;
  /** Xen: validated as a whole, so that every change goes through the hypervisor. */
  pinned: boolean;
}

export interface MmuOps {
  /** Reads an entry by a real load through the direct map; the result is in `entryFrame` and `entryFlags`. */
  readEntry(table: Gfn, index: number): void;
  readonly entryFrame: Gfn;
  readonly entryFlags: number;
  /**
   * Writes a leaf entry (counted as a guest_table_write). Within lazy mode it may take effect only at
   * `leaveLazy`.
   */
  setEntry(table: Gfn, index: number, frame: Gfn, flags: number): void;

  /** An empty table frame, not yet linked into a tree. */
  allocateTable(): Gfn;
  /** Gives back a table that is empty and unlinked. */
  releaseTable(table: Gfn): void;
  /** Makes `table` the root of a new space. */
  adoptRoot(space: AddressSpace): void;
  /** Points an entry at a table, which from then on belongs to the parent's tree. Takes effect at once. */
  linkTable(parent: Gfn, index: number, table: Gfn, flags: number): void;
  /** Clears the entry that points at `table`. Takes effect at once. */
  unlinkTable(parent: Gfn, index: number, table: Gfn): void;

  /** Loads a space's root into CR3, keeping its translations where a PCID allows. */
  activate(space: AddressSpace): void;
  /** Ends a space's use by the hardware, before its tables are torn down. It is not the active one. */
  retire(space: AddressSpace): void;
  /** Flushes all user translations of the active space. */
  flushUser(space: AddressSpace): void;
  /** Flushes the translation of one address in the active space. */
  flushPage(va: Gva): void;

  /** Entry writes until `leaveLazy` may be batched (arch_enter_lazy_mmu_mode). Not nested. */
  enterLazy(): void;
  leaveLazy(): void;
}
