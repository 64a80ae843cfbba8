/** `virtlab baseline`: what is blessed and why, and blessing new rows. A reason is asked for, and kept beside the rows. */
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { run } from "../lab/run.js";
import {
  type BaselineRecord,
  type Blessing,
  baselineFiles,
  constantsByProfile,
  readBaseline,
} from "../results/baseline.js";
import { BASELINES } from "../results/comparands.js";
import { compareRuns } from "../results/compare.js";
import { comparisonVerdict } from "../results/comparison-text.js";
import { Disk, findRun, readRun, type StoredRun } from "../results/index.js";
import { sourceOf } from "../results/record.js";
import { UserError } from "../util/errors.js";
import type { RunSize } from "../util/parameters.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import * as messages from "./messages.js";
import { PROJECT_ROOT, RESULTS_FOLDER } from "./project.js";
import { scenarioFile, shippedScenarios } from "./scenario-file.js";
import type { Terminal } from "./terminal.js";
import { textTable } from "./text-table.js";

export interface BaselineOptions {
  readonly action: "list" | "update";
  /** Scenarios or folders of runs; none: every scenario that comes along. */
  readonly what: readonly string[];
  readonly why: string | undefined;
  readonly size: RunSize | undefined;
  readonly json: boolean;
  /** What was typed, for run.json. */
  readonly args: readonly string[];
}

const FOLDER = path.join(RESULTS_FOLDER, BASELINES);
const COMMIT_DIGITS = 10;

export async function baseline(options: BaselineOptions, terminal: Terminal): Promise<ExitCode> {
  return options.action === "list" ? list(options, terminal) : update(options, terminal);
}

function list({ what, json }: BaselineOptions, terminal: Terminal): ExitCode {
  const disk = new Disk();
  const records = disk
    .list(FOLDER)
    .filter((name) => name.endsWith(".csv"))
    .map((name) => kept(path.join(FOLDER, name), disk)!.record)
    .filter(({ scenario }) => what.length === 0 || what.includes(scenario));
  if (json) {
    const shown = records.map(({ scenario, size, seed, rows, why }) => ({ scenario, size, seed, rows, why }));
    terminal.print(JSON.stringify(shown, undefined, 2));
    return EXIT_CODE.ok;
  }
  if (records.length === 0) {
    terminal.note(messages.noBaselines(FOLDER));
    return EXIT_CODE.noBaseline;
  }
  const columns = [
    { title: "scenario" },
    { title: "size" },
    { title: "cells", align: "right" as const },
    { title: "blessed" },
    { title: "why" },
  ];
  const rows = records.flatMap(({ scenario, size, rows: cells, why }) =>
    // One scenario: all its reasons, the newest first.
    [...why]
      .reverse()
      .slice(0, records.length === 1 ? undefined : 1)
      .map((entry) => {
        return [
          scenario,
          size,
          String(cells),
          `${entry.date} ${entry.commit}`,
          `${entry.why} (${entry.changed})`,
        ];
      }),
  );
  terminal.print(textTable(columns, rows).join("\n"));
  return EXIT_CODE.ok;
}

async function update(options: BaselineOptions, terminal: Terminal): Promise<ExitCode> {
  const { why } = options;
  if (why === undefined || why.trim() === "") throw messages.whyIsNeeded();
  const what = options.what.length === 0 ? shippedScenarios() : options.what;
  const told: { scenario: string; changed: string }[] = [];
  for (const each of what) {
    const result = await runOf(each, options);
    const { name } = result.record!.scenario;
    const changed = bless(result, why.trim());
    told.push({ scenario: name, changed });
    if (!options.json) terminal.print(`${name}: ${changed}`);
  }
  if (options.json) terminal.print(JSON.stringify(told, undefined, 2));
  return EXIT_CODE.ok;
}

/** A folder's run as it is there; a scenario is run now, into a folder that goes away. */
async function runOf(what: string, { size, args }: BaselineOptions): Promise<StoredRun> {
  const isFolder = (existsSync(what) && statSync(what).isDirectory()) || path.basename(what) === "latest";
  if (isFolder) return readRun(findRun(what, RESULTS_FOLDER), RESULTS_FOLDER);
  const work = mkdtempSync(path.join(tmpdir(), "virtlab-baseline-"));
  try {
    const out = path.join(work, "run");
    const { expectations } = await run(scenarioFile(what), {
      project: PROJECT_ROOT,
      results: RESULTS_FOLDER,
      out,
      size: size ?? "tiny",
      sets: ["timing.samples=0"],
      charts: false,
      command: ["virtlab", ...args],
    });
    const broken = expectations?.filter(({ passed }) => !passed) ?? [];
    if (broken.length > 0)
      throw messages.expectationsBroken(
        what,
        broken.map(({ text }) => text),
      );
    return readRun(out, RESULTS_FOLDER);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Makes rows the baseline of their scenario where they differ from it. Returns what that changes. */
function bless({ path: place, rows, record }: StoredRun, why: string): string {
  if (record === undefined) throw messages.notARun(place);
  const failed = rows.filter((row) => row["status"] === "failed").length;
  if (failed > 0 || rows.length < record.cells)
    throw messages.notBlessable(place, failed, record.cells - rows.length);
  if (rows.every((row) => row["status"] !== "done")) return "left out: no cell is done (files are missing)";
  const disk = new Disk();
  const csv = path.join(FOLDER, `${record.scenario.name}.csv`);
  const before = keptOrDamaged(csv, disk);
  const constants = constantsByProfile(record.constants);
  const isSamePlan = before?.record.plan === record.plan && before.record.size === record.size;
  const comparison =
    before === undefined
      ? undefined
      : compareRuns({ rows: before.rows, constants: before.record.constants }, { rows, constants });
  if (comparison?.isEqual && comparison.constants.length === 0 && isSamePlan) return "unchanged";
  const changed =
    comparison === undefined
      ? `New: ${rows.length} ${rows.length === 1 ? "cell" : "cells"}.`
      : comparison.isEqual
        ? "Equal rows of another scenario or other constants."
        : comparisonVerdict(comparison);
  const blessing: Blessing = {
    date: new Date().toISOString().slice(0, 10),
    commit: sourceOf(PROJECT_ROOT)?.commit.slice(0, COMMIT_DIGITS) ?? "",
    why,
    changed,
  };
  const files = baselineFiles(rows, record, [...(before?.record.why ?? []), blessing]);
  disk.replace(csv, files.csv);
  disk.replace(csv.replace(/\.csv$/, ".json"), files.json);
  return changed;
}

/** A damaged baseline is replaced: that is its mend. */
function keptOrDamaged(csv: string, disk: Disk): ReturnType<typeof kept> {
  try {
    return kept(csv, disk);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** The baseline that is there; undefined where there is none, or its CSV stands alone. @throws UserError */
function kept(csv: string, disk: Disk): { rows: StoredRun["rows"]; record: BaselineRecord } | undefined {
  const json = csv.replace(/\.csv$/, ".json");
  if (!disk.exists(csv) || !disk.exists(json)) return undefined;
  return readBaseline({ csv: disk.read(csv), json: disk.read(json) }, csv);
}
