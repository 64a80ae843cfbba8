/** The sections of a report that set its numbers beside published ones. */
import { humanNumber, signedPercent } from "../results/humanise.js";
import type { OrderingResult, Row } from "../scenario/scenario.js";
import { publishedText } from "./figures.js";
import { type Html, type TableCell, type TableColumn, tableHtml } from "./html.js";
import { section } from "./report-sections.js";

const COLUMNS: readonly TableColumn[] = [
  { title: "Figure", hint: "The row of results/published.csv", isText: true },
  { title: "What", isText: true },
  { title: "Published", isNumber: true },
  { title: "Confidence", hint: "In the published value" },
  { title: "Ours", isNumber: true },
  { title: "Error", isNumber: true, hint: "(ours − published) / published" },
  { title: "Factor", isNumber: true, hint: "The greater over the other" },
  { title: "Basis", hint: "fitted: a constant was set from this very figure; else predicted" },
];

/** Each figure with its error, and why it has none. */
export function figuresSection(rows: readonly Row[]): Html | string {
  if (rows.length === 0) return "";
  const note = "Fitted figures say nothing of the model: a constant was set so that they come out.";
  return section("figures", "Beside published figures", note, figuresTable(rows));
}

/** Rows of figures.csv as a table. */
export function figuresTable(rows: readonly Row[]): Html {
  const number = (value: string | number | undefined, text: (value: number) => string): TableCell =>
    typeof value === "number" ? { text: text(value), value } : { text: "" };
  const body = rows.map((row) => [
    { text: String(row["figure"]) },
    { text: `${row["title"]}${row["reason"] === "" ? "" : ` (${row["status"]}: ${row["reason"]})`}` },
    { ...number(row["published"], () => publishedText(row)) },
    { text: String(row["confidence"]) },
    number(row["ours"], humanNumber),
    number(row["error"], signedPercent),
    number(row["factor"], humanNumber),
    { text: row["fitted"] === "" ? String(row["basis"]) : `fitted: ${row["fitted"]}` },
  ]);
  return tableHtml(COLUMNS, body);
}

/** What publications say of which is more, and whether it holds here. */
export function orderingsSection(orderings: readonly OrderingResult[]): Html | string {
  return orderings.length === 0
    ? ""
    : section("orderings", "Published orderings", "", orderingsTable(orderings));
}

export function orderingsTable(orderings: readonly OrderingResult[]): Html {
  const columns = [
    { title: "The publication", isText: true },
    { title: "Here" },
    { title: "Where", isText: true },
    { title: "As", isText: true },
  ];
  const body = orderings.map(({ says, published, passed, text }) => [
    { text: says },
    { text: passed ? "the same" : "not so" },
    { text: published.join(", ") },
    { text },
  ]);
  return tableHtml(columns, body);
}
