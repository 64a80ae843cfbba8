/**
 * From rows and a scenario's chart to a Vega-Lite specification: the rows are chosen and checked, a kind
 * draws them, and every picture gets a title, a subtitle with units, and a note of what it does not show.
 * Pure functions throughout.
 *
 * The specification is Vega-Lite 5 in word and features, because JupyterLab and VS Code know no 6; both
 * versions draw it.
 */
import type { ChartSpec, NamedChartSpec } from "../scenario/charts.js";
import type { Row } from "../scenario/scenario.js";
import { UserError } from "../util/errors.js";
import { compareChart } from "./compare.js";
import type { Drawing, Scene, Spec } from "./drawing.js";
import { inlineChart } from "./inline.js";
import { multiplesChart } from "./multiples.js";
import { notDoneNotes, notesUnder, wrapped } from "./notes.js";
import { stackChart } from "./stack.js";
import { sweepChart } from "./sweep.js";
import { INK, THEME, VEGA_LITE_SCHEMA } from "./theme.js";
import { rowsWhere, withColumns } from "./where.js";

/** What a chart knows besides its rows. */
export interface ChartContext {
  /** Columns that tell the cells apart, in order. */
  readonly axes: readonly string[];
  /** The scenario's baseline by column, where it has one. */
  readonly baseline?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** For errors: where the chart is written, such as `ept.yaml: chart 2`. */
  readonly place?: string;
}

const KINDS: Readonly<Record<NamedChartSpec["kind"], (spec: NamedChartSpec, scene: Scene) => Drawing>> = {
  stack: stackChart,
  compare: compareChart,
  sweep: sweepChart,
  multiples: multiplesChart,
};

/**
 * The whole specification of one chart.
 * @param rows of a run (table.ts), those that are not done included: they are named under the chart.
 * @throws UserError for unknown columns and expressions, with the nearest valid word.
 */
export function chartOf(spec: ChartSpec, rows: readonly Row[], context: ChartContext): Spec {
  const place = context.place ?? "chart";
  const checked = withColumns(spec, rows, place);
  const chosen = rowsWhere(rows, spec.where, place);
  const done = chosen.filter((row) => row["status"] === "done" || row["status"] === undefined);
  if (done.length === 0) return pictureOf(emptyDrawing(chosen.length), notDoneNotes(chosen), spec.title);
  if ("spec" in checked) return inlineChart(checked, done, notDoneNotes(chosen), place);
  const missing = chosen.filter((row) => !done.includes(row));
  const scene: Scene = { rows: done, missing, axes: context.axes, baseline: context.baseline ?? {} };
  const drawing = placed(place, () => KINDS[checked.kind](checked, scene));
  return pictureOf(drawing, [...drawing.notes, ...notDoneNotes(chosen)], spec.title);
}

/** What a kind of chart refuses, with the chart's place. */
function placed<T>(place: string, draw: () => T): T {
  try {
    return draw();
  } catch (error) {
    if (!(error instanceof UserError) || error.where !== undefined) throw error;
    throw new UserError(error.message, {
      where: place,
      ...(error.mend === undefined ? {} : { mend: error.mend }),
    });
  }
}

/** A drawing with title, theme and the notes under it. @param title in place of the drawing's own */
export function pictureOf(drawing: Drawing, notes: readonly string[], title = drawing.title): Spec {
  const heading = {
    text: wrapped(title, drawing.width / 9.6),
    subtitle: wrapped(drawing.subtitle, drawing.width / 6.8),
  };
  const head = { $schema: VEGA_LITE_SCHEMA, config: THEME };
  if (notes.length === 0) return { ...head, title: heading, ...withoutTitle(drawing.view) };
  const text = notes.flatMap((note) => wrapped(note, drawing.width / 6.2));
  const under = { ...notesUnder(text), lineHeight: 15 };
  return { ...head, title: under, vconcat: [{ title: heading, ...withoutTitle(drawing.view) }] };
}

/** A panel that is alone has its label as title; here it goes to the chart's own. */
function withoutTitle({ title: _, ...view }: Spec): Spec {
  return view;
}

/** An empty chart says so: an axis without data looks like a result. */
function emptyDrawing(chosen: number): Drawing {
  const text =
    chosen === 0 ? "Nothing to show: no row matches." : "Nothing to show: no cell of this chart is done.";
  return {
    view: {
      data: { values: [{ text }] },
      mark: { type: "text", fontSize: 13, color: INK, align: "center" },
      encoding: { text: { field: "text" } },
      width: 560,
      height: 120,
      view: { stroke: "#d0d7de", cornerRadius: 4 },
    },
    title: "No data",
    subtitle: "",
    notes: [],
    width: 600,
  };
}
