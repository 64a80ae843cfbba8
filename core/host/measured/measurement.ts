/** A quantity of a real machine, measured many times (scripts/measure/), and how it becomes a constant of the model. */
import type { Constant } from "../../events/profile.js";

export interface Measurement {
  /** Tenth, fiftieth and ninetieth of a hundred. */
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
  readonly samples: number;
}

/** The median, with the middle eight tenths as range. */
export function measured({ p10, p50, p90, samples }: Measurement, what: string, machine: string): Constant {
  return { value: p50, source: `measured: ${what}; ${samples} times; ${machine}`, range: [p10, p90] };
}
