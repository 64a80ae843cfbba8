/**
 * Software prices measured on NetBurst cores, in cycles of a 3.8 GHz Pentium 4 672 (Adams & Agesen 2006)
 * or of a 2.4 GHz Xeon (Barham et al. 2003, native Linux 2.4.21 UP and XenoLinux). What each is fitted to
 * stands in its source, with the sum worked out. Prices not here take the defaults of software.ts. And what a line of code
 * takes to decode, a price of the hardware that the family's cores have for themselves.
 */
import type { CostName } from "../costs.js";
import type { Constant } from "../profile.js";
import { assumed, fitted, published } from "./constants.js";
import { SOURCES } from "./sources.js";

/** Where the three ways to the same emulation part: what a trap and what a call-out cost. */
const RDTSC_THREE_WAYS = `${SOURCES.adams2006AsCited}, Sec. 4: RDTSC takes 2,030 cycles trapped and emulated, 1,254 by a call-out, 216 emulated in the translation cache`;

/**
 * What a line of code takes anew after a flush of the trace cache, which has no first-level instruction cache behind it.
 * @param l2Cycles latency of the L2, from `source`.
 */
export function lineDecoding(l2Cycles: number, source: string): Constant {
  const why = `a read of the L2, ${l2Cycles} cycles (${source}); decoding, an instruction a clock, hides behind executing (${SOURCES.netBurstOptimization}). That the trace cache goes with the TLB: ${SOURCES.uhlig2002}`;
  return assumed(l2Cycles, why, [l2Cycles / 4, 3 * l2Cycles]);
}

export const NETBURST_SOFTWARE_COSTS = {
  kernel_fault: assumed(900, `twice the default; bounded by ${SOURCES.torvalds2014}, 680 on Core Duo`, [500, 2_000]),
  kernel_zero_page: assumed(1_024, "4 bytes a cycle", [512, 2_048]),
  kernel_copy_page: assumed(1_536, "twice the default", [768, 3_000]),
  kernel_fork: fitted(130_000, `fitted to xen03-3-fork-proc-l-up (${SOURCES.xen2003}): 110 us = 264,000 cycles for fork, exit and wait, less about 20 copy-on-write faults of 2,000; half to two thirds is fork`, [90_000, 180_000]),
  kernel_exit: fitted(90_000, "fitted to xen03-3-fork-proc-l-up, as kernel_fork: the rest", [50_000, 130_000]),
  kernel_map: assumed(3_000, "twice the default", [1_200, 8_000]),
  kernel_switch: fitted(1_000, `fitted to xen03-4-2p-0k-l-up (${SOURCES.xen2003}): 0.77 us = 1,848 cycles, less CR3 load and the TLB's refill`, [500, 1_500]),
  kernel_syscall: fitted(300, `fitted to xen03-3-null-call-l-up (${SOURCES.xen2003}): 0.45 us = 1,080 cycles by INT 80h, less the trap itself`, [100, 500]),

  monitor_dispatch: fitted(5_482, "fitted to adams06-nano-pgfault-hw-vmm: 11,242 less exit and entry 3,963, page_fault 204, native fault 1,093 and shadow_true_fault 500; VMCS accesses of 178 cycles each (adams06-t1-vmcb-read-p4) are most of it", [3_500, 7_500]),
  shadow_true_fault: fitted(500, "fitted to adams06-nano-pgfault-sw-vmm: 704 cycles more than adams06-nano-divzero-sw-vmm, of which 204 natively", [250, 1_000]),
  shadow_hidden_fault: assumed(3_600, "twice the default", [1_500, 6_000]),
  shadow_emulate_write: fitted(3_083, "fitted to adams06-nano-ptemod-hw-vmm: 12,733 less exit and entry 3,963, page_fault 204, dispatch 5,482 and the write itself 1", [1_600, 5_000]),
  shadow_fill_entry: assumed(120, "twice the default", [40, 400]),
  shadow_unsync: assumed(2_400, "twice the default", [1_000, 6_000]),
  shadow_cr3: assumed(1_800, "twice the default", [800, 5_000]),
  shadow_invlpg: assumed(1_400, "twice the default", [600, 4_000]),
  shadow_allocate: assumed(3_000, "twice the default", [1_400, 8_000]),
  hypercall_dispatch: fitted(170, "fitted to xen03-4-2p-0k-xen less -l-up: 1.2 us = 2,880 cycles more a switch, of which 844 are the way into Xen and back, 265 its calls' work, 715 walks, 440 code that is decoded again and 100 the guest's; 510 are left for three calls, a multicall and two in it", [80, 500]),
  validate_update: assumed(500, "twice the default", [200, 1_400]),
  validate_entry: assumed(250, "as the default, with locked operations of about 100 cycles", [120, 400]),
  scan_entry: assumed(4, "twice the default", [2, 10]),
  bounce_fault: assumed(600, "twice the default", [240, 1_600]),
  emulate_register: published(216, RDTSC_THREE_WAYS, [126, 300]),
  trap_dispatch: fitted(319, `fitted to ${RDTSC_THREE_WAYS}: the call-out less INT 374, IRET 345 and the emulation`, [150, 600]),
  decode_instruction: fitted(402, `fitted to ${RDTSC_THREE_WAYS}: the trap less delivery 748, IRET 345, dispatch and the emulation`, [150, 800]),
  translate_instruction: assumed(1_200, "twice the default; Adams & Agesen give no figure", [400, 6_000]),
  translate_lookup: assumed(120, "twice the default; above adams06-nano-callret-sw-vmm, whose 40 cycles more are a look-up that hits within the cache", [40, 400]),
} as const satisfies Partial<Record<CostName, Constant>>;
