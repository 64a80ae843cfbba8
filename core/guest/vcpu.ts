/**
 * The virtual CPU as a guest kernel sees it: what its instructions do. Each technique implements it; exits are handled
 * inside and never seen here. All prices of the machine are charged inside; the kernel charges its own software work
 * with `charge`.
 */
import type { Costs } from "../events/costs.js";
import type { Counters } from "../events/counters.js";
import type { Gfn, Gva } from "../machine/address.js";
import type { PagingFormat } from "../machine/mmu/format.js";
import type { XenHypercalls } from "./kernel/xen.js";

export interface Vcpu {
  readonly paging: PagingFormat;
  readonly counters: Counters;
  readonly costs: Costs;
  /** What CPUID shows the guest: PCIDs (CR4.PCIDE), INVPCID, large pages at all (a Xen PV guest has none), 1 GiB pages. */
  readonly features: {
    readonly pcid: boolean;
    readonly invpcid: boolean;
    readonly largePages: boolean;
    readonly page1G: boolean;
  };
  /** Guest-physical memory: frames below `backedFrames` have contents (tables must lie there); all are below `frames`. */
  readonly memory: { readonly backedFrames: number; readonly frames: number };

  /**
   * Makes references [from, to) of a batch (address.ts), at user or supervisor privilege. Returns `to`; or the index of
   * the reference that raised a page fault in the guest, described by `faultAddress` and `faultCode` — call again from
   * that index after handling it.
   */
  execute(refs: Int32Array, from: number, to: number, user: boolean): number;
  /** CR2 of the last page fault. */
  readonly faultAddress: Gva;
  /** Error code of the last page fault (PF_* bits). */
  readonly faultCode: number;

  /** Supervisor load of one aligned page-table entry (paging.entryBytes); result in `loadedLo`, `loadedHi`. */
  load(va: Gva): void;
  readonly loadedLo: number;
  readonly loadedHi: number;
  /** Supervisor store of one aligned page-table entry. */
  store(va: Gva, lo: number, hi: number): void;
  /** Supervisor reference to a data page through the direct map, contents not modelled. */
  touch(va: Gva, write: boolean): void;

  /** SYSCALL (or SYSENTER) and the return: charges entering and leaving the kernel as this technique does it. */
  systemCall(): void;

  /** MOV to CR3: table root, PCID (0 without PCIDs), and bit 63 (keep this PCID's translations). */
  writeCr3(root: Gfn, pcid: number, keep: boolean): void;
  /** INVLPG. */
  invalidatePage(va: Gva): void;
  /** INVPCID type 0: one address of another PCID. Only with features.invpcid. */
  invalidatePageOf(pcid: number, va: Gva): void;
  /** INVPCID type 1: all non-global translations of a PCID. Only with features.invpcid. */
  invalidatePcid(pcid: number): void;
  /** Toggling CR4.PGE: everything, global pages too. */
  flushAll(): void;

  /** Charges the kernel's own work to a category (CYCLES.*). */
  charge(category: number, cycles: number): void;

  /** Hypercalls, where the guest runs as a paravirtual one; undefined elsewhere. */
  readonly xen: XenHypercalls | undefined;

  /** Debugger's view: one entry of a guest table by frame, without reference, price or event; guest-physical frames in it. */
  inspect(table: Gfn, index: number): { lo: number; hi: number };
}
