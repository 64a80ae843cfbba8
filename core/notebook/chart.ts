/**
 * Charts in a cell: the specifications that core/charts makes of rows, in a bundle of formats. JupyterLab and VS Code draw
 * Vega-Lite 5 themselves (it must be an object there, never a string); everything else shows the PNG. No SVG: nbconvert's HTML
 * strips it.
 */
import { type ChartContext, chartOf } from "../charts/chart.js";
import type { Spec } from "../charts/drawing.js";
import { svgOf } from "../charts/engine.js";
import { pngOf } from "../charts/raster.js";
import { titleOf } from "../charts/render.js";
import { findColumn } from "../results/columns.js";
import type { ChartSpec, Row } from "../scenario/index.js";
import { Exhibit } from "./exhibit.js";
import type { MimeBundle } from "./kernel.js";
import type { Results } from "./results.js";
import { type AnyRow, plainRows } from "./rows.js";

const VEGA_LITE = "application/vnd.vegalite.v5+json";

export class Chart extends Exhibit {
  /** @param spec Vega-Lite, whole: with data, title and theme. */
  constructor(readonly spec: Spec) {
    super();
  }

  get title(): string {
    return titleOf(this.spec);
  }

  get caption(): string {
    return `chart: ${this.title}`;
  }

  async bundle(): Promise<MimeBundle> {
    const svg = await svgOf(this.spec, this.caption);
    const [width = 0, height = 0] = (/<svg[^>]*? width="([^"]*)" height="([^"]*)"/.exec(svg) ?? [])
      .slice(1)
      .map((size) => Math.round(Number(size)));
    return {
      data: {
        [VEGA_LITE]: this.spec,
        "image/png": Buffer.from(await pngOf(svg)).toString("base64"),
        "text/plain": `[${this.caption}]`,
      },
      metadata: { "image/png": { width, height } },
    };
  }
}

/**
 * A chart of a run, or of rows: a scenario's kinds (`{ kind: "stack", x: "technique" }`) or any Vega-Lite
 * (`{ spec: { mark, encoding } }`, its data are the rows). Pure: `await show(chart(…))` draws it.
 * @throws UserError for a column that no row has, with the nearest one
 */
export function chart(source: Results | readonly AnyRow[], spec: ChartSpec): Chart {
  const rows = plainRows("rows" in source ? source.rows : source);
  const context: ChartContext =
    "rows" in source
      ? { axes: source.axes, baseline: source.baseline, place: "chart" }
      : { axes: varyingCoordinates(rows), place: "chart" };
  return new Chart(chartOf(spec, rows, context));
}

/** The axes of bare rows: coordinates with more than one value. */
function varyingCoordinates(rows: readonly Row[]): string[] {
  const names = Object.keys(rows[0] ?? {}).filter((name) => findColumn(name)?.kind === "coordinate");
  return names.filter((name) => name !== "cell" && new Set(rows.map((row) => row[name])).size > 1);
}
