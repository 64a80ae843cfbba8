/**
 * The history of results: one line for each commit and scenario, appended and never rewritten.
 *
 *   results/history/modelled.jsonl   sums over the cells that are done, and a fingerprint of all rows: exact
 *   results/history/host.jsonl       rates of this kind of host, drivers and engines apart: noise around a truth
 *
 * The two never meet. A modelled value that differs from the one before is a change, whatever its size; in a host's series changes
 * are found by permutation (statistics.ts). Pure: reading and writing files is the command line's.
 */
import type { Row } from "../scenario/scenario.js";
import { UserError } from "../util/errors.js";
import { formatBytes } from "../util/units.js";
import { columnOf } from "./columns.js";
import { sha256Of } from "./digest.js";
import { grouped, humanNumber } from "./humanise.js";
import type { RunRecord } from "./record.js";
import { changePoints } from "./statistics.js";

export type HistoryKind = "modelled" | "host";

export interface HistoryLine {
  /** Shortened hash; a "+" behind it: files differed from the commit. */
  readonly commit: string;
  /** ISO 8601: of the run. */
  readonly time: string;
  readonly scenario: string;
  readonly size: string;
  readonly cells: number;
  /** Of rows.csv, shortened; modelled lines have it. */
  readonly rows?: string;
  /** Processor and cores; host lines have it. */
  readonly host?: string;
  readonly values: Readonly<Record<string, number>>;
}

const COMMIT_DIGITS = 10;
const ROWS_DIGITS = 12;

/** What is summed over cells; one that is 0 is left out. */
const SUMMED = [
  "cycles",
  "references",
  "instructions",
  "tlb_misses",
  "walk_refs",
  "guest_page_faults",
  "exits",
  "overhead_peak_bytes",
] as const;

/** The line of a run's modelled numbers. @param csv the text of rows.csv */
export function modelledLine(record: RunRecord, rows: readonly Row[], csv: string): HistoryLine {
  return {
    ...headOf(record, doneOf(rows).length),
    rows: sha256Of(csv).slice(0, ROWS_DIGITS),
    values: modelledValues(rows),
  };
}

/** What a modelled line keeps of rows. */
export function modelledValues(rows: readonly Row[]): Record<string, number> {
  const sums = SUMMED.map((name): [string, number] => [
    name,
    doneOf(rows).reduce((sum, row) => sum + (typeof row[name] === "number" ? row[name] : 0), 0),
  ]);
  return Object.fromEntries(sums.filter(([, value]) => value !== 0));
}

function doneOf(rows: readonly Row[]): Row[] {
  return rows.filter((row) => row["status"] === "done");
}

/** The line of a run's host times; undefined where it measured none. */
export function hostLine(
  record: RunRecord,
  rows: readonly Row[],
  timings: readonly Row[],
): HistoryLine | undefined {
  if (timings.length === 0) return undefined;
  const engines = new Map(rows.map((row) => [row["cell"], String(row["engine"] ?? "translator")]));
  const rates = new Map<string, number[]>();
  const add = (name: string, value: unknown): void => {
    if (typeof value === "number" && value > 0) rates.set(name, [...(rates.get(name) ?? []), value]);
  };
  for (const timing of timings) {
    add("references_per_second", timing["references_per_second"]);
    const engine = engines.get(timing["cell"]!) ?? "translator";
    add(`${engine}_instructions_per_second`, timing["instructions_per_second"]);
  }
  const { cpu, cores } = record.host;
  const means = [...rates].map(([name, values]) => [name, Number(geometricMean(values).toPrecision(6))]);
  const peak = Math.max(...timings.map((row) => Number(row["peak_rss_bytes"] ?? 0)));
  return {
    ...headOf(record, timings.length),
    host: `${cpu}, ${cores} cores`,
    values: { ...Object.fromEntries(means), peak_rss_bytes: peak },
  };
}

