/**
 * `run` in a cell: a scenario into rows. Progress is one line under the cell; a run of the same cells under the same code is
 * read back instead of made again; a cell that is stopped keeps what has finished, and goes on when it is run again.
 */
import { PROJECT_ROOT } from "../cli/project.js";
import { findFinished } from "../lab/finished-run.js";
import { type PlanOptions, planCells, type RunOptions, run as runScenario } from "../lab/run.js";
import { constantsByProfile } from "../results/baseline.js";
import { Disk, readRun, shownPath } from "../results/index.js";
import { checkExpectations, type Plan, type ScenarioSource } from "../scenario/index.js";
import { UserError } from "../util/errors.js";
import type { RunSize } from "../util/parameters.js";
import { cellInterruption } from "./kernel.js";
import { resultsFolder, scenarioSource } from "./place.js";
import { CellProgress } from "./progress.js";
import { Results } from "./results.js";

/** Everything may be left out. */
export interface RunSettings {
  /** tiny, small or full; default: as the scenario says, else small. */
  readonly size?: RunSize;
  readonly seed?: number;
  /** Overrides, as `--set` has them: `{ "machine.profile": "haswell-2013" }`. */
  readonly set?: Readonly<Record<string, string | number | boolean>>;
  /** Only the cells that an expression over axes selects; expectations are then not checked. */
  readonly only?: string;
  /** The name of a scenario that is given as text. */
  readonly name?: string;
  /** Run again what has been run. */
  readonly fresh?: boolean;
  /** Worker threads; default: one a core. */
  readonly workers?: number;
}

/**
 * @param scenario a scenario's name (`ept`), a path, or YAML
 * @throws UserError for what the user can mend, and when the cell was stopped
 */
export async function run(scenario: string, settings: RunSettings = {}): Promise<Results> {
  const { size, seed, only, name, fresh = false } = settings;
  const source = scenarioSource(scenario, name);
  const sets = Object.entries(settings.set ?? {}).map(([path, value]) => `${path}=${value}`);
  const options: PlanOptions = { sets, size, seed, only };
  const plan = planCells(source, options);
  const progress = new CellProgress(plan.scenario.name);
  const finished = fresh ? undefined : findFinished(plan, resultsFolder(), new Disk());
  const folder =
    finished ??
    (await runNow(source, {
      ...options,
      project: PROJECT_ROOT,
      results: resultsFolder(),
      workers: settings.workers,
      charts: false,
      resume: fresh ? "never" : "auto",
      command: ["notebook", plan.scenario.name],
      progress: progress.event,
    }));
  await progress.end(shownPath(folder), plan.cells.length, finished !== undefined);
  return resultsOf(plan, folder, only === undefined);
}

/** @returns the run's folder @throws UserError when the cell was stopped; what has finished is kept */
async function runNow(source: ScenarioSource, options: RunOptions): Promise<string> {
  const stop = cellInterruption();
  try {
    const { folder, interrupted, table, plan } = await runScenario(source, {
      ...options,
      signal: stop.signal,
    });
    if (!interrupted) return folder;
    throw new UserError(`stopped after ${table.rows.length} of ${plan.cells.length} cells`, {
      mend: "run the cell again: it goes on where it stopped",
    });
  } finally {
    stop.end();
  }
}

/** The rows as they are on disk: the same whether they were made now or before. */
function resultsOf(plan: Plan, folder: string, isWhole: boolean): Results {
  const { rows, exits, record } = readRun(folder, resultsFolder());
  const { name, title, question, baseline, charts } = plan.scenario;
  return new Results({
    name,
    title,
    question,
    place: shownPath(folder),
    rows,
    exits,
    axes: plan.axes,
    baseline,
    charts,
    expectations: isWhole ? checkExpectations(plan, rows) : [],
    constants: record === undefined ? undefined : constantsByProfile(record.constants),
    plan,
  });
}
