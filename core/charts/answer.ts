/**
 * The answer in a sentence or three, derived from the rows alone. Techniques (or whatever the baseline
 * names) are compared by the geometric mean of their slowdowns, over cells that all of them finished, and
 * where the best one loses is said.
 */
import { columnOf } from "../results/columns.js";
import { humanValue, times } from "../results/humanise.js";
import { isHostRow } from "../scenario/host/workload.js";
import type { ExpectationResult, Row } from "../scenario/scenario.js";
import { valuePhrase } from "./axes.js";
import { usualMeasure } from "./measure.js";
import { distinct, keyOf, leftoverAxes, phraseOf } from "./panels.js";

/** Why cells are not done, at the most so many reasons. */
const MOST_REASONS = 3;

export interface AnswerContext {
  readonly axes: readonly string[];
  readonly baseline: Readonly<Record<string, unknown>> | null;
  readonly expectations: readonly ExpectationResult[];
}

/** Sentences, the most important first. */
export function answerOf(rows: readonly Row[], context: AnswerContext): string[] {
  const done = rows.filter((row) => row["status"] === "done");
  const sentences = done.length === 0 ? withoutAnswer(rows) : ranking(done, context);
  return [...sentences, ...expectationSentence(context.expectations), ...gapSentence(rows)];
}

/** What kept all cells from being done, the most frequent first. */
function withoutAnswer(rows: readonly Row[]): string[] {
  const counts = new Map<string, number>();
  for (const { reason } of rows)
    if (reason !== undefined && reason !== "")
      counts.set(String(reason), (counts.get(String(reason)) ?? 0) + 1);
  const reasons = [...counts].sort(([, a], [, b]) => b - a).slice(0, MOST_REASONS);
  const told = reasons.map(([reason, count]) => `${reason} (${count} ${count === 1 ? "cell" : "cells"})`);
  return ["No cell is done, so there is no answer.", ...told.map((each) => `Why: ${each}.`)];
}

/** Hosts have no one measure by which to rank: what was claimed of them is under the scenario's expectations. */
function ranking(done: readonly Row[], context: AnswerContext): string[] {
  return done.every(isHostRow) ? [] : verdict(done, context);
}

function verdict(done: readonly Row[], { axes, baseline }: AnswerContext): string[] {
  const column = Object.keys(baseline ?? {})[0] ?? "technique";
  const own = String(baseline?.[column]); // rows hold booleans as text
  const contenders = done.filter((row) => row[column] !== undefined && String(row[column]) !== own);
  const names = distinct(contenders.map((row) => String(row[column])));
  const usual = usualMeasure(done);
  const measure = baseline === null ? usual.column : "slowdown";
  if (names.length === 1) return spreadSentence(contenders, axes, measure);
  if (names.length === 0) return spreadSentence(done, axes, usual.column);
  const others = axes.filter((axis) => axis !== column);
  const contests = contestsOf(contenders, column, others, names, measure);
  const cases = new Set(contenders.map((row) => keyOf(row, others))).size;
  const nothingCompetes = cases === contenders.length;
  if (nothingCompetes) return spreadSentence(done, axes, measure);
  if (contests.length === 0)
    return [`No cell was finished by all of ${names.join(", ")}, so they are not ranked.`];

  const means = names.map((name) => ({
    name,
    mean: geometricMean(contests.map((contest) => contest.values.get(name)!)),
  }));
  means.sort((a, b) => a.mean - b.mean);
  const [best, ...rest] = means as [(typeof means)[number], ...typeof means];
  const write = (value: number): string =>
    measure === "slowdown" ? times(value) : `${humanValue(measure, value)} ${usual.unit}`;
  const base = Object.entries(baseline ?? {}).map(([axis, value]) => valuePhrase(axis, String(value)));
  const against = base.length === 0 ? "" : `Against ${base.join(", ")}, `;
  const ranked = rest.map(({ name, mean }) => `${name} ${write(mean)}`).join(", ");
  const over = `geometric mean over the ${contests.length} ${contests.length === 1 ? "case" : "cases"} that all finished`;
  const first = `${against}${best.name} costs least: ${write(best.mean)}; ${ranked} (${over}).`;
  const left = cases - contests.length;
  return [
    first.charAt(0).toUpperCase() + first.slice(1),
    ...lossSentence(contests, best.name, write),
    ...winnersSentence(contests, done, column),
    ...(left > 0
      ? [`Left out of this: ${left} ${left === 1 ? "case" : "cases"} that only some finished.`]
      : []),
  ];
}

