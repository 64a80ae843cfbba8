/**
 * What a scenario says of its rows, tried before the first cell runs: expectations and charts over rows of made-up numbers. A
 * column misspelled in the last line of a scenario must not cost an hour. Verdicts and pictures are thrown away.
 *
 * Left out: what only the numbers can tell, and a scenario's own Vega-Lite beyond the columns that it names.
 */
import { chartOf } from "../charts/chart.js";
import { VALUE_COLUMNS } from "../results/columns.js";
import { tableOf } from "../results/table.js";
import type { CellOutcome } from "../scenario/config.js";
import { checkExpectations, type Plan } from "../scenario/index.js";
import { unsupportedReason } from "../scenario/support.js";

/** Beyond this many cells a rehearsal would be felt. */
const MOST_CELLS = 2_000;

const VALUES: Readonly<Record<string, number | string>> = Object.fromEntries(
  VALUE_COLUMNS.filter(({ kind }) => kind !== "derived").map(({ name }) => [
    name,
    name === "fingerprint" ? "0" : 1,
  ]),
);
const DONE: CellOutcome = { status: "done", reason: "", values: VALUES, exits: [] };

/**
 * Refuses unknown columns, axes and baselines, each with its place.
 * @param isWhole false where cells were left out: expectations may speak of those. @throws UserError
 */
export function rehearse(plan: Plan, isWhole: boolean): void {
  if (plan.cells.length > MOST_CELLS) return;
  const outcomes = new Map(
    plan.cells.map(({ id, config }): [string, CellOutcome] => {
      const reason = unsupportedReason(config);
      return [id, reason === undefined ? DONE : { status: "unsupported", reason, values: {}, exits: [] }];
    }),
  );
  const { rows } = tableOf(plan, outcomes);
  const { charts, baseline, locate } = plan.scenario;
  if (isWhole) checkExpectations(plan, rows);
  for (const [index, chart] of charts.entries()) {
    chartOf(chart, rows, {
      axes: plan.axes,
      baseline,
      place: `${locate(["charts", index])}: charts[${index}]`,
    });
  }
}
