/**
 * Our values beside published ones, as pictures of the rows of figures.csv (scenario/figures/rows.ts): ours over published, figure
 * by figure; and ours against published, on logarithmic scales both. Pure functions of rows.
 */
import { humanNumber } from "../results/humanise.js";
import type { Row } from "../scenario/scenario.js";
import { pictureOf } from "./chart.js";
import type { Drawing, Spec } from "./drawing.js";
import { GREY } from "./theme.js";

/** Colour and shape of each basis of comparison: what is fitted must not pass for a prediction. */
const BASES = [
  { basis: "predicted", colour: "#0072b2", shape: "circle" },
  { basis: "fitted", colour: "#e69f00", shape: "diamond" },
] as const;
/** Within a quarter, and within a factor of two. */
export const BANDS = [
  { within: 2, opacity: 0.1 },
  { within: 1.25, opacity: 0.16 },
] as const;
const WIDTH = 420;
const STEP = 20;
/** Pixels that the names of figures and publications may take. */
const LABEL_LIMIT = 420;
const SIDE = 400;
/** Letters of a figure's name that are shown; the tooltip has all. */
const LABEL = 44;

/** The charts of a run's figures; none where nothing could be compared. */
export function figureCharts(rows: readonly Row[]): Spec[] {
  const drawn = drawable(rows);
  if (drawn.length === 0) return [];
  const left = rows.length - drawn.length;
  const notes =
    left === 0
      ? []
      : [`Not shown: ${left} of ${rows.length} figures, which are 0, missing or outside of the model.`];
  return [residuals(drawn), scatter(drawn)].map((drawing) => pictureOf(drawing, notes));
}

/** Those that a logarithmic scale can show. */
export function drawable(rows: readonly Row[]): Row[] {
  return rows.filter((row) => Number(row["published"]) > 0 && Number(row["ours"]) > 0);
}

/** A row of figures.csv as data of a point; `multiple` is ours over published. */
export function datumOf(row: Row): Spec {
  const [published, ours] = [Number(row["published"]), Number(row["ours"])];
  const [factor, error] = [Number(row["factor"]), Number(row["error"])];
  return {
    figure: clipped(String(row["figure"])),
    title: row["title"],
    paper: row["paper"],
    published,
    ours,
    // Of a range the nearest end counts, so this is 1 within it.
    multiple: error < 0 ? 1 / factor : factor,
    text: `${humanNumber(ours)} against ${publishedText(row)}`,
    basis: row["basis"],
    confidence: row["confidence"],
  };
}

/** "15,800 cycles", "236 to 400 cycles". */
export function publishedText(row: Row): string {
  const to = row["published_to"];
  const end = typeof to === "number" ? ` to ${humanNumber(to)}` : "";
  return `${humanNumber(Number(row["published"]))}${end} ${row["unit"]}`;
}

const TOOLTIP = [
  { field: "title", title: "What" },
  { field: "paper", title: "Publication" },
  { field: "text", title: "Ours" },
  { field: "multiple", title: "Ours over published", format: ".3r" },
  { field: "basis", title: "Basis" },
  { field: "confidence", title: "Confidence" },
];

/** Colour, shape and tooltip of points. */
export function pointEncoding(rows: readonly Row[]): Spec {
  const bases = BASES.filter(({ basis }) => rows.some((row) => row["basis"] === basis));
  const domain = bases.map(({ basis }) => basis);
  const legend = { orient: "bottom", title: null };
  return {
    color: {
      field: "basis",
      type: "nominal",
      scale: { domain, range: bases.map(({ colour }) => colour) },
      legend,
    },
    shape: {
      field: "basis",
      type: "nominal",
      scale: { domain, range: bases.map(({ shape }) => shape) },
      legend,
    },
    tooltip: TOOLTIP,
  };
}

/** Ours over published: a point for each figure, in the order of the scenario. */
function residuals(rows: readonly Row[]): Drawing {
  return {
    view: residualView(rows, "figure", STEP),
    title: "Ours beside what was published",
    subtitle: RESIDUAL_SUBTITLE,
    notes: [],
    width: WIDTH + LABEL_LIMIT,
  };
}

