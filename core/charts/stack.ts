/**
 * A stack: where the cycles go, by who owns them; with `value: memory_used_bytes` where a host's memory is, and with
 * `value: start_time` the phases of a start, one after another; one bar for each value of `x`. Bars lie, so that names are read
 * without turning the head. Cycles are per reference by default, or per instruction of code; `value: cycles` gives totals, and a
 * baseline gives multiples of the baseline's cycles, so that bars of different workloads share a scale.
 */
import { columnOf } from "../results/columns.js";
import { humanInUnit, humanValue, times } from "../results/humanise.js";
import type { NamedChartSpec } from "../scenario/charts.js";
import type { Row } from "../scenario/scenario.js";
import { axisTitle, binaryTicks, tickLabel } from "./axes.js";
import { baselineRow, isRelative } from "./baseline.js";
import { type Drawing, inPanels, missingLayer, PANEL, panelGrid, type Scene, type Spec } from "./drawing.js";
import { divisorOf, usualMeasure } from "./measure.js";
import { inOrder, labelOf, leftoverAxes, panelsFor } from "./panels.js";
import { CATEGORY_SCALE, LEDGER_SCALE, PHASE_SCALE } from "./theme.js";

const BAR_STEP = 22;

/** What is stacked: the parts of a whole, which is a column itself. */
interface Stacked {
  readonly whole: string;
  readonly parts: readonly { readonly column: string; readonly label: string; readonly colour: string }[];
  readonly part: string;
  readonly title: string;
  readonly order: string;
}

const CYCLE_STACK: Stacked = {
  whole: "cycles",
  parts: CATEGORY_SCALE,
  part: "Cycles",
  title: "Where the cycles go",
  order: " by owner: guest (blues), translation (oranges), virtualization (purples)",
};

/** Of a host with instances. */
const LEDGER_STACK: Stacked = {
  whole: "memory_used_bytes",
  parts: LEDGER_SCALE,
  part: "Memory",
  title: "Where the memory is",
  order: " by what it is for; every frame is in one category",
};

/** Of instances that start: phases follow one another, so the bar is a timeline. */
const START_STACK: Stacked = {
  whole: "start_time",
  parts: PHASE_SCALE,
  part: "Phase",
  title: "Where the time of a start goes",
  order: ", phases in the order in which they come",
};

const STACKS = [LEDGER_STACK, START_STACK];

export function stackChart(spec: NamedChartSpec, scene: Scene): Drawing {
  const x = spec.x ?? "technique";
  const relative = isRelative(spec, scene);
  const value = columnOf(relative ? "slowdown" : (spec.value ?? spec.y ?? usualMeasure(scene.rows).column));
  const stacked = STACKS.find(({ whole }) => whole === value.name) ?? CYCLE_STACK;
  const unit = divisorOf(value.name);
  const all = [...scene.rows, ...scene.missing];
  const leftover = leftoverAxes(all, scene.axes, [x, ...(spec.facet ? [spec.facet] : [])]);
  const { panel, inner, label } = panelsFor(all, spec.facet, leftover);
  const drawn = scene.rows.flatMap((row) => {
    const divisor = relative ? baselineRow(row, spec, scene)?.["cycles"] : unit === undefined ? 1 : row[unit];
    return typeof divisor === "number" && divisor > 0 ? [{ row, divisor }] : [];
  });

  const present = stacked.parts.filter(({ column }) => drawn.some(({ row }) => Number(row[column]) > 0));
  const barOf = (row: Row): string =>
    [humanValue(x, row[x] ?? ""), labelOf(row, label)].filter(Boolean).join(" · ");
  const write = relative ? times : (amount: number): string => humanInUnit(value.unit, amount);
  const values = drawn.flatMap(({ row, divisor }) =>
    present.map((category, order): Spec => {
      const amount = Number(row[category.column] ?? 0) / divisor;
      return {
        [PANEL]: labelOf(row, panel),
        bar: barOf(row),
        category: category.label,
        order,
        value: amount,
        text: write(amount),
      };
    }),
  );
  const totals = drawn.map(({ row, divisor }): Spec => {
    const total = Number(row[stacked.whole]) / divisor;
    return { [PANEL]: labelOf(row, panel), bar: barOf(row), total, text: write(total) };
  });

  const missing = scene.missing.map(
    (row): Spec => ({
      [PANEL]: labelOf(row, panel),
      bar: barOf(row),
      missing: row["status"] ?? "",
      reason: row["reason"] ?? "",
    }),
  );

  const bars = inOrder(all, [...drawn.map(({ row }) => row), ...scene.missing], barOf);
  const panels = inOrder(
    all,
    drawn.map(({ row }) => row),
    (row) => labelOf(row, panel),
  );
  const { columns, width } = panelGrid(panels.length, inner);
  const sharesScale = relative || panels.length < 2;
  const y = { field: "bar", type: "nominal", sort: bars, title: null, axis: { ticks: false, domain: false } };
  const tickCount = Math.max(3, Math.round(width / 70));
  const most = Math.max(0, ...totals.map(({ total }) => Number(total)));
  const ticks = value.unit === "bytes" ? { values: binaryTicks(most, tickCount) } : { tickCount };
  const axis = { labelExpr: tickLabel(value), ...ticks, domain: false };
  const layer: Spec[] = [
    {
      transform: [{ filter: "isValid(datum.category)" }],
      mark: { type: "bar", stroke: "#ffffff", strokeWidth: 0.5, height: { band: 0.76 } },
      encoding: {
        y,
        x: {
          field: "value",
          type: "quantitative",
          stack: "zero",
          title: sharesScale ? axisTitle(value) : null,
          axis,
        },
        color: {
          field: "category",
          type: "nominal",
          scale: {
            domain: present.map((category) => category.label),
            range: present.map((category) => category.colour),
          },
          legend: { orient: "bottom", columns: 5, title: null, symbolType: "square", offset: 14 },
        },
        order: { field: "order", type: "quantitative" },
        tooltip: [
          { field: "bar", title: columnOf(x).label },
          { field: "category", title: stacked.part },
          { field: "text", title: value.label },
        ],
      },
    },
    {
      transform: [{ filter: "isValid(datum.total)" }],
      mark: { type: "text", align: "left", dx: 4, fontSize: 10.5 },
      encoding: { y, x: { field: "total", type: "quantitative" }, text: { field: "text" } },
    },
    ...(missing.length > 0 ? [missingLayer(y, {}, 0)] : []),
  ];
  const measured = relative ? "Cycles as multiples of the baseline's" : value.label;
  const scales = sharesScale ? "" : "; each panel has its own scale";
  return {
    view: inPanels(
      [...values, ...totals, ...missing.filter((datum) => panels.includes(String(datum[PANEL])))],
      { width, height: { step: BAR_STEP }, layer },
      {
        labels: panels,
        columns,
        spacing: 46,
        independent: sharesScale ? [] : ["x"],
      },
    ),
    title: stacked.title,
    subtitle: `${measured}${stacked.order}${scales}`,
    notes: noteMissing(scene.rows.length - drawn.length, relative ? "has no baseline row" : `has no ${unit}`),
    width: columns * (width + 46) + 140,
  };
}

function noteMissing(missing: number, why: string): string[] {
  return missing > 0
    ? [`Left out: ${missing} ${missing === 1 ? "row that" : "rows, each of which"} ${why}.`]
    : [];
}
