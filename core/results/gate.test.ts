/** The gate over scenarios: what is red, what is only named, and what other programs are told. */
import { describe, expect, it } from "vitest";
import { UserError } from "../util/errors.js";
import type { Comparand, Comparands } from "./comparands.js";
import { gateOf } from "./gate.js";
import { actionBenchmarkJson, junitXml } from "./gate-formats.js";
import { gateMarkdown, gateText, gateVerdict } from "./gate-text.js";
import { SMALL_ROWS } from "./testing/run-rows.js";

const run = (scenario: string, changes: Partial<Comparand> = {}): Comparand => ({
  scenario,
  place: `runs/${scenario}`,
  kind: "run",
  size: "tiny",
  seed: 1,
  plan: "p",
  rows: SMALL_ROWS,
  ...changes,
});
const set = (...runs: Comparand[]): Comparands => ({ name: "there", isSet: true, runs });
const rowsWith = (index: number, changes: Record<string, string | number>) =>
  SMALL_ROWS.map((row, at) => (at === index ? { ...row, ...changes } : row));
const grown = run("b", { rows: rowsWith(1, { exits: 3, cycles: 1e6 }) });

describe("gateOf", () => {
  it("is green over equal runs, in any order", () => {
    const gate = gateOf(set(run("a"), run("b")), set(run("b"), run("a")), true);
    expect(gate).toMatchObject({ isGreen: true, withoutBaseline: [], notRun: [] });
    expect(gateVerdict(gate)).toBe("GREEN: 12 cells of 2 scenarios, all modelled numbers as in there");
  });

  it("is red where one number differs, and that scenario comes first", () => {
    const gate = gateOf(set(run("a"), run("b")), set(run("a"), grown), false);
    expect(gate.isGreen).toBe(false);
    expect(gate.scenarios.map(({ scenario, isRed }) => [scenario, isRed])).toEqual([
      ["b", true],
      ["a", false],
    ]);
    expect(gateVerdict(gate)).toBe("RED: 1 of 2 scenarios differs from there");
    expect(gateText(gate)).toContain("equal: a (6 cells)");
    expect(gateText(gate)).toContain("baseline update b --why");
  });

  it.each([
    ["cells", { rows: SMALL_ROWS.slice(1) }],
    ["a column that says something", { rows: SMALL_ROWS.map(({ walks: _, ...row }) => row) }],
  ] as const)("is red where %s are gone", (_, changes) => {
    expect(gateOf(set(run("a")), set(run("a", changes)), false).isGreen).toBe(false);
  });

  it("names what is new without going red, unless it is strict", () => {
    const counted = run("a", { rows: SMALL_ROWS.map((row) => ({ ...row, sheep: 3 })) });
    const silent = run("a", { rows: SMALL_ROWS.map((row) => ({ ...row, sheep: 0 })) });
    for (const [after, name] of [
      [set(run("a"), run("c")), "no baseline: c"],
      [set(counted), "new, and not compared: sheep"],
    ] as const) {
      const gate = gateOf(set(run("a")), after, false);
      expect(gate.isGreen).toBe(true);
      expect(gateText(gate)).toContain(name);
      expect(gateOf(set(run("a")), after, true).isGreen).toBe(false);
    }
    expect(gateOf(set(run("a")), set(silent), true).isGreen).toBe(true);
  });

  it("compares two single runs whatever their names", () => {
    const single = (one: Comparand): Comparands => ({ name: one.place, isSet: false, runs: [one] });
    expect(gateOf(single(run("before")), single(run("after")), true)).toMatchObject({
      isGreen: true,
      notRun: [],
    });
  });

  it("refuses runs of another size or seed: that is a mistake, not a regression", () => {
    for (const changes of [{ size: "small" }, { seed: 2 }]) {
      const compare = () => gateOf(set(run("a")), set(run("a", changes)), false);
      expect(compare).toThrow(UserError);
      expect(compare).toThrow(/the (size|seed) is (small|2), and (tiny|1) in runs\/a/);
    }
  });
});

describe("formats", () => {
  const gate = gateOf(set(run("a"), run("b")), set(run("a"), grown, run("c")), false);

  it("JUnit has a suite a scenario and a case a cell, and counts what failed", () => {
    const text = junitXml(gate, [run("a"), grown]);
    expect(text).toContain('<testsuites name="virtlab" tests="13" failures="1">');
    expect(text).toContain('<testsuite name="b" tests="6" failures="1">');
    expect(text.match(/<testcase /g)).toHaveLength(13);
    expect(text).toContain('<failure message="2 columns changed">');
    expect(text).toContain('<skipped message="no baseline"/>');
  });

  it("JUnit is well-formed whatever a cell is called", () => {
    const odd = run("o", { rows: [{ cell: 'a<b>&"c"\u0001', status: "done", cycles: 1 }] });
    const text = junitXml(gateOf(set(odd), set(odd), false), [odd]);
    expect(text).toContain('name="a&lt;b&gt;&amp;&quot;c&quot;?"');
  });

  it("github-action-benchmark has the cycles of each cell that is done", () => {
    const entries = JSON.parse(actionBenchmarkJson([run("a")])) as {
      name: string;
      unit: string;
      value: number;
    }[];
    expect(entries).toHaveLength(5); // the sixth is unsupported
    expect(entries[0]).toMatchObject({ unit: "cycles", value: SMALL_ROWS[0]!["cycles"] });
    expect(entries[0]!.name).toBe(`a: ${SMALL_ROWS[0]!["cell"]}`);
  });

  it("Markdown folds what did not change", () => {
    const text = gateMarkdown(gate);
    expect(text).toMatch(/^## 🔴 virtlab/);
    expect(text).toContain("<details><summary>1 scenario equal</summary>");
    expect(text).toContain("no baseline: c");
    expect(text.match(/<details>/g)).toHaveLength(text.match(/<\/details>/g)!.length);
  });
});
