/**
 * The parts of a Vega-Lite specification that all kinds of chart share: what a kind gives (`Drawing`),
 * panels around it, and a title. Specifications are plain data: they are written to disk, compared as text,
 * and shown by any Vega.
 */
import type { Row } from "../scenario/scenario.js";
import { GREY } from "./theme.js";

/** Any Vega-Lite object. */
export type Spec = Readonly<Record<string, unknown>>;

/** What a chart is asked to draw: rows that are `done` and match `where`, with what surrounds them. */
export interface Scene {
  readonly rows: readonly Row[];
  /** Rows that match but are not done: a place that stays empty says why. */
  readonly missing: readonly Row[];
  /** The columns that tell cells apart. */
  readonly axes: readonly string[];
  /** The scenario's baseline, by column; empty when it has none. */
  readonly baseline: Readonly<Record<string, string | number | boolean>>;
}

/** What a kind of chart gives; chart.ts adds title, theme and notes. */
export interface Drawing {
  /** View, layer or facet with its data. */
  readonly view: Spec;
  /** The title when the scenario gives none. */
  readonly title: string;
  /** Units, normalisation and direction, in a line or two. */
  readonly subtitle: string;
  /** What is left out, and why. */
  readonly notes: readonly string[];
  /** Of the whole picture, pixels, roughly: notes are wrapped to it. */
  readonly width: number;
}

/** The field that names a datum's panel. */
export const PANEL = "panel";

export interface PanelOptions {
  /** Panel labels in order; fewer than two give no panels. */
  readonly labels: readonly string[];
  readonly columns: number;
  readonly spacing?: number;
  /** Scales that each panel has for itself. */
  readonly independent?: readonly ("x" | "y")[];
}

/**
 * The layer or mark, repeated for each panel where there are several. @param values data with a PANEL
 * field.
 */
export function inPanels(values: readonly Spec[], inner: Spec, options: PanelOptions): Spec {
  const { labels, columns, spacing = 28, independent = [] } = options;
  if (labels.length < 2) {
    const title = labels[0] ? { title: { text: labels[0], fontSize: 12, offset: 6 } } : {};
    return { data: { values }, ...inner, ...title };
  }
  const own = Object.fromEntries(independent.map((scale) => [scale, "independent"]));
  return {
    data: { values },
    facet: { field: PANEL, type: "nominal", sort: labels, header: { labelAnchor: "start" }, title: null },
    columns,
    spacing,
    spec: inner,
    ...(independent.length > 0 ? { resolve: { scale: own, axis: own } } : {}),
  };
}

/**
 * Columns of panels and the width of each, for a picture about 900 wide.
 * @param inner how many panels belong together in a row, where a second column makes panels; 1 otherwise.
 */
export function panelGrid(panels: number, inner: number, most = 3): { columns: number; width: number } {
  const together = inner > 1 && inner <= 4 && inner < panels ? inner : panels === 4 ? 2 : panels;
  const columns = panels <= 1 ? 1 : Math.min(inner > 1 && inner <= 4 ? 4 : most, together);
  return { columns, width: [560, 560, 310, 210, 150][columns] ?? 130 };
}

/**
 * "unsupported" or "failed" in grey where a bar would be. @param y,offset encodings of the bars; `at` the
 * place on x.
 */
export function missingLayer(y: Spec, offset: Spec, at: number): Spec {
  return {
    transform: [{ filter: "isValid(datum.missing)" }],
    mark: { type: "text", align: "left", dx: 4, fontSize: 10, color: GREY },
    encoding: {
      y,
      ...offset,
      x: { datum: at, type: "quantitative" },
      text: { field: "missing" },
      tooltip: { field: "reason", title: "Reason" },
    },
  };
}
