/** A run in a cell: typed rows, exits, the answer, and what the scenario asked to be drawn. */
import { answerOf } from "../charts/answer.js";
import { escapeHtml } from "../charts/html.js";
import { noColumn } from "../charts/where.js";
import type { Constants } from "../results/compare.js";
import { summaryLines } from "../results/summary.js";
import type { ChartSpec, ExpectationResult, Plan, Row } from "../scenario/index.js";
import { UserError } from "../util/errors.js";
import { type Chart, chart } from "./chart.js";
import { Exhibit } from "./exhibit.js";
import type { MimeBundle } from "./kernel.js";
import type { LabRow } from "./row.js";
import { guardedRows, plainRows } from "./rows.js";
import { table } from "./table.js";

export interface ResultsParts {
  /** The scenario's name. */
  readonly name: string;
  readonly title: string;
  readonly question: string;
  /** Where it was read, for people. */
  readonly place: string;
  readonly rows: readonly Row[];
  readonly exits: readonly Row[];
  /** Columns that tell the cells apart. */
  readonly axes: readonly string[];
  readonly baseline: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly charts: readonly ChartSpec[];
  readonly expectations: readonly ExpectationResult[];
  readonly constants: Constants | undefined;
  /** Of a run that this cell asked for; what was loaded has none. */
  readonly plan: Plan | undefined;
}

export class Results extends Exhibit {
  readonly title: string;
  readonly question: string;
  /** The run's folder, or the file. */
  readonly place: string;
  readonly axes: readonly string[];
  readonly baseline: ResultsParts["baseline"];
  /** One a cell, in plan order. */
  readonly rows: readonly LabRow[];
  /** Why guests left for their monitor: a row for each cell and reason that happened, with the cell's coordinates. */
  readonly exits: readonly ExitRow[];
  readonly expectations: readonly ExpectationResult[];

  constructor(readonly parts: ResultsParts) {
    super();
    ({ title: this.title, question: this.question, place: this.place } = parts);
    ({ axes: this.axes, baseline: this.baseline, expectations: this.expectations } = parts);
    this.rows = guardedRows(parts.rows, parts.place);
    this.exits = withCoordinates(parts);
  }

  get caption(): string {
    return `${this.title}: ${this.rows.length} rows`;
  }

  /** The charts that the scenario asks for. */
  get charts(): Chart[] {
    return this.parts.charts.map((spec) => chart(this, spec));
  }

  /** The answer in a sentence or three. */
  get answer(): string[] {
    const { axes, baseline = null, expectations } = this;
    return answerOf(plainRows(this.rows), { axes, baseline, expectations });
  }

  /** The rows with these values: `where({ technique: "native", page: "4K" })`. @throws UserError for an unknown column */
  where(values: RowValues): LabRow[] {
    for (const name of Object.keys(values)) {
      if (this.parts.rows.length > 0 && !this.parts.rows.some((row) => name in row))
        throw noColumn(name, Object.keys(this.parts.rows[0]!), this.place);
    }
    const wanted = Object.entries(values);
    return this.rows.filter((row) => wanted.every(([name, value]) => row[name as keyof LabRow] === value));
  }

  /** The one row with these values. @throws UserError when there is none, or there are several */
  row(values: RowValues): LabRow {
    const [row, ...more] = this.where(values);
    if (row !== undefined && more.length === 0) return row;
    const asked = Object.entries(values).map(([name, value]) => `${name} ${value}`);
    const first = Object.keys(values)[0] ?? this.axes[0] ?? "cell";
    const there = [...new Set(this.parts.rows.map((each) => String(each[first])))];
    throw new UserError(
      `${row === undefined ? "no row has" : `${more.length + 1} rows have`} ${asked.join(", ")}`,
      {
        where: this.place,
        mend:
          row === undefined
            ? `values of ${first}: ${there.join(", ")}; the axes are ${this.axes.join(", ")}`
            : `name more of the axes: ${this.axes.join(", ")}`,
      },
    );
  }

  bundle(): MimeBundle {
    const { title, question, answer } = this;
    const told = table(this).bundle().data;
    const html = [
      `<strong>${escapeHtml(title)}</strong>`,
      question === "" ? "" : `<br><em>${escapeHtml(question)}</em>`,
      told["text/html"],
      ...answer.map((sentence) => `<p>${escapeHtml(sentence)}</p>`),
    ];
    const text = [title, question, "", ...summaryLines(plainRows(this.rows)), "", ...answer];
    return { data: { "text/html": html.join("\n"), "text/plain": text.join("\n") }, metadata: {} };
  }
}

/** Columns with the values that a row must have. */
export type RowValues = { readonly [K in keyof LabRow]?: LabRow[K] };

/** A line of exits.csv with the coordinates of its cell. */
export interface ExitRow {
  readonly technique: string;
  readonly workload: string;
  readonly reason: string;
  readonly count: number;
  /** Of transition and monitor. */
  readonly cycles: number;
  /** Of all the cell's cycles. */
  readonly share: number;
  /** The other axes. */
  readonly [axis: string]: string | number;
}

function withCoordinates({ rows, exits, axes }: ResultsParts): ExitRow[] {
  const names = new Set(["technique", "workload", ...axes]);
  const byCell = new Map(rows.map((row) => [row["cell"], row]));
  return exits.map(({ cell, ...exit }) => {
    const row = byCell.get(cell!) ?? {};
    const coordinates = [...names].map((name) => [name, row[name] ?? ""]);
    return { ...Object.fromEntries(coordinates), ...exit } as ExitRow;
  });
}
