/** What a worker thread runs: one cell a message. */
import { heedBranchHints } from "./branch-hints.js";
import type { CellConfig } from "./config.js";
import { runCell } from "./run-cell.js";
import { type TimedOutcome, timedCell } from "./timed-cell.js";

heedBranchHints();

/** Called by the pool, by this name. */
export function runTimedCell(config: CellConfig): TimedOutcome {
  return timedCell(config, runCell);
}
