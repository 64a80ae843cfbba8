/** A stored run to make a report of, with words that would be dangerous if they were not escaped. */
import type { RunRecord } from "../../results/record.js";
import type { Row } from "../../scenario/scenario.js";
import { chartOf } from "../chart.js";
import type { ReportContent } from "../report.js";
import { eptRows } from "./rows.js";

export const HOSTILE = `</script><script>document.title="stolen"</script><img src=x onerror="document.title='stolen'">`;

const AXES = ["technique", "workload", "page"];

/** @param title of the scenario; HOSTILE to test escaping. */
export function sampleRun(title = "Shadow page tables against EPT"): ReportContent {
  const rows = eptRows();
  const context = { axes: AXES, baseline: { technique: "native" } };
  const charts = [
    { kind: "stack", facet: "workload", title: title === HOSTILE ? HOSTILE : "Where the cycles go" },
    { kind: "compare", value: "slowdown", baseline: "native" },
  ] as const;
  const record: RunRecord = {
    format: 1,
    command: ["virtlab", "bench", "scenarios/ept.yaml"],
    scenario: {
      name: "ept",
      title,
      question: "When does the second dimension of the walk cost more than the exits it saves?",
      files: ["scenarios/ept.yaml"],
      axes: AXES,
      baseline: { technique: "native" },
      charts: [...charts],
      resolved: { title },
    },
    plan: "0123456789abcdef".repeat(4),
    cells: rows.length,
    seed: 1,
    size: "small",
    expectations: [
      {
        text: "walk_refs_max == 24 where technique == 'hardware/nested'",
        where: "scenarios/ept.yaml:20:5",
        passed: true,
        skipped: false,
        rows: 10,
        reason: "",
        failures: [],
      },
      {
        text: `exits == 0 where technique == 'native' ${title === HOSTILE ? HOSTILE : ""}`,
        where: "scenarios/ept.yaml:21:5",
        passed: false,
        skipped: false,
        rows: 10,
        reason: "",
        failures: [
          { cell: "technique=native workload=gups page=4K", reason: "is false", values: { exits: 3 } },
        ],
      },
    ],
    constants: [
      {
        profile: "nehalem-2008",
        name: "costs.vm_exit",
        value: 600,
        source: "Agesen 2012: round trip 1009",
        assumed: false,
        range: [500, 700],
      },
      {
        profile: "nehalem-2008",
        name: "costs.exception",
        value: 700,
        source: "no source found",
        assumed: true,
        range: [350, 1400],
      },
    ],
    guestFiles: { "kernel.elf": "e".repeat(64) },
    versions: { virtlab: "0.1.0", node: "20.20.2" },
    source: { commit: "0".repeat(40), dirty: true },
    host: { cpu: "A CPU", cores: 2, memoryBytes: 8 * 2 ** 30, system: "linux 6" },
    workers: 2,
    started: "2026-01-31T12:00:00.000Z",
    hostSeconds: 12.3,
    files: { "rows.csv": "f".repeat(64) },
  };
  return {
    record,
    rows,
    exits: exitsOf(rows),
    figures: [],
    timings: [],
    consoles: new Map([[`${title}: native`, consoleText(title)]]),
    charts: charts.map((chart) => ({ title: chart.kind, spec: chartOf(chart, rows, context) })),
  };
}

function consoleText(title: string): string {
  const lines = Array.from({ length: 98 }, (_, index) => `line ${index}`);
  return ["first line", ...lines, `last line ${title}`].join("\n");
}

function exitsOf(rows: readonly Row[]): Row[] {
  return rows
    .filter((row) => Number(row["exits"]) > 0)
    .map(
      (row): Row => ({
        cell: row["cell"]!,
        reason: "ept_violation",
        count: row["exits"]!,
        cycles: Number(row["cycles_monitor"]),
        share: Number(row["virtualization_share"]),
      }),
    );
}
