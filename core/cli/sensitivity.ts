/**
 * `virtlab sensitivity`: how far a scenario's conclusions rest on constants that nobody published; without a scenario, the headline
 * conclusions of the lab, whose page (results/SENSITIVITY.md) is kept current by it.
 */
import path from "node:path";
import { renderSpec } from "../charts/render.js";
import { sensitivityChart } from "../charts/sensitivity.js";
import { planCells } from "../lab/run.js";
import { type Sensitivity, sensitivityOf } from "../lab/sensitivity.js";
import { humanNumber } from "../results/humanise.js";
import { Disk, shownPath, toCsv } from "../results/index.js";
import { type StudiedScenario, sensitivityMarkdown } from "../results/sensitivity-markdown.js";
import {
  intervalText,
  isLimiting,
  SENSITIVITY_COLUMNS,
  sensitivityRows,
} from "../results/sensitivity-table.js";
import type { Plan, Row } from "../scenario/index.js";
import type { RunSize } from "../util/parameters.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import { interruption } from "./interruption.js";
import * as messages from "./messages.js";
import { RESULTS_FOLDER } from "./project.js";
import { scenarioFile } from "./scenario-file.js";
import type { Terminal } from "./terminal.js";
import { textTable } from "./text-table.js";

export interface SensitivityOptions {
  /** Undefined: the scenarios of headline conclusions. */
  readonly scenario: string | undefined;
  readonly sets: readonly string[];
  readonly size: RunSize;
  readonly only: string | undefined;
  /** Names of constants; none: those that are assumed. */
  readonly over: readonly string[];
  /** Percent. */
  readonly spread: number;
  readonly workers: number | undefined;
  readonly out: string | undefined;
  /** results/SENSITIVITY.md and sensitivity.csv become this. */
  readonly write: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

interface Headline {
  readonly name: string;
  /** Of a host's cells, those that the lines with claims compare: a study of all would take an hour. */
  readonly only?: string;
}

/** Whose lines with claims are the lab's headline conclusions: on ways of virtualizing, on starts, and on what a host carries. */
const HEADLINES: readonly Headline[] = [
  { name: "sensitivity" },
  { name: "start-time" },
  { name: "density", only: "technique in ['container', 'microvm', 'vm'] and sharing == false" },
  {
    name: "memory-ledger",
    only: "technique in ['process', 'container', 'microvm', 'vm'] and host.page == '4K'",
  },
];
const PAGE = path.join(RESULTS_FOLDER, "SENSITIVITY.md");
const TABLE = path.join(RESULTS_FOLDER, "sensitivity.csv");
const PERCENT = 100;

export async function sensitivity(options: SensitivityOptions, terminal: Terminal): Promise<ExitCode> {
  const { scenario, json, quiet, spread, write } = options;
  const studies: StudiedScenario[] = [];
  for (const { name, only } of scenario === undefined ? HEADLINES : [{ name: scenario, only: undefined }]) {
    const chosen = { ...options, only: options.only ?? only };
    const plan = planOf(name, chosen);
    const stop = interruption(() => terminal.note(messages.stoppingWithoutResult));
    if (scenario === undefined && !quiet && !json) terminal.note(messages.studying(plan.scenario.name));
    let result: Sensitivity | undefined;
    try {
      result = await studied(plan, options, stop.signal, terminal);
    } finally {
      if (terminal.isLive) terminal.redraw("");
      stop.end();
    }
    if (result === undefined) return stop.exitCode ?? EXIT_CODE.interrupted;
    const { name: its, title, size } = plan.scenario;
    studies.push({ scenario: its, title, size, only: chosen.only, ...result });
    if (json) continue;
    show(result, await written(result, its, title, options.out), terminal);
  }
  if (json) terminal.print(JSON.stringify(scenario === undefined ? studies : studies[0], undefined, 2));
  if (write) {
    const disk = new Disk();
    disk.replace(PAGE, sensitivityMarkdown(studies, spread));
    disk.replace(TABLE, toCsv(["scenario", ...SENSITIVITY_COLUMNS], studies.flatMap(tableRows)));
    if (!json) for (const file of [PAGE, TABLE]) terminal.print(shownPath(file));
  }
  return studies.every(({ broken }) => broken.length === 0) ? EXIT_CODE.ok : EXIT_CODE.gateFailed;
}

/** A headline's plan has the lines alone that carry a claim. */
function planOf(name: string, { scenario, sets, size, only }: SensitivityOptions): Plan {
  const plan = planCells(scenarioFile(name), { sets: ["timing.samples=0", ...sets], size, only });
  const expect = plan.scenario.expect.filter(
    ({ claim, refutes }) => scenario !== undefined || claim !== undefined || refutes !== undefined,
  );
  if (expect.length === 0) throw messages.nothingToTest(name);
  return { ...plan, scenario: { ...plan.scenario, expect } };
}

function studied(
  plan: Plan,
  { over, spread, workers, quiet, json }: SensitivityOptions,
  signal: AbortSignal,
  terminal: Terminal,
): Promise<Sensitivity | undefined> {
  return sensitivityOf(plan, {
    constants: over.length === 0 ? undefined : over.map((name) => name.replace(/^machine\./, "")),
    spread: spread / PERCENT,
    workers,
    signal,
    progress: (stage, done, total) => {
      if (!quiet && !json && terminal.isLive) terminal.redraw(messages.trying(stage, done, total));
    },
  });
}

function tableRows({ scenario, effects }: StudiedScenario): Row[] {
  return sensitivityRows(effects).map((row): Row => ({ scenario, ...row }));
}

async function written(
  { effects }: Sensitivity,
  name: string,
  title: string,
  out = path.join(RESULTS_FOLDER, "runs", name, "sensitivity"),
): Promise<string[]> {
  const disk = new Disk();
  const rows = sensitivityRows(effects);
  const files = [path.join(out, "sensitivity.csv")];
  disk.replace(files[0]!, toCsv(SENSITIVITY_COLUMNS, rows));
  const spec = sensitivityChart(rows, title);
  if (spec === undefined) return files;
  const chart = await renderSpec(spec, "1", name);
  for (const { name: file, data } of chart.files) {
    files.push(path.join(out, file));
    disk.replace(disk.inside(out, file), data);
  }
  return files;
}

function show(
  { broken, constants, idle, effects, runs }: Sensitivity,
  files: readonly string[],
  terminal: Terminal,
): void {
  const { paint, print } = terminal;
  const limits = effects.filter(isLimiting);
  for (const line of new Set(effects.map((effect) => effect.line))) {
    const own = limits.filter((effect) => effect.line === line);
    const claim = effects.find((effect) => effect.line === line)!.claim;
    print(paint("bold", `${claim === "" ? "" : `${claim}: `}${line}`));
    if (own.length === 0) {
      print(`  ${messages.holdsThroughout(constants.length)}`);
      continue;
    }
    const right = { align: "right" } as const;
    const head = [
      { title: "constant" },
      { title: "value", ...right },
      { title: "tried", ...right },
      { title: "holds", ...right },
    ];
    const rows = own.map(({ constant, value, tried, holds }) => [
      constant,
      humanNumber(value),
      intervalText(tried, value),
      intervalText(holds, value),
    ]);
    for (const text of textTable(head, rows)) print(`  ${text}`);
  }
  for (const line of broken) print(paint("red", messages.failsAnyway(line)));
  print(`\n${messages.constantsTried(constants.length, idle.length, runs)}`);
  for (const file of files) if (!/\.(png|vl\.json)$/.test(file)) print(shownPath(file));
}
