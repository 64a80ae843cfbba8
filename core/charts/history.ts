/**
 * Series over commits as a chart: a panel for each scenario (and host), a line for each metric as a multiple of its first value,
 * a ring where a level changed. Modelled and host numbers are charts of their own. A pure function of the series.
 */

import { type HistorySeries, metricLabel, metricText } from "../results/history.js";
import type { Spec } from "./drawing.js";
import { GREY, THEME, VEGA_LITE_SCHEMA } from "./theme.js";

const PANEL_WIDTH = 400;
const PANEL_HEIGHT = 150;
/** Commits whose names are written on the axis. */
const LABELS = 8;

/** The chart of one kind's series; undefined where there are none. */
export function historyChart(series: readonly HistorySeries[], title: string): Spec | undefined {
  const drawn = series.filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return undefined;
  const values = drawn.flatMap((each) => {
    const first = each.points.find(({ value }) => value > 0)?.value ?? 1;
    const changes = new Map(each.changes.map((change) => [change.at, change]));
    return each.points.map(({ commit, time, value }, at): Spec => {
      const change = changes.get(at);
      return {
        panel: panelOf(each),
        metric: metricLabel(each.metric),
        at,
        commit,
        time,
        multiple: value / first,
        text: metricText(each.metric, value),
        change: change === undefined ? "" : changeText(change.relative),
        direction: change === undefined ? null : directionOf(change.isWorse),
      };
    });
  });
  const panels = [...new Set(drawn.map(panelOf))];
  const tooltip = [
    { field: "metric", title: "Metric" },
    { field: "commit", title: "Commit" },
    { field: "time", title: "Run" },
    { field: "text", title: "Value" },
    { field: "change", title: "Change" },
  ];
  const x = {
    field: "at",
    type: "quantitative",
    title: null,
    axis: { tickCount: LABELS, tickMinStep: 1, grid: false, labelExpr: "'#' + (datum.value + 1)" },
    scale: { nice: false, padding: 10 },
  };
  const y = {
    field: "multiple",
    type: "quantitative",
    title: "of the first",
    axis: { tickCount: 4, format: "~r" },
    scale: { zero: false, nice: true },
  };
  const color = { field: "metric", type: "nominal", title: null, legend: { orient: "bottom", columns: 4 } };
  const layer: Spec[] = [
    {
      mark: { type: "rule", color: GREY, strokeDash: [4, 3] },
      encoding: { y: { datum: 1, type: "quantitative" } },
    },
    { mark: { type: "line", interpolate: "step-after" }, encoding: { x, y, color } },
    { mark: { type: "point", size: 22, filled: true, opacity: 1 }, encoding: { x, y, color, tooltip } },
    {
      transform: [{ filter: "isValid(datum.direction)" }],
      mark: { type: "point", size: 170, filled: false, strokeWidth: 2 },
      encoding: {
        x,
        y,
        tooltip,
        stroke: {
          field: "direction",
          type: "nominal",
          title: null,
          scale: { domain: ["worse", "better", "changed"], range: ["#d55e00", "#009e73", GREY] },
          legend: { orient: "bottom" },
        },
      },
    },
  ];
  return {
    $schema: VEGA_LITE_SCHEMA,
    config: THEME,
    title: {
      text: title,
      subtitle: "multiple of the first value over runs in order; a ring where the level changed",
    },
    data: { values },
    facet: { field: "panel", type: "nominal", sort: panels, header: { labelAnchor: "start" }, title: null },
    columns: panels.length === 1 ? 1 : 2,
    spacing: 36,
    spec: { width: PANEL_WIDTH, height: PANEL_HEIGHT, layer },
    resolve: { scale: { y: "independent", x: "independent" }, axis: { y: "independent", x: "independent" } },
  };
}

/** 0.0312 → "+3.12%". */
export function changeText(relative: number): string {
  if (!Number.isFinite(relative)) return "from 0";
  const size = Math.abs(relative) * 100;
  return `${relative < 0 ? "-" : "+"}${size < 0.01 ? size.toExponential(1) : Number(size.toPrecision(3))}%`;
}

/** "worse", "better", or "changed" where a metric has no direction. */
export function directionOf(isWorse: boolean | undefined): string {
  return isWorse === undefined ? "changed" : isWorse ? "worse" : "better";
}

function panelOf({ scenario, size, host }: HistorySeries): string {
  return [`${scenario}, ${size}`, host].filter(Boolean).join(" · ");
}
