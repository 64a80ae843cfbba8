/** Drawing without a canvas: deterministic pictures, text that fits, titles that cannot name a folder. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ChartSpec } from "../scenario/charts.js";
import type { UserError } from "../util/errors.js";
import { svgOf } from "./engine.js";
import { fontFiles, textWidthOf } from "./fonts.js";
import { pngOf } from "./raster.js";
import { renderCharts } from "./render.js";
import { gallery } from "./testing/gallery.js";
import { eptRows } from "./testing/rows.js";

const context = { axes: ["technique", "workload", "page"], baseline: { technique: "native" } };
const stack = { kind: "stack", where: "workload == 'gups' and page == '4K'" } as const;

describe("pictures", () => {
  it("draws every chart of the gallery with text in it", async () => {
    const charts = gallery();
    expect(charts.length).toBeGreaterThan(10);
    for (const { chart, rows, context: about } of charts) {
      const [drawn] = await renderCharts([chart], rows, about);
      expect(drawn!.svg).toMatch(/<text/);
      expect(drawn!.svg).not.toMatch(/NaN|undefined|\[object/);
    }
  });

  it("are the same bytes every time", async () => {
    const hashOf = async (): Promise<string[]> => {
      const [drawn] = await renderCharts([stack], eptRows(), context);
      return drawn!.files.map(({ data }) => createHash("sha256").update(data).digest("hex"));
    };
    expect(await hashOf()).toEqual(await hashOf());
  });

  it("have letters: a font that is missing would leave the picture smaller", async () => {
    const svg = await svgOf({ mark: "point", data: { values: [{}] }, title: "Letters" });
    const without = svg.replaceAll("Letters", "");
    expect((await pngOf(svg)).length).toBeGreaterThan((await pngOf(without)).length);
  });

  it("of a size that no memory holds are refused before they are drawn", async () => {
    const spec = { mark: "bar", width: 1e9, height: 1e9 };
    await expect(renderCharts([{ spec }], eptRows(), context)).rejects.toThrow(
      /by 1000000\d* pixels, more than/,
    );
  });

  it("that cannot be drawn say which chart, in few words", async () => {
    const place = "f.yaml: charts";
    const refused = (chart: ChartSpec) =>
      renderCharts([chart], eptRows(), { axes: context.axes, place }).catch((error: UserError) => error.text);
    expect(await refused({ kind: "compare" })).toMatch(/^f\.yaml: charts\[0\]: there is nothing to compare/);
    expect(String(await refused({ spec: {} })).length).toBeLessThan(400);
  });

  it("are named by their titles, made harmless", async () => {
    const [drawn] = await renderCharts([{ ...stack, title: "../../Évil / title" }], eptRows(), context);
    expect(drawn!.files.map(({ name }) => name)).toEqual(
      ["vl.json", "svg", "png"].map((end) => `charts/1-e-vil-title.${end}`),
    );
  });

  it("are named chart where an inline spec has no title, whatever the notes under it say", async () => {
    const spec = { mark: "point", encoding: { x: { field: "cycles", type: "quantitative" } } };
    const [drawn] = await renderCharts([{ spec }], eptRows(), context);
    expect(drawn!.files[0]!.name).toBe("charts/1-chart.vl.json");
  });

  it("refuse to read files even if a specification asks", async () => {
    const spec = {
      data: { url: "file:///etc/hostname" },
      mark: "point",
      encoding: { x: { field: "a", type: "nominal" } },
    };
    await expect(svgOf(spec)).rejects.toThrow(/cannot be drawn/);
  });

  it("name what Vega-Lite does not understand", async () => {
    await expect(
      svgOf({ mark: "nonsense", data: { values: [] } }, "ept.yaml: charts[3]"),
    ).rejects.toMatchObject({ where: "ept.yaml: charts[3]" });
  });
});

describe("text widths", () => {
  it("are the font's own: i is narrower than m, and widths add up", () => {
    const width = textWidthOf(fontFiles().regular);
    expect(width("i")).toBeCloseTo(569 / 2048, 6); // DejaVu Sans, hmtx
    expect(width("m")).toBeCloseTo(1995 / 2048, 6);
    expect(width("im")).toBeCloseTo(width("i") + width("m"), 12);
  });
});