export const RESIDUAL_SUBTITLE =
  "ours / published, logarithmic; the bands are within 25% and within a factor of 2";

/** Points at ours over published, in lines by a field of datumOf, with the bands behind them. @param step height of a line, pixels */
export function residualView(rows: readonly Row[], line: "figure" | "paper", step: number): Spec {
  const values = rows.map(datumOf);
  const multiples = values.map((value) => Number(value["multiple"]));
  const domain = [Math.min(0.4, ...multiples) / 1.1, Math.max(2.5, ...multiples) * 1.1];
  const scale = { type: "log", domain, nice: false };
  const ticks = [0.01, 0.1, 0.2, 0.5, 0.8, 1, 1.25, 2, 5, 10, 100].filter(
    (tick) => tick > domain[0]! && tick < domain[1]!,
  );
  const x = {
    field: "multiple",
    type: "quantitative",
    scale,
    title: "ours / published",
    axis: { values: ticks, format: "~r" },
  };
  const y = {
    field: line,
    type: "nominal",
    sort: [...new Set(values.map((value) => value[line]))],
    title: null,
    axis: { grid: true, ticks: false, domain: false, labelLimit: LABEL_LIMIT },
  };
  const bands = BANDS.map(
    ({ within, opacity }): Spec => ({
      data: { values: [{ from: 1 / within, to: within }] },
      mark: { type: "rect", color: "#009e73", opacity },
      encoding: { x: { field: "from", type: "quantitative", scale }, x2: { field: "to" } },
    }),
  );
  return {
    data: { values },
    width: WIDTH,
    height: { step },
    layer: [
      ...bands,
      {
        data: { values: [{}] },
        mark: { type: "rule", color: GREY },
        encoding: { x: { datum: 1, type: "quantitative", scale } },
      },
      {
        mark: { type: "point", size: 70, filled: true, opacity: line === "paper" ? 0.7 : 1 },
        encoding: { x, y, ...pointEncoding(rows) },
      },
    ],
  };
}

/** Ours against published. */
export function scatter(rows: readonly Row[]): Drawing {
  const values = rows.map(datumOf);
  const all = values.flatMap(({ published, ours }) => [Number(published), Number(ours)]);
  const domain = [Math.min(...all) / 1.5, Math.max(...all) * 1.5] as const;
  const scale = { type: "log", domain, nice: false };
  const decades = [Math.floor(Math.log10(domain[0])), Math.ceil(Math.log10(domain[1]))] as const;
  const powers = Array.from({ length: decades[1] - decades[0] + 1 }, (_, at) => 10 ** (decades[0] + at));
  const axis = {
    values: powers.filter((power) => power >= domain[0] && power <= domain[1]),
    // A tenth is 0.1, and not 100m.
    labelExpr: "format(datum.value, datum.value < 1 ? '~r' : '~s')",
  };
  const line = (factor: number): Spec => ({
    data: { values: domain.map((published) => ({ published, ours: published * factor })) },
    mark: {
      type: "line",
      color: GREY,
      strokeWidth: 1,
      clip: true,
      ...(factor === 1 ? {} : { strokeDash: [4, 3] }),
    },
    encoding: {
      x: { field: "published", type: "quantitative", scale },
      y: { field: "ours", type: "quantitative", scale },
    },
  });
  return {
    view: {
      data: { values },
      width: SIDE,
      height: SIDE,
      layer: [
        ...[0.5, 1, 2].map(line),
        {
          mark: { type: "point", size: 60, filled: true, opacity: 0.85 },
          encoding: {
            x: { field: "published", type: "quantitative", scale, axis, title: "published" },
            y: { field: "ours", type: "quantitative", scale, axis, title: "ours" },
            ...pointEncoding(rows),
          },
        },
      ],
    },
    title: "Ours against published",
    subtitle: "each figure in its own unit; the lines are equal, twice and half",
    notes: [],
    width: SIDE + 120,
  };
}

function clipped(text: string): string {
  return text.length <= LABEL ? text : `${text.slice(0, LABEL - 1)}…`;
}
