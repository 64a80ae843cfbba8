/** Comparison: equality of modelled numbers decides; host times are told apart. */
import { describe, expect, it } from "vitest";
import type { Row } from "../scenario/scenario.js";
import { compareRuns } from "./compare.js";
import { comparisonJson, comparisonMarkdown, comparisonText } from "./comparison-text.js";

const rows: readonly Row[] = [
  {
    cell: "a",
    technique: "native",
    status: "done",
    reason: "",
    cycles: 100,
    tlb_misses: 10,
    exits: 0,
    shadow_tables_reused: 4,
  },
  {
    cell: "b",
    technique: "nested",
    status: "done",
    reason: "",
    cycles: 200,
    tlb_misses: 10,
    exits: 50,
    shadow_tables_reused: 4,
  },
];
const changed = (changes: Record<string, string | number>): Row[] => [rows[0]!, { ...rows[1]!, ...changes }];

describe("compareRuns", () => {
  it("finds equal runs equal, whatever their order and times", () => {
    const timings = (median_seconds: number): Row[] => [{ cell: "a", median_seconds }];
    const comparison = compareRuns(
      { rows, timings: timings(1) },
      { rows: [...rows].reverse(), timings: timings(4) },
    );
    expect(comparison.isEqual).toBe(true);
    expect(comparison.timing).toEqual({ cells: 1, ratio: 4 });
    expect(comparisonText(comparison)).toContain("Equal: all modelled numbers of 2 cells are the same.");
    expect(comparisonText(comparison)).toContain("300% slower");
  });

  it("sees the smallest difference that a number can have", () => {
    const comparison = compareRuns({ rows }, { rows: changed({ cycles: 200 + 2 ** -45 }) });
    expect(comparison.isEqual).toBe(false);
    expect(comparisonText(comparison)).not.toContain("+0%");
  });

  it("says how much, whether it is worse, and which event moved most", () => {
    const { changed: cells, columns } = compareRuns(
      { rows },
      { rows: changed({ cycles: 250, tlb_misses: 11, exits: 150, shadow_tables_reused: 2 }) },
    );
    expect(cells).toHaveLength(1);
    expect(cells[0]!.mover).toMatchObject({ column: "exits", relative: 2, isWorse: true });
    const by = (name: string) => cells[0]!.changes.find(({ column }) => column === name);
    expect(by("cycles")).toMatchObject({ before: 200, after: 250, relative: 0.25, isWorse: true });
    expect(by("shadow_tables_reused")).toMatchObject({ relative: -0.5, isWorse: true });
    expect(columns.map(({ column }) => column)).toEqual([
      "exits",
      "shadow_tables_reused",
      "cycles",
      "tlb_misses",
    ]);
  });

  it("tells added and removed cells and columns from changed ones", () => {
    const after = [
      { ...rows[0]!, walks: 1 },
      { cell: "c", technique: "shadow", walks: 1 },
    ] as Row[];
    expect(compareRuns({ rows }, { rows: after })).toMatchObject({
      added: ["c"],
      removed: ["b"],
      changed: [],
      addedColumns: ["walks"],
      isEqual: false,
    });
  });

  it("counts a number that appears from 0, and one that goes away", () => {
    const [cell] = compareRuns(
      { rows: changed({ exits: 0 }) },
      { rows: changed({ exits: 7, tlb_misses: "" }) },
    ).changed;
    expect(cell!.mover).toMatchObject({ column: "exits", relative: Number.POSITIVE_INFINITY });
    expect(cell!.changes[0]).toMatchObject({
      column: "tlb_misses",
      before: 10,
      after: "",
      relative: undefined,
    });
  });
});

describe("texts", () => {
  const comparison = compareRuns({ rows }, { rows: changed({ cycles: 250, reason: "a|b\nc" }) });

  it("fit Markdown tables whatever the reason says", () => {
    const markdown = comparisonMarkdown(comparison);
    expect(markdown).toContain("**Different: 1 of 2 cells changed.**");
    expect(markdown).toContain("| b | 200 → 250 (+25%, worse) |");
    expect(markdown).not.toContain("a|b");
  });

  it("are JSON that reads back", () => {
    expect(JSON.parse(comparisonJson(comparison))).toMatchObject({ isEqual: false, compared: 2 });
  });
});
