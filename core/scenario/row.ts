/**
 * Rows: what rows.csv, the charts and the expectations see of a cell and its outcome. Column order is stable:
 * axes in plan order, the fixed coordinates that are not axes, status, reason, then the modelled values.
 */
import type { ParameterValue } from "../util/parameters.js";
import { BOOT_NAME } from "./code/boot.js";
import type { Cell, CellOutcome } from "./config.js";
import { findHostWorkload } from "./host/workload.js";
import type { Plan, Row } from "./scenario.js";

/** Coordinates that every row has, whether they vary or not. */
export const FIXED_COLUMNS = ["technique", "workload", "page", "profile", "size", "seed"] as const;

/** One row. Booleans become "true" and "false"; an axis that does not apply to the cell is "". */
export function rowOf(cell: Cell, outcome: CellOutcome): Row {
  const row: Record<string, string | number> = {};
  for (const [column, value] of Object.entries(cell.axes)) row[column] = written(value);
  const { technique, workload, page, machine, size, seed } = cell.config;
  // What maps an image of one's own is its own affair, and a host has no one guest.
  const mapped = workload === BOOT_NAME || findHostWorkload(workload) !== undefined ? "" : page;
  const fixed = { technique, workload, page: mapped, profile: machine.profile, size, seed };
  for (const column of FIXED_COLUMNS) row[column] ??= fixed[column];
  row["status"] = outcome.status;
  row["reason"] = outcome.reason;
  return { ...row, ...outcome.values };
}

/**
 * The rows of all finished cells in plan order, with `slowdown` (cycles over the baseline row's cycles) as last
 * column when the scenario has a baseline; "" where the baseline row is missing or not done.
 */
export function rowsOf(plan: Plan, outcomes: ReadonlyMap<string, CellOutcome>): Row[] {
  const rows: Row[] = [];
  for (const cell of plan.cells) {
    const outcome = outcomes.get(cell.id);
    if (outcome !== undefined) rows.push(rowOf(cell, outcome));
  }
  return plan.scenario.baseline === undefined ? rows : withSlowdown(plan, rows);
}

/** A look-up of rows by their axes: the row equal to `row` in every axis except those in `changes`. */
export class RowIndex {
  private readonly byAxes = new Map<string, Row>();
  private readonly axes: readonly string[];

  constructor(plan: Pick<Plan, "axes">, rows: readonly Row[]) {
    this.axes = plan.axes;
    for (const row of rows) this.byAxes.set(this.key(row, {}), row);
  }

  /** @param changes values by axis column, as they stand in rows. */
  peer(row: Row, changes: Readonly<Record<string, ParameterValue>>): Row | undefined {
    return this.byAxes.get(this.key(row, changes));
  }

  private key(row: Row, changes: Readonly<Record<string, ParameterValue>>): string {
    return JSON.stringify(this.axes.map((axis) => (axis in changes ? written(changes[axis]!) : row[axis])));
  }
}

function withSlowdown(plan: Plan, rows: readonly Row[]): Row[] {
  const index = new RowIndex(plan, rows);
  return rows.map((row) => {
    const base = index.peer(row, plan.scenario.baseline!)?.["cycles"];
    const cycles = row["cycles"];
    const known = typeof base === "number" && typeof cycles === "number" && base > 0;
    return { ...row, slowdown: known ? cycles / base : "" };
  });
}

function written(value: ParameterValue): string | number {
  return typeof value === "boolean" ? String(value) : value;
}
