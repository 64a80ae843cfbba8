/**
 * A scenario, from its file to its verdict. The phases, and where each lives:
 *
 *   1 load      document.ts                  YAML text → data with positions
 *   2 extend    extend.ts, overrides.ts      parents, sizes and --set laid over one another
 *   3 validate  validate.ts, problems.ts     each of them against the closed schema (schema.ts); load.ts → Scenario
 *   4 expand    points.ts, expand.ts         matrix, zip, exclude, include → points; resolve.ts → cells
 *   5 plan      plan.ts                      cells in order, with a hash → Plan
 *   6 run       run-cells.ts, pool.ts        cells in worker threads → outcomes, each to the sink at once
 *   7 check     expectation.ts               expect: over the rows (row.ts) → verdicts
 *               figures/compare.ts           figures: and orderings: beside what was published → figures
 *   8 write     the ResultSink               rows, exits and provenance on disk (results/)
 */

import type { RunSize } from "../util/parameters.js";
import { CATALOGUE, type Catalogue } from "./catalogue.js";
import { parseExpectation, selectRows as selectRowsOf, verdictOf } from "./expectation.js";
import { compareFigures, type FigureResult } from "./figures/compare.js";
import { verdictOnFigures } from "./figures/expect.js";
import { type ScenarioSource, scenarioOf } from "./load.js";
import { planOf } from "./plan.js";
import type { CellRunner } from "./pool.js";
import { runCells } from "./run-cells.js";
import type {
  ExpectationResult,
  OrderingResult,
  Plan,
  Row,
  RunOptions,
  RunResult,
  Scenario,
} from "./scenario.js";
import { languageOf } from "./schema.js";

export interface LoadOptions {
  /** `machine.profile=haswell-2013`, as on the command line. */
  readonly sets?: readonly string[];
  /** Replaces the scenario's size. */
  readonly size?: RunSize;
  /** Replaces the scenario's seed. */
  readonly seed?: number;
  readonly catalogue?: Catalogue;
}

/** Phases 1 to 3. @throws UserError with file:line:column and how to mend it. */
export function loadScenario(source: ScenarioSource, options: LoadOptions = {}): Scenario {
  const { sets = [], size, seed, catalogue } = options;
  return scenarioOf(source, { sets, size, seed }, languageOf(catalogue));
}

/** Phases 4 and 5. @throws UserError for impossible combinations, an empty matrix and too many cells. */
export function planScenario(scenario: Scenario, catalogue: Catalogue = CATALOGUE): Plan {
  return planOf(scenario, languageOf(catalogue));
}

/** Phase 6. Never throws for a cell's sake: that is an outcome. Rejects when the sink does. `runner`: for tests. */
export async function runPlan(
  plan: Plan,
  options: RunOptions = {},
  catalogue: Catalogue = CATALOGUE,
  runner?: CellRunner,
): Promise<RunResult> {
  return runCells(plan, options, catalogue, runner);
}

/**
 * Phase 7: one verdict for each line of `expect:`, in order. The rows may have more columns than rowsOf gives.
 * @throws UserError for unknown columns.
 */
export function checkExpectations(
  plan: Plan,
  rows: readonly Row[],
  catalogue: Catalogue = CATALOGUE,
): ExpectationResult[] {
  const language = languageOf(catalogue);
  const { expect } = plan.scenario;
  const figures = expect.some(({ of }) => of === "figures") ? compareFigures(plan, rows, language) : [];
  return expect.map((each) => {
    const { of, claim, refutes } = each;
    return {
      ...(of === "figures"
        ? verdictOnFigures(parseExpectation(each), figures, language)
        : verdictOf(parseExpectation(each), plan, rows, language)),
      ...(claim === undefined ? {} : { claim }),
      ...(refutes === undefined ? {} : { refutes }),
    };
  });
}

/**
 * The scenario's figures beside the published ones, in order. The rows may have more columns than rowsOf gives.
 * @throws UserError for unknown columns, and where a figure's `where` does not select the row that it needs
 */
export function figuresOf(
  plan: Plan,
  rows: readonly Row[],
  catalogue: Catalogue = CATALOGUE,
): FigureResult[] {
  return compareFigures(plan, rows, languageOf(catalogue));
}

/** Whether what publications say of which is more holds of the rows; one verdict for each of `orderings:`. @throws UserError */
export function checkOrderings(
  plan: Plan,
  rows: readonly Row[],
  catalogue: Catalogue = CATALOGUE,
): OrderingResult[] {
  const language = languageOf(catalogue);
  return plan.scenario.orderings.map(({ says, published, expect }) => ({
    ...verdictOf(parseExpectation(expect), plan, rows, language),
    says,
    published,
  }));
}

/** The rows that an expression over columns selects, as `where:` of a chart does. @throws UserError */
export function selectRows(plan: Plan, rows: readonly Row[], condition: string, where = "where"): Row[] {
  return selectRowsOf(condition, where, plan, rows, languageOf());
}
