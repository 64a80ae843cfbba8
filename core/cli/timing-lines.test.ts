/** Host numbers as lines: references a second, deviation as a share, memory in its unit. */
import { expect, it } from "vitest";
import { timingTable } from "../results/timing.js";
import { timingLines } from "./timing-lines.js";

it("shows a line for each cell", () => {
  const timing = { samples: [1, 2, 3], min: 1, median: 2, mean: 2, p75: 2.5, p99: 3, sd: 0.5 };
  const cell = { cell: "workload=gups", timing, references: 12e6, peakRssBytes: 64 * 2 ** 20 };
  const [head, line, ...more] = timingLines(timingTable([cell]));
  expect(head!.split(/ {2,}/).slice(-2)).toEqual(["peak memory", "cell"]);
  expect(line!.trim().split(/ {2,}/)).toEqual(["6M", "2 s", "25%", "64 MiB", "workload=gups"]);
  expect(more).toEqual([]);
});

it("shows the rates of references and of code side by side where a scenario has both", () => {
  const timing = { samples: [2], min: 2, median: 2, mean: 2, p75: 2, p99: 2, sd: 0 };
  const cells = [
    { cell: "gups", timing, references: 12e6, peakRssBytes: 2 ** 20 },
    { cell: "compute", timing, instructions: 24e6, peakRssBytes: 2 ** 20 },
  ];
  const [head, first, second] = timingLines(timingTable(cells));
  expect(head!.trim().split(/ {2,}/).slice(0, 2)).toEqual(["references/s", "instructions/s"]);
  expect(first!.trim().split(/ {2,}/)[0]).toBe("6M");
  expect(second!.trim().split(/ {2,}/)[0]).toBe("12M");
});
