/**
 * Phase 4: the matrix → cells. In this order: every combination of `matrix`, each with every step of `zip`; less
 * `exclude`; plus `include`, whose entries run over the matrix in the axes they do not name. The first axis varies
 * slowest. Points that resolve to equal axes are one cell.
 */
import { UserError } from "../util/errors.js";
import type { ParameterValue } from "../util/parameters.js";
import { formatBytes, parseBytes } from "../util/units.js";
import type { Cell, CellConfig } from "./config.js";
import { type Point, resolved, valueOfAxis } from "./resolve.js";
import type { Scenario } from "./scenario.js";
import type { Language } from "./schema.js";
import { impossibleReason } from "./support.js";

export const MOST_CELLS = 100_000;

/** As written in a list: a value, or a workload with parameters of its own. */
type Written = ParameterValue | Readonly<Record<string, ParameterValue>>;
type Lists = Readonly<Record<string, readonly Written[]>>;

export interface Expansion {
  readonly cells: readonly Cell[];
  /** Columns of the axes, in order. */
  readonly axes: readonly string[];
}

/** @throws UserError for too many cells, none, unequal zip lists, values given twice, and impossible combinations. */
export function expand(scenario: Scenario, language: Language): Expansion {
  const matrix = (scenario.document.matrix ?? {}) as Lists;
  const zip = (scenario.document.zip ?? {}) as Lists;
  const included = (scenario.document.include ?? []) as readonly Readonly<
    Record<string, Written | readonly Written[]>
  >[];
  refuseRepeats(scenario, "matrix", matrix);
  const steps = stepsOf(scenario, zip);
  const additions = included.map((entry, index) => additionOf(scenario, matrix, zip, entry, index));
  const total =
    countOf(matrix, steps.length) +
    additions.reduce((sum, { lists, steps }) => sum + countOf(lists, steps.length), 0);
  if (total > MOST_CELLS) {
    throw new UserError(
      `the matrix has ${total.toLocaleString("en")} cells, more than ${MOST_CELLS.toLocaleString("en")}`,
      {
        where: scenario.locate(["matrix"]),
        mend: "remove values, or split the scenario",
      },
    );
  }

  const kept = pointsOf(matrix, steps).map((point) => ({
    point,
    config: resolved(point, scenario, language),
  }));
  const cellsWanted = kept.filter(({ config }) => !isExcluded(config, scenario));
  for (const { lists, steps } of additions) {
    for (const point of pointsOf(lists, steps))
      cellsWanted.push({ point, config: resolved(point, scenario, language) });
  }
  const paths = new Set([...Object.keys(matrix), ...Object.keys(zip)]);
  for (const { point } of cellsWanted) for (const path of point.keys()) paths.add(path);
  return cellsOf(
    cellsWanted.map(({ config }) => config),
    [...paths],
    scenario,
    language,
  );
}

function cellsOf(
  configs: readonly CellConfig[],
  paths: readonly string[],
  scenario: Scenario,
  language: Language,
): Expansion {
  const axes = paths.map((path) => language.axes.byName.get(path)!);
  const cells = new Map<string, Cell>();
  for (const config of configs) {
    const values = axes.map(({ path }) => valueOfAxis(config, path));
    const words = axes.map(({ column, isSize }, i) =>
      values[i] === "" ? "" : `${column}=${short(values[i]!, isSize)}`,
    );
    const id =
      words.filter((word) => word !== "").join(" ") ||
      `technique=${config.technique} workload=${config.workload}`;
    if (cells.has(id)) continue;
    const impossible = impossibleReason(config, language.catalogue);
    if (impossible !== undefined) {
      throw new UserError(`impossible combination (${id}): ${impossible}`, {
        where: scenario.locate(["matrix"]),
        mend: "exclude it, or change one of the two",
      });
    }
    cells.set(id, {
      index: cells.size,
      id,
      axes: Object.fromEntries(axes.map(({ column }, i) => [column, values[i]!])),
      config,
    });
  }
  if (cells.size === 0)
    throw new UserError("the scenario has no cells: everything is excluded", {
      where: scenario.locate(["exclude"]),
    });
  return { cells: [...cells.values()], axes: axes.map(({ column }) => column) };
}

