/** Charts and report of a run, drawn from what is on disk: at the end of a run, or again later. */
import { figureCharts } from "../charts/figures.js";
import { renderCharts, renderSpec } from "../charts/render.js";
import { reportHtml } from "../charts/report.js";
import { Disk, readRun, refuseDamaged } from "../results/index.js";
import { UserError } from "../util/errors.js";

/**
 * Draws every chart and the report of a run into its folder.
 * @param reference as readRun takes it. @returns the files written, relative to the folder
 * @throws UserError for a chart that cannot be drawn, and for rows that were cut off or edited
 */
export async function drawRun(reference: string, results: string): Promise<string[]> {
  const disk = new Disk();
  const { path, rows, exits, figures, timings, consoles, record } = readRun(reference, results, disk);
  if (record === undefined) {
    throw new UserError("there is no run.json: the run is not complete", {
      where: path,
      mend: "run the scenario again; it goes on where it stopped",
    });
  }
  refuseDamaged(path, record.files, disk);
  const { charts, axes, baseline, files } = record.scenario;
  const rendered = await renderCharts(charts, rows, {
    axes,
    place: `${files[0]}: charts`,
    ...(baseline === null
      ? {}
      : { baseline: baseline as Readonly<Record<string, string | number | boolean>> }),
  });
  for (const [index, spec] of figureCharts(figures).entries())
    rendered.push(await renderSpec(spec, `figures-${index + 1}`, `${files[0]}: figures`));
  const written: string[] = [];
  for (const { name, data } of rendered.flatMap((chart) => chart.files)) {
    disk.replace(disk.inside(path, name), data);
    written.push(name);
  }
  disk.replace(
    disk.inside(path, "report.html"),
    reportHtml({ record, rows, exits, figures, timings, consoles, charts: rendered }),
  );
  return [...written, "report.html"];
}