/** One point of the other axes, with what each contender takes there. */
interface Contest {
  readonly row: Row;
  readonly label: string;
  readonly values: ReadonlyMap<string, number>;
}

function contestsOf(
  rows: readonly Row[],
  column: string,
  others: readonly string[],
  names: readonly string[],
  measure: string,
): Contest[] {
  const varying = leftoverAxes(rows, others, [column]);
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(keyOf(row, others), [...(groups.get(keyOf(row, others)) ?? []), row]);
  return [...groups.values()].flatMap((group): Contest[] => {
    const values = new Map<string, number>();
    for (const row of group) {
      const value = row[measure];
      if (typeof value === "number") values.set(String(row[column]), value);
    }
    const row = group[0]!;
    const label = phraseOf(row, varying);
    return names.every((name) => values.has(name))
      ? [{ row, label: label === "" ? "the one case" : label, values }]
      : [];
  });
}

const MOST_LOSSES = 3;

function lossSentence(
  contests: readonly Contest[],
  best: string,
  write: (value: number) => string,
): string[] {
  const losses = contests.flatMap(({ label, values }) => {
    const [winner, least] = leastOf(values);
    const own = values.get(best)!;
    return own > least * 1.005 ? [{ label, winner, least, own }] : [];
  });
  if (losses.length === 0)
    return [contests.length === 1 ? "" : `It is within 0.5% of the best in every one of them.`].filter(
      Boolean,
    );
  losses.sort((a, b) => b.own / b.least - a.own / a.least);
  const shown = losses
    .slice(0, MOST_LOSSES)
    .map((loss) => `${loss.label} (${write(loss.own)}, ${loss.winner} ${write(loss.least)})`);
  const more = losses.length > MOST_LOSSES ? ` and ${losses.length - MOST_LOSSES} more` : "";
  return [`It loses on ${shown.join("; ")}${more}.`];
}

/** "Least by workload: gups hardware/shadow, …", where there are several workloads. */
function winnersSentence(contests: readonly Contest[], done: readonly Row[], column: string): string[] {
  const workloads = distinct(done.map((row) => String(row["workload"] ?? "")));
  if (column === "workload" || workloads.length < 2) return [];
  const winners = workloads.flatMap((workload) => {
    const own = contests.filter(({ row }) => row["workload"] === workload);
    if (own.length === 0) return [];
    const names = [...own[0]!.values.keys()];
    const means = new Map(
      names.map((name) => [name, geometricMean(own.map(({ values }) => values.get(name)!))]),
    );
    return [`${workload} ${leastOf(means)[0]}`];
  });
  return winners.length < 2 ? [] : [`Least by workload: ${winners.join(", ")}.`];
}

/** When nothing competes: from where to where the measure goes. */
function spreadSentence(done: readonly Row[], axes: readonly string[], measure: string): string[] {
  const known = done
    .filter((row) => typeof row[measure] === "number")
    .sort((a, b) => Number(a[measure]) - Number(b[measure]));
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined)
    return [`${done.length} ${done.length === 1 ? "cell is" : "cells are"} done.`];
  const name = columnOf(measure).label;
  const at = (row: Row): string => phraseOf(row, axes);
  if (first === last) return [`${name}: ${humanValue(measure, first[measure]!)}.`];
  return [
    `${name} goes from ${humanValue(measure, first[measure]!)} (${at(first)}) to ${humanValue(measure, last[measure]!)} (${at(last)}).`,
  ];
}

function expectationSentence(expectations: readonly ExpectationResult[]): string[] {
  if (expectations.length === 0) return [];
  const failed = expectations.filter(({ passed }) => !passed).length;
  if (failed > 0) return [`${failed} of ${expectations.length} expectations failed.`];
  const skipped = expectations.filter((expectation) => expectation.skipped).length;
  if (skipped > 0) return [`${skipped} of ${expectations.length} expectations were skipped.`];
  return [
    expectations.length === 1 ? "The expectation holds." : `All ${expectations.length} expectations hold.`,
  ];
}

function gapSentence(rows: readonly Row[]): string[] {
  const count = (status: string): number => rows.filter((row) => row["status"] === status).length;
  const gaps = (["failed", "unsupported"] as const).flatMap((status) =>
    count(status) > 0 ? [`${count(status)} ${status}`] : [],
  );
  return gaps.length === 0 ? [] : [`Of ${rows.length} cells, ${gaps.join(" and ")}.`];
}

function leastOf(values: ReadonlyMap<string, number>): [string, number] {
  return [...values].reduce((least, entry) => (entry[1] < least[1] ? entry : least));
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
