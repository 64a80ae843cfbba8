/**
 * How well the lab agrees with what was published, as pictures of validation.csv's rows: every figure by its paper; ours against
 * published; and which share of the predictions comes within which factor. Pure functions of rows.
 */
import type { Row } from "../scenario/scenario.js";
import { pictureOf } from "./chart.js";
import type { Drawing, Spec } from "./drawing.js";
import { drawable, RESIDUAL_SUBTITLE, residualView, scatter } from "./figures.js";
import { GREY, PLAIN } from "./theme.js";

const WIDTH = 420;
const HEIGHT = 240;
const STEP = 26;
/** The scale of factors ends here; what is farther off is above it. */
const MOST_FACTOR = 10;

/** The charts of a validation; none where nothing could be compared. */
export function validationCharts(rows: readonly Row[]): Spec[] {
  const drawn = drawable(rows);
  if (drawn.length === 0) return [];
  const predicted = drawn.filter(({ basis }) => basis === "predicted");
  const drawings = [
    residualsByPaper(drawn),
    scatter(drawn),
    ...(predicted.length === 0 ? [] : [shares(predicted)]),
  ];
  return drawings.map((drawing) => pictureOf(drawing, drawing.notes));
}

/** A line for each paper, a point for each of its figures. */
function residualsByPaper(rows: readonly Row[]): Drawing {
  return {
    view: residualView(rows, "paper", STEP),
    title: "Every figure, by publication",
    subtitle: RESIDUAL_SUBTITLE,
    notes: [],
    width: WIDTH + 400,
  };
}

/** The share of predicted figures that come within a factor: the empirical distribution of factors. */
function shares(rows: readonly Row[]): Drawing {
  const factors = rows.map((row) => Number(row["factor"])).sort((a, b) => a - b);
  const steps = factors.map((factor, index): Spec => ({ factor, share: (index + 1) / factors.length }));
  const values = [{ factor: 1, share: 0 }, ...steps.filter(({ factor }) => Number(factor) <= MOST_FACTOR)];
  const ended = [...values, { factor: MOST_FACTOR, share: values.at(-1)!.share }];
  const x = {
    field: "factor",
    type: "quantitative",
    title: "within a factor of",
    scale: { type: "log", domain: [1, MOST_FACTOR], nice: false },
    axis: { values: [1, 1.25, 1.5, 2, 3, 5, MOST_FACTOR], format: "~r" },
  };
  const y = {
    field: "share",
    type: "quantitative",
    title: "share of predicted figures",
    scale: { domain: [0, 1] },
    axis: { format: "%", tickCount: 5 },
  };
  // The goal: half within a quarter, nine in ten within a factor of two.
  const goals = [
    { factor: 1.25, share: 0.5 },
    { factor: 2, share: 0.9 },
  ];
  return {
    view: {
      width: WIDTH,
      height: HEIGHT,
      layer: [
        {
          data: { values: ended },
          mark: { type: "line", interpolate: "step-after", color: PLAIN },
          encoding: { x, y },
        },
        {
          data: { values: goals },
          mark: { type: "point", shape: "cross", size: 90, filled: true, color: GREY },
          encoding: { x, y },
        },
      ],
    },
    title: "How many predictions come how near",
    subtitle: `${factors.length} predicted; crosses: half within 25%, nine in ten within a factor of 2`,
    notes: [],
    width: WIDTH + 80,
  };
}
