/**
 * The package's public entry, for notebooks and scripts: run a scenario or one image, read a run, compare two. The command
 * line is built on the same functions.
 */

export { type LabEvent, type LabRun, type PlanOptions, planCells, type RunOptions, run } from "./lab/run.js";
export { type ImageRun, type ImageSettings, imageConfig, runImage } from "./lab/run-image.js";
export { COLUMNS, type Column, columnOf, findColumn } from "./results/columns.js";
export { type Comparison, compareRuns } from "./results/compare.js";
export { fromCsv, readRun, type StoredRun, toCsv } from "./results/index.js";
export { summaryLines } from "./results/summary.js";
export {
  type Cell,
  type CellConfig,
  type CellOutcome,
  type ExpectationResult,
  loadScenario,
  type Plan,
  planScenario,
  type Row,
  runPlan,
  type Scenario,
} from "./scenario/index.js";
export { UserError } from "./util/errors.js";
