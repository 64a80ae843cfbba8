/** The row that another is measured against: equal in every axis but those that the baseline names. */
import type { NamedChartSpec } from "../scenario/charts.js";
import type { Row } from "../scenario/scenario.js";
import { UserError } from "../util/errors.js";
import type { Scene } from "./drawing.js";
import { distinct, keyOf } from "./panels.js";

/** True when the chart compares: it says so itself, or asks for `slowdown`, which is a comparison. */
export function isRelative(spec: NamedChartSpec, scene: Scene): boolean {
  if (spec.baseline !== undefined) return true;
  return (spec.value ?? spec.y) === "slowdown" && Object.keys(scene.baseline).length > 0;
}

/**
 * What the chart compares with, by column: its own `baseline` is a value of `x`, or else of the technique;
 * without one, the scenario's. @throws UserError when no axis has the value.
 */
export function baselineOf(spec: NamedChartSpec, scene: Scene): Readonly<Record<string, string | number>> {
  if (spec.baseline === undefined) {
    return Object.fromEntries(
      Object.entries(scene.baseline).map(([column, value]) => [column, written(value)]),
    );
  }
  const value = written(spec.baseline);
  for (const column of distinct([spec.x ?? "technique", "technique", ...scene.axes])) {
    if (scene.rows.some((row) => row[column] === value)) return { [column]: value };
  }
  const column = spec.x ?? "technique";
  const values = distinct(scene.rows.map((row) => String(row[column])));
  throw new UserError(`no row has the baseline "${value}"`, {
    mend: `values of ${column}: ${values.join(", ")}`,
  });
}

const indices = new WeakMap<Scene, Map<string, Map<string, Row>>>();

/** The baseline's row for this one; undefined when it is missing. */
export function baselineRow(row: Row, spec: NamedChartSpec, scene: Scene): Row | undefined {
  const changes = baselineOf(spec, scene);
  const columns = distinct([...scene.axes, ...Object.keys(changes)]);
  const index = indexOf(scene, columns);
  return index.get(keyOf({ ...row, ...changes }, columns));
}

/** True for a row that is its own baseline. */
export function isBaseline(row: Row, changes: Readonly<Record<string, string | number>>): boolean {
  return Object.entries(changes).every(([column, value]) => row[column] === value);
}

function indexOf(scene: Scene, columns: readonly string[]): Map<string, Row> {
  const all = indices.get(scene) ?? new Map<string, Map<string, Row>>();
  indices.set(scene, all);
  const name = columns.join(" ");
  let index = all.get(name);
  if (index === undefined) {
    index = new Map(scene.rows.map((row) => [keyOf(row, columns), row]));
    all.set(name, index);
  }
  return index;
}

function written(value: string | number | boolean): string | number {
  return typeof value === "boolean" ? String(value) : value;
}