function headOf({ source, started, scenario, size }: RunRecord, cells: number) {
  const commit = source === null ? "" : source.commit.slice(0, COMMIT_DIGITS) + (source.dirty ? "+" : "");
  return { commit, time: started, scenario: scenario.name, size, cells };
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** The lines of a file, oldest first; of several for one commit, scenario, size and host the last counts. @throws UserError */
export function readHistory(text: string, where: string): HistoryLine[] {
  const lines = new Map<string, HistoryLine>();
  for (const [index, written] of text.split("\n").entries()) {
    if (written.trim() === "") continue;
    const line = parsed(written);
    if (line === undefined) {
      throw new UserError("not a line of a history: it was cut off or edited", {
        where: `${where}:${index + 1}`,
        mend: "delete this line, or restore the file; lines are only ever appended",
      });
    }
    const key = JSON.stringify([line.commit, line.scenario, line.size, line.host]);
    lines.delete(key);
    lines.set(key, line);
  }
  return [...lines.values()];
}

function parsed(text: string): HistoryLine | undefined {
  try {
    const line = JSON.parse(text) as Partial<HistoryLine>;
    const texts = [line.commit, line.time, line.scenario, line.size];
    const numbers = Object.values(line.values ?? { none: "" });
    const isWhole = texts.every((each) => typeof each === "string") && numbers.every(Number.isFinite);
    return isWhole ? (line as HistoryLine) : undefined;
  } catch {
    return undefined;
  }
}

export interface HistoryPoint {
  readonly commit: string;
  readonly time: string;
  readonly value: number;
}

/** A change of level in a series. */
export interface HistoryChange {
  /** Index of the first point of the new level. */
  readonly at: number;
  readonly commit: string;
  /** after / before - 1; Infinity from 0. */
  readonly relative: number;
  /** Undefined where the metric has no direction. */
  readonly isWorse: boolean | undefined;
}

export interface HistorySeries {
  readonly kind: HistoryKind;
  readonly scenario: string;
  readonly size: string;
  /** Empty for modelled numbers: they are the same everywhere. */
  readonly host: string;
  readonly metric: string;
  readonly points: readonly HistoryPoint[];
  readonly changes: readonly HistoryChange[];
}

/** Every series with its changes, in the order of the lines. A metric that a line leaves out was 0, or was not known. */
export function seriesOf(lines: readonly HistoryLine[], kind: HistoryKind): HistorySeries[] {
  const groups = new Map<string, HistoryLine[]>();
  for (const line of lines) {
    const key = JSON.stringify([line.scenario, line.size, line.host ?? ""]);
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  return [...groups.values()].flatMap((group) => {
    const names = new Set(group.flatMap(({ values }) => Object.keys(values)));
    const { scenario, size, host = "" } = group[0]!;
    return [...names].map((metric): HistorySeries => {
      const points = group
        .filter(({ values }) => kind === "modelled" || metric in values)
        .map(({ commit, time, values }) => ({ commit, time, value: values[metric] ?? 0 }));
      const changes = kind === "modelled" ? exactChanges(points, metric) : hostChanges(points, metric);
      return { kind, scenario, size, host, metric, points, changes };
    });
  });
}

function exactChanges(points: readonly HistoryPoint[], metric: string): HistoryChange[] {
  return points.flatMap(({ value, commit }, at) => {
    const before = points[at - 1]?.value;
    return before === undefined || before === value ? [] : [changeOf(at, commit, before, value, metric)];
  });
}

function hostChanges(points: readonly HistoryPoint[], metric: string): HistoryChange[] {
  return changePoints(points.map(({ value }) => value)).map(({ at, before, after }) =>
    changeOf(at, points[at]!.commit, before, after, metric),
  );
}

function changeOf(at: number, commit: string, before: number, after: number, metric: string): HistoryChange {
  const better = metric.endsWith("_per_second")
    ? "more"
    : metric === "peak_rss_bytes"
      ? "fewer"
      : columnOf(metric).better;
  return {
    at,
    commit,
    relative: before === 0 ? Math.sign(after) * Number.POSITIVE_INFINITY : after / before - 1,
    isWorse: better === "neither" ? undefined : after > before === (better === "fewer"),
  };
}

const HOST_LABELS: Readonly<Record<string, string>> = {
  references_per_second: "References per second",
  translator_instructions_per_second: "Instructions per second, translator",
  interpreter_instructions_per_second: "Instructions per second, interpreter",
  peak_rss_bytes: "Most process memory",
};

/** A metric as people read it. */
export function metricLabel(metric: string): string {
  return HOST_LABELS[metric] ?? columnOf(metric).label;
}

/** A metric's value as people read it. */
export function metricText(metric: string, value: number): string {
  if (metric.endsWith("_bytes")) return formatBytes(Math.round(value));
  return Number.isInteger(value) ? grouped(value) : humanNumber(value);
}

const BARS = "▁▂▃▄▅▆▇█";

/** The last values as bars between their least and most; a level line is in the middle. */
export function sparkline(values: readonly number[], width = 32): string {
  const shown = values.slice(-width);
  const [least, most] = [Math.min(...shown), Math.max(...shown)];
  const steps = BARS.length - 1;
  const barOf = (value: number): number =>
    most === least ? steps >> 1 : Math.round(((value - least) / (most - least)) * steps);
  return shown.map((value) => BARS[barOf(value)]!).join("");
}
