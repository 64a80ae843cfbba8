/**
 * The package's public entry, for notebooks and scripts: `import { run, load, chart, show, table, trace } from "virtlab"`. The
 * same works in a plain Node script, where `show` prints text. Programs that want the lab without a cell around it find it below.
 */

export {
  type LabEvent,
  type LabRun,
  type PlanOptions,
  planCells,
  type RunOptions,
  run as runScenario,
} from "./lab/run.js";
export { type ImageRun, type ImageSettings, imageConfig, runImage } from "./lab/run-image.js";
// A simulated /dev/kvm.
export {
  Kvm,
  type KvmCounters,
  type KvmOptions,
  type KvmVcpu,
  type KvmVm,
} from "./monitor/hardware-assisted/kvm.js";
export type { KvmMemoryRegion } from "./monitor/hardware-assisted/memory-slots.js";
export type { KvmRegs, KvmSegment, KvmSregs } from "./monitor/hardware-assisted/registers.js";
export { KVM_EXIT, type KvmRun } from "./monitor/hardware-assisted/run-page.js";
export { Chart, chart } from "./notebook/chart.js";
export { Comparison, compare } from "./notebook/compare.js";
export { type Exercise, Exercises, exercises } from "./notebook/exercises.js";
export { Exhibit, show } from "./notebook/exhibit.js";
export { History, type HistoryEntry, history } from "./notebook/history.js";
export { load } from "./notebook/load.js";
export { check } from "./notebook/promise.js";
export { type ExitRow, Results, type RowValues } from "./notebook/results.js";
export type { LabRow } from "./notebook/row.js";
export type { AnyRow } from "./notebook/rows.js";
export { type RunSettings, run } from "./notebook/run.js";
export { Table, type TableWish, table } from "./notebook/table.js";
export { Trace, type TraceSettings, trace } from "./notebook/trace.js";
export {
  type FigureRow,
  keptValidation,
  type ValidateSettings,
  Validation,
  validate,
} from "./notebook/validate.js";
export { COLUMNS, type Column, columnOf, findColumn } from "./results/columns.js";
export { compareRuns } from "./results/compare.js";
export { fromCsv, readRun, type StoredRun, toCsv } from "./results/index.js";
export { changePoints } from "./results/statistics.js";
export { summaryLines } from "./results/summary.js";
export {
  type Cell,
  type CellConfig,
  type CellOutcome,
  type ChartSpec,
  type ExpectationResult,
  loadScenario,
  type Plan,
  planScenario,
  type Row,
  runPlan,
  type Scenario,
} from "./scenario/index.js";
export { UserError } from "./util/errors.js";
export { Random } from "./util/random.js";
