import { expect, it } from "vitest";
import type { LabEvent } from "../lab/run.js";
import type { Cell, CellOutcome } from "../scenario/index.js";
import { duration, progressLine, progressOn } from "./progress.js";
import { fakeTerminal } from "./testing/fake-terminal.js";

const cell = (id: string): Cell => ({ index: 0, id, axes: {}, config: {} as Cell["config"] });
const finished = (id: string, done: number, outcome: Partial<CellOutcome> = {}): LabEvent => ({
  kind: "finished",
  cell: cell(id),
  outcome: { status: "done", reason: "", values: {}, exits: [], ...outcome },
  host: { seconds: 0.25 },
  done,
  total: 3,
});

it.each([
  [0.04, "0.0 s"],
  [9.94, "9.9 s"],
  [9.96, "10 s"],
  [59.4, "59 s"],
  [75, "1 min 15 s"],
  [7300, "2 h 1 min"],
])("%d seconds are %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

it("tells rate and time left by what finished in this run", () => {
  const line = progressLine({ done: 12, total: 40, finished: 10, seconds: 5 }, "page=4K");
  expect(line).toBe("12/40  2.0 cells/s  14 s left  page=4K");
});

it("promises nothing before a cell has finished, nor after the last", () => {
  expect(progressLine({ done: 3, total: 40, finished: 0, seconds: 5 }, "x")).toBe(" 3/40  x");
  expect(progressLine({ done: 40, total: 40, finished: 40, seconds: 5 }, "")).toBe("40/40  8.0 cells/s");
});

it("writes a plain line for each finished cell where nobody watches", () => {
  const terminal = fakeTerminal();
  const progress = progressOn(terminal);
  progress.event({ kind: "folder", path: "results/runs/a/1", done: 1, total: 3 });
  progress.event({ kind: "started", cell: cell("page=4K"), done: 1, total: 3 });
  progress.event(finished("page=4K", 2));
  progress.event(finished("page=2M", 3, { status: "unsupported", reason: "no such pages" }));
  progress.end();
  expect(terminal.err).toEqual([
    "resuming results/runs/a/1: 1 of 3 cells are done (--fresh starts anew)",
    "[2/3] done  page=4K  0.3 s",
    "[3/3] unsupported  page=2M  no such pages",
  ]);
  expect(terminal.drawn).toEqual([]);
});

it("redraws one line on a terminal, shows the cell at work, keeps failures, and clears up", () => {
  const terminal = fakeTerminal({ isLive: true, columns: 40 });
  let time = 0;
  const progress = progressOn(terminal, () => time);
  progress.event({ kind: "folder", path: "f", done: 0, total: 3 });
  progress.event({ kind: "started", cell: cell("a"), done: 0, total: 3 });
  progress.event({ kind: "started", cell: cell("b"), done: 0, total: 3 });
  time = 2000;
  progress.event(finished("unstarted", 1, { status: "unsupported", reason: "no" }));
  expect(terminal.drawn.at(-1)).toBe("1/3  0.5 cells/s  4.0 s left  b");
  progress.event(finished("b", 2, { status: "failed", reason: "broken" }));
  expect(terminal.drawn.at(-1)).toContain("  a");
  expect(terminal.err).toEqual(["[2/3] failed  b  broken"]);
  progress.end();
  expect(terminal.drawn.at(-1)).toBe("");
  expect(terminal.drawn.every((line) => line.length < 40)).toBe(true);
});
