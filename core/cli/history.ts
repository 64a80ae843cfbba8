/** `virtlab history`: runs appended to the series of results/history, and the series shown. */
import path from "node:path";
import { changeText, directionOf } from "../charts/history.js";
import { historyHtml } from "../charts/history-page.js";
import { comparandsOf } from "../results/comparands.js";
import {
  type HistoryKind,
  type HistoryLine,
  type HistorySeries,
  hostLine,
  metricLabel,
  metricText,
  modelledLine,
  readHistory,
  seriesOf,
  sparkline,
} from "../results/history.js";
import { Disk, readRun } from "../results/index.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import * as messages from "./messages.js";
import { RESULTS_FOLDER } from "./project.js";
import { scenarioNames } from "./scenario-file.js";
import type { Terminal } from "./terminal.js";
import { textTable } from "./text-table.js";

export interface HistoryOptions {
  readonly action: "show" | "add";
  /** add: runs or folders of runs; show: scenarios, none are all. */
  readonly what: readonly string[];
  readonly folder: string | undefined;
  /** A page to write. */
  readonly html: string | undefined;
  readonly json: boolean;
}

const KINDS: readonly HistoryKind[] = ["modelled", "host"];

export async function history(options: HistoryOptions, terminal: Terminal): Promise<ExitCode> {
  const folder = options.folder ?? path.join(RESULTS_FOLDER, "history");
  const fileOf = (kind: HistoryKind): string => path.join(folder, `${kind}.jsonl`);
  return options.action === "add" ? add(options, fileOf, terminal) : show(options, folder, fileOf, terminal);
}

function add(
  { what, json }: HistoryOptions,
  fileOf: (kind: HistoryKind) => string,
  terminal: Terminal,
): ExitCode {
  if (what.length === 0) throw messages.nothingToAdd();
  const disk = new Disk();
  const added: { kind: HistoryKind; line: HistoryLine }[] = [];
  const runs = what.flatMap(
    (each) => comparandsOf(each, "run", { results: RESULTS_FOLDER, scenarios: scenarioNames() }).runs,
  );
  for (const { place, kind } of runs) {
    if (kind !== "run") throw messages.notARun(place);
    const { rows, timings, record, path: run } = readRun(place, RESULTS_FOLDER, disk);
    const modelled = modelledLine(record!, rows, disk.read(path.join(run, "rows.csv")));
    const host = hostLine(record!, rows, timings);
    added.push(
      { kind: "modelled", line: modelled },
      ...(host === undefined ? [] : [{ kind: "host" as const, line: host }]),
    );
  }
  for (const { kind, line } of added) {
    disk.makeFolder(path.dirname(fileOf(kind)));
    disk.append(fileOf(kind), `${JSON.stringify(line)}\n`);
    if (!json) terminal.print(`${fileOf(kind)}: ${line.scenario} (${line.size}) at ${line.commit}`);
  }
  if (json) terminal.print(JSON.stringify(added, undefined, 2));
  return EXIT_CODE.ok;
}

function show(
  { what, html, json }: HistoryOptions,
  folder: string,
  fileOf: (kind: HistoryKind) => string,
  terminal: Terminal,
): ExitCode {
  const disk = new Disk();
  const series = KINDS.flatMap((kind) => {
    const file = fileOf(kind);
    const lines = disk.exists(file) ? readHistory(disk.read(file), file) : [];
    return seriesOf(lines, kind).filter(({ scenario }) => what.length === 0 || what.includes(scenario));
  });
  if (series.length === 0) {
    terminal.note(messages.noHistory(folder));
    return EXIT_CODE.noBaseline;
  }
  if (html !== undefined) disk.replace(html, historyHtml(series));
  if (json) {
    terminal.print(JSON.stringify(series, undefined, 2));
    return EXIT_CODE.ok;
  }
  for (const kind of KINDS) {
    const ofKind = series.filter((each) => each.kind === kind);
    if (ofKind.length === 0) continue;
    terminal.print(terminal.paint("bold", kind === "modelled" ? "modelled numbers (exact)" : "host (noisy)"));
    terminal.print(`${seriesLines(ofKind).join("\n")}\n`);
  }
  if (html !== undefined) terminal.print(html);
  return EXIT_CODE.ok;
}

function seriesLines(series: readonly HistorySeries[]): string[] {
  const columns = [
    { title: "scenario" },
    { title: "metric" },
    { title: "last", align: "right" as const },
    { title: "series" },
    { title: "changes", align: "right" as const },
    { title: "last change" },
  ];
  const rows = series.map(({ scenario, size, metric, points, changes }) => {
    const last = points.at(-1)!.value;
    return [
      `${scenario}, ${size}`,
      metricLabel(metric),
      metricText(metric, last),
      sparkline(points.map(({ value }) => value)),
      String(changes.length),
      lastChange(changes, points.length),
    ];
  });
  return textTable(columns, rows);
}

/** `+3.12%, worse, at 1a2b3c4d5e, 4 runs ago`. */
function lastChange(changes: HistorySeries["changes"], points: number): string {
  const change = changes.at(-1);
  if (change === undefined) return "";
  const ago = points - 1 - change.at;
  const when = ago === 0 ? "the last run" : ago === 1 ? "1 run ago" : `${ago} runs ago`;
  return `${changeText(change.relative)}, ${directionOf(change.isWorse)}, at ${change.commit}, ${when}`;
}
