/** The summary: 100 columns, the reason of what is missing, and no control characters from anybody. */
import { describe, expect, it } from "vitest";
import type { Row } from "../scenario/scenario.js";
import { grouped, humanNumber, percent, times } from "./humanise.js";
import { summaryLines } from "./summary.js";

const done = (technique: string, workload: string, cycles: number, slowdown: number): Row => ({
  cell: `technique=${technique} workload=${workload}`,
  technique,
  workload,
  profile: "nehalem-2008",
  seed: 1,
  status: "done",
  reason: "",
  cycles_per_reference: cycles,
  slowdown,
  tlb_miss_rate: 0.9213,
  walk_refs_per_walk: 6.43,
  exits: 1234567,
  overhead_peak_bytes: 5 * 2 ** 20,
});

describe("summaryLines", () => {
  it("shows what varies and what matters", () => {
    const lines = summaryLines([
      done("native", "gups", 193.97, 1),
      done("hardware/nested", "gups", 262.4, 1.3527),
      {
        technique: "paravirtual/direct",
        workload: "gups",
        profile: "nehalem-2008",
        seed: 1,
        status: "unsupported",
        reason: "maps guests by 4K pages only",
      },
    ]);
    expect(lines).toEqual([
      "technique           cycles/ref  slowdown  TLB miss  refs/walk  exits  memory+",
      "------------------  ----------  --------  --------  ---------  -----  -------",
      "native                     194     1.00×     92.1%       6.43  1.23M    5 MiB",
      "hardware/nested            262     1.35×     92.1%       6.43  1.23M    5 MiB",
      "paravirtual/direct  unsupported: maps guests by 4K pages only",
    ]);
  });

  it("never exceeds 100 columns, and cuts long names and reasons", () => {
    const long = "x".repeat(90);
    const lines = summaryLines([
      done(long, long, 1, 1),
      done("b", "w", 1, 1),
      { ...done("c", "w", 1, 1), status: "failed", reason: long },
    ]);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
    expect(lines.at(-2)).toContain("failed: xxx");
  });

  it("cuts techniques to what tells them apart, and says nothing twice", () => {
    const wide = (technique: string, page: string): Row => ({
      ...done(technique, "w", 1, 1),
      page,
      host_page: page,
      status: "done",
      profile: `${page}-${"p".repeat(80)}`,
    });
    const ordered = [wide("hardware/shadow", "4K"), wide("hardware/nested", "2M")].map((row) => {
      const { status, reason, cycles_per_reference, slowdown, exits, ...coordinates } = row;
      return { ...coordinates, status, reason, cycles_per_reference, slowdown, exits } as Row;
    });
    const lines = summaryLines(ordered);
    expect(lines[0]).not.toContain("host_page");
    expect(lines[2]).toContain("/shadow");
    expect(lines[3]).toContain("/nested");
  });

  it("leaves out what matters least before it cuts a name, and says so", () => {
    const rows = [done("native", "gups", 194, 1), done("hardware/nested", "gups", 262, 1.3527)];
    expect(summaryLines(rows, 60)).toEqual([
      "technique        cycles/ref  slowdown  TLB miss  exits",
      "---------------  ----------  --------  --------  -----",
      "native                  194     1.00×     92.1%  1.23M",
      "hardware/nested         262     1.35×     92.1%  1.23M",
      "(no room for refs/walk, memory+: see rows.csv)",
    ]);
    expect(summaryLines(rows, 40)[3]).toBe("hardware/nested         262     1.35×");
    expect(summaryLines(rows, 30)[3]).toBe("…/nested         262     1.35×");
  });

  it("prints no control characters", () => {
    const lines = summaryLines([{ technique: "a", status: "failed", reason: "\u001b[31mred\nline" }]);
    expect(lines.join("")).not.toMatch(/\p{Cc}/u);
  });

  it("says so when nothing has finished", () => {
    expect(summaryLines([])).toEqual(["no cells have finished"]);
  });
});

describe("numbers for people", () => {
  it.each([
    [0, "0"],
    [0.01234, "0.0123"],
    [0.00001, "1.0e-5"],
    [12.345, "12.3"],
    [999.9, "1,000"],
    [12345, "12,345"],
    [1234567, "1.23M"],
    [-2.5e9, "-2.5G"],
  ])("%d is %s", (value, text) => {
    expect(humanNumber(value)).toBe(text);
  });

  it("have units", () => {
    expect(percent(0.12345)).toBe("12.3%");
    expect(times(1)).toBe("1.00×");
    expect(times(12.53)).toBe("12.5×");
    expect(grouped(1234567.5)).toBe("1,234,567.5");
  });
});
