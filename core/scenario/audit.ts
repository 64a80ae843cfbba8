/**
 * What must hold of the counters after every run, whatever the technique. Each line adds up one thing in two ways that
 * are counted in different places; a difference is a bug of ours, and the run fails.
 */
import { CYCLES } from "../events/categories.js";
import type { Counters } from "../events/counters.js";
import { EVENT, EVENTS, type EventName } from "../events/events.js";
import { invariant } from "../util/errors.js";

/** @param hasCaches walk references were looked up in the modelled caches. @throws Error naming the sum that is off. */
export function auditCounters(counters: Counters, hasCaches: boolean): void {
  const { events, cycles, exits, exitCycles } = counters;
  const sumOf = (prefix: string): number =>
    EVENTS.reduce((sum, event, index) => (event.name.startsWith(prefix) ? sum + events[index]! : sum), 0);
  const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
  const value = (name: EventName): number => events[EVENT[name]]!;
  const equal = (what: string, left: number, right: number): void =>
    invariant(left === right, what, () => ({ left, right }));

  for (const amount of cycles)
    invariant(Number.isFinite(amount) && amount >= 0, "cycles are counted upwards", () => [...cycles]);
  equal(
    "walk references by level add up",
    sumOf("walk_refs_guest_l") + sumOf("walk_refs_host_l"),
    value("walk_refs"),
  );
  if (hasCaches)
    equal("walk references by cache add up", sumOf("walk_hits_l") + value("walk_misses"), value("walk_refs"));
  equal(
    "references by kind add up",
    value("reads") + value("writes") + value("fetches"),
    value("references"),
  );
  equal("exits by reason add up", total(exits), value("exits"));
  equal(
    "exit cycles by reason add up",
    total(exitCycles),
    cycles[CYCLES.transition]! + cycles[CYCLES.monitor]! + cycles[CYCLES.monitor_user]!,
  );
  equal("every missed look-up walks", value("tlb_misses") + value("tlb_permission_walks"), value("walks"));
}
