/**
 * Prices of software: the guest kernel's and the monitors' own work, in cycles. The defaults stand for an
 * out-of-order core since 2006; a profile spreads them and replaces those for which it has a better
 * source. Memory references of this work are not in the prices where the simulator performs them (table
 * reads and writes); everything else is.
 *
 * Most come from measurements on NetBurst cores (Adams & Agesen 2006; Barham et al. 2003), the only ones
 * published with native, software and hardware monitors side by side. netburst.ts keeps those cycles; the
 * defaults are about half of them (a Core 2 does about twice the work of a Pentium 4 per cycle: an
 * assumption).
 */
import type { CostName } from "../costs.js";
import type { Constant } from "../profile.js";
import { assumed, fitted, published } from "./constants.js";
import { SOURCES } from "./sources.js";

const HALF_OF_NETBURST = "about half of the NetBurst figure (netburst.ts)";

export const SOFTWARE_COSTS = {
  kernel_fault: published(450, `between the two values of ${SOURCES.torvalds2014}: software is 19% of a zero-page fault on Haswell (250 cycles), 42% on Core Duo (680)`, [250, 1_500]),
  kernel_zero_page: published(512, "8 bytes a cycle, Skylake: netoptimizer/prototype-kernel commit 981a7d1 (32 cycles per 256 bytes)", [128, 1_024]),
  kernel_copy_page: assumed(768, "4 KiB read and written, in cache; between 4 and 8 bytes a cycle"),
  kernel_allocate_page: assumed(150, "one take from a per-CPU free list, with its accounting", [60, 400]),
  kernel_fork: assumed(65_000, HALF_OF_NETBURST),
  kernel_fork_entry: assumed(40, "copy_pte_range per entry: read, reference count, two writes", [15, 100]),
  kernel_exit: assumed(45_000, HALF_OF_NETBURST),
  kernel_unmap_entry: assumed(40, "zap_pte_range per entry: read, clear, reference count", [15, 100]),
  kernel_map: assumed(1_500, "mmap or munmap of an anonymous area: look-up and insertion of the area", [600, 4_000]),
  kernel_switch: assumed(1_000, "scheduler and register switch; half of the NetBurst figure, but later kernels do more", [500, 3_000]),
  kernel_syscall: assumed(100, "table dispatch of a call that does nothing", [40, 300]),

  monitor_dispatch: fitted(480, "fitted to kvm-luto17-vmcall-after: KVM's whole VMCALL of 1181 cycles less a hardware round trip of 700; amit17-hypercall-b (835) gives the lower end", [135, 1_000]),
  exit_mitigations: assumed(300, "about ten indirect calls by retpoline, each mispredicted at some 20 cycles, and a return stack refilled by 32 calls", [50, 1_500]),
  vbox_dispatch: fitted(1_277, "fitted to vbox-cpuid-amdv (Zen 1): 2,655 cycles less a round trip of 1,250, emulate_register and the loop", [900, 1_800]),
  vbox_round_trip: fitted(11_036, "fitted to vbox-in-to-ring3-amdv (Zen 1, Windows 10): 16,344 cycles less the exit, vbox_dispatch, user_device, six accesses to MSRs and the refill of the TLB", [6_000, 14_000]),
  shadow_hidden_fault: assumed(1_800, "a software walk (500), the frame's look-up and its lock, and an entry at each of two or three levels", [900, 4_000]),
  shadow_fill_entry: assumed(60, "checks, one entry, one reverse-map link", [20, 200]),
  shadow_true_fault: assumed(500, "as on NetBurst: a software walk waits for memory, and later tables have more levels", [200, 1_800]),
  shadow_emulate_write: assumed(2_400, "between KVM's decode of an IN (kvm-luto17-inl_from_kernel less vmcall: 1,158) with one entry synchronised, and the NetBurst figure", [1_200, 5_000]),
  shadow_unsync: assumed(1_200, "list bookkeeping and lifting the protection of one table", [500, 3_000]),
  shadow_sync_entry: assumed(6, "compare one entry in a loop, 8 bytes each side", [2, 20]),
  shadow_cr3: assumed(900, "look-up of the root among the shadow roots, and loading it", [400, 2_500]),
  shadow_invlpg: assumed(700, "find and clear one shadow entry", [300, 2_000]),
  agile_scan_table: assumed(120, "find the nested entry of one frame (a cached walk in software), test and clear a bit, one bookkeeping entry", [40, 500]),
  shadow_allocate: assumed(1_500, "take a frame, clear it, protect the guest's table", [700, 4_000]),
  ept_violation: assumed(2_000, "memory-slot look-up and fill; host frame allocation and zeroing are counted apart", [1_000, 6_000]),
  host_zero_page: published(512, "as kernel_zero_page", [128, 1_024]),
  hypercall_dispatch: assumed(150, "save registers, check the number, call through the table", [60, 400]),
  validate_update: assumed(250, "find the page's type and owner, adjust reference counts, write", [100, 700]),
  validate_entry: assumed(60, "owner and type looked up, two counts changed by locked operations of about 20 cycles (xen/arch/x86/mm.c, get_page_and_type)", [20, 150]),
  scan_entry: assumed(2, "a load, a test and a branch that is predicted, in a loop", [1, 6]),
  emulate_register: fitted(110, "fitted to kvm-luto17-cpuid-after: 1,291 cycles, of which the empty exit (kvm-luto17-vmcall-after) takes 1,181", [50, 600]),
  emulate_instruction: assumed(1_000, "page walk of the instruction's address in software, decode, and operands through accessors", [500, 4_000]),
  kernel_device: fitted(1_158, "fitted to kvm-luto17-inl_from_kernel-after: 2,339 cycles, of which the empty exit takes 1,181", [300, 2_500]),
  user_round_trip: fitted(3_000, "fitted to kvm-luto17-inl_from_qemu-after: 6,209 cycles, of which the empty exit takes 1,181 and user_device 2,028", [1_200, 4_500]),
  user_device: assumed(2_028, "a dispatch through QEMU's memory regions under its lock; the rest of kvm-luto17-inl_from_qemu-after", [500, 4_000]),
  inject_event: assumed(150, "finding the highest vector, updating the virtual APIC, writing the control block", [60, 600]),
  host_interrupt: assumed(1_500, "the host's interrupt entry, its timer wheel, and the interrupt's end", [700, 5_000]),
  halt_schedule: assumed(4_000, "to the host's idle task and back, with the timer armed", [1_500, 12_000]),
  trap_dispatch: assumed(160, HALF_OF_NETBURST, [60, 320]),
  decode_instruction: assumed(200, HALF_OF_NETBURST, [80, 500]),
  translate_instruction: assumed(600, "decode, choose, emit and record; a translator without optimization", [200, 3_000]),
  translate_lookup: assumed(60, "a hash of the guest's address and a compare", [20, 200]),
  bounce_fault: assumed(300, "building the exception frame on the guest kernel's stack", [120, 800]),
} as const satisfies Partial<Record<CostName, Constant>>;
