/**
 * Each kind of chart against its golden specification, and what a chart refuses. BLESS=1 rewrites the
 * golden files.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ChartSpec } from "../scenario/charts.js";
import { UserError } from "../util/errors.js";
import { chartOf } from "./chart.js";
import type { Spec } from "./drawing.js";
import { gallery } from "./testing/gallery.js";
import { eptRows } from "./testing/rows.js";

const context = {
  axes: ["technique", "workload", "page"],
  baseline: { technique: "native" },
  place: "ept.yaml: charts[0]",
};

/** All data of a specification, wherever it is. */
function dataOf(spec: Spec): readonly Spec[] {
  const view = (spec["vconcat"] as readonly Spec[] | undefined)?.[0] ?? spec;
  return (view["data"] as { values: readonly Spec[] }).values;
}

function refusal(chart: ChartSpec): UserError {
  try {
    chartOf(chart, eptRows(), context);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("golden specifications", () => {
  for (const { name, chart, rows, context: about } of gallery()) {
    it(name, () => {
      const path = new URL(`./testing/${name}.vl.json`, import.meta.url);
      const text = `${JSON.stringify(chartOf(chart, rows, about), null, 1)}\n`;
      if (process.env["BLESS"] === "1") writeFileSync(path, text);
      expect(text).toBe(readFileSync(path, "utf8"));
    });
  }
});

describe("what a chart shows", () => {
  it("stacks every cycle: the categories of a bar sum to its total", () => {
    const data = dataOf(chartOf({ kind: "stack", facet: "workload" }, eptRows(), context));
    const sums = new Map<string, number>();
    for (const { panel, bar, value } of data) {
      if (typeof value === "number") sums.set(`${panel} ${bar}`, (sums.get(`${panel} ${bar}`) ?? 0) + value);
    }
    const totals = data.filter(({ total }) => total !== undefined);
    expect(totals).toHaveLength(34);
    for (const { panel, bar, total } of totals)
      expect(sums.get(`${panel} ${bar}`)).toBeCloseTo(Number(total), 9);
  });

  it("piles no two cells on one another: axes that the chart does not name become panels", () => {
    const data = dataOf(chartOf({ kind: "stack", facet: "workload" }, eptRows(), context));
    const keys = data.filter(({ total }) => total !== undefined).map(({ panel, bar }) => `${panel} ${bar}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toContain("gups · 2M pages native");
  });

  it("says under the chart which cells are missing, and in their place", () => {
    const text = JSON.stringify(chartOf({ kind: "stack", facet: "workload" }, eptRows(), context));
    expect(text).toContain("Not shown: 5 cells unsupported: paravirtual/direct maps guests by 4K pages only");
    expect(text).toContain('"missing":"failed"');
  });

  it("compares with the baseline row that is equal in all other axes", () => {
    const rows = eptRows();
    const data = dataOf(
      chartOf({ kind: "compare", value: "tlb_misses", baseline: "4K", x: "page" }, rows, context),
    );
    const gups = data.find(({ panel, row }) => panel === "gups" && row === "native");
    const of = (page: string) =>
      Number(
        rows.find((r) => r["technique"] === "native" && r["workload"] === "gups" && r["page"] === page)![
          "tlb_misses"
        ],
      );
    expect(gups?.["ratio"]).toBeCloseTo(of("2M") / of("4K"), 12);
  });
});

describe("what a chart refuses", () => {
  it("an unknown column, with the nearest", () => {
    const error = refusal({ kind: "compare", value: "tlb_mises", baseline: "native" });
    expect(error.text).toContain('no row has a column "tlb_mises"');
    expect(error.text).toContain("tlb_misses");
    expect(error.where).toBe("ept.yaml: charts[0]");
  });

  it("nothing where no row is done: what is missing stands in its place", () => {
    const rows = eptRows().map(({ cell, technique }) => ({
      cell,
      technique,
      status: "unsupported",
      reason: "no image",
    }));
    const chart = chartOf({ kind: "stack", x: "technique", value: "cycles" }, rows, context);
    expect(JSON.stringify(chart)).toContain("no image");
  });

  it("an unknown column in where, and in an inline spec", () => {
    expect(refusal({ kind: "stack", where: "tecnique == 'native'" }).text).toContain("technique");
    const spec = { mark: "bar", encoding: { x: { field: "cyles", type: "quantitative" } } };
    expect(refusal({ spec }).text).toContain(`did you mean "cycles"`);
  });

  it("a comparison with nothing", () => {
    const chart = { kind: "compare", value: "cycles" } as const;
    expect(() => chartOf(chart, eptRows(), { ...context, baseline: undefined })).toThrow(
      "nothing to compare",
    );
  });

  it("a baseline that no row has", () => {
    expect(refusal({ kind: "compare", value: "cycles", baseline: "nativ" }).text).toContain(
      "values of technique: native",
    );
  });

  it("data from anywhere else", () => {
    const encoding = { x: { field: "cycles", type: "quantitative" } };
    expect(
      refusal({ spec: { data: { url: "file:///etc/hostname" }, mark: "bar", encoding } }).message,
    ).toContain("spec.data");
    const lookup = [{ lookup: "cell", from: { data: { url: "http://example.org/x.csv" }, key: "cell" } }];
    expect(refusal({ spec: { transform: lookup, mark: "bar", encoding } }).message).toContain("url");
  });

  it("but not a field that a transform makes", () => {
    const spec = {
      transform: [{ calculate: "datum.cycles * 2", as: "twice" }],
      mark: "bar",
      encoding: { x: { field: "twice", type: "quantitative" } },
    };
    expect(() => chartOf({ spec }, eptRows(), context)).not.toThrow();
  });
});
