/** The files of a chart: `.vl.json` to read and change, `.svg` for papers, `.png` for everything else. */
import type { ChartSpec } from "../scenario/charts.js";
import type { Row } from "../scenario/scenario.js";
import { type ChartContext, chartOf } from "./chart.js";
import type { Spec } from "./drawing.js";
import { svgOf } from "./engine.js";
import { pngOf } from "./raster.js";

export interface ChartFile {
  /** `charts/1-where-the-cycles-go.svg`: inside the run's folder. */
  readonly name: string;
  readonly data: string | Uint8Array;
}

/** One chart of a run, ready to write and to put into the report. */
export interface RenderedChart {
  readonly title: string;
  readonly spec: Spec;
  readonly svg: string;
  readonly files: readonly ChartFile[];
}

/**
 * Draws all charts of a scenario, in order.
 * @throws UserError for a chart that cannot be drawn; no file is written here.
 */
export async function renderCharts(
  charts: readonly ChartSpec[],
  rows: readonly Row[],
  context: ChartContext,
): Promise<RenderedChart[]> {
  const rendered: RenderedChart[] = [];
  for (const [index, chart] of charts.entries()) {
    const place = `${context.place ?? "charts"}[${index}]`;
    rendered.push(await renderSpec(chartOf(chart, rows, { ...context, place }), String(index + 1), place));
  }
  return rendered;
}

/** One specification as the files of a chart. @param number what its files' names begin with */
export async function renderSpec(spec: Spec, number: string, place: string): Promise<RenderedChart> {
  const svg = await svgOf(spec, place);
  const title = titleOf(spec);
  const stem = `charts/${number}-${slug(title)}`;
  const files: ChartFile[] = [
    { name: `${stem}.vl.json`, data: `${JSON.stringify(spec, null, 2)}\n` },
    { name: `${stem}.svg`, data: svg },
    { name: `${stem}.png`, data: await pngOf(svg) },
  ];
  return { title, spec, svg, files };
}

/** The chart's title as one line: its own, or that of the view inside notes. */
export function titleOf(spec: Spec): string {
  const outer = spec["title"];
  const isNote =
    typeof outer === "object" && outer !== null && "orient" in outer && outer.orient === "bottom";
  const title = isNote ? (spec["vconcat"] as readonly Spec[])[0]?.["title"] : outer;
  const text = typeof title === "object" && title !== null && "text" in title ? title.text : title;
  return [text ?? "chart"].flat().join(" ");
}

/**
 * "Where the cycles go" → "where-the-cycles-go": letters and digits only, so that no title can name another
 * folder.
 */
function slug(title: string): string {
  const words = title
    .normalize("NFKD")
    .toLowerCase()
    .match(/[a-z0-9]+/g) ?? ["chart"];
  return words.join("-").slice(0, 60).replace(/-$/, "");
}
