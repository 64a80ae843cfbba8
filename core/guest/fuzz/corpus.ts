/** Seeds that found something, by what it was. All are mended: they stay here, and must pass. */

/** Random guests (guests.ts), or broken programs (mutants.ts). */
export type FuzzKind = "guest" | "mutant";

export interface Finding {
  readonly kind: FuzzKind;
  readonly seed: number;
  /** Instructions that it needs to show, where that is more than the test's usual budget. */
  readonly budget?: number;
  readonly found: string;
}

const TABLES = "page tables whose frames lie outside RAM: the walk read beyond the machine's memory";
const SLEEP = "halted for ever while deadlines went by: the budget was never looked at";

const BEYOND_4_GIB =
  "an access across 4 GiB by a flat segment: translated code wrapped around, interpreted code faulted";
const ALONE =
  "code that depends on CS.limit went on from block to block: neither limit nor deadlines were looked at";
const CROSSING = "code in a segment that wraps around at 4 GiB was decoded over and over: IP kept a 33rd bit";
const DEVICE = "a string instruction over a device's memory with a count of billions: no limit was looked at";
const VAIN = "a handler that faults itself: exceptions for ever, and no instruction that a limit counts";

export const CORPUS: readonly Finding[] = [
  { kind: "guest", seed: 11, found: TABLES },
  { kind: "guest", seed: 15, found: SLEEP },
  { kind: "guest", seed: 18, found: TABLES },
  { kind: "guest", seed: 26, found: SLEEP },
  { kind: "guest", seed: 44, found: SLEEP },
  { kind: "guest", seed: 1181, budget: 50_000, found: ALONE },
  { kind: "guest", seed: 1200, budget: 50_000, found: DEVICE },
  { kind: "guest", seed: 1819, budget: 50_000, found: ALONE },
  { kind: "guest", seed: 1869, budget: 50_000, found: VAIN },
  { kind: "guest", seed: 5032, budget: 50_000, found: CROSSING },
  { kind: "mutant", seed: 31, found: BEYOND_4_GIB },
];
