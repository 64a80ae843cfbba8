/**
 * Rows to CSV text and back (RFC 4180; the one file that touches csv-stringify and csv-parse). Numbers are
 * written in the shortest form that reads back to the same f64, so equal rows are equal bytes.
 *
 * Types are restored on reading: a field is a number when it is exactly what a number would have been
 * written as, and its column is not one of TEXT (a fingerprint such as "1234" stays a string).
 */
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import type { Row } from "../scenario/scenario.js";
import { UserError } from "../util/errors.js";

/** Columns that hold text even when it looks like a number. */
const TEXT = new Set(["cell", "status", "reason", "fingerprint"]);

/** CSV with a header line. A row without a column has an empty field. Lines end in "\n". */
export function toCsv(columns: readonly string[], rows: readonly Row[]): string {
  const records = rows.map((row) => columns.map((column) => row[column] ?? ""));
  return stringify([[...columns], ...records], { cast: { number: (value) => String(value) } });
}

/** The rows of CSV text with a header line. @param where names the file in errors. @throws UserError */
export function fromCsv(text: string, where: string): Row[] {
  let records: string[][];
  try {
    records = parse(text, { bom: true, skip_empty_lines: true });
  } catch (error) {
    throw new UserError(`not a CSV file: ${(error as Error).message}`, {
      where,
      mend: "give a rows.csv, as a run writes it",
    });
  }
  const [header, ...body] = records;
  if (header === undefined) throw new UserError("the file is empty: not even a header line", { where });
  const duplicate = header.find((name, index) => header.indexOf(name) !== index);
  if (duplicate !== undefined) throw new UserError(`two columns are named "${duplicate}"`, { where });
  const isText = header.map((name) => TEXT.has(name));
  return body.map((fields) =>
    Object.fromEntries(fields.map((field, i) => [header[i]!, isText[i] ? field : typed(field)])),
  );
}

function typed(field: string): string | number {
  const value = Number(field);
  return field !== "" && String(value) === field && Number.isFinite(value) ? value : field;
}
