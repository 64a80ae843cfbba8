/** Can the audit of a run fail? One planted miscount for each sum that it checks. */
import { describe, expect, it } from "vitest";
import { CYCLES } from "../events/categories.js";
import { Counters } from "../events/counters.js";
import { EVENT, type EventName } from "../events/events.js";
import { EXIT } from "../events/exit-reasons.js";
import { auditCounters } from "./audit.js";

/** Counters of a run that adds up. */
function sound(): Counters {
  const counters = new Counters();
  const set = (name: EventName, value: number): void => {
    counters.events[EVENT[name]] = value;
  };
  set("references", 10);
  set("reads", 6);
  set("writes", 3);
  set("fetches", 1);
  set("tlb_misses", 2);
  set("tlb_permission_walks", 1);
  set("walks", 3);
  set("walk_refs", 9);
  set("walk_refs_guest_l1", 4);
  set("walk_refs_host_l2", 5);
  set("walk_hits_l1", 7);
  set("walk_misses", 2);
  counters.cycles[CYCLES.transition] = 100;
  counters.cycles[CYCLES.monitor] = 50;
  counters.exit(EXIT.cr3_load, 150);
  return counters;
}

it("passes what adds up", () => {
  expect(() => auditCounters(sound(), true)).not.toThrow();
});

describe("fails on one miscount of", () => {
  it.each([
    ["walk_refs_guest_l1", /walk references by level/],
    ["walk_refs_host_l2", /walk references by level/],
    ["walk_hits_l2", /walk references by cache/],
    ["walk_misses", /walk references by cache/],
    ["fetches", /references by kind/],
    ["references", /references by kind/],
    ["exits", /exits by reason/],
    ["walks", /every missed look-up walks/],
    ["tlb_permission_walks", /every missed look-up walks/],
  ] as const)("%s", (name, message) => {
    const counters = sound();
    counters.events[EVENT[name]]!++;
    expect(() => auditCounters(counters, true)).toThrow(message);
  });

  it("an exit's cycles", () => {
    const counters = sound();
    counters.exitCycles[EXIT.cr3_load]!++;
    expect(() => auditCounters(counters, true)).toThrow(/exit cycles by reason/);
  });

  it("cycles outside every exit", () => {
    const counters = sound();
    counters.cycles[CYCLES.monitor]!++;
    expect(() => auditCounters(counters, true)).toThrow(/exit cycles by reason/);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("cycles of %d", (amount) => {
    const counters = sound();
    counters.cycles[CYCLES.guest_user] = amount;
    expect(() => auditCounters(counters, true)).toThrow(/counted upwards/);
  });
});

it("asks for no cache levels where there are no caches", () => {
  const counters = sound();
  counters.events[EVENT.walk_hits_l1] = 0;
  expect(() => auditCounters(counters, false)).not.toThrow();
});
