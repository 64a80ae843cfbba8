/**
 * Small multiples: the same small chart once for each value of `facet`, all on one scale. Lines where `x`
 * is a number, else bars with their values beside them.
 */
import { columnOf } from "../results/columns.js";
import { humanValue } from "../results/humanise.js";
import type { NamedChartSpec } from "../scenario/charts.js";
import type { Row } from "../scenario/scenario.js";
import { axisTitle, binaryTicks, tickLabel } from "./axes.js";
import { type Drawing, inPanels, missingLayer, PANEL, panelGrid, type Scene, type Spec } from "./drawing.js";
import { usualMeasure } from "./measure.js";
import { distinct, inOrder, labelOf, leftoverAxes, panelsFor } from "./panels.js";
import { sweepChart } from "./sweep.js";
import { seriesScale } from "./theme.js";

const BAR_STEP = 20;

export function multiplesChart(spec: NamedChartSpec, scene: Scene): Drawing {
  const x = spec.x ?? "technique";
  const facet = spec.facet ?? leftoverAxes(scene.rows, scene.axes, [x])[0];
  const isNumeric = scene.rows.every((row) => typeof row[x] === "number");
  const numbers = new Set(scene.rows.map((row) => row[x]));
  if (isNumeric && numbers.size > 2) {
    const free = facet === undefined ? [] : leftoverAxes(scene.rows, scene.axes, [x, facet]);
    const color = spec.color ?? (free.length === 0 ? facet : undefined); // a panel's one line has the panel's colour
    return sweepChart(
      { ...spec, ...(facet === undefined ? {} : { facet }), ...(color === undefined ? {} : { color }) },
      scene,
    );
  }
  return barMultiples(spec, scene, x, facet);
}

function barMultiples(spec: NamedChartSpec, scene: Scene, x: string, facet: string | undefined): Drawing {
  const name = spec.value ?? spec.y ?? usualMeasure(scene.rows).column;
  const value = columnOf(name);
  const series = spec.color ?? x;
  const used = distinct([x, series, ...(facet === undefined ? [] : [facet])]);
  const all = [...scene.rows, ...scene.missing];
  const { panel, inner, label } = panelsFor(all, facet, leftoverAxes(all, scene.axes, used));
  const drawn = scene.rows.filter((row) => typeof row[name] === "number");
  const seriesOf = (row: Row): string => humanValue(series, row[series] ?? "");
  const barOf = (row: Row): string =>
    [humanValue(x, row[x] ?? ""), labelOf(row, label)].filter(Boolean).join(" · ");
  const values = drawn.map(
    (row): Spec => ({
      [PANEL]: labelOf(row, panel),
      bar: barOf(row),
      series: seriesOf(row),
      zero: 0,
      value: row[name],
      text: humanValue(name, row[name] ?? ""),
    }),
  );
  const missing = scene.missing.map(
    (row): Spec => ({
      [PANEL]: labelOf(row, panel),
      bar: barOf(row),
      series: seriesOf(row),
      missing: row["status"] ?? "",
      reason: row["reason"] ?? "",
    }),
  );
  const panels = inOrder(all, drawn, (row) => labelOf(row, panel));
  const bars = inOrder(all, [...drawn, ...scene.missing], barOf);
  const domain = inOrder(all, [...drawn, ...scene.missing], seriesOf);
  const { colours } = seriesScale(series, domain);
  const { columns, width } = panelGrid(panels.length, inner);
  const isGrouped = series !== x;
  const y = { field: "bar", type: "nominal", sort: bars, title: null, axis: { ticks: false, domain: false } };
  const offset = isGrouped ? { yOffset: { field: "series", sort: domain } } : {};
  const most = Math.max(...drawn.map((row) => Number(row[name])), 0);
  const count = Math.max(3, Math.round(width / 80));
  const ticks = value.unit === "bytes" ? { values: binaryTicks(most, count) } : { tickCount: count };
  const across = {
    field: "value",
    type: "quantitative",
    title: columns > 2 ? null : axisTitle(value), // the subtitle says it too
    scale: { domain: [0, most > 0 ? most * 1.16 : 1], nice: false },
    axis: { labelExpr: tickLabel(value), domain: false, ...ticks },
  };
  const color = {
    field: "series",
    type: "nominal",
    scale: { domain, range: colours },
    legend: isGrouped
      ? { orient: "bottom", title: columnOf(series).label, offset: 10, symbolStrokeWidth: 6 }
      : null,
  };
  const tooltip = [
    { field: "bar", title: columnOf(x).label },
    { field: "series", title: columnOf(series).label },
    { field: "text", title: value.label },
  ];
  const layer: Spec[] = [
    isGrouped
      ? {
          // Grouped bars are thick lines: Vega-Lite puts texts at the middle of lines, but at the edge of bars.
          mark: { type: "rule", strokeWidth: BAR_STEP * 0.7 },
          encoding: { y, ...offset, x: { ...across, field: "zero" }, x2: { field: "value" }, color, tooltip },
        }
      : { mark: { type: "bar", height: { band: 0.76 } }, encoding: { y, x: across, color, tooltip } },
    {
      mark: { type: "text", align: "left", dx: 4 },
      encoding: { y, ...offset, x: across, text: { field: "text" } },
    },
    ...(missing.length > 0 ? [missingLayer(y, offset, 0)] : []),
  ];
  const step = isGrouped ? BAR_STEP * domain.length + 8 : BAR_STEP;
  return {
    view: inPanels(
      [...values, ...missing.filter((datum) => panels.includes(String(datum[PANEL])))],
      { width, height: { step, for: "position" }, layer },
      { labels: panels, columns, spacing: 50 },
    ),
    title: facet === undefined ? value.label : `${value.label} by ${columnOf(facet).label.toLowerCase()}`,
    subtitle:
      value.better === "neither"
        ? value.label
        : `${value.label}; ${value.better === "fewer" ? "less" : "more"} is better`,
    notes:
      drawn.length < scene.rows.length
        ? [`Left out: ${scene.rows.length - drawn.length} row(s) without this value.`]
        : [],
    width: columns * (width + 50) + 140,
  };
}
