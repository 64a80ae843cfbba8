/**
 * Which rows a chart draws, and whether the columns it names exist: the user's words checked against the
 * rows.
 */
import type { ChartSpec } from "../scenario/charts.js";
import {
  type Expression,
  evaluate,
  isTrue,
  MissingValue,
  parseExpression,
  type Scope,
} from "../scenario/expression.js";
import type { Row } from "../scenario/scenario.js";
import { languageOf } from "../scenario/schema.js";
import { columnSuggestion } from "../scenario/suggestion.js";
import { UserError } from "../util/errors.js";
import { parseBytes } from "../util/units.js";

/** The rows for which the expression is true; a row without a value that it needs is not drawn. */
export function rowsWhere(rows: readonly Row[], where: string | undefined, place: string): readonly Row[] {
  if (where === undefined) return rows;
  const expression = parseExpression(where, place);
  for (const name of expression.names) columnIn(rows, name, place);
  return rows.filter((row) => selects(expression, row, place));
}

function selects(expression: Expression, row: Row, place: string): boolean {
  const scope: Scope = {
    read: (name) => row[columnName(name)],
    call: (name, args) => {
      if (name === "bytes") return parseBytes(String(evaluate(args[0]!, scope)));
      throw new UserError(`there is no function ${name} in a chart's where`, {
        where: place,
        mend: "compare columns; bytes('64MiB') gives a size",
      });
    },
  };
  try {
    return isTrue(evaluate(expression.tree, scope));
  } catch (error) {
    if (error instanceof MissingValue) return false;
    throw error;
  }
}

/**
 * The column that a word names, by column or by the scenario's path of the axis. @throws UserError with the
 * nearest ones.
 */
export function columnIn(rows: readonly Row[], name: string, place: string): string {
  const columns = new Set(rows.flatMap((row) => Object.keys(row)));
  const column = columns.has(name) ? name : columnName(name);
  // Only a row that is done has all its columns; where none is, there is nothing to draw.
  if (columns.has(column) || !rows.some(({ status }) => status === "done" || status === undefined))
    return column;
  throw noColumn(name, columns, place);
}

/** The error for a column that no row has, with the nearest ones. */
export function noColumn(name: string, columns: Iterable<string>, place: string): UserError {
  return new UserError(`no row has a column "${name}"`, {
    where: place,
    mend: columnSuggestion(name, columns),
  });
}

/** The chart with each column it names checked and replaced by its name in rows. */
export function withColumns(spec: ChartSpec, rows: readonly Row[], place: string): ChartSpec {
  if ("spec" in spec) return spec;
  const named: Record<string, string> = {};
  for (const key of ["x", "y", "value", "facet", "color"] as const) {
    const name = spec[key];
    if (name !== undefined) named[key] = name === "slowdown" ? name : columnIn(rows, name, place);
  }
  return { ...spec, ...named };
}

function columnName(name: string): string {
  return languageOf().axes.byName.get(name)?.column ?? name;
}
