/** `virtlab sensitivity`: how far a scenario's conclusions rest on constants that nobody published. */
import path from "node:path";
import { renderSpec } from "../charts/render.js";
import { sensitivityChart } from "../charts/sensitivity.js";
import { planCells } from "../lab/run.js";
import { type Sensitivity, sensitivityOf } from "../lab/sensitivity.js";
import { humanNumber } from "../results/humanise.js";
import { Disk, shownPath, toCsv } from "../results/index.js";
import { isLimiting, SENSITIVITY_COLUMNS, sensitivityRows } from "../results/sensitivity-table.js";
import type { RunSize } from "../util/parameters.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import { interruption } from "./interruption.js";
import * as messages from "./messages.js";
import { RESULTS_FOLDER } from "./project.js";
import { scenarioFile } from "./scenario-file.js";
import type { Terminal } from "./terminal.js";
import { textTable } from "./text-table.js";

export interface SensitivityOptions {
  readonly scenario: string;
  readonly sets: readonly string[];
  readonly size: RunSize;
  readonly only: string | undefined;
  /** Names of constants; none: those that are assumed. */
  readonly over: readonly string[];
  /** Percent. */
  readonly spread: number;
  readonly workers: number | undefined;
  readonly out: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

const PERCENT = 100;

export async function sensitivity(options: SensitivityOptions, terminal: Terminal): Promise<ExitCode> {
  const { scenario, sets, size, only, over, spread, workers, json, quiet } = options;
  const plan = planCells(scenarioFile(scenario), { sets: ["timing.samples=0", ...sets], size, only });
  if (plan.scenario.expect.length === 0) throw messages.nothingToTest(scenario);
  const stop = interruption(() => terminal.note(messages.stoppingComparison));
  let result: Sensitivity | undefined;
  try {
    result = await sensitivityOf(plan, {
      constants: over.length === 0 ? undefined : over.map((name) => name.replace(/^machine\./, "")),
      spread: spread / PERCENT,
      workers,
      signal: stop.signal,
      progress: (stage, done, total) => {
        if (!quiet && !json && terminal.isLive) terminal.redraw(messages.trying(stage, done, total));
      },
    });
  } finally {
    if (terminal.isLive) terminal.redraw("");
    stop.end();
  }
  if (result === undefined) return stop.exitCode ?? EXIT_CODE.interrupted;
  const files = await written(result, plan.scenario.name, plan.scenario.title, options.out);
  if (json) terminal.print(JSON.stringify(result, undefined, 2));
  else show(result, files, terminal);
  return result.broken.length === 0 ? EXIT_CODE.ok : EXIT_CODE.gateFailed;
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

/** Factors as values: "300 to 900". */
function intervalText([low, high]: readonly [number, number], value: number): string {
  return `${humanNumber(low * value)} to ${humanNumber(high * value)}`;
}