/** Cartesian product of the lists, each with every step of the zip; the first list varies slowest. */
function pointsOf(lists: Lists, steps: readonly Lists[]): Point[] {
  let points: Map<string, ParameterValue>[] = [new Map()];
  const extend = (path: string, values: readonly Written[]): void => {
    points = points.flatMap((point) => values.map((value) => withValue(point, path, value)));
  };
  for (const [path, values] of Object.entries(lists)) extend(path, values);
  return points.flatMap((point) =>
    steps.map((step) =>
      Object.entries(step).reduce((at, [path, [value]]) => withValue(at, path, value!), point),
    ),
  );
}

/** A workload with parameters sets those as axes of the point. */
function withValue(
  point: ReadonlyMap<string, ParameterValue>,
  path: string,
  value: Written,
): Map<string, ParameterValue> {
  const next = new Map(point);
  if (typeof value !== "object") return next.set(path, value);
  const { name, ...parameters } = value;
  next.set(path, name!);
  for (const [key, parameter] of Object.entries(parameters)) next.set(`parameters.${key}`, parameter);
  return next;
}

/** The zip's lists as steps of one value each; no zip is one empty step. */
function stepsOf(scenario: Scenario, zip: Lists): Lists[] {
  const lists = Object.entries(zip);
  if (lists.length === 0) return [{}];
  const [[first, { length }]] = lists as [[string, readonly Written[]]];
  for (const [path, values] of lists) {
    if (values.length === length) continue;
    throw new UserError(
      `the lists of zip differ in length: ${first} has ${length}, ${path} has ${values.length}`,
      {
        where: scenario.locate(["zip", path]),
        mend: "give each axis of zip as many values",
      },
    );
  }
  return Array.from({ length }, (_, i) =>
    Object.fromEntries(lists.map(([path, values]) => [path, [values[i]!]])),
  );
}

/** An entry of include: its own values, and the matrix's in the axes it does not name. */
function additionOf(
  scenario: Scenario,
  matrix: Lists,
  zip: Lists,
  entry: Readonly<Record<string, Written | readonly Written[]>>,
  index: number,
): { lists: Lists; steps: readonly Lists[] } {
  const own: Lists = Object.fromEntries(
    Object.entries(entry).map(([path, value]) => [
      path,
      Array.isArray(value) ? (value as Written[]) : [value as Written],
    ]),
  );
  refuseRepeats(scenario, "include", own, index);
  const zipped = Object.keys(zip);
  const named = zipped.filter((path) => path in own);
  if (named.length > 0 && named.length < zipped.length) {
    throw new UserError(
      `include names ${named.join(", ")} but not ${zipped.filter((path) => !(path in own)).join(", ")}, which zip ties to it`,
      {
        where: scenario.locate(["include", index]),
        mend: "name all axes of zip, or none",
      },
    );
  }
  return { lists: { ...matrix, ...own }, steps: named.length > 0 ? [{}] : stepsOf(scenario, zip) };
}

function isExcluded(config: CellConfig, scenario: Scenario): boolean {
  const entries = (scenario.document.exclude ?? []) as readonly Readonly<
    Record<string, Written | readonly Written[]>
  >[];
  const isAt = (path: string, value: Written): boolean => {
    if (typeof value !== "object") return valueOfAxis(config, path) === value;
    const { name, ...parameters } = value;
    return (
      config.workload === name &&
      Object.entries(parameters).every(([key, each]) => config.parameters[key] === each)
    );
  };
  return entries.some((entry) =>
    Object.entries(entry).every(([path, value]) =>
      Array.isArray(value)
        ? (value as Written[]).some((each) => isAt(path, each))
        : isAt(path, value as Written),
    ),
  );
}

function refuseRepeats(scenario: Scenario, group: "matrix" | "include", lists: Lists, index?: number): void {
  for (const [path, values] of Object.entries(lists)) {
    const seen = new Set<string>();
    for (const [i, value] of values.entries()) {
      const key = JSON.stringify(value);
      if (seen.has(key)) {
        const at = index === undefined ? [group, path, i] : [group, index, path, i];
        throw new UserError(`${path} has ${key} twice`, { where: scenario.locate(at), mend: "remove one" });
      }
      seen.add(key);
    }
  }
}

function countOf(lists: Lists, steps: number): number {
  return Object.values(lists).reduce((product, values) => product * values.length, steps);
}

/** 1073741824 → "1GiB" where that is exact. */
function short(value: ParameterValue, isSize: boolean): string {
  if (!isSize || typeof value !== "number") return String(value);
  const text = formatBytes(value).replace(" ", "");
  return /^[0-9]+[A-Za-z]+$/.test(text) && parseBytes(text) === value ? text : String(value);
}
