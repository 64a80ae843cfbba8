/** What a worker thread runs: one cell a message. */
import type { CellConfig } from "./config.js";
import { runCell } from "./run-cell.js";
import { type TimedOutcome, timedCell } from "./timed-cell.js";

/** Called by the pool, by this name. */
export function runTimedCell(config: CellConfig): TimedOutcome {
  return timedCell(config, runCell);
}
