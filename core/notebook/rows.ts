/**
 * Rows that tell a typing mistake: reading a column that no row of the run has is an error that names the nearest one, where a
 * plain object would give `undefined` and the sum would be NaN. In a cell the type (row.ts) says it already.
 */
import { noColumn } from "../charts/where.js";
import type { Row } from "../scenario/index.js";
import type { LabRow } from "./row.js";

/** A row of a run, or one that a cell computed. */
export type AnyRow = LabRow | Readonly<Record<string, string | number | undefined>>;

/** What columns are called; other names are asked for by JavaScript itself (toJSON, symbols), as are these. */
const COLUMN = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const OF_THE_LANGUAGE = new Set(["then", "constructor", "inspect", "length"]);

/** Guarded rows as they were read. */
const PLAIN = new WeakMap<object, Row>();

/** @param place names the rows in errors. Where a row has no value it reads as undefined. */
export function guardedRows(rows: readonly Row[], place: string): LabRow[] {
  const columns = new Set(rows.flatMap((row) => Object.keys(row)));
  const guard: ProxyHandler<Record<string, string | number>> = {
    get: (row, name) => {
      if (typeof name === "symbol" || name in row || columns.has(name)) return Reflect.get(row, name);
      if (!COLUMN.test(name) || OF_THE_LANGUAGE.has(name)) return undefined;
      throw noColumn(name, columns, place);
    },
  };
  return rows.map((row) => {
    const present = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== ""));
    const guarded = new Proxy(present, guard);
    PLAIN.set(guarded, row);
    return guarded as unknown as LabRow;
  });
}

/** Rows as the rest of the lab takes them. */
export function plainRows(rows: readonly AnyRow[]): Row[] {
  return rows.map((row) => PLAIN.get(row) ?? (row as Row));
}
