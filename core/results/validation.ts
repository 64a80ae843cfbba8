/**
 * How well the lab agrees with what was published: the figures of all papers as one table (validation.csv), and what they come to.
 * Fitted figures are kept apart throughout: a constant was set so that they come out. Pure functions of figures.csv's rows.
 */
import { FIGURE_COLUMNS, type OrderingResult, type Row } from "../scenario/index.js";
import { median } from "../util/median.js";
import { kendall, spearman } from "./rank.js";

/** One scenario set beside publications. */
export interface PaperResult {
  readonly scenario: string;
  readonly size: string;
  /** Rows of figures.csv. */
  readonly figures: readonly Row[];
  readonly orderings: readonly OrderingResult[];
}

/** How near a set of figures comes. Shares are of those compared. */
export interface Accuracy {
  readonly figures: number;
  readonly within10: number;
  readonly within25: number;
  readonly within50: number;
  /** Within a factor of two, either way. */
  readonly withinTwo: number;
  /** The greater over the other; NaN of none. */
  readonly medianFactor: number;
}

/** Figures of one scenario that are ranked together. */
interface GroupRanking {
  readonly scenario: string;
  readonly group: string;
  readonly figures: number;
  readonly spearman: number | undefined;
  readonly kendall: number | undefined;
}

/** Orders of two, and how many are the same here. */
interface Agreement {
  readonly count: number;
  readonly same: number;
}

interface PaperAccuracy {
  readonly paper: string;
  /** Its predicted figures. */
  readonly own: Accuracy;
  /** Constants that were set from figures of this paper; where there are none, `own` was predicted without it altogether. */
  readonly constants: readonly string[];
}

export interface ValidationSummary {
  readonly predicted: Accuracy;
  /** Of the predicted figures those that are ratios, which profiles of another clock and cache do not change. */
  readonly ratios: Accuracy;
  readonly fitted: Accuracy;
  readonly missing: number;
  readonly outside: number;
  readonly groups: readonly GroupRanking[];
  /** Pairs of one group whose published values are apart, at least one of them predicted. */
  readonly pairs: Agreement;
  /** What publications say of which is more (`orderings:`). */
  readonly orderings: Agreement;
  readonly papers: readonly PaperAccuracy[];
}

/** Published values nearer than this are no order: repeated measurements differ by as much. */
const APART = 1.05;
const TEN = 0.1;
const QUARTER = 0.25;
const HALF = 0.5;
const TWO = 2;

export const VALIDATION_COLUMNS: readonly string[] = [
  "scenario",
  "size",
  ...FIGURE_COLUMNS.map(({ name }) => name),
];

/** validation.csv as data. */
export function validationRows(results: readonly PaperResult[]): Row[] {
  return results.flatMap(({ scenario, size, figures }) =>
    figures.map((row): Row => ({ scenario, size, ...row })),
  );
}

export function summaryOf(results: readonly PaperResult[]): ValidationSummary {
  const rows = validationRows(results);
  const compared = rows.filter(({ status }) => status === "compared");
  const predicted = compared.filter(isPredicted);
  const orderings = results.flatMap((result) => result.orderings);
  const groups = groupsOf(compared);
  return {
    predicted: accuracyOf(predicted),
    ratios: accuracyOf(predicted.filter(({ unit }) => unit === "ratio")),
    fitted: accuracyOf(compared.filter(({ basis }) => basis === "fitted")),
    missing: rows.filter(({ status }) => status === "missing").length,
    outside: rows.filter(({ status }) => status === "outside").length,
    groups: groups.filter((group) => group.length > 2).map(rankingOf),
    pairs: groups
      .map(pairsOf)
      .reduce((a, b) => ({ count: a.count + b.count, same: a.same + b.same }), { count: 0, same: 0 }),
    orderings: { count: orderings.length, same: orderings.filter(({ passed }) => passed).length },
    papers: papersOf(compared),
  };
}

function isPredicted({ basis }: Row): boolean {
  return basis === "predicted";
}

/** @param rows of figures.csv that were compared */
export function accuracyOf(rows: readonly Row[]): Accuracy {
  const share = (isNear: (row: Row) => boolean): number =>
    rows.filter(isNear).length / Math.max(1, rows.length);
  const within =
    (most: number) =>
    ({ error }: Row): boolean =>
      typeof error === "number" && Math.abs(error) <= most;
  const factors = rows.map(({ factor }) => factor).filter((factor) => typeof factor === "number");
  return {
    figures: rows.length,
    within10: share(within(TEN)),
    within25: share(within(QUARTER)),
    within50: share(within(HALF)),
    withinTwo: share(({ factor }) => typeof factor === "number" && factor <= TWO),
    medianFactor: factors.length === 0 ? Number.NaN : median(factors),
  };
}

function groupsOf(rows: readonly Row[]): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row["scenario"]}\n${row["group"]}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}

function rankingOf(rows: readonly Row[]): GroupRanking {
  const [published, ours] = ["published", "ours"].map((name) => rows.map((row) => Number(row[name]))) as [
    number[],
    number[],
  ];
  return {
    scenario: String(rows[0]!["scenario"]),
    group: String(rows[0]!["group"]),
    figures: rows.length,
    spearman: spearman(published, ours),
    kendall: kendall(published, ours),
  };
}

function pairsOf(rows: readonly Row[]): Agreement {
  let [count, same] = [0, 0];
  for (const [index, one] of rows.entries()) {
    for (const other of rows.slice(index + 1)) {
      if (!isPredicted(one) && !isPredicted(other)) continue;
      const order = publishedOrder(one, other);
      if (order === 0) continue;
      count++;
      if (Math.sign(Number(one["ours"]) - Number(other["ours"])) === order) same++;
    }
  }
  return { count, same };
}

/** 1 where one is more than the other, -1 where less, 0 where they are too near, ranges overlap, or signs make a factor meaningless. */
function publishedOrder(one: Row, other: Row): number {
  const [a, b] = [one, other].map((row) => ({
    low: Number(row["published"]),
    high: Number(row["published_to"] === "" ? row["published"] : row["published_to"]),
  })) as [{ low: number; high: number }, { low: number; high: number }];
  if (a.low > 0 && b.low > 0) return a.low > b.high * APART ? 1 : b.low > a.high * APART ? -1 : 0;
  return a.low > 0 && b.high <= 0 ? 1 : b.low > 0 && a.high <= 0 ? -1 : 0;
}

function papersOf(compared: readonly Row[]): PaperAccuracy[] {
  const predicted = compared.filter(isPredicted);
  return [...new Set(compared.map(({ paper }) => String(paper)))].map((paper) => {
    const constants = compared
      .filter((row) => row["paper"] === paper)
      .flatMap(({ fitted }) => String(fitted).split(" "))
      .filter((name) => name !== "");
    return {
      paper,
      own: accuracyOf(predicted.filter((row) => row["paper"] === paper)),
      constants: [...new Set(constants)],
    };
  });
}
