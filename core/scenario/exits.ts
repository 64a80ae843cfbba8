/** Exits in a cell's outcome: by reason, those that happened. */
import type { Counters } from "../events/counters.js";
import { EXIT_REASONS } from "../events/exit-reasons.js";
import type { CellOutcome } from "./config.js";

export function exitsOf(counters: Counters): CellOutcome["exits"] {
  return EXIT_REASONS.map((reason, index) => ({
    reason: reason.name,
    count: counters.exits[index]!,
    cycles: counters.exitCycles[index]!,
  })).filter((row) => row.count > 0);
}
