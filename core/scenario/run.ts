/**
 * A scenario, from its file to its verdict. The phases, and where each lives:
 *
 *   1 load      document.ts     YAML text → data with positions
 *   2 extend    extend.ts       parents, sizes and --set laid over one another
 *   3 validate  validate.ts     closed schema, units, nearest valid words → Scenario
 *   4 expand    expand.ts       matrix, zip, include, exclude → points → resolved cells
 *   5 plan      plan.ts         cells in order, with a hash → Plan
 *   6 run       run-cells.ts    cells in worker threads → outcomes, each to the sink at once
 *   7 check     expectation.ts  expect: over the rows → verdicts
 *   8 write     the ResultSink  rows, exits and provenance on disk (results/)
 */

import type { RunSize } from "../util/parameters.js";
import { CATALOGUE, type Catalogue } from "./catalogue.js";
import type { ExpectationResult, Plan, Row, RunOptions, RunResult, Scenario } from "./scenario.js";

/** A path to read, or text with the path it stands for (its errors and `extends` refer to it). */
export type ScenarioSource = string | { readonly text: string; readonly path: string };

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
export function loadScenario(_source: ScenarioSource, _options: LoadOptions = {}): Scenario {
  throw new Error("not built yet");
}

/** Phases 4 and 5. @throws UserError for impossible combinations, an empty matrix and too many cells. */
export function planScenario(_scenario: Scenario, _catalogue: Catalogue = CATALOGUE): Plan {
  throw new Error("not built yet");
}

/** Phase 6. Never throws for a cell's sake: that is an outcome. Rejects when the sink does. */
export async function runPlan(_plan: Plan, _options: RunOptions = {}): Promise<RunResult> {
  throw new Error("not built yet");
}

/** Phase 7: one verdict for each line of `expect:`, in order. @throws UserError for unknown columns. */
export function checkExpectations(_plan: Plan, _rows: readonly Row[]): ExpectationResult[] {
  throw new Error("not built yet");
}
