/**
 * Comparison with a baseline: each value as a multiple of the baseline row's, a line at 1, the number
 * beside its point. Dots on stems from 1, not bars from 0: what matters is the distance from the baseline,
 * and a log axis has no 0.
 */
import { columnOf } from "../results/columns.js";
import { humanNumber, humanValue, times } from "../results/humanise.js";
import type { NamedChartSpec } from "../scenario/charts.js";
import type { Row } from "../scenario/scenario.js";
import { UserError } from "../util/errors.js";
import { logTicks, valuePhrase } from "./axes.js";
import { baselineOf, baselineRow, isBaseline } from "./baseline.js";
import { type Drawing, inPanels, missingLayer, PANEL, panelGrid, type Scene, type Spec } from "./drawing.js";
import { distinct, inOrder, labelOf, leftoverAxes, panelsFor } from "./panels.js";
import { GREY, seriesScale } from "./theme.js";

/** Wider than this (largest over smallest), and the axis is logarithmic. */
const LINEAR_RANGE = 8;
const ROW_STEP = 17;

/** @throws UserError when neither the chart nor the scenario has a baseline. */
export function compareChart(spec: NamedChartSpec, scene: Scene): Drawing {
  const x = spec.x ?? "technique";
  const name = spec.value ?? spec.y ?? "slowdown";
  const changes = baselineOf(spec, scene);
  if (Object.keys(changes).length === 0) {
    throw new UserError(`there is nothing to compare ${name} with`, {
      mend: "give the chart or the scenario a baseline, or draw `kind: multiples`",
    });
  }
  const base = Object.entries(changes)
    .map(([column, value]) => valuePhrase(column, value))
    .join(", ");
  const series = spec.color ?? x;
  const others = scene.rows.filter((row) => !isBaseline(row, changes));
  const absent = scene.missing.filter((row) => !isBaseline(row, changes));
  const all = [...others, ...absent];
  const inPlan = [...scene.rows, ...scene.missing]; // the baseline's values keep their place
  const points = others.flatMap((row) => {
    const ratio = ratioOf(name, row, baselineRow(row, spec, scene));
    return ratio === undefined ? [] : [{ row, ratio }];
  });

  const used = distinct([x, series]);
  const leftover = leftoverAxes(all, scene.axes, spec.facet ? [...used, spec.facet] : used);
  const [group, ...rest] = leftover;
  const { panel, inner, label } = panelsFor(all, spec.facet, rest);
  const groupColumns = [...(series === x ? [] : [x]), ...(group === undefined ? [] : [group]), ...label];
  const isGrouped = groupColumns.length > 0;
  const seriesOf = (row: Row): string => humanValue(series, row[series] ?? "");
  const rowOf = (row: Row): string => (isGrouped ? labelOf(row, groupColumns) : seriesOf(row));

  const ratios = points.map(({ ratio }) => ratio);
  const isLog = (scaleOf(spec) ?? (spread(ratios) > LINEAR_RANGE ? "log" : "linear")) === "log";
  const values = points.map(
    ({ row, ratio }): Spec => ({
      [PANEL]: labelOf(row, panel),
      row: rowOf(row),
      series: seriesOf(row),
      from: 1,
      ratio,
      text: times(ratio),
      detail: `${humanValue(name, row[name] ?? "")}`,
    }),
  );
  const missing = absent.map(
    (row): Spec => ({
      [PANEL]: labelOf(row, panel),
      row: rowOf(row),
      series: seriesOf(row),
      missing: row["status"] ?? "",
      reason: row["reason"] ?? "",
    }),
  );
  const shown = points.map(({ row }) => row);
  const panels = inOrder(inPlan, shown, (row) => labelOf(row, panel));
  const domain = inOrder(inPlan, [...shown, ...absent], seriesOf);
  const { colours } = seriesScale(series, domain);
  const rows = inOrder(inPlan, [...shown, ...absent], rowOf);
  const { columns, width } = panelGrid(panels.length, inner, 2);
  const column = columnOf(name);

  const y = {
    field: "row",
    type: "nominal",
    sort: rows,
    title: null,
    axis: { ticks: false, domain: false, grid: isGrouped, tickBand: "extent" },
  };
  const yOffset = isGrouped ? { yOffset: { field: "series", sort: domain } } : {};
  const color = {
    field: "series",
    type: "nominal",
    scale: { domain, range: colours },
    legend: isGrouped
      ? { orient: "bottom", title: null, symbolType: "circle", symbolOpacity: 1, offset: 14 }
      : null,
  };
  const position = {
    field: "ratio",
    type: "quantitative",
    title: columns > 2 ? null : `${column.label}, multiple of ${base}`,
    scale: isLog
      ? { type: "log", domain: logDomain(ratios), nice: false }
      : { domain: linearDomain(ratios), zero: false, nice: false },
    axis: {
      labelExpr: "format(datum.value, ',.3~r') + '×'",
      domain: false,
      grid: true,
      ...(isLog ? { values: logTicks(...logDomain(ratios)) } : { tickCount: 6 }),
    },
  };
  const tooltip = [
    {
      field: "row",
      title: isGrouped && group !== undefined ? columnOf(group).label : columnOf(series).label,
    },
    { field: "series", title: columnOf(series).label },
    { field: "text", title: `Multiple of ${base}` },
    { field: "detail", title: column.label },
  ];
  const layer: Spec[] = [
    {
      mark: { type: "rule", color: GREY, strokeDash: [4, 3] },
      encoding: { x: { datum: 1, type: "quantitative", scale: position.scale } },
    },
    {
      mark: { type: "rule", strokeWidth: 2, opacity: 0.55 },
      encoding: { y, ...yOffset, x: { ...position, field: "from" }, x2: { field: "ratio" }, color },
    },
    {
      mark: { type: "point", filled: true, size: 60, opacity: 1 },
      encoding: { y, ...yOffset, x: position, color, tooltip },
    },
    {
      transform: [{ calculate: "datum.ratio >= 0.995 ? datum.text : ''", as: "above" }],
      mark: { type: "text", align: "left", dx: 7 },
      encoding: { y, ...yOffset, x: position, text: { field: "above" } },
    },
    {
      transform: [{ calculate: "datum.ratio < 0.995 ? datum.text : ''", as: "below" }],
      mark: { type: "text", align: "right", dx: -7 },
      encoding: { y, ...yOffset, x: position, text: { field: "below" } },
    },
    ...(missing.length > 0 ? [missingLayer(y, yOffset, 1)] : []),
  ];
  const step = isGrouped ? ROW_STEP * domain.length + 10 : 26;
  return {
    view: inPanels(
      [...values, ...missing.filter((datum) => panels.includes(String(datum[PANEL])))],
      { width, height: { step, for: "position" }, layer },
      { labels: panels, columns, spacing: 40 },
    ),
    title: `${column.label} against ${base}`,
    subtitle: `Multiples of ${base} (dashed line)${directionOf(column.better)}${isLog ? "; log scale" : ""}`,
    notes:
      points.length < others.length
        ? [`Left out: ${humanNumber(others.length - points.length)} row(s) without a baseline row or value.`]
        : [],
    width: columns * (width + 40) + 160,
  };
}

