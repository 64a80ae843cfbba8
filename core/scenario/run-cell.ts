/** Runs one cell: builds machine, monitor and guest from its configuration, runs the workload, and reads the counters. */
import { UnsupportedError } from "../util/errors.js";
import type { CellConfig, CellOutcome } from "./config.js";

/** Never throws for a guest's or a configuration's sake: those are `failed` and `unsupported` outcomes. */
export function runCell(config: CellConfig): CellOutcome {
  throw new UnsupportedError(`not built yet: ${config.technique}`);
}
