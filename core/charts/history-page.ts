/** history.html: every series, its chart and its changes; one file, no network, like a run's report. */
import { type HistorySeries, metricLabel, metricText, sparkline } from "../results/history.js";
import type { Spec } from "./drawing.js";
import { changeText, directionOf, historyChart } from "./history.js";
import { type Html, html, scriptJson, tableHtml } from "./html.js";
import { pageHtml } from "./page.js";

/** The whole page as text. */
export function historyHtml(series: readonly HistorySeries[]): string {
  const ofKind = (kind: HistorySeries["kind"]): HistorySeries[] =>
    series.filter((each) => each.kind === kind);
  const sections = [
    sectionOf(
      "Modelled numbers",
      "Exact: each change is a change of the model, a scenario or the guest.",
      ofKind("modelled"),
    ),
    sectionOf(
      "Host",
      "How fast this kind of machine simulates; changes of level found by permutation.",
      ofKind("host"),
    ),
  ];
  return pageHtml({
    title: "virtlab: history",
    header: html`<p class="kind">virtlab history</p><h1>What changed, and when</h1>`,
    main: sections,
    hasCharts: true,
  });
}

function sectionOf(title: string, hint: string, series: readonly HistorySeries[]): Html | string {
  if (series.length === 0) return "";
  return html`<section><h2>${title}</h2><p class="small">${hint}</p>
${figureOf(historyChart(series, title), title)}
${seriesTable(series)}
${changesTable(series)}</section>`;
}

function figureOf(spec: Spec | undefined, title: string): Html | string {
  if (spec === undefined) return "";
  const { $schema: _, ...drawn } = spec;
  const id = `spec-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return html`<figure aria-label="${title}"><div class="chart scroll" data-spec="${id}"><p class="small">Drawing needs JavaScript.</p></div>
<script type="application/json" id="${id}">${scriptJson(drawn)}</script></figure>`;
}

function seriesTable(series: readonly HistorySeries[]): Html {
  const columns = [
    { title: "Scenario" },
    { title: "Size" },
    { title: "Metric" },
    { title: "Last", isNumber: true },
    { title: "Runs", isNumber: true },
    { title: "Series" },
  ];
  const rows = series.map(({ scenario, size, host, metric, points }) => {
    const last = points.at(-1)!.value;
    return [
      { text: scenario },
      { text: [size, host].filter(Boolean).join(", ") },
      { text: metricLabel(metric) },
      { text: metricText(metric, last), value: last },
      { text: String(points.length), value: points.length },
      { text: sparkline(points.map(({ value }) => value)) },
    ];
  });
  return tableHtml(columns, rows);
}

function changesTable(series: readonly HistorySeries[]): Html {
  const changes = series.flatMap(({ scenario, size, metric, changes: list, points }) =>
    list.map(({ commit, relative, isWorse, at }) => [
      { text: points[at]!.time.slice(0, 16).replace("T", " ") },
      { text: commit },
      { text: `${scenario}, ${size}` },
      { text: metricLabel(metric) },
      { text: changeText(relative), value: relative },
      { text: directionOf(isWorse) },
    ]),
  );
  if (changes.length === 0) return html`<p>No change of level.</p>`;
  changes.sort((a, b) => (a[0]!.text < b[0]!.text ? 1 : -1));
  const titles = ["Run", "Commit", "Scenario", "Metric"].map((title) => ({ title }));
  return html`<h2>Changes, the newest first</h2>${tableHtml([...titles, { title: "Change", isNumber: true }, { title: "Direction" }], changes)}`;
}
