/**
 * Rows to CSV text and back (RFC 4180; the one file that touches csv-stringify and csv-parse). Numbers are
 * written in the shortest form that reads back to the same f64, so equal rows are equal bytes.
 *
 * Types are restored on reading: a field is a number when it is exactly what a number would have been
 * written as, and its column is not one of TEXT (a fingerprint such as "1234" stays a string).
 */
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { UserError } from "../util/errors.js";
import type { Row } from "./scenario.js";

const RESTORE = "restore it (git checkout), or run the scenario again";

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
    throw broken(error as Error & { code?: string; lines?: number }, where);
  }
  const [header, ...body] = records;
  if (header === undefined)
    throw new UserError("the file is empty: not even a header line", { where, mend: RESTORE });
  const duplicate = header.find((name, index) => header.indexOf(name) !== index);
  if (duplicate !== undefined)
    throw new UserError(`two columns are named "${duplicate}"`, { where, mend: RESTORE });
  const isText = header.map((name) => TEXT.has(name));
  return body.map((fields) =>
    Object.fromEntries(fields.map((field, i) => [header[i]!, isText[i] ? field : typed(field)])),
  );
}

/** What the parser found wrong, in our words: a line that is too short, or text that does not end, was cut off. */
function broken(
  { message, code, lines }: Error & { code?: string; lines?: number },
  where: string,
): UserError {
  const isCut = code === "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH" || code === "CSV_QUOTE_NOT_CLOSED";
  if (!isCut)
    return new UserError(`not a CSV file: ${message}`, {
      where,
      mend: "give a rows.csv, as a run writes it",
    });
  return new UserError("a line has not as many fields as the header: the file was cut off or edited", {
    where: `${where}:${lines ?? 1}`,
    mend: RESTORE,
  });
}

function typed(field: string): string | number {
  const value = Number(field);
  return field !== "" && String(value) === field && Number.isFinite(value) ? value : field;
}
