/** Tables in a cell: chosen columns of rows with the dictionary's labels, numbers as people read them. */
import { escapeHtml } from "../charts/html.js";
import { columnIn, rowsWhere } from "../charts/where.js";
import { textTable } from "../cli/text-table.js";
import { columnOf } from "../results/columns.js";
import { humanValue } from "../results/humanise.js";
import { summaryCells } from "../results/summary.js";
import type { Row } from "../scenario/index.js";
import { Exhibit } from "./exhibit.js";
import type { MimeBundle } from "./kernel.js";
import type { Results } from "./results.js";
import type { LabRow } from "./row.js";
import { type AnyRow, plainRows } from "./rows.js";

export interface TableWish {
  /** Columns in order; default: what varies, and what matters most. */
  readonly columns?: readonly (keyof LabRow | (string & {}))[];
  /** Which rows: an expression over columns, as in a scenario. */
  readonly where?: string;
  /** The column by which the rows are sorted, least first. */
  readonly sort?: keyof LabRow | (string & {});
}

interface Head {
  readonly title: string;
  /** Shown when the pointer rests on the title. */
  readonly hint: string;
  readonly isNumber: boolean;
}

export class Table extends Exhibit {
  readonly caption: string;

  constructor(
    private readonly heads: readonly Head[],
    private readonly body: readonly (readonly string[])[],
  ) {
    super();
    this.caption = `table of ${body.length} rows`;
  }

  /** For a terminal. */
  get text(): string {
    const columns = this.heads.map(({ title, isNumber }) => ({
      title,
      align: isNumber ? ("right" as const) : ("left" as const),
    }));
    return textTable(columns, this.body).join("\n");
  }

  bundle(): MimeBundle {
    return { data: { "text/html": this.html, "text/plain": this.text }, metadata: {} };
  }

  private get html(): string {
    // Front ends align to the right unless told, and drop style sheets: each cell says it.
    const styleOf = (index: number): string => `text-align:${this.heads[index]?.isNumber ? "right" : "left"}`;
    const head = this.heads.map(
      ({ title, hint }, index) =>
        `<th style="${styleOf(index)}" title="${escapeHtml(hint)}">${escapeHtml(title)}</th>`,
    );
    const body = this.body.map(
      (fields) =>
        `<tr>${fields.map((field, index) => `<td style="${styleOf(index)}">${escapeHtml(field)}</td>`).join("")}</tr>`,
    );
    return `<table>\n<thead><tr>${head.join("")}</tr></thead>\n<tbody>\n${body.join("\n")}\n</tbody>\n</table>`;
  }
}

/** A table of a run, or of rows. Pure: `await show(table(…))` shows it. @throws UserError for a column that no row has */
export function table(source: Results | readonly AnyRow[], wish: TableWish = {}): Table {
  const all = plainRows("rows" in source ? source.rows : source);
  const rows = sorted(rowsWhere(all, wish.where, "table"), wish.sort);
  if (wish.columns === undefined && rows.every((row) => "status" in row)) {
    const { head, body } = summaryCells(rows);
    const heads = head.map(({ title, isName }) => ({ title, hint: "", isNumber: !isName }));
    return new Table(heads, body);
  }
  const names = wish.columns ?? Object.keys(rows[0] ?? {});
  const columns = names.map((name) => columnIn(rows, name, "table"));
  const heads = columns.map((name): Head => {
    const { label, description } = columnOf(name);
    const isNumber = rows.some((row) => typeof row[name] === "number");
    return { title: label, hint: description, isNumber };
  });
  const body = rows.map((row) => columns.map((name) => fieldOf(row, name)));
  return new Table(heads, body);
}

function fieldOf(row: Row, name: string): string {
  const value = row[name];
  return value === undefined ? "" : humanValue(name, value);
}

function sorted(rows: readonly Row[], column: string | undefined): readonly Row[] {
  if (column === undefined) return rows;
  const name = columnIn(rows, column, "table");
  const keyOf = (row: Row): number => (typeof row[name] === "number" ? row[name] : Number.POSITIVE_INFINITY);
  return [...rows].sort((a, b) =>
    typeof a[name] === "string" ? String(a[name]).localeCompare(String(b[name]), "en") : keyOf(a) - keyOf(b),
  );
}
