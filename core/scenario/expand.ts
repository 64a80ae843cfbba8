/**
 * Phase 4: a scenario → its cells. In this order: every point of `matrix` and `zip`, less those that `exclude` names,
 * then those of `include`. Points that resolve to the same axes are one cell.
 */
import { UserError } from "../util/errors.js";
import type { ParameterValue } from "../util/parameters.js";
import { formatBytes, parseBytes } from "../util/units.js";
import type { Axis } from "./axes.js";
import type { Cell, CellConfig } from "./config.js";
import { countOf, listOf, pointSetsOf, pointsOf, type Written, type WrittenPoint } from "./points.js";
import { type Point, resolved, valueOfAxis } from "./resolve.js";
import type { Scenario } from "./scenario.js";
import type { Language } from "./schema.js";
import { impossibleReason, unsupportedReason } from "./support.js";

export const MOST_CELLS = 100_000;

export interface Expansion {
  readonly cells: readonly Cell[];
  /** Columns of the axes, in order. */
  readonly axes: readonly string[];
}

/** @throws UserError for too many cells, none, unequal zip lists, values given twice, and impossible combinations. */
export function expand(scenario: Scenario, language: Language): Expansion {
  const { base, included } = pointSetsOf(scenario);
  const total = included.reduce((sum, set) => sum + countOf(set), countOf(base));
  if (total > MOST_CELLS) {
    const [many, most] = [total, MOST_CELLS].map((count) => count.toLocaleString("en"));
    throw new UserError(`the matrix has ${many} cells, more than ${most}`, {
      where: scenario.locate(["matrix"]),
      mend: "remove values, or split the scenario",
    });
  }
  const wanted = (point: Point) => ({ point, config: resolved(point, scenario, language) });
  const kept = pointsOf(base)
    .map(wanted)
    .filter(({ config }) => !isExcluded(config, scenario));
  const all = [...kept, ...included.flatMap(pointsOf).map(wanted)];

  const paths = new Set([...Object.keys(base.lists), ...Object.keys(base.steps[0] ?? {})]);
  for (const { point } of all) for (const path of point.keys()) paths.add(path);
  const axes = [...paths].map((path) => language.axes.byName.get(path)!);
  const cells = new Map<string, Cell>();
  for (const { config } of all) {
    const cell = cellOf(config, axes, cells.size);
    if (cells.has(cell.id)) continue;
    refuseImpossible(cell, scenario, language);
    cells.set(cell.id, cell);
  }
  if (cells.size === 0) {
    throw new UserError("the scenario has no cells: everything is excluded", {
      where: scenario.locate(["exclude"]),
    });
  }
  return { cells: [...cells.values()], axes: axes.map(({ column }) => column) };
}

function cellOf(config: CellConfig, axes: readonly Axis[], index: number): Cell {
  const values = axes.map(({ path }) => valueOfAxis(config, path));
  const words = axes.flatMap(({ column, isSize }, i) =>
    values[i] === "" ? [] : [`${column}=${short(values[i]!, isSize)}`],
  );
  return {
    index,
    id: words.join(" ") || `technique=${config.technique} workload=${config.workload}`,
    axes: Object.fromEntries(axes.map(({ column }, i) => [column, values[i]!])),
    config,
  };
}

function isExcluded(config: CellConfig, scenario: Scenario): boolean {
  const isAt = (path: string, value: Written): boolean => {
    if (typeof value !== "object") return valueOfAxis(config, path) === value;
    const { name, ...parameters } = value;
    const isSame = Object.entries(parameters).every(([key, each]) => config.parameters[key] === each);
    return config.workload === name && isSame;
  };
  const entries = (scenario.document.exclude ?? []) as readonly WrittenPoint[];
  return entries.some((entry) =>
    Object.entries(entry).every(([path, value]) => listOf(value).some((each) => isAt(path, each))),
  );
}

function refuseImpossible({ id, config }: Cell, scenario: Scenario, { catalogue }: Language): void {
  const reason = impossibleReason(config, catalogue);
  if (reason === undefined || unsupportedReason(config, catalogue) !== undefined) return;
  const places = [["matrix", "page"], ["page"], ["matrix"], ["workload"]].map((path) =>
    scenario.locate(path),
  );
  throw new UserError(`impossible combination (${id}): ${reason}`, {
    where: places.find((place) => place !== scenario.locate([])) ?? scenario.locate([]),
    mend: "exclude it, or change one of the two",
  });
}

/** 1073741824 → "1GiB" where that is exact. */
function short(value: ParameterValue, isSize: boolean): string {
  if (!isSize || typeof value !== "number") return String(value);
  const text = formatBytes(value).replace(" ", "");
  return /^[0-9]+[A-Za-z]+$/.test(text) && parseBytes(text) === value ? text : String(value);
}
