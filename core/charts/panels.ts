/**
 * Which row goes where: a chart names some columns (`x`, `color`, `facet`); the other columns that tell its
 * rows apart must not be piled on one another, so they become panels, or part of a label when the panels
 * would be too many.
 */
import type { Row } from "../scenario/scenario.js";
import { valueLabel, valuePhrase } from "./axes.js";

/** More panels than this are unreadable. */
const MOST_PANELS = 24;

export interface Panels {
  /** Columns whose combination names the panel. */
  readonly panel: readonly string[];
  /** Values of the last of them: the panels of one row. 1 when there are not two columns. */
  readonly inner: number;
  /** Columns that must be added to the label of a bar or line. */
  readonly label: readonly string[];
}

/**
 * The columns of `axes` that tell apart rows equal in all `used` columns. An axis that the used ones
 * determine (as in a zip) is not among them.
 */
export function leftoverAxes(
  rows: readonly Row[],
  axes: readonly string[],
  used: readonly string[],
): string[] {
  const known = [...used];
  const leftover: string[] = [];
  for (const axis of axes) {
    if (known.includes(axis) || !varies(rows, axis, known)) continue;
    known.push(axis);
    leftover.push(axis);
  }
  return leftover;
}

function varies(rows: readonly Row[], axis: string, known: readonly string[]): boolean {
  const seen = new Map<string, string | number | undefined>();
  return rows.some((row) => {
    const key = keyOf(row, known);
    if (!seen.has(key)) seen.set(key, row[axis]);
    return seen.get(key) !== row[axis];
  });
}

/** Shares out facet and left-over columns: to panels as long as these are few, else to labels. */
export function panelsFor(
  rows: readonly Row[],
  facet: string | undefined,
  leftover: readonly string[],
): Panels {
  const panel = facet === undefined ? [] : [facet];
  const label: string[] = [];
  for (const axis of leftover) {
    const tried = new Set(rows.map((row) => keyOf(row, [...panel, axis])));
    if (tried.size <= MOST_PANELS) panel.push(axis);
    else label.push(axis);
  }
  const inner = panel.length > 1 ? new Set(rows.map((row) => row[panel.at(-1)!])).size : 1;
  return { panel, inner, label };
}

/** "gups · Host page: 4K"; "" for no columns. A column that does not apply to the row is left out. */
export function labelOf(row: Row, columns: readonly string[]): string {
  return known(row, columns)
    .map((column) => valueLabel(column, row[column]!))
    .join(" · ");
}

/** The same within a sentence: "gups, host page 4K". */
export function phraseOf(row: Row, columns: readonly string[]): string {
  return known(row, columns)
    .map((column) => valuePhrase(column, row[column]!))
    .join(", ");
}

function known(row: Row, columns: readonly string[]): string[] {
  return columns.filter((column) => (row[column] ?? "") !== "");
}

/** Equal for rows that are equal in these columns. */
export function keyOf(row: Row, columns: readonly string[]): string {
  return JSON.stringify(columns.map((column) => row[column] ?? ""));
}

/** Distinct texts in order of appearance. */
export function distinct<T>(values: Iterable<T>): T[] {
  return [...new Set(values)];
}

/**
 * The labels of `some` rows in the order in which `all` rows have them: what failed first still stands
 * first.
 */
export function inOrder(all: readonly Row[], some: readonly Row[], label: (row: Row) => string): string[] {
  const wanted = new Set(some.map(label));
  return distinct(all.map(label)).filter((text) => wanted.has(text));
}
