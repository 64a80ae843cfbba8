/** One cell run and timed, whatever it does: an exception becomes an outcome. Shared by the workers and this thread. */
import { UnsupportedError, UserError } from "../util/errors.js";
import type { CellConfig, CellOutcome } from "./config.js";
import type { HostMeasure } from "./scenario.js";

export interface TimedOutcome {
  readonly outcome: CellOutcome;
  readonly host: HostMeasure;
}

/** @param run `runCell`, or a test's. */
export function timedCell(config: CellConfig, run: (config: CellConfig) => CellOutcome): TimedOutcome {
  const start = performance.now();
  let outcome: CellOutcome;
  try {
    outcome = run(config);
  } catch (error) {
    outcome = outcomeOfError(error);
  }
  return { outcome, host: { seconds: (performance.now() - start) / 1000 } };
}

export function failedOutcome(reason: string): CellOutcome {
  return { status: "failed", reason, values: {}, exits: [] };
}

export function unsupportedOutcome(reason: string): CellOutcome {
  return { status: "unsupported", reason, values: {}, exits: [] };
}

function outcomeOfError(error: unknown): CellOutcome {
  if (error instanceof UnsupportedError) return unsupportedOutcome(error.message);
  if (error instanceof UserError) return failedOutcome(error.message);
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return failedOutcome(text.split("\n", 1)[0]!);
}
