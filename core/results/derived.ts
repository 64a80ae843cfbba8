/**
 * Ratios derived from a row's modelled numbers, each declared once. A ratio whose denominator is missing or
 * 0 is empty: a native run has no exits to divide by. `slowdown` is not here: it needs another row
 * (core/scenario/row.ts).
 */
import { MEMORY_OWNERS } from "../events/memory-owners.js";
import { isHostRow } from "../scenario/host/workload.js";
import type { Row } from "../scenario/scenario.js";
import type { Column } from "./columns.js";

export interface DerivedColumn extends Omit<Column, "kind"> {
  /** The value, or undefined when the row has not what it needs. */
  compute(row: Row): number | undefined;
}

/** Peaks of the owners whose frames exist only because the guest is virtualized. */
const OVERHEAD_PEAKS = MEMORY_OWNERS.filter(({ name }) => !name.startsWith("guest_")).map(
  ({ name }) => `${name}_peak_bytes`,
);

export const DERIVED: readonly DerivedColumn[] = [
  {
    name: "cycles_per_reference",
    label: "Cycles per reference",
    unit: "cycles per reference",
    better: "fewer",
    description: "cycles / references.",
    compute: (row) => ratio(row, ["cycles"], "references"),
  },
  {
    name: "cycles_per_instruction",
    label: "Cycles per instruction",
    unit: "cycles per instruction",
    better: "fewer",
    description: "cycles / instructions, of guests that execute code.",
    compute: (row) => ratio(row, ["cycles"], "instructions"),
  },
  {
    name: "tlb_mpki",
    label: "TLB misses per 1000 instructions",
    unit: "per 1000 instructions",
    better: "fewer",
    description: "1000 × tlb_misses / instructions, of guests that execute code.",
    compute: (row) => ratio(row, ["tlb_misses"], "instructions", 1000),
  },
  {
    name: "walk_cycles_share",
    label: "Share of cycles in page walks",
    unit: "share",
    better: "fewer",
    description: "(cycles_walk_guest + cycles_walk_host) / cycles.",
    compute: (row) => ratio(row, ["cycles_walk_guest", "cycles_walk_host"], "cycles"),
  },
  {
    name: "virtualization_share",
    label: "Share of cycles in virtualization",
    unit: "share",
    better: "fewer",
    description: "(cycles_transition + cycles_monitor + cycles_monitor_user) / cycles. The second dimension of walks is not in it.",
    compute: (row) => ratio(row, ["cycles_transition", "cycles_monitor", "cycles_monitor_user"], "cycles"),
  },
  {
    name: "tlb_miss_rate",
    label: "TLB miss rate",
    unit: "share",
    better: "fewer",
    description: "tlb_misses / tlb_lookups.",
    compute: (row) => ratio(row, ["tlb_misses"], "tlb_lookups"),
  },
  {
    name: "walk_refs_per_walk",
    label: "References per page walk",
    unit: "references per walk",
    better: "fewer",
    description: "walk_refs / walks.",
    compute: (row) => ratio(row, ["walk_refs"], "walks"),
  },
  {
    name: "overhead_peak_bytes",
    label: "Memory overhead, peak",
    unit: "bytes",
    better: "fewer",
    description: `${OVERHEAD_PEAKS.join(" + ")}: frames that only virtualization needs (the peaks need not coincide).`,
    compute: (row) => sum(row, OVERHEAD_PEAKS),
  },
];

/** The row with every derived column that it has the numbers for; a host's row has none of them. */
export function withDerived(row: Row): Row {
  if (isHostRow(row)) return row;
  const derived: Record<string, string | number> = {};
  for (const { name, compute } of DERIVED) derived[name] = compute(row) ?? "";
  return { ...row, ...derived };
}

function ratio(
  row: Row,
  numerators: readonly string[],
  denominator: string,
  factor = 1,
): number | undefined {
  const above = sum(row, numerators);
  const below = row[denominator];
  return above !== undefined && typeof below === "number" && below > 0 ? (factor * above) / below : undefined;
}

function sum(row: Row, names: readonly string[]): number | undefined {
  let total = 0;
  for (const name of names) {
    const value = row[name];
    if (typeof value !== "number") return undefined;
    total += value;
  }
  return total;
}
