/** The history: lines from runs, series from lines, and where they changed. */
import { describe, expect, it } from "vitest";
import { Random } from "../util/random.js";
import { type HistoryLine, hostLine, modelledLine, readHistory, seriesOf, sparkline } from "./history.js";
import type { RunRecord } from "./record.js";
import { SMALL_RECORD, SMALL_ROWS } from "./testing/run-rows.js";

const record = {
  ...SMALL_RECORD,
  source: { commit: "0123456789abcdef", dirty: true },
  started: "2026-01-31T00:00:00.000Z",
  host: { cpu: "A CPU", cores: 2 },
} as unknown as RunRecord;

const line = (
  commit: number,
  values: Record<string, number>,
  more: Partial<HistoryLine> = {},
): HistoryLine => ({
  commit: `c${commit}`,
  time: `2026-01-${String(commit + 1).padStart(2, "0")}`,
  scenario: "s",
  size: "tiny",
  cells: 1,
  values,
  ...more,
});
const text = (lines: readonly HistoryLine[]): string =>
  lines.map((each) => `${JSON.stringify(each)}\n`).join("");

describe("lines", () => {
  it("sum what is done, leave out what is 0, and say that the source was changed", () => {
    const { values, ...head } = modelledLine(record, SMALL_ROWS, "csv");
    expect(head).toMatchObject({ commit: "0123456789+", scenario: "small", size: "tiny", cells: 5 });
    expect(head.rows).toHaveLength(12);
    expect(values).toMatchObject({ exits: 1 + 2 + 3 + 4 + 5, references: 5000 });
    expect(values).not.toHaveProperty("guest_page_faults");
  });

  it("keep drivers and engines apart, as geometric means", () => {
    const rows = [{ cell: "i", engine: "interpreter" }, { cell: "t" }, { cell: "r" }];
    const timings = [
      { cell: "i", instructions_per_second: 10, references_per_second: "", peak_rss_bytes: 5 },
      { cell: "t", instructions_per_second: 100, references_per_second: "", peak_rss_bytes: 9 },
      { cell: "r", instructions_per_second: "", references_per_second: 7, peak_rss_bytes: 5 },
      { cell: "t", instructions_per_second: 400, references_per_second: "", peak_rss_bytes: 5 },
    ];
    expect(hostLine(record, rows, timings)).toMatchObject({
      host: "A CPU, 2 cores",
      values: {
        interpreter_instructions_per_second: 10,
        translator_instructions_per_second: 200,
        references_per_second: 7,
        peak_rss_bytes: 9,
      },
    });
    expect(hostLine(record, rows, [])).toBeUndefined();
  });
});

describe("readHistory", () => {
  it("takes the last line of a commit, and keeps the order of the runs", () => {
    const lines = [line(1, { cycles: 1 }), line(2, { cycles: 2 }), line(1, { cycles: 3 })];
    expect(readHistory(text(lines), "h").map(({ commit, values }) => [commit, values["cycles"]])).toEqual([
      ["c2", 2],
      ["c1", 3],
    ]);
  });

  it.each([
    ["cut off", `${text([line(1, { cycles: 1 })])}{"commit":"c2","ti`],
    ["not of ours", `${text([line(1, { cycles: 1 })])}{"commit":"c2"}`],
    [
      "a value that is no number",
      `${text([line(1, { cycles: 1 })])}${text([line(2, { cycles: "x" as never })])}`,
    ],
  ])("refuses a line that is %s, and says which", (_, broken) => {
    expect(() => readHistory(broken, "h.jsonl")).toThrow("cut off or edited");
    expect(() => readHistory(broken, "h.jsonl")).toThrow(expect.objectContaining({ where: "h.jsonl:2" }));
  });
});

describe("seriesOf", () => {
  it("modelled: every difference is a change, with its direction", () => {
    const lines = [10, 10, 11, 11, 10].map((cycles, at) => line(at, { cycles, references: 5 }));
    const [cycles, references] = seriesOf(lines, "modelled");
    expect(cycles!.changes).toMatchObject([
      { at: 2, commit: "c2", isWorse: true },
      { at: 4, commit: "c4", isWorse: false },
    ]);
    expect(references!.changes).toEqual([]);
  });

  it("modelled: a metric that appears was 0 before", () => {
    const [, exits] = seriesOf([line(0, { cycles: 1 }), line(1, { cycles: 1, exits: 3 })], "modelled");
    expect(exits!.changes).toMatchObject([{ at: 1, relative: Number.POSITIVE_INFINITY, isWorse: true }]);
  });

  it("host: finds the fall of a rate in noise, calls it worse, and joins no two hosts", () => {
    const random = new Random(4);
    const rate = (at: number): number => (at < 12 ? 100 : 80) * (1 + 0.08 * random.unit());
    const lines = Array.from({ length: 24 }, (_, at) =>
      line(at, { references_per_second: rate(at) }, { host: "one" }),
    );
    const other = line(30, { references_per_second: 500 }, { host: "two" });
    const series = seriesOf([...lines, other], "host");
    expect(series.map(({ host, points }) => [host, points.length])).toEqual([
      ["one", 24],
      ["two", 1],
    ]);
    expect(series[0]!.changes).toMatchObject([{ at: 12, commit: "c12", isWorse: true }]);
  });
});

describe("sparkline", () => {
  it("spans least to most, and is level where nothing changes", () => {
    expect(sparkline([0, 7, 3.5])).toBe("▁█▅");
    expect(sparkline([5, 5])).toBe("▄▄");
    expect(sparkline([1, 2, 3], 2)).toBe("▁█");
  });
});
