/** Figures beside published ones at the end of `bench`: published with unit and confidence, ours, error, and whether it was fitted. */
import { humanNumber, signedPercent } from "../results/humanise.js";
import type { OrderingResult, Row } from "../scenario/index.js";
import { textTable } from "./text-table.js";

const COLUMNS = [
  { title: "figure" },
  { title: "published", align: "right" },
  { title: "unit" },
  { title: "confidence" },
  { title: "ours", align: "right" },
  { title: "error", align: "right" },
  { title: "factor", align: "right" },
  { title: "basis" },
] as const;

/** @param rows of figures.csv. A line each after the header; what is not compared says why. */
export function figureLines(rows: readonly Row[]): string[] {
  const number = (value: string | number | undefined, text: (value: number) => string): string =>
    typeof value === "number" ? text(value) : "";
  return textTable(
    COLUMNS,
    rows.map((row) => [
      String(row["figure"]),
      [row["published"], row["published_to"]]
        .filter((value) => typeof value === "number")
        .map((value) => humanNumber(Number(value)))
        .join(" to "),
      String(row["unit"]),
      String(row["confidence"]),
      number(row["ours"], humanNumber),
      number(row["error"], signedPercent),
      number(row["factor"], humanNumber),
      row["reason"] !== "" ? `${row["status"]}: ${row["reason"]}` : basisOf(row),
    ]),
  );
}

function basisOf({ basis, fitted }: Row): string {
  return fitted === "" ? String(basis) : `fitted: ${fitted}`;
}

/** A line for each published ordering: whether ours is the same. */
export function orderingLines(orderings: readonly OrderingResult[]): string[] {
  return orderings.map(
    ({ says, published, passed }) => `${passed ? "same" : "NOT SO"}  ${says}  (${published.join(", ")})`,
  );
}
