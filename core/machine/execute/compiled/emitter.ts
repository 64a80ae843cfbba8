/**
 * What all parts of the compiled driver share: the module being built, where things lie in linear memory, and the small
 * pieces of code that recur. Addresses are bytes and constants of the module.
 */
import { CYCLES, type CycleCategoryName } from "../../../events/categories.js";
import type { Counters } from "../../../events/counters.js";
import { EVENT, type EventName } from "../../../events/events.js";
import { REGISTER, type Registers, TIME } from "../../registers.js";
import {
  and,
  type Code,
  eq,
  float,
  floatAdd,
  floatSubtract,
  type Global,
  getGlobal,
  int,
  load,
  loadFloat,
  or,
  shl,
  shrUnsigned,
  store,
  storeFloat,
} from "../../wasm/code.js";
import type { ModuleBuilder } from "../../wasm/module.js";

export interface Places {
  readonly registers: Registers;
  readonly counters: Counters;
  /** First byte of the translation store, of the context states, and of RAM. */
  readonly store: number;
  readonly contexts: number;
  readonly ram: number;
  /** f64 from which each charge is taken, where something waits for a point of time (execute/code/). */
  readonly left?: number | undefined;
  /** Frames in which tables can lie, where a guest may name others; a walk that comes to one of those faults. */
  readonly tableFrames?: number | undefined;
  /** i64 that says which entries of the guest's paging-structure caches were filled (walk-cache-journal.ts), if kept. */
  readonly walkCacheJournal?: number | undefined;
}

export class Emitter {
  /** Where the last cache access was found, 1 to 4 (cache.ts). */
  readonly cacheLevel: Global;
  /** Entries read by the walk that is under way. */
  readonly references: Global;

  constructor(
    readonly module: ModuleBuilder,
    readonly places: Places,
  ) {
    this.cacheLevel = module.global();
    this.references = module.global();
  }

  register(name: keyof typeof REGISTER, index = 0): Code {
    return load(int(0), this.registerAddress(name) + index * 4);
  }

  setRegister(name: keyof typeof REGISTER, value: Code): Code {
    return store(int(0), value, this.registerAddress(name));
  }

  /** Address of a time register. */
  timeAddress(name: keyof typeof TIME): number {
    return this.places.registers.words.byteOffset + TIME[name] * 8;
  }

  eventAddress(name: EventName): number {
    return this.places.counters.events.byteOffset + EVENT[name] * 8;
  }

  /** Adds to a counter of events. */
  count(name: EventName, amount: Code = float(1)): Code {
    const address = this.eventAddress(name);
    return storeFloat(int(0), floatAdd(loadFloat(int(0), address), amount), address);
  }

  /**
   * Adds cycles to a category. `cycles` may be the access that they are the price of, so it is evaluated once: what the
   * counter grew by is what is taken from `left`. All are multiples of one small power of two: nothing is rounded.
   */
  charge(category: CycleCategoryName, cycles: Code): Code {
    const address = this.places.counters.cycles.byteOffset + CYCLES[category] * 8;
    const counter = loadFloat(int(0), address);
    const grow = storeFloat(int(0), floatAdd(counter, cycles), address);
    const { left } = this.places;
    if (left === undefined) return grow;
    const move = (sum: (a: Code, b: Code) => Code): Code =>
      storeFloat(int(0), sum(loadFloat(int(0), left), counter), left);
    return [move(floatAdd), grow, move(floatSubtract)];
  }

  /** Counts a walk reference by the cache level that the last access left in `cacheLevel`. */
  countByCacheLevel(): Code {
    const first = this.eventAddress("walk_hits_l1") - 8;
    const address = shl(getGlobal(this.cacheLevel), int(3));
    return storeFloat(address, floatAdd(loadFloat(address, first), float(1)), first);
  }

  /** The frame number in an entry's halves (mmu/entry.ts). */
  frameOf(lo: Code, hi: Code): Code {
    return or(shrUnsigned(lo, int(12)), shl(and(hi, int(0x7ff)), int(20)));
  }

  /** Address of a register. */
  registerAddress(name: keyof typeof REGISTER): number {
    return this.places.registers.words.byteOffset + REGISTER[name] * 4;
  }
}

/** Whether a value has none of the bits. */
export const lacksBits = (value: Code, bits: number): Code => eq(and(value, int(bits)), int(0));
