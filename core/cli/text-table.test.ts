import { expect, it } from "vitest";
import { textTable, wrapText } from "./text-table.js";

it("pads columns to their widest field, numbers to the right", () => {
  const lines = textTable(
    [{ title: "technique" }, { title: "cycles", align: "right" }],
    [
      ["native", "9"],
      ["hardware/nested", "12345678"],
    ],
  );
  expect(lines).toEqual([
    "technique          cycles",
    "native                  9",
    "hardware/nested  12345678",
  ]);
});

it("leaves no blanks at the end of a line", () => {
  expect(textTable([{ title: "a" }, { title: "reason" }], [["x", ""]])).toEqual(["a  reason", "x"]);
});

it("wraps at blanks and keeps the indent", () => {
  expect(wrapText("one two three", 9, "  ")).toEqual(["  one two", "  three"]);
  expect(wrapText("unbreakably long", 4)).toEqual(["unbreakably", "long"]);
  expect(wrapText("  ", 4)).toEqual([]);
});
