/**
 * `run` in a cell: a scenario into rows. Progress is one line under the cell; a run of the same cells under the same code is
 * read back instead of made again; a cell that is stopped keeps what has finished, and goes on when it is run again.
 */
import { PROJECT_ROOT } from "../cli/project.js";
import { finishedRows } from "../lab/finished-rows.js";
import { constantsByProfile } from "../results/baseline.js";
import { readRun, shownPath } from "../results/index.js";
import { checkExpectations, type Plan } from "../scenario/index.js";
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
  const { size, seed, only, name, workers, fresh = false } = settings;
  const results = resultsFolder();
  const progress = new CellProgress();
  const stop = cellInterruption();
  try {
    const { plan, rows, folder, isReused, interrupted } = await finishedRows(scenarioSource(scenario, name), {
      sets: Object.entries(settings.set ?? {}).map(([path, value]) => `${path}=${value}`),
      size,
      seed,
      only,
      workers,
      project: PROJECT_ROOT,
      results,
      resume: fresh ? "never" : "auto",
      command: ["notebook"],
      signal: stop.signal,
      progress: progress.event,
    });
    if (interrupted)
      throw new UserError(`stopped after ${rows.length} of ${plan.cells.length} cells`, {
        mend: "run the cell again: it goes on where it stopped",
      });
    const cells = `${plan.scenario.name}: ${plan.cells.length} cells`;
    await progress.end(cells, isReused, shownPath(folder));
    return resultsOf(plan, folder, only === undefined);
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
