/**
 * The gate for other programs: JUnit XML, which every CI shows (a suite for each scenario, a case for each cell), and the "custom"
 * input of github-action-benchmark (a JSON array of name, unit and value), which draws a series. Pure.
 *
 * A cell that did not change has its case too: a cell that is gone must not look like one that passed.
 */
import type { Row } from "../scenario/scenario.js";
import { count } from "./change-text.js";
import type { Comparand } from "./comparands.js";
import type { CellChange } from "./compare.js";
import { cellLines, comparisonVerdict } from "./comparison-text.js";
import type { Gate, ScenarioVerdict } from "./gate.js";

/** JUnit XML. @param runs B's runs: their cells are the cases */
export function junitXml(gate: Gate, runs: readonly Comparand[]): string {
  const suites = gate.scenarios.map((verdict) => suiteXml(verdict, runs));
  const skipped = gate.withoutBaseline.map((name) => {
    const why = gate.isStrict ? '<failure message="no baseline"/>' : '<skipped message="no baseline"/>';
    const [failures, left] = gate.isStrict ? [1, 0] : [0, 1];
    return `  <testsuite name="${xml(name)}" tests="1" failures="${failures}" skipped="${left}">
    <testcase classname="${xml(name)}" name="baseline">${why}</testcase>
  </testsuite>`;
  });
  const tests = [...suites.map(({ tests }) => tests), ...skipped.map(() => 1)];
  const failures = [...suites.map(({ failures }) => failures), ...skipped.map(() => (gate.isStrict ? 1 : 0))];
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="virtlab" tests="${sum(tests)}" failures="${sum(failures)}">
${[...suites.map(({ text }) => text), ...skipped].join("\n")}
</testsuites>
`;
}

function suiteXml(
  { scenario, comparison, isRed }: ScenarioVerdict,
  runs: readonly Comparand[],
): { text: string; tests: number; failures: number } {
  const changes = new Map(comparison.changed.map((change): [string, CellChange] => [change.cell, change]));
  const rows = runs.find((run) => run.scenario === scenario)?.rows ?? [];
  const failure = (message: string, body = ""): string =>
    `<failure message="${xml(message)}">${xml(body)}</failure>`;
  const cases: [name: string, result: string][] = rows.map(({ cell }) => {
    const name = String(cell);
    const change = changes.get(name);
    if (change !== undefined)
      return [
        name,
        failure(`${count(change.changes.length, "column")} changed`, cellLines(change, true).join("\n")),
      ];
    return [name, comparison.added.includes(name) ? failure("not in the baseline") : ""];
  });
  for (const name of comparison.removed) cases.push([name, failure("only in the baseline")]);
  for (const name of comparison.removedColumns)
    cases.push([`column ${name}`, failure("only in the baseline")]);
  const failures = cases.filter(([, result]) => result !== "").length;
  if (isRed && failures === 0) cases.push(["columns", failure(comparisonVerdict(comparison))]);
  const lines = cases.map(
    ([name, result]) => `    <testcase classname="${xml(scenario)}" name="${xml(name)}">${result}</testcase>`,
  );
  const red = isRed && failures === 0 ? 1 : failures;
  const text = `  <testsuite name="${xml(scenario)}" tests="${cases.length}" failures="${red}">
${lines.join("\n")}
  </testsuite>`;
  return { text, tests: cases.length, failures: red };
}

interface ActionBenchmark {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly extra?: string;
}

/** For github-action-benchmark with `tool: customSmallerIsBetter`: the modelled cycles of each cell that is done. */
export function actionBenchmarkJson(runs: readonly Comparand[]): string {
  const entries = runs.flatMap(({ scenario, rows }) =>
    rows.flatMap((row): ActionBenchmark[] => {
      const { cell, cycles } = row;
      if (typeof cycles !== "number") return [];
      return [{ name: `${scenario}: ${cell}`, unit: "cycles", value: cycles, extra: eventsText(row) }];
    }),
  );
  return `${JSON.stringify(entries, undefined, 1)}\n`;
}

const TOLD = ["references", "instructions", "tlb_misses", "walk_refs", "exits"];

function eventsText(row: Row): string {
  return TOLD.filter((name) => typeof row[name] === "number" && row[name] > 0)
    .map((name) => `${name} ${row[name]}`)
    .join("\n");
}

/** Text inside XML; characters that XML has no word for become "?". */
function xml(text: string): string {
  const names: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text
    .replace(/[&<>"]/g, (character) => names[character]!)
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "?");
}