/** slowdown is a ratio of cycles already; any other column is divided here. */
function ratioOf(name: string, row: Row, base: Row | undefined): number | undefined {
  const column = name === "slowdown" ? "cycles" : name;
  const [value, divisor] = [row[column], base?.[column]];
  return typeof value === "number" && typeof divisor === "number" && divisor > 0
    ? value / divisor
    : undefined;
}

function scaleOf({ scale }: NamedChartSpec): "linear" | "log" | undefined {
  return typeof scale === "object" ? (scale.x ?? scale.y) : scale;
}

function directionOf(better: "fewer" | "more" | "neither"): string {
  if (better === "neither") return "";
  return better === "fewer" ? "; left is better" : "; right is better";
}

function spread(ratios: readonly number[]): number {
  const positive = ratios.filter((ratio) => ratio > 0);
  return positive.length === 0 ? 1 : Math.max(1, ...positive) / Math.min(1, ...positive);
}

/** From below the least to above the greatest, with room for the numbers; 1 is inside. */
function logDomain(ratios: readonly number[]): [number, number] {
  const positive = ratios.filter((ratio) => ratio > 0);
  const [least, most] = [Math.min(1, ...positive), Math.max(1, ...positive)];
  const room = (most / least) ** 0.16;
  return [least < 0.95 ? least / room : 0.9, most * room];
}

function linearDomain(ratios: readonly number[]): [number, number] {
  const [least, most] = [Math.min(1, ...ratios), Math.max(1, ...ratios)];
  const room = Math.max((most - least) * 0.16, 0.05);
  return [least < 0.98 ? Math.max(0, least - room) : least - room / 4, most + room];
}
