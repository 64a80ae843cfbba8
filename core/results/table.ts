/**
 * The table of a run: the scenario's rows with the cell's id in front and the derived columns behind, in
 * the stable column order of rows.csv; and exits.csv's long form. Plan order always, whatever order the
 * cells finished in.
 */
import { EXIT_REASONS } from "../events/exit-reasons.js";
import type { CellOutcome } from "../scenario/config.js";
import { isHostRow } from "../scenario/host/workload.js";
import { FIXED_COLUMNS, rowsOf } from "../scenario/row.js";
import type { Plan, Row } from "../scenario/scenario.js";
import { CONTAINER_COLUMNS, HOST_COLUMNS, MACHINE_COLUMNS } from "./columns.js";
import { withDerived } from "./derived.js";

/** Outcomes by cell id; cells that never finished are absent. */
export type Outcomes = ReadonlyMap<string, CellOutcome>;

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** rows.csv as data. */
export function tableOf(plan: Plan, outcomes: Outcomes): Table {
  const finished = plan.cells.filter((cell) => outcomes.has(cell.id));
  const rows = rowsOf(plan, outcomes).map(
    (row, index): Row => ({ cell: finished[index]!.id, ...withDerived(row) }),
  );
  return { columns: columnsFor(plan.axes, rows), rows };
}

/**
 * The columns of rows.csv for these axes: those of guests on machines, of hosts with instances, or of both, as the rows are; a
 * value that the dictionary does not know comes last.
 */
export function columnsFor(axes: readonly string[], rows: readonly Row[]): string[] {
  const isOfHost = rows.some(isHostRow);
  const isOfMachine = !rows.every(isHostRow) || rows.length === 0;
  const columns = new Set([
    "cell",
    ...axes,
    ...FIXED_COLUMNS,
    "status",
    "reason",
    ...(isOfMachine ? MACHINE_COLUMNS : []).map(({ name }) => name),
    ...(isOfHost ? HOST_COLUMNS : []).map(({ name }) => name),
    ...CONTAINER_COLUMNS.map(({ name }) => name).filter((name) => rows.some((row) => name in row)),
  ]);
  for (const row of rows) for (const name of Object.keys(row)) columns.add(name);
  return [...columns];
}

export const EXIT_COLUMNS = ["cell", "reason", "count", "cycles", "share"] as const;

/** exits.csv as data: one row a cell and reason that happened; `share` is of all the cell's cycles. */
export function exitsOf(plan: Plan, outcomes: Outcomes): Table {
  const rows: Row[] = [];
  for (const cell of plan.cells) {
    const outcome = outcomes.get(cell.id);
    if (outcome === undefined) continue;
    const total = outcome.values["cycles"];
    for (const { reason, count, cycles } of [...outcome.exits].sort(byReason)) {
      const share = typeof total === "number" && total > 0 ? cycles / total : "";
      rows.push({ cell: cell.id, reason, count, cycles, share });
    }
  }
  return { columns: EXIT_COLUMNS, rows };
}

/** Columns that say which cell a row is: those before `status`, without the id itself. */
export function coordinatesOf(rows: readonly Row[]): string[] {
  const names = Object.keys(rows[0] ?? {});
  const end = names.indexOf("status");
  return (end < 0 ? [] : names.slice(0, end)).filter((name) => name !== "cell");
}

function byReason(a: { reason: string }, b: { reason: string }): number {
  return order(a.reason) - order(b.reason);
}

function order(reason: string): number {
  const index = EXIT_REASONS.findIndex(({ name }) => name === reason);
  return index < 0 ? EXIT_REASONS.length : index;
}
