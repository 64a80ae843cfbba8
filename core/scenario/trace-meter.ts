/**
 * A meter over a machine's counters and memory: what was spent and what happened since it was last read. A trace is made of
 * such differences, so each of its numbers is one that a run would have counted.
 */
import { CYCLE_CATEGORIES, CYCLES, type CycleCategoryName } from "../events/categories.js";
import type { Counters } from "../events/counters.js";
import { EVENT, EVENTS, type EventName } from "../events/events.js";
import { EXIT_REASONS } from "../events/exit-reasons.js";
import { MEMORY_OWNERS } from "../events/memory-owners.js";
import type { Machine } from "../machine/machine.js";
import type { Amount, Work } from "./trace-data.js";

/** The difference between two readings. */
export class Reading {
  constructor(
    private readonly before: Counters,
    private readonly after: Counters,
    /** 4 KiB frames taken by owner. */
    private readonly frames: Float64Array,
  ) {}

  event(name: EventName): number {
    return this.after.events[EVENT[name]]! - this.before.events[EVENT[name]]!;
  }

  cycles(category: CycleCategoryName): number {
    return this.after.cycles[CYCLES[category]]! - this.before.cycles[CYCLES[category]]!;
  }

  get total(): number {
    return this.after.totalCycles - this.before.totalCycles;
  }

  get categories(): Amount[] {
    return CYCLE_CATEGORIES.map(({ name }) => ({ name, count: this.cycles(name) })).filter(isSome);
  }

  get work(): Work {
    const { before, after } = this;
    return {
      categories: this.categories,
      // The longest walk is a maximum: a difference of it means nothing.
      events: EVENTS.filter(({ name }) => name !== "walk_refs_max")
        .map(({ name }) => ({ name, count: this.event(name) }))
        .filter(isSome),
      exits: EXIT_REASONS.map(({ name }, index) => ({
        reason: name,
        count: after.exits[index]! - before.exits[index]!,
        cycles: after.exitCycles[index]! - before.exitCycles[index]!,
      })).filter(isSome),
      memory: MEMORY_OWNERS.map(({ name }, index) => ({ name, count: this.frames[index]! * 4096 })).filter(
        isSome,
      ),
    };
  }
}

export class Meter {
  private counters: Counters;
  private frames: Float64Array;

  constructor(private readonly machine: Machine) {
    this.counters = machine.counters.copy();
    this.frames = machine.frames.owned.slice();
  }

  /** What happened since the last reading. */
  read(): Reading {
    const counters = this.machine.counters.copy();
    const frames = this.machine.frames.owned.slice();
    const reading = new Reading(
      this.counters,
      counters,
      frames.map((count, owner) => count - this.frames[owner]!),
    );
    this.counters = counters;
    this.frames = frames;
    return reading;
  }
}

function isSome({ count }: { readonly count: number }): boolean {
  return count !== 0;
}
