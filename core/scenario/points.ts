/**
 * Points of a matrix: the algebra of lists, before anything is resolved. `matrix` gives every combination, the first axis
 * varying slowest; `zip` gives steps, each combined with every combination; an entry of `include` is a matrix again: its
 * own values, and the scenario's in the axes it does not name.
 */
import { UserError } from "../util/errors.js";
import type { ParameterValue } from "../util/parameters.js";
import type { DocumentPath } from "./document.js";
import type { Point } from "./resolve.js";
import type { Scenario } from "./scenario.js";

/** As written in a list: a value, or a workload with parameters of its own. */
export type Written = ParameterValue | Readonly<Record<string, ParameterValue>>;
/** As written in include and exclude: one or more values an axis. */
export type WrittenPoint = Readonly<Record<string, Written | readonly Written[]>>;
type Lists = Readonly<Record<string, readonly Written[]>>;

/** A product of lists with the steps of a zip. */
export interface PointSet {
  readonly lists: Lists;
  /** One value an axis in each; a scenario without zip has one empty step. */
  readonly steps: readonly Readonly<Record<string, Written>>[];
}

/** The matrix with its zip, then each entry of include. @throws UserError for unequal zip lists and repeated values. */
export function pointSetsOf(scenario: Scenario): {
  readonly base: PointSet;
  readonly included: readonly PointSet[];
} {
  const matrix = (scenario.document.matrix ?? {}) as Lists;
  const zip = (scenario.document.zip ?? {}) as Lists;
  checkLists(scenario, ["matrix"], matrix);
  const base = { lists: matrix, steps: stepsOf(scenario, zip) };
  const entries = (scenario.document.include ?? []) as readonly WrittenPoint[];
  return {
    base,
    included: entries.map((entry, index) => includedSet(scenario, base, Object.keys(zip), entry, index)),
  };
}

/** How many points a set has, without making them. */
export function countOf({ lists, steps }: PointSet): number {
  return Object.values(lists).reduce((product, values) => product * values.length, steps.length);
}

/** All points of a set, in order. */
export function pointsOf({ lists, steps }: PointSet): Point[] {
  let points: Point[] = [new Map()];
  for (const [path, values] of Object.entries(lists)) {
    points = points.flatMap((point) => values.map((value) => withValue(point, path, value)));
  }
  return points.flatMap((point) =>
    steps.map((step) =>
      Object.entries(step).reduce((at, [path, value]) => withValue(at, path, value), point),
    ),
  );
}

export function listOf(value: Written | readonly Written[]): readonly Written[] {
  return Array.isArray(value) ? (value as readonly Written[]) : [value as Written];
}

/** A workload with parameters makes those axes of the point too. */
function withValue(point: Point, path: string, value: Written): Point {
  const next = new Map(point);
  if (typeof value !== "object") return next.set(path, value);
  const { name, ...parameters } = value;
  next.set(path, name!);
  for (const [key, parameter] of Object.entries(parameters)) next.set(`parameters.${key}`, parameter);
  return next;
}

function stepsOf(scenario: Scenario, zip: Lists): Readonly<Record<string, Written>>[] {
  const lists = Object.entries(zip);
  const first = lists[0];
  if (first === undefined) return [{}];
  const [name, { length }] = first;
  for (const [path, values] of lists) {
    if (values.length === length) continue;
    throw new UserError(
      `the lists of zip differ in length: ${name} has ${length}, ${path} has ${values.length}`,
      {
        where: scenario.locate(["zip", path]),
        mend: "give each axis of zip as many values",
      },
    );
  }
  return Array.from({ length }, (_, i) =>
    Object.fromEntries(lists.map(([path, values]) => [path, values[i]!])),
  );
}

function includedSet(
  scenario: Scenario,
  base: PointSet,
  zipped: readonly string[],
  entry: WrittenPoint,
  index: number,
): PointSet {
  const own: Lists = Object.fromEntries(Object.entries(entry).map(([path, value]) => [path, listOf(value)]));
  checkLists(scenario, ["include", index], own);
  const named = zipped.filter((path) => path in own);
  if (named.length > 0 && named.length < zipped.length) {
    const missing = zipped.filter((path) => !(path in own)).join(", ");
    throw new UserError(`include names ${named.join(", ")} but not ${missing}, which zip ties to it`, {
      where: scenario.locate(["include", index]),
      mend: "name all axes of zip, or none",
    });
  }
  return { lists: { ...base.lists, ...own }, steps: named.length > 0 ? [{}] : base.steps };
}

/** No value twice; no parameter both an axis and given with a workload. */
function checkLists(scenario: Scenario, at: DocumentPath, lists: Lists): void {
  for (const [path, values] of Object.entries(lists)) {
    const seen = new Set<string>();
    for (const [i, value] of values.entries()) {
      const key = JSON.stringify(value);
      const where = scenario.locate([...at, path, i]);
      if (seen.has(key)) throw new UserError(`${path} has ${key} twice`, { where, mend: "remove one" });
      seen.add(key);
      const both =
        typeof value === "object"
          ? Object.keys(value).find((name) => `parameters.${name}` in lists)
          : undefined;
      if (both === undefined) continue;
      throw new UserError(`${both} is an axis and also given with a workload`, {
        where,
        mend: "keep one of the two",
      });
    }
  }
}
