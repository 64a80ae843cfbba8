/** What a chart or an answer measures when nobody says: cycles per reference, or per instruction where rows are of code alone. */
import type { Row } from "../scenario/scenario.js";

const BY_PREFERENCE = [
  { column: "cycles_per_reference", divisor: "references", unit: "cycles a reference" },
  { column: "cycles_per_instruction", divisor: "instructions", unit: "cycles an instruction" },
] as const;

export type Measure = (typeof BY_PREFERENCE)[number];

export function usualMeasure(rows: readonly Row[]): Measure {
  return (
    BY_PREFERENCE.find(({ column }) => rows.some((row) => typeof row[column] === "number")) ??
    BY_PREFERENCE[0]
  );
}

/** What cycles are divided by to give a column; undefined for cycles themselves, and what is no ratio of theirs. */
export function divisorOf(column: string): string | undefined {
  return BY_PREFERENCE.find((measure) => measure.column === column)?.divisor;
}
