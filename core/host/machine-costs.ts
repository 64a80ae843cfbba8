/**
 * What a host's work costs, in nanoseconds, out of a CPU profile's cycles (events/costs.ts) and of a few constants that no
 * profile has. The same prices that the page-table scenarios use.
 */
import { type Constant, type CpuProfile, pricesOf } from "../events/profile.js";
import { assumed, published } from "../events/profiles/constants.js";
import type { SchedulerCosts } from "./scheduler/scheduler.js";

/** Constants of hosts; times in ns. */
export const HOST_CONSTANTS = {
  refill: published(
    18_000,
    "half of lmbench's switch among 16 processes of 64 KiB less that of 2 of 0 KiB (37.6 − 0.8 µs, Pentium 4 Xeon; Barham et al., SOSP 2003, table 4): caches since refill about twice as fast",
    [5_000, 37_000],
  ),
  halfCold: assumed(
    1_000_000,
    "a second-level cache of 1 MiB is replaced at about 1 GB/s of misses",
    [200_000, 5_000_000],
  ),
  siblingSpeed: assumed(0.62, "two hardware threads give 1.2 to 1.3 times one's throughput", [0.5, 0.75]),
  guestSwitchExits: assumed(
    2,
    "a switch of virtual processors leaves the guest, and saves and loads its control block and FPU state: about two exits",
    [1, 5],
  ),
  tickExits: assumed(
    500,
    "exits a second of a virtual CPU that computes: with CONFIG_HZ=250 the timer's interrupt and the next one's programming leave the guest",
    [100, 2_000],
  ),
  linkLatency: assumed(20_000, "one way through interfaces and a switch of a rack", [5_000, 100_000]),
  diskFaultSoftware: assumed(
    5_000,
    "the kernel's block layer and completion interrupt for one page-in",
    [2_000, 15_000],
  ),
} as const satisfies Readonly<Record<string, Constant>>;

export interface HostCosts extends SchedulerCosts {
  /** A page fault that needs no device: in a process, and what it adds where a guest's memory is touched first (EPT violation). */
  readonly minorFault: number;
  readonly guestFault: number;
  /** Copying a shared page that is written. */
  readonly copyFault: number;
  /** The processor's part of a fault that waits for a device. */
  readonly majorFault: number;
}

/** @param isNested guests have EPT or NPT; else their faults cost a shadow's. */
export function hostCosts(profile: CpuProfile): HostCosts {
  const { refill, halfCold, siblingSpeed, guestSwitchExits, diskFaultSoftware } = HOST_CONSTANTS;
  const cycles = pricesOf(profile);
  const ns = (amount: number): number => (amount * 1000) / profile.frequencyMHz;
  const exit = ns(cycles.vm_exit + cycles.vm_entry + cycles.monitor_dispatch);
  const fault = ns(cycles.exception + cycles.kernel_fault + cycles.kernel_allocate_page);
  return {
    switch: ns(cycles.kernel_switch + cycles.cr3_load),
    guestSwitch: guestSwitchExits.value * exit,
    exit,
    refill: refill.value,
    halfCold: halfCold.value,
    siblingSpeed: siblingSpeed.value,
    minorFault: fault + ns(cycles.kernel_zero_page),
    guestFault: exit + ns(cycles.ept_violation + cycles.host_zero_page),
    copyFault: fault + ns(cycles.kernel_copy_page),
    majorFault: fault + diskFaultSoftware.value,
  };
}
