/**
 * The counters of one machine: events, cycles by category, exits and exit cycles by reason. All are f64 (exact to 2^53)
 * and live in the machine's linear memory, where every engine can reach them.
 */
import { CYCLE_CATEGORIES } from "./categories.js";
import { EVENT, EVENTS } from "./events.js";
import { EXIT_REASONS } from "./exit-reasons.js";

/** f64 slots that the counters need. */
export const COUNTER_SLOTS = EVENTS.length + CYCLE_CATEGORIES.length + 2 * EXIT_REASONS.length;

export class Counters {
  /** By `EVENT.<name>`. */
  readonly events: Float64Array;
  /** By `CYCLES.<name>`. */
  readonly cycles: Float64Array;
  /** By `EXIT.<name>`: how often. */
  readonly exits: Float64Array;
  /** By `EXIT.<name>`: cycles of transition and monitor. */
  readonly exitCycles: Float64Array;
  private readonly all: Float64Array;

  /** @param slots COUNTER_SLOTS f64 slots, zero at first. */
  constructor(slots: Float64Array = new Float64Array(COUNTER_SLOTS)) {
    this.all = slots;
    let start = 0;
    const take = (length: number): Float64Array => {
      const part = slots.subarray(start, start + length);
      start += length;
      return part;
    };
    this.events = take(EVENTS.length);
    this.cycles = take(CYCLE_CATEGORIES.length);
    this.exits = take(EXIT_REASONS.length);
    this.exitCycles = take(EXIT_REASONS.length);
  }

  /** Total cycles so far: the sum of all categories. */
  get totalCycles(): number {
    let sum = 0;
    for (const cycles of this.cycles) sum += cycles;
    return sum;
  }

  /** Starts the region of interest: everything from zero. */
  reset(): void {
    this.all.fill(0);
  }

  copy(): Counters {
    return new Counters(this.all.slice());
  }

  /** One exit: hardware transition and the monitor's work, attributed together. Cycles must already be charged. */
  exit(reason: number, cycles: number): void {
    this.events[EVENT.exits]!++;
    this.exits[reason]!++;
    this.exitCycles[reason]! += cycles;
  }
}
