import { expect, it } from "vitest";
import { pictureLines } from "./picture-lines.js";

it("tells a picture once, with its formats", () => {
  const files = ["charts/1-a.vl.json", "charts/1-a.svg", "charts/1-a.png", "charts/2-b.png", "report.html"];
  expect(pictureLines(files)).toEqual([
    "charts/1-a.svg (also .vl.json, .png)",
    "charts/2-b.png",
    "report.html",
  ]);
});
