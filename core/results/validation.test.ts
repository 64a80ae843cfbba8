/** What a validation comes to: shares, orders, and each publication left out, of rows made up so that the answer is known. */
import { expect, test } from "vitest";
import { validationCharts } from "../charts/validation.js";
import { validationHtml } from "../charts/validation-page.js";
import type { Row } from "../scenario/index.js";
import { type PaperResult, summaryOf, validationRows } from "./validation.js";
import { summaryLinesOf } from "./validation-text.js";

function figure(paper: string, published: number, ours: number, more: Partial<Row> = {}): Row {
  const error = (ours - published) / published;
  const factor = Math.max(ours / published, published / ours);
  const fixed = {
    title: "t",
    group: "g",
    unit: "ratio",
    published_to: "",
    fitted: "",
    reason: "",
    confidence: "high",
  };
  const status = { basis: "predicted", status: "compared" };
  return {
    figure: `${paper}-${published}`,
    paper,
    published,
    ours,
    error,
    factor,
    ...fixed,
    ...status,
    ...more,
  };
}

const PAPERS: readonly PaperResult[] = [
  {
    scenario: "one",
    size: "tiny",
    figures: [
      figure("A", 10, 10.5),
      figure("A", 20, 24),
      figure("A", 30, 12),
      figure("A", 40, 44, { basis: "fitted", fitted: "x y" }),
    ],
    orderings: [],
  },
  {
    scenario: "two",
    size: "tiny",
    figures: [
      figure("B", 1, 1.4),
      figure("B", 2, 0, { ours: "", error: "", factor: "", status: "missing", reason: "failed" }),
      figure("B", 3, 0, { ours: "", error: "", factor: "", status: "outside", basis: "outside" }),
    ],
    orderings: [],
  },
];

test("shares are of predicted figures that could be compared", () => {
  const { predicted, fitted, missing, outside } = summaryOf(PAPERS);
  expect(predicted).toMatchObject({
    figures: 4,
    within10: 0.25,
    within25: 0.5,
    within50: 0.75,
    withinTwo: 0.75,
  });
  expect(predicted.medianFactor).toBeCloseTo(1.3, 12);
  expect(fitted).toMatchObject({ figures: 1, within10: 1 });
  expect([missing, outside]).toEqual([1, 1]);
});

test("pairs within a group: 30 against 10 is kept, 30 against 20 is not", () => {
  const { pairs, groups } = summaryOf(PAPERS);
  expect(pairs).toEqual({ count: 6, same: 5 });
  expect(groups).toHaveLength(1);
  expect(groups[0]!.kendall).toBeCloseTo(4 / 6, 12);
});

test("values that are nearly equal, or overlap as ranges, are no order", () => {
  const figures = [figure("A", 10, 5), figure("A", 10.2, 4), figure("A", 9, 20, { published_to: 11 })];
  expect(summaryOf([{ scenario: "s", size: "tiny", figures, orderings: [] }]).pairs).toEqual({
    count: 0,
    same: 0,
  });
});

test("each publication: its own predictions, and what was set from it", () => {
  const [a, b] = summaryOf(PAPERS).papers;
  expect(a).toMatchObject({ paper: "A", constants: ["x", "y"] });
  expect([a!.own.figures, b!.own.figures]).toEqual([3, 1]);
});

test("the page has every figure, escaped; nothing to compare gives no chart", () => {
  const hostile = { ...PAPERS[0]!, title: "<script>alert(1)</script>" };
  const summary = summaryOf([hostile]);
  const page = validationHtml([hostile], summary, validationCharts(validationRows([hostile])));
  expect(page.includes("<script>alert")).toBe(false);
  expect(page.includes("A-30")).toBe(true);
  expect(validationCharts([])).toEqual([]);
  expect(summaryLinesOf(summaryOf([]))[0]).toEqual(["predicted", "none"]);
});
