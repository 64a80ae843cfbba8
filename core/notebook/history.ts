/** Results over commits in a cell: series, and where their level changed. */
import { historyChart } from "../charts/history.js";
import { type HistoryKind, type HistorySeries, modelledValues, seriesOf } from "../results/history.js";
import { UserError } from "../util/errors.js";
import { Chart } from "./chart.js";
import type { Results } from "./results.js";
import { plainRows } from "./rows.js";

/** One commit: what it gave, or host numbers that were measured of it. */
export interface HistoryEntry {
  readonly commit: string;
  readonly results?: Results;
  /** By metric, such as `references_per_second`. */
  readonly host?: Readonly<Record<string, number>>;
}

export class History extends Chart {
  constructor(
    readonly series: readonly HistorySeries[],
    title: string,
  ) {
    const spec = historyChart(series, title);
    if (spec === undefined) throw new UserError("a history needs at least one entry");
    super(spec);
  }
}

/**
 * Modelled numbers change when they differ at all; host numbers when a permutation test finds that their level did.
 * @param entries oldest first, all with results or all with host numbers
 */
export function history(entries: readonly HistoryEntry[], title = "Results over commits"): History {
  const kind: HistoryKind = entries.some(({ host }) => host !== undefined) ? "host" : "modelled";
  const lines = entries.map(({ commit, results, host }) => ({
    commit,
    time: "",
    scenario: results?.parts.name ?? "measured",
    size: String(results?.rows[0]?.size ?? ""),
    cells: results?.rows.length ?? 1,
    values: host ?? modelledValues(plainRows(results?.rows ?? [])),
  }));
  return new History(seriesOf(lines, kind), title);
}
