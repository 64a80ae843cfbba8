/**
 * Prices of system instructions and of interrupts, in cycles: defaults for out-of-order cores since 2006. A profile
 * spreads them, and replaces those that were measured on it or that its own `exception` price implies.
 *
 * `exception` is the price of a page fault and its IRET together; the parts here are what code that really executes pays
 * at each end. Torvalds measured both: 715 and 330 cycles on Haswell, 700 and 240 on Core Duo.
 */
import type { CostName } from "../costs.js";
import type { Constant } from "../profile.js";
import { assumed, published } from "./constants.js";
import { SOURCES } from "./sources.js";

const FOG = "A. Fog, Instruction tables (as cited)";

/** A fault's share of the whole on Haswell. */
const DELIVERY_SHARE = 715 / (715 + 330);

/** Of a native fault and its IRET on a Pentium 4, what a division by zero does not take: adams06-nano-pgfault-native, -divzero-native. */
export const PAGE_FAULT = 1_093 - 889;
const PAGE_FAULT_SHARE = PAGE_FAULT / 1_093;

/** What recognizing a page fault is of the price of one, where both were measured on the Pentium 4 alone. */
export const pageFaultPart = (exception: number): Constant =>
  assumed(
    Math.round(exception * PAGE_FAULT_SHARE),
    `as much of a fault as on the Pentium 4, 204 of 1,093: ${SOURCES.adams2006}, nanobenchmarks pgfault and divzero, native`,
  );

/** Entry and return as parts of the price of an exception, divided as on Haswell. */
export function exceptionParts(exception: number): Pick<Record<CostName, Constant>, "interrupt_delivery" | "interrupt_return" | "software_interrupt"> {
  const delivery = Math.round(exception * DELIVERY_SHARE);
  const why = `divided as on Haswell, 715 to 330: ${SOURCES.torvalds2014}`;
  return {
    interrupt_delivery: assumed(delivery, why),
    interrupt_return: assumed(exception - delivery, why),
    software_interrupt: assumed(Math.round(delivery / 2), "the same gate without the fault's flush of the pipeline"),
  };
}

export const SYSTEM_COSTS = {
  ...exceptionParts(1_045),
  decode_line: published(0, "code is cached as it is, by physical address: never charged"),
  page_fault: pageFaultPart(1_045),
  far_transfer: assumed(60, "microcode that reads and checks a descriptor; more through a gate", [25, 250]),
  task_switch: assumed(600, "two TSSs of 104 bytes, six descriptors", [250, 2_000]),
  segment_load: assumed(14, `about 8 micro-operations: ${FOG}`, [8, 40]),
  system_instruction: assumed(60, "microcoded, most are serializing", [10, 300]),
  cpuid: published(150, `100 to 250: ${FOG}, Sandy Bridge and Haswell`, [100, 250]),
  msr_access: assumed(120, "microcoded, WRMSR is serializing", [50, 400]),
  time_stamp: published(24, `${FOG}, Haswell`, [20, 40]),
  random_number: assumed(300, "RDRAND; later microcode takes longer", [100, 1_500]),
  port_access: assumed(1_500, "half a microsecond to a device behind PCI; ISA takes more than one", [300, 5_000]),
  cache_flush: assumed(100_000, "writing back a third-level cache of some MiB", [10_000, 2_000_000]),
  posted_interrupt: assumed(400, "half an exit and entry: microcode, an EOI to the real APIC, locked updates of a descriptor in memory", [100, 1_500]),
} as const satisfies Partial<Record<CostName, Constant>>;

/** What differs on NetBurst, whose pipeline is twice as long. */
export const NETBURST_SYSTEM_COSTS = {
  ...exceptionParts(1_093),
  far_transfer: assumed(120, "twice the default", [50, 500]),
  task_switch: assumed(1_200, "twice the default", [500, 4_000]),
  system_instruction: assumed(150, "over twice the default: a deep pipeline is drained", [30, 600]),
  cpuid: assumed(300, "twice the default", [150, 700]),
  msr_access: assumed(250, "twice the default", [100, 800]),
  time_stamp: assumed(90, `about 80 to 125: ${FOG}, Prescott`, [60, 150]),
  cache_flush: assumed(100_000, "as the default; the cache is smaller, memory slower", [10_000, 2_000_000]),
} as const satisfies Partial<Record<CostName, Constant>>;
