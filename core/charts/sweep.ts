/**
 * A sweep: lines of a value over a number (a footprint, a count of processes). Sizes are on a log2 axis
 * with units at the ticks; each line has a colour and a shape of its own, so that it survives a
 * black-and-white printer.
 */
import { columnOf } from "../results/columns.js";
import { humanValue } from "../results/humanise.js";
import type { NamedChartSpec } from "../scenario/charts.js";
import type { Row } from "../scenario/scenario.js";
import { UserError } from "../util/errors.js";
import { axisTitle, binaryTicks, logTicks, thinned, tickLabel } from "./axes.js";
import { baselineRow } from "./baseline.js";
import { type Drawing, inPanels, PANEL, panelGrid, type Scene, type Spec } from "./drawing.js";
import { usualMeasure } from "./measure.js";
import { distinct, labelOf, leftoverAxes, panelsFor } from "./panels.js";
import { GREY, PLAIN, seriesScale } from "./theme.js";

/** Wider than this (largest over smallest), and an axis is logarithmic. */
const LINEAR_RANGE = 50;

export function sweepChart(spec: NamedChartSpec, scene: Scene): Drawing {
  const x = spec.x ?? numericAxis(scene);
  const name = spec.value ?? spec.y ?? usualMeasure(scene.rows).column;
  const value = columnOf(name);
  const relative = spec.baseline !== undefined && name !== "slowdown";
  const points = scene.rows.flatMap((row) => {
    const across = row[x];
    const amount = relative ? ratio(row[name], baselineRow(row, spec, scene)?.[name]) : row[name];
    return typeof across === "number" && typeof amount === "number" ? [{ row, across, amount }] : [];
  });

  const used = spec.facet ? [x, spec.facet] : [x];
  const series = spec.color ?? seriesColumn(scene, used);
  const leftover = leftoverAxes(scene.rows, scene.axes, series === undefined ? used : [...used, series]);
  const { panel, inner, label } = panelsFor(scene.rows, spec.facet, leftover);
  const lineOf = (row: Row): string =>
    [series === undefined ? "" : humanValue(series, row[series] ?? ""), labelOf(row, label)]
      .filter(Boolean)
      .join(" · ");
  const unit = relative ? columnOf("slowdown") : value;
  const values = points.map(
    ({ row, across, amount }): Spec => ({
      [PANEL]: labelOf(row, panel),
      line: lineOf(row),
      x: across,
      y: amount,
      at: humanValue(x, across),
      text: humanValue(unit.name, amount),
    }),
  );
  const lines = distinct(points.map(({ row }) => lineOf(row)));
  const panels = distinct(points.map(({ row }) => labelOf(row, panel)));
  const { colours, shapes } = seriesScale(label.length > 0 ? "" : (series ?? ""), lines);
  const legend =
    lines.length > 1 && series !== spec.facet
      ? {
          title: series === undefined ? null : columnOf(series).label,
          orient: "bottom",
          symbolSize: 80,
          offset: 10,
        }
      : null;
  const color = {
    field: "line",
    type: "nominal",
    scale: { domain: lines, range: series === undefined ? [PLAIN] : colours },
    legend,
  };
  const { columns, width } = panelGrid(panels.length, inner);
  const amounts = points.map((point) => point.amount);
  const places = distinct(points.map((point) => point.across)).sort((a, b) => a - b);
  const [xScale, yScale] = scalesOf(spec, places, amounts);
  const ticks = thinned(places, Math.floor(width / 58));
  const across = columnOf(x);
  const title = relative ? `${value.label}, multiple of ${spec.baseline}` : axisTitle(value);
  const encoding = {
    x: {
      field: "x",
      type: "quantitative",
      title: titleOf(axisTitle(across), xScale, false),
      scale: scaleSpec(xScale, across.unit === "bytes" || isPowersOfTwo(places)),
      axis: { values: ticks, labelExpr: tickLabel(across), labelOverlap: "greedy", grid: false },
    },
    y: {
      field: "y",
      type: "quantitative",
      title: columns > 1 ? null : titleOf(title, yScale, true), // in the subtitle where panels are small
      scale: scaleSpec(yScale, unit.unit === "bytes"),
      axis: {
        labelExpr: tickLabel(unit),
        domain: false,
        ticks: false,
        grid: true,
        ...verticalTicks(unit.unit === "bytes", yScale, amounts, columns === 1 ? 6 : 4),
      },
    },
    color,
  };
  const layer: Spec[] = [
    { mark: { type: "line" }, encoding: { ...encoding, strokeWidth: thinning(lines, 4.5, 1.5) } },
    {
      mark: { type: "point", filled: true, opacity: 1 },
      encoding: {
        ...encoding,
        size: thinning(lines, 120, 36),
        shape: { field: "line", type: "nominal", scale: { domain: lines, range: shapes }, legend },
        tooltip: [
          { field: "line", title: series === undefined ? "Line" : columnOf(series).label },
          { field: "at", title: across.label },
          { field: "text", title: value.label },
        ],
      },
    },
  ];
  if (relative || value.unit === "ratio") {
    layer.unshift({
      mark: { type: "rule", color: GREY, strokeDash: [4, 3] },
      encoding: { y: { datum: 1, type: "quantitative" } },
    });
  }
  return {
    view: inPanels(
      values,
      { width, height: columns === 1 ? 320 : 200, layer },
      { labels: panels, columns, spacing: 36 },
    ),
    title: `${value.label} over ${across.label.toLowerCase()}`,
    subtitle: [
      title,
      value.better === "neither" ? "" : `${value.better === "fewer" ? "lower" : "higher"} is better`,
      columns > 1 && yScale === "log" ? "log scale" : "",
    ]
      .filter(Boolean)
      .join("; "),
    notes: [],
    width: columns * (width + 36) + 100,
  };
}

