/** The history's chart and page: drawn from series, with a ring where a level changed, and with no network. */
import { describe, expect, it } from "vitest";
import { type HistoryLine, seriesOf } from "../results/history.js";
import { svgOf } from "./engine.js";
import { historyChart } from "./history.js";
import { historyHtml } from "./history-page.js";

const lines = [10, 10, 12].map(
  (cycles, at): HistoryLine => ({
    commit: `c${at}<`,
    time: `2026-01-0${at + 1}`,
    scenario: "s",
    size: "tiny",
    cells: 1,
    values: { cycles, exits: 4 },
  }),
);
const series = seriesOf(lines, "modelled");

describe("historyChart", () => {
  it("has a point for each value as a multiple of the first, and marks the change", async () => {
    const spec = historyChart(series, "Modelled")!;
    const { values } = spec["data"] as { values: Record<string, unknown>[] };
    expect(values.map(({ metric, multiple, direction }) => [metric, multiple, direction])).toEqual([
      ["Cycles", 1, null],
      ["Cycles", 1, null],
      ["Cycles", 1.2, "worse"],
      ["Exits", 1, null],
      ["Exits", 1, null],
      ["Exits", 1, null],
    ]);
    expect(await svgOf(spec)).toContain("s, tiny");
  });

  it("is nothing where there is nothing", () => {
    expect(historyChart([], "Nothing")).toBeUndefined();
  });
});

describe("historyHtml", () => {
  it("tells changes, escapes names, and fetches nothing", () => {
    const page = historyHtml(series);
    expect(page).toContain("+20%");
    expect(page).toContain("c2&lt;");
    expect(page).toContain("default-src &#39;none&#39;");
    expect(page).not.toContain("<h2>Host</h2>");
  });
});
