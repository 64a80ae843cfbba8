/**
 * Prices of software that do not depend on the CPU's generation, in cycles: the guest kernel's and the monitors' work.
 * A profile spreads these and replaces those for which it has a better source.
 */
import type { CostName } from "../costs.js";
import type { Constant } from "../profile.js";

function assumed(value: number, why: string, range: readonly [number, number] = [value / 2, value * 2]): Constant {
  return { value, source: why, range, assumed: true };
}

export const SOFTWARE_COSTS = {
  kernel_fault: assumed(800, "order of a minor fault's software path in Linux"),
  kernel_zero_page: assumed(500, "4 KiB at 8 bytes a cycle"),
  kernel_copy_page: assumed(900, "4 KiB read and written at 4 to 8 bytes a cycle"),
  kernel_allocate_page: assumed(150, "per-CPU free list"),
  kernel_fork: assumed(40_000, "order of lmbench fork less per-page work"),
  kernel_fork_entry: assumed(40, "copy_pte_range per entry"),
  kernel_exit: assumed(25_000, "order of lmbench exit and wait less per-page work"),
  kernel_unmap_entry: assumed(40, "zap_pte_range per entry"),
  kernel_map: assumed(1_500, "order of mmap of an anonymous area"),
  kernel_switch: assumed(1_000, "order of lmbench context switch less cache effects"),
  kernel_syscall: assumed(100, "order of a null call"),
  monitor_dispatch: assumed(300, "saving and restoring registers around an exit"),
  shadow_hidden_fault: assumed(1_200, "software walk of the guest's table and one fill"),
  shadow_fill_entry: assumed(60, "one entry"),
  shadow_true_fault: assumed(900, "software walk and injection"),
  shadow_emulate_write: assumed(1_800, "instruction decode and entry update"),
  shadow_unsync: assumed(700, "unprotect"),
  shadow_sync_entry: assumed(4, "compare 8 bytes"),
  shadow_cr3: assumed(600, "root look-up"),
  shadow_invlpg: assumed(500, "find and clear one entry"),
  shadow_allocate: assumed(1_000, "allocate, clear and protect"),
  ept_violation: assumed(1_500, "memory-slot look-up, host page fault and fill"),
  host_zero_page: assumed(500, "4 KiB at 8 bytes a cycle"),
  hypercall_dispatch: assumed(150, "table dispatch"),
  validate_update: assumed(300, "type and reference counts"),
  validate_entry: assumed(40, "type and reference counts in a loop"),
  bounce_fault: assumed(300, "building the guest's exception frame"),
} as const satisfies Partial<Record<CostName, Constant>>;
