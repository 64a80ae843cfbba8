/**
 * The regression gate over scenarios: each run against the run or baseline of its name. Red is a modelled number, a cell or a
 * column that is gone or differs. A scenario or an event that is new has nothing to regress from: it is named, and red only where
 * the gate is strict. Pure; texts are gate-text.ts's and gate-formats.ts's.
 */
import { UserError } from "../util/errors.js";
import type { Comparand, Comparands } from "./comparands.js";
import { type Comparison, compareRuns } from "./compare.js";

export interface ScenarioVerdict {
  readonly scenario: string;
  /** Where each side was read. */
  readonly before: string;
  readonly after: string;
  readonly comparison: Comparison;
  readonly isRed: boolean;
  /** What explains differences besides numbers. */
  readonly notes: readonly string[];
}

export interface Gate {
  readonly before: string;
  readonly after: string;
  /** Red first, then by name. */
  readonly scenarios: readonly ScenarioVerdict[];
  /** Only B has them. */
  readonly withoutBaseline: readonly string[];
  /** Only A has them. */
  readonly notRun: readonly string[];
  readonly isStrict: boolean;
  readonly isGreen: boolean;
}

/**
 * Compares what both sides have. Where neither side is a set the two runs are compared whatever their names.
 * @throws UserError for runs that cannot be compared: another size or seed
 */
export function gateOf(a: Comparands, b: Comparands, isStrict: boolean): Gate {
  const pairs: [Comparand, Comparand][] = [];
  const isPair = !a.isSet && !b.isSet;
  for (const after of b.runs) {
    const before = isPair ? a.runs[0] : a.runs.find(({ scenario }) => scenario === after.scenario);
    if (before !== undefined) pairs.push([before, after]);
  }
  const scenarios = pairs
    .map(([before, after]) => verdictOf(before, after, isStrict))
    .sort((x, y) => Number(y.isRed) - Number(x.isRed) || (x.scenario < y.scenario ? -1 : 1));
  const withoutBaseline = namesOf(b).filter((name) => !pairs.some(([, { scenario }]) => scenario === name));
  const notRun = b.isSet
    ? namesOf(a).filter((name) => !pairs.some(([{ scenario }]) => scenario === name))
    : [];
  const isComplete = withoutBaseline.length === 0 && notRun.length === 0;
  return {
    before: a.name,
    after: b.name,
    scenarios,
    withoutBaseline,
    notRun,
    isStrict,
    isGreen: scenarios.every(({ isRed }) => !isRed) && (isComplete || !isStrict),
  };
}

function namesOf({ runs }: Comparands): string[] {
  return runs.map(({ scenario }) => scenario).sort();
}

function verdictOf(before: Comparand, after: Comparand, isStrict: boolean): ScenarioVerdict {
  refuseIncomparable(before, after);
  const comparison = compareRuns(before, after);
  const { changed, added, removed, removedColumns, addedColumns } = comparison;
  const hasDiffered = [changed, added, removed, removedColumns].some((list) => list.length > 0);
  const notes: string[] = [];
  const isOtherPlan = before.plan !== undefined && after.plan !== undefined && before.plan !== after.plan;
  if (hasDiffered && isOtherPlan)
    notes.push("the scenario itself has changed, or what a cell is made of: the plans are not the same");
  if (addedColumns.length > 0) notes.push(`new, and not compared: ${addedColumns.join(", ")}`);
  return {
    scenario: after.scenario,
    before: before.place,
    after: after.place,
    comparison,
    isRed: hasDiffered || (isStrict && addedColumns.length > 0),
    notes,
  };
}

/** Runs of another size or seed differ in every cell: that is a mistake, and no regression. */
function refuseIncomparable(before: Comparand, after: Comparand): void {
  for (const what of ["size", "seed"] as const) {
    const [was, is] = [before[what], after[what]];
    if (was === undefined || is === undefined || was === is) continue;
    throw new UserError(`the ${what} is ${is}, and ${was} in ${before.place}`, {
      where: after.place,
      mend: `run it again with --${what} ${was}`,
    });
  }
}
