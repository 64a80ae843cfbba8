/** The scenario engine's public surface. */
export { CATALOGUE, type Catalogue } from "./catalogue.js";
export type { ChartKind, ChartSpec, NamedChartSpec, VegaLiteChartSpec } from "./charts.js";
export type { Cell, CellConfig, CellOutcome, GuestPaging } from "./config.js";
export type { FigureResult } from "./figures/compare.js";
export { FIGURE_COLUMNS, figureRows } from "./figures/rows.js";
export type { ScenarioSource } from "./load.js";
export { type CellRunner, thisThread } from "./pool.js";
export { FIXED_COLUMNS, RowIndex, rowOf, rowsOf } from "./row.js";
export {
  checkExpectations,
  checkOrderings,
  figuresOf,
  type LoadOptions,
  loadScenario,
  planScenario,
  runPlan,
  selectRows,
} from "./run.js";
export type {
  ExpectationFailure,
  ExpectationResult,
  ExpectationText,
  HostMeasure,
  OrderingResult,
  Plan,
  ProgressEvent,
  ResultSink,
  Row,
  RunOptions,
  RunResult,
  Scenario,
} from "./scenario.js";
export { scenarioJsonSchema } from "./schema.js";
export { impossibleReason, unsupportedReason } from "./support.js";
