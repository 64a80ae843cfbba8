/** The scenario engine's public surface. */
export { CATALOGUE } from "./catalogue.js";
export type { ChartSpec } from "./charts.js";
export { CLAIMS, type Claim, UNMODELLED } from "./claims.js";
export type { Cell, CellConfig, CellOutcome, GuestPaging } from "./config.js";
export { FIGURE_COLUMNS, figureRows } from "./figures/rows.js";
export type { ScenarioSource } from "./load.js";
export { thisThread } from "./pool.js";
export { rowOf, rowsOf } from "./row.js";
export {
  checkExpectations,
  checkOrderings,
  figuresOf,
  loadScenario,
  planScenario,
  runPlan,
  selectRows,
} from "./run.js";
export type {
  ExpectationResult,
  OrderingResult,
  Plan,
  ProgressEvent,
  Row,
  Scenario,
} from "./scenario.js";
export { scenarioJsonSchema } from "./schema.js";
