/**
 * Published figures: results/published.csv, one row a figure, with where in which publication it stands, how it was obtained and
 * how far to trust it. Scenarios name rows by their ids. Read when first asked for.
 */
import { readFileSync } from "node:fs";
import { UserError } from "../../util/errors.js";
import { fromCsv } from "../csv.js";
import type { Row } from "../scenario.js";

/** From low to high, which are equal for a single number. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

export interface PublishedFigure {
  readonly id: string;
  readonly paper: string;
  readonly year: number;
  /** Section, figure or table. */
  readonly where: string;
  readonly quantity: string;
  readonly unit: string;
  readonly hardware: string;
  readonly configuration: string;
  readonly value: Range;
  /** How it was obtained: read in the paper or its raw data, quoted, as cited and not read again, … */
  readonly provenance: string;
  readonly confidence: string;
  readonly source: string;
  readonly note: string;
}

const FILE = new URL("../../../results/published.csv", import.meta.url);

let figures: ReadonlyMap<string, PublishedFigure> | undefined;

/** All rows by their ids. @throws UserError for a file that is missing or damaged */
export function publishedFigures(): ReadonlyMap<string, PublishedFigure> {
  figures ??= readPublished(textOf(FILE));
  return figures;
}

/** The rows of the file's text. @throws UserError */
export function readPublished(text: string): ReadonlyMap<string, PublishedFigure> {
  const where = "results/published.csv";
  const found = new Map<string, PublishedFigure>();
  for (const row of fromCsv(text, where)) {
    const figure = figureOf(row, where);
    if (found.has(figure.id)) throw new UserError(`two rows are named "${figure.id}"`, { where });
    found.set(figure.id, figure);
  }
  return found;
}

function figureOf(row: Row, where: string): PublishedFigure {
  const text = (name: string): string => String(row[name] ?? "");
  const id = text("id");
  const value = rangeOf(text("value"));
  if (id === "" || value === undefined) {
    const mend = "write a number, or a range such as 236..400";
    throw new UserError(`"${text("value")}" is no value of ${id || "a row without id"}`, { where, mend });
  }
  return {
    id,
    paper: text("paper"),
    year: Number(row["year"]),
    where: text("where"),
    quantity: text("quantity"),
    unit: text("unit"),
    hardware: text("hardware"),
    configuration: text("configuration"),
    value,
    provenance: text("provenance"),
    confidence: text("confidence"),
    source: text("source"),
    note: text("note"),
  };
}

/** "1.5", "236..400"; undefined for anything else. */
function rangeOf(text: string): Range | undefined {
  const [low, high = low, ...more] = text
    .split("..")
    .map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const isRange = Number.isFinite(low) && Number.isFinite(high) && more.length === 0 && low! <= high!;
  return isRange ? { low: low!, high: high! } : undefined;
}

function textOf(file: URL): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new UserError("results/published.csv is missing", {
      mend: "restore it: git checkout results/published.csv",
    });
  }
}
