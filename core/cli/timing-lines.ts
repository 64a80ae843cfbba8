/** The host's numbers at the end of `bench`: how fast each cell was simulated, on which no expectation rests. */
import { humanNumber, humanValue, percent } from "../results/humanise.js";
import type { Table } from "../results/index.js";
import { textTable } from "./text-table.js";

/** What a cell simulates: a reference stream has references, code has instructions. */
const RATES = [
  { title: "references/s", column: "references_per_second" },
  { title: "instructions/s", column: "instructions_per_second" },
] as const;
const COLUMNS = [
  { title: "median", align: "right" },
  { title: "deviation", align: "right" },
  { title: "peak memory", align: "right" },
  { title: "cell" },
] as const;

/** @param timing timing.csv as data. One line a cell after the header; the deviation is a share of the mean. */
export function timingLines({ rows }: Table): string[] {
  const rates = RATES.filter(({ column }) => rows.some((row) => typeof row[column] === "number"));
  return textTable(
    [...rates.map(({ title }) => ({ title, align: "right" as const })), ...COLUMNS],
    rows.map((row) => {
      const number = (column: string): number => Number(row[column] ?? 0);
      const mean = number("mean_seconds");
      return [
        ...rates.map(({ column }) => (typeof row[column] === "number" ? humanNumber(number(column)) : "")),
        `${humanNumber(number("median_seconds"))} s`,
        mean > 0 ? percent(number("sd_seconds") / mean) : "",
        humanValue("overhead_peak_bytes", number("peak_rss_bytes")),
        String(row["cell"]),
      ];
    }),
  );
}
