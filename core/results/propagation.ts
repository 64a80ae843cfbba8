/**
 * How a change of events becomes a change of cycles. Each group of cycle categories is driven by an event: walks by the
 * entries they read, exit and monitor by exits. So a group's change divides into two, exactly:
 *
 *     n₂p₂ − n₁p₁  =  (n₂ − n₁) × p₁   more or fewer events, at the old price
 *                  +  n₂ × (p₂ − p₁)   the same event, at another price
 *
 * with n the event's count and p the cycles it cost on average in that row (which includes what caches did to it). A pure
 * function of two rows.
 *
 * Left out: events that only go along with a group's driver, and how several drivers of the guest's kernel share its cycles.
 */
import { CYCLE_CATEGORIES, type CycleCategoryName } from "../events/categories.js";
import type { EventName } from "../events/events.js";
import type { Row } from "../scenario/scenario.js";

interface Group {
  readonly label: string;
  readonly categories: readonly CycleCategoryName[];
  /** Of those that moved the one that moved most, relatively, drives the group; else the first. */
  readonly drivers: readonly EventName[];
}

const GROUPS: readonly Group[] = [
  { label: "exits and monitor", categories: ["transition", "monitor", "monitor_user"], drivers: ["exits"] },
  { label: "page walks", categories: ["walk_guest", "walk_host"], drivers: ["walk_refs"] },
  { label: "L2 TLB hits", categories: ["tlb_l2"], drivers: ["tlb_l2_hits"] },
  { label: "fault delivery", categories: ["guest_fault"], drivers: ["exceptions", "guest_page_faults"] },
  {
    label: "address-space switches",
    categories: ["guest_switch"],
    drivers: ["cr3_loads", "tlb_page_invalidations"],
  },
  {
    label: "guest kernel",
    categories: ["guest_kernel"],
    drivers: [
      "kernel_references",
      "guest_page_faults",
      "guest_forks",
      "guest_switches",
      "guest_system_calls",
      "guest_zeroed",
      "guest_copies",
    ],
  },
  { label: "guest user", categories: ["guest_user"], drivers: ["references", "instructions"] },
  { label: "guest memory", categories: ["guest_memory"], drivers: ["references"] },
  { label: "idle", categories: ["idle"], drivers: ["halts"] },
];

/** The named groups, and one without a driver for each category that none of them has. */
const ALL_GROUPS: readonly Group[] = [
  ...GROUPS,
  ...CYCLE_CATEGORIES.filter(({ name }) => !GROUPS.some(({ categories }) => categories.includes(name))).map(
    ({ name, label }) => ({ label: label.toLowerCase(), categories: [name], drivers: [] }),
  ),
];

/** What one group adds to a change of cycles. */
export interface Cause {
  readonly group: string;
  /** Change of the group's cycles. */
  readonly cycles: number;
  /** cycles over the row's whole change; may be above 1 or negative where groups work against each other. */
  readonly share: number;
  /** The event that drives the group; undefined where none is known or counted. */
  readonly event:
    | {
        readonly column: EventName;
        readonly before: number;
        readonly after: number;
        /** Average cycles of one; 0 where there was none. */
        readonly priceBefore: number;
        readonly priceAfter: number;
        /** Of `cycles`, what the count explains at the old price; the rest is the price's. */
        readonly byCount: number;
      }
    | undefined;
}

export interface Propagation {
  /** Change of all cycles. */
  readonly cycles: number;
  /** Groups whose cycles changed, most cycles first. */
  readonly causes: readonly Cause[];
}

/** Undefined when cycles did not change, or a row has none. */
export function propagationOf(before: Row, after: Row): Propagation | undefined {
  const [was, is] = [before["cycles"], after["cycles"]];
  if (typeof was !== "number" || typeof is !== "number" || was === is) return undefined;
  const causes = ALL_GROUPS.map((group) => causeOf(group, before, after, is - was))
    .filter(({ cycles }) => cycles !== 0)
    .sort((a, b) => Math.abs(b.cycles) - Math.abs(a.cycles));
  return { cycles: is - was, causes };
}

function causeOf(group: Group, before: Row, after: Row, whole: number): Cause {
  const cyclesOf = (row: Row): number =>
    group.categories.reduce((sum, name) => sum + numberOf(row, `cycles_${name}`), 0);
  const [was, is] = [cyclesOf(before), cyclesOf(after)];
  const head = { group: group.label, cycles: is - was, share: (is - was) / whole };
  const column = driverOf(group.drivers, before, after);
  if (column === undefined) return { ...head, event: undefined };
  const [n1, n2] = [numberOf(before, column), numberOf(after, column)];
  const priceAfter = n2 === 0 ? 0 : is / n2;
  const priceBefore = n1 === 0 ? priceAfter : was / n1; // where there was none, all that came is the count's
  const event = { column, before: n1, after: n2, priceBefore, priceAfter, byCount: (n2 - n1) * priceBefore };
  return { ...head, event };
}

function driverOf(drivers: readonly EventName[], before: Row, after: Row): EventName | undefined {
  const counted = drivers.filter((name) => numberOf(before, name) + numberOf(after, name) > 0);
  const movement = (name: EventName): number => {
    const [was, is] = [numberOf(before, name), numberOf(after, name)];
    return Math.abs(is - was) / Math.max(was, is);
  };
  return [...counted].sort((a, b) => movement(b) - movement(a))[0];
}

function numberOf(row: Row, column: string): number {
  const value = row[column];
  return typeof value === "number" ? value : 0;
}
