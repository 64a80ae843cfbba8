/**
 * Figures as rows: figures.csv of a run, and what `expect:` speaks of under `figures`. The columns are declared here once.
 * Errors are against the nearest end of a published range, and 0 within it.
 */
import type { Row } from "../scenario.js";
import type { FigureResult } from "./compare.js";
import type { Range } from "./published.js";

interface FigureColumn {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  value(result: FigureResult): string | number;
}

const column = (
  name: string,
  unit: string,
  description: string,
  value: FigureColumn["value"],
): FigureColumn => ({ name, unit, description, value });

/** In the order of figures.csv. */
export const FIGURE_COLUMNS: readonly FigureColumn[] = [
  column(
    "figure",
    "text",
    "The row of results/published.csv; of a ratio two; or its title.",
    ({ figure }) => figure,
  ),
  column("paper", "text", "The publication.", ({ published }) => published.paper),
  column("title", "text", "What is compared.", ({ title }) => title),
  column("group", "text", "Figures of one group are ranked together.", ({ group, unit }) => group || unit),
  column("unit", "text", "Unit of `published` and `ours`.", ({ unit }) => unit),
  column(
    "published",
    "as `unit` says",
    "The published value, or the low end of its range.",
    ({ value }) => value?.low ?? "",
  ),
  column("published_to", "as `unit` says", "The high end of a range; else empty.", ({ value }) =>
    value === undefined || value.low === value.high ? "" : value.high,
  ),
  column("ours", "as `unit` says", "The model's value.", ({ ours }) => ours ?? ""),
  column("error", "share", "(ours − published) / published.", (result) => errorOf(result) ?? ""),
  column(
    "factor",
    "ratio",
    "The greater of ours and published over the other; at least 1.",
    (result) => factorOf(result) ?? "",
  ),
  column(
    "basis",
    "text",
    "`predicted`; `fitted` where a constant was set from this figure; `outside` where no model of ours gives it.",
    basisOf,
  ),
  column("fitted", "text", "The constants that were set from it.", ({ fitted }) => fitted.join(" ")),
  column("status", "text", "`compared`, `missing` or `outside`.", ({ status }) => status),
  column("reason", "text", "Why it is not compared.", ({ reason }) => reason),
  column("confidence", "text", "In the published value.", ({ published }) => published.confidence),
  column(
    "provenance",
    "text",
    "How the published value was obtained.",
    ({ published }) => published.provenance,
  ),
  column("expression", "text", "What ours is, over the columns of rows.csv.", ({ expression }) => expression),
];

/** figures.csv as data. */
export function figureRows(results: readonly FigureResult[]): Row[] {
  return results.map((result) =>
    Object.fromEntries(FIGURE_COLUMNS.map(({ name, value }) => [name, value(result)])),
  );
}

function basisOf({ status, fitted }: FigureResult): string {
  return status === "outside" ? "outside" : fitted.length > 0 ? "fitted" : "predicted";
}

/** Relative; undefined where nothing is compared, or the published value is 0. */
function errorOf({ value, ours }: FigureResult): number | undefined {
  if (value === undefined || ours === undefined) return undefined;
  const nearest = nearestIn(value, ours);
  if (nearest === ours) return 0;
  return nearest === 0 ? undefined : (ours - nearest) / Math.abs(nearest);
}

/** Undefined where nothing is compared, or the two are not of one sign. */
function factorOf({ value, ours }: FigureResult): number | undefined {
  if (value === undefined || ours === undefined) return undefined;
  const nearest = nearestIn(value, ours);
  if (nearest === ours) return 1;
  const ratio = ours / nearest;
  return ratio > 0 && Number.isFinite(ratio) ? Math.max(ratio, 1 / ratio) : undefined;
}

function nearestIn({ low, high }: Range, value: number): number {
  return Math.min(Math.max(value, low), high);
}
