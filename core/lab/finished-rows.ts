/**
 * A scenario's rows, from a run that has finished under the same plan and code where there is one, else from a run made now. What
 * the scenario says of its rows (figures, orderings, expectations) is judged anew: it may have changed since.
 */
import { Disk, readRun } from "../results/index.js";
import type { Plan, Row, ScenarioSource } from "../scenario/index.js";
import { findFinished } from "./finished-run.js";
import { type PlanOptions, planCells, type RunOptions, run } from "./run.js";

export interface FinishedRows {
  readonly plan: Plan;
  readonly rows: readonly Row[];
  readonly folder: string;
  /** True when nothing was run for it. */
  readonly isReused: boolean;
  readonly interrupted: boolean;
}

/** @throws UserError as a run does */
export async function finishedRows(source: ScenarioSource, options: RunOptions): Promise<FinishedRows> {
  const kept = options.resume === "never" ? undefined : keptRows(source, options, options.results);
  if (kept !== undefined) return kept;
  const { plan, table, folder, interrupted } = await run(source, { ...options, charts: false });
  return { plan, rows: table.rows, folder, isReused: false, interrupted };
}

/** Rows of a run that has finished; undefined where there is none. @throws UserError */
export function keptRows(
  source: ScenarioSource,
  options: PlanOptions,
  results: string,
): FinishedRows | undefined {
  const plan = planCells(source, options);
  const disk = new Disk();
  const folder = findFinished(plan, results, disk);
  if (folder === undefined) return undefined;
  return { plan, rows: readRun(folder, results, disk).rows, folder, isReused: true, interrupted: false };
}
