/**
 * The type of a row as TypeScript: core/notebook/row.ts, generated from the dictionary of columns, so that a notebook's cell is
 * checked against the columns there are, completes them, and shows what each means.
 */
import { CATALOGUE } from "../scenario/catalogue.js";
import { axisColumns, COLUMNS, type Column } from "./columns.js";

const HEAD = `/**
 * A row of a run, column by column. Generated from the dictionary of columns (results/row-type.ts); change that, then
 * \`npm run virtlab -- schema --write\`. Columns of axes are there in runs that vary them, those of hosts in runs of hosts.
 */

export interface LabRow {
`;

/** The text of core/notebook/row.ts. */
export function rowTypeText(): string {
  const members = [
    ...COLUMNS.map((column) => memberOf(column, column.unit === "text" ? "string" : "number")),
    ...axisColumns().map(({ path, column }) => memberOf(column, axisType(path, column))),
  ];
  return `${HEAD}${members.join("")}}\n`;
}

/** Kinds of parameter that are words in a row; a switch is "true" or "false" there. */
const WORDS = new Set(["choice", "text", "file", "files", "boolean"]);

/** Several workloads may have a parameter of one name, and one of them call by words what is a number to another. */
function axisType(path: string, { unit }: Column): string {
  const name = path.split(".").at(-1)!;
  const specs = CATALOGUE.workloads
    .map(({ parameters }) => parameters[name])
    .filter((spec) => spec !== undefined);
  if (!path.startsWith("parameters.") || specs.length === 0) return unit === "text" ? "string" : "number";
  const types = new Set(specs.map(({ kind }) => (WORDS.has(kind) ? "string" : "number")));
  return [...types].sort().join(" | ");
}

function memberOf({ name, label, unit }: Column, type: string): string {
  const what = unit === "text" ? label : `${label} (${unit})`;
  return `  /** ${what} */ readonly ${name}: ${type};\n`;
}