/** Later lines are thinner, so that lines that coincide are all seen. */
function thinning(lines: readonly string[], from: number, to: number): Spec {
  const step = lines.length < 2 ? 0 : (from - to) / (lines.length - 1);
  const range = lines.length < 2 ? [(from + to) / 2] : lines.map((_, index) => from - index * step);
  return { field: "line", type: "nominal", scale: { domain: lines, range }, legend: null };
}

function verticalTicks(isBytes: boolean, scale: ScaleType, amounts: readonly number[], count: number): Spec {
  if (isBytes && scale === "linear") return { values: binaryTicks(Math.max(...amounts), count) };
  return scale === "log" && !isBytes ? { values: logTicks(...extent(amounts)) } : { tickCount: count };
}

function extent(numbers: readonly number[]): [number, number] {
  return [Math.min(...numbers), Math.max(...numbers)];
}

function ratio(value: string | number | undefined, base: string | number | undefined): number | undefined {
  return typeof value === "number" && typeof base === "number" && base > 0 ? value / base : undefined;
}

/** The axis with the most numbers. @throws UserError when no axis is a number. */
function numericAxis(scene: Scene): string {
  const counts = scene.axes.map((axis) => {
    const numbers = scene.rows.map((row) => row[axis]).filter((value) => typeof value === "number");
    return { axis, count: new Set(numbers).size };
  });
  const best = counts.sort((a, b) => b.count - a.count)[0];
  if (best !== undefined && best.count > 1) return best.axis;
  throw new UserError("a sweep needs an axis of numbers, and there is none", {
    mend: "name one with x:, or use kind: compare",
  });
}

/**
 * What is told apart by colour when the chart does not say: the technique where it varies, else the first
 * axis that does.
 */
function seriesColumn(scene: Scene, used: readonly string[]): string | undefined {
  const free = leftoverAxes(scene.rows, scene.axes, used);
  return free.includes("technique") ? "technique" : free[0];
}

type ScaleType = "linear" | "log";

function scalesOf(
  { scale }: NamedChartSpec,
  xs: readonly number[],
  ys: readonly number[],
): [ScaleType, ScaleType] {
  const wanted = typeof scale === "object" ? scale : { y: scale };
  return [wanted.x ?? scaleFor(xs, 8), wanted.y ?? scaleFor(ys, LINEAR_RANGE)];
}

function scaleFor(numbers: readonly number[], range: number): ScaleType {
  const [least, most] = extent(numbers);
  return least > 0 && most / least > range ? "log" : "linear";
}

function scaleSpec(type: ScaleType, isBinary: boolean): Spec {
  if (type === "linear") return { type, zero: true };
  return { type, base: isBinary ? 2 : 10, nice: false, padding: 8 };
}

function isPowersOfTwo(numbers: readonly number[]): boolean {
  return numbers.every((number) => number > 0 && Number.isInteger(Math.log2(number)));
}

function titleOf(title: string, scale: ScaleType, isVertical: boolean): string {
  return scale === "log" ? `${title}${isVertical ? ", log scale" : " (log scale)"}` : title;
}
