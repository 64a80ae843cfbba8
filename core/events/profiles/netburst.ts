/**
 * Software prices measured on NetBurst cores, in cycles of a 3.8 GHz Pentium 4 672 (Adams & Agesen 2006)
 * or of a 2.4 GHz Xeon (Barham et al. 2003, native Linux 2.4.21 UP and XenoLinux). What each is fitted to
 * stands in its source, with the sum worked out. Prices not here take the defaults of software.ts.
 */
import type { CostName } from "../costs.js";
import type { Constant } from "../profile.js";
import { assumed, fitted } from "./constants.js";
import { SOURCES } from "./sources.js";

export const NETBURST_SOFTWARE_COSTS = {
  kernel_fault: assumed(900, `twice the default; bounded by ${SOURCES.torvalds2014}, 680 on Core Duo`, [500, 2_000]),
  kernel_zero_page: assumed(1_024, "4 bytes a cycle", [512, 2_048]),
  kernel_copy_page: assumed(1_536, "twice the default", [768, 3_000]),
  kernel_fork: fitted(130_000, `fitted to xen03-3-fork-proc-l-up (${SOURCES.xen2003}): 110 us = 264,000 cycles for fork, exit and wait, less about 20 copy-on-write faults of 2,000; half to two thirds is fork`, [90_000, 180_000]),
  kernel_exit: fitted(90_000, "fitted to xen03-3-fork-proc-l-up, as kernel_fork: the rest", [50_000, 130_000]),
  kernel_map: assumed(3_000, "twice the default", [1_200, 8_000]),
  kernel_switch: fitted(1_000, `fitted to xen03-4-2p-0k-l-up (${SOURCES.xen2003}): 0.77 us = 1,848 cycles, less CR3 load and the TLB's refill`, [500, 1_500]),
  kernel_syscall: fitted(300, `fitted to xen03-3-null-call-l-up (${SOURCES.xen2003}): 0.45 us = 1,080 cycles by INT 80h, less the trap itself`, [100, 500]),

  monitor_dispatch: fitted(2_500, `fitted to adams06-nano-pgfault-hw-vmm (11,242 cycles) and adams06-t1-vmcb-read-p4: about ten VMCS accesses of 178 cycles and the register switch`, [1_500, 3_500]),
  shadow_true_fault: fitted(3_686, "fitted to adams06-nano-pgfault-hw-vmm: 11,242 less exit and entry 3,963, native fault 1,093 and dispatch 2,500", [2_500, 5_000]),
  shadow_hidden_fault: assumed(3_686, "as shadow_true_fault: the software walk dominates both", [2_000, 6_000]),
  shadow_emulate_write: fitted(6_269, "fitted to adams06-nano-ptemod-hw-vmm: 12,733 less exit and entry 3,963, dispatch 2,500 and the write itself 1", [4_500, 7_500]),
  shadow_unsync: assumed(2_400, "twice the default", [1_000, 6_000]),
  shadow_cr3: assumed(1_800, "twice the default", [800, 5_000]),
  shadow_invlpg: assumed(1_400, "twice the default", [600, 4_000]),
  shadow_allocate: assumed(3_000, "twice the default", [1_400, 8_000]),
  hypercall_dispatch: fitted(400, "fitted to xen03-4-2p-0k-xen less -l-up: 1.2 us = 2,880 cycles more a switch, for two hypercalls of 900 + 400 and their work", [150, 700]),
  validate_update: assumed(500, "twice the default", [200, 1_400]),
  validate_entry: fitted(30, "fitted to xen03-3-fork-proc-xen less -l-up: 88 us = 211,000 cycles more, for some 5,000 entries of the child's tables validated and released, the rest being bounced faults", [10, 60]),
  bounce_fault: assumed(600, "twice the default", [240, 1_600]),
  call_out: assumed(120, "twice the default; adams06-nano-in-sw-ratio bounds it: an IN that is answered in all takes 3,209 / 15 = 214 cycles", [40, 214]),
  translate_instruction: assumed(1_200, "twice the default; Adams & Agesen give no figure", [400, 6_000]),
  translate_lookup: assumed(120, "twice the default; above adams06-nano-callret-sw-vmm, whose 40 cycles more are a look-up that hits within the cache", [40, 400]),
} as const satisfies Partial<Record<CostName, Constant>>;
