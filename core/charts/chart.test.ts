/** Each kind of chart against its golden specification, and what a chart refuses. BLESS=1 rewrites the golden files. */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { chartOf } from "./chart.js";
import { gallery } from "./testing/gallery.js";


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
