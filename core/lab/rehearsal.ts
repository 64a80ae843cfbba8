/**
 * What a scenario says of its rows, tried before the first cell runs: expectations, figures and charts over rows of made-up numbers. A
 * column misspelled in the last line of a scenario must not cost an hour. Verdicts and pictures are thrown away.
 *
 * Left out: what only the numbers can tell, and a scenario's own Vega-Lite beyond the columns that it names.
 */
import { chartOf } from "../charts/chart.js";
import { CONTAINER_COLUMNS, type Column, HOST_COLUMNS, MACHINE_COLUMNS } from "../results/columns.js";
import { tableOf } from "../results/table.js";
import type { CellOutcome } from "../scenario/config.js";
import { findHostWorkload } from "../scenario/host/workload.js";
import { checkExpectations, checkOrderings, figuresOf, type Plan } from "../scenario/index.js";
import { unsupportedReason } from "../scenario/support.js";

/** Beyond this many cells a rehearsal would be felt. */
const MOST_CELLS = 2_000;

/** A cell that is done, with a value in every column but the derived ones. */
function doneWith(columns: readonly Column[]): CellOutcome {
  const modelled = columns.filter(({ kind }) => kind !== "derived");
  const values = Object.fromEntries(modelled.map(({ name }) => [name, name === "fingerprint" ? "0" : 1]));
  return { status: "done", reason: "", values, exits: [] };
}

const OF_MACHINE = doneWith(MACHINE_COLUMNS);
const OF_HOST = doneWith([...HOST_COLUMNS, ...CONTAINER_COLUMNS]);

/**
 * Refuses unknown columns, axes and baselines, each with its place.
 * @param isWhole false where cells were left out: expectations may speak of those. @throws UserError
 */
export function rehearse(plan: Plan, isWhole: boolean): void {
  if (plan.cells.length > MOST_CELLS) return;
  const outcomes = new Map(
    plan.cells.map(({ id, config }): [string, CellOutcome] => {
      const reason = unsupportedReason(config);
      const done = findHostWorkload(config.workload) === undefined ? OF_MACHINE : OF_HOST;
      return [id, reason === undefined ? done : { status: "unsupported", reason, values: {}, exits: [] }];
    }),
  );
  const { rows } = tableOf(plan, outcomes);
  const { charts, baseline, locate } = plan.scenario;
  if (isWhole) {
    checkExpectations(plan, rows);
    checkOrderings(plan, rows);
    figuresOf(plan, rows);
  }
  for (const [index, chart] of charts.entries()) {
    chartOf(chart, rows, {
      axes: plan.axes,
      baseline,
      place: `${locate(["charts", index])}: charts[${index}]`,
    });
  }
}
