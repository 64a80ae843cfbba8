/**
 * What `compare A B` may name, each a set of runs by scenario:
 *
 *   results/runs/ept/<time>-<hash>   one run          results/runs/ept, results/runs/ept/latest   its latest
 *   results/runs                     the latest run of every scenario in a folder of runs
 *   results/baselines[/ept.csv]      baselines, all or one       rows.csv   bare rows
 *   ept                              a scenario: its baseline (as A), its latest run (as B)
 *   main, HEAD~1, v1.2               the baselines of a commit   main:ept   one of them
 */
import { existsSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UserError } from "../util/errors.js";
import { type Baseline, constantsByProfile, readBaseline, updateCommand } from "./baseline.js";
import type { ComparedRun } from "./compare.js";
import { Disk } from "./disk.js";
import { commitOf, fileAt, filesAt } from "./git.js";
import {
  latestRun,
  readRun,
  refuseDamaged,
  refuseScenario,
  type StoredRun,
  withoutRows,
} from "./stored-run.js";

/** One run, by the scenario that it is of. */
export interface Comparand extends ComparedRun {
  /** The scenario's name; a bare file's own. */
  readonly scenario: string;
  /** Where it was read, for people. */
  readonly place: string;
  readonly kind: "run" | "baseline" | "rows";
  /** Undefined for bare rows. */
  readonly size: string | undefined;
  readonly seed: number | undefined;
  /** Hash of the plan. */
  readonly plan: string | undefined;
}

export interface Comparands {
  /** As a person names the whole: the reference, or the commit's short hash with it. */
  readonly name: string;
  /** Whether the reference may stand for several scenarios, even if it has one. */
  readonly isSet: boolean;
  readonly runs: readonly Comparand[];
}

export const BASELINES = "baselines";

/**
 * Reads what a reference names. @param prefers what a scenario's plain name means
 * @param results the results folder @param project where git is asked
 * @returns no runs where a baseline is named that is not there
 * @throws UserError
 */
export function comparandsOf(
  reference: string,
  prefers: "baseline" | "run",
  { results, scenarios }: { results: string; scenarios: readonly string[] },
): Comparands {
  const disk = new Disk();
  const single = (runs: readonly Comparand[]): Comparands => ({ name: reference, isSet: false, runs });
  refuseScenario(reference);
  if (reference.endsWith(".csv")) {
    if (!existsSync(reference)) return single([]);
    return single([fileComparand(reference, disk)]);
  }
  if (basename(reference) === BASELINES && !existsSync(reference))
    return { name: reference, isSet: true, runs: [] };
  if (existsSync(reference) && statSync(reference).isDirectory())
    return folderComparands(reference, results, disk);
  const [, commitName, scenario] = /^(.+?)(?::([\w.-]*))?$/.exec(reference) ?? [];
  const isPlain = scenario === undefined && /^[\w.-]+$/.test(reference);
  if (isPlain && prefers === "baseline") {
    const file = join(results, BASELINES, `${reference}.csv`);
    if (existsSync(file)) return single([fileComparand(file, disk)]);
    if (scenarios.includes(reference)) return { name: file, isSet: false, runs: [] };
  }
  const commit = scenarios.includes(reference) ? undefined : commitOf(".", commitName ?? "");
  if (commit !== undefined) return commitComparands(reference, commit, scenario, results);
  return single([runComparand(readRun(reference, results, disk))]);
}

/** A CSV file: a baseline where its record is beside it, else bare rows. */
function fileComparand(file: string, disk: Disk): Comparand {
  const record = file.replace(/\.csv$/, ".json");
  if (basename(file) !== "rows.csv" && existsSync(record)) {
    const baseline = readBaseline({ csv: disk.read(file), json: disk.read(record) }, file);
    return baselineComparand(baseline, file);
  }
  if (basename(dirname(file)) === BASELINES)
    throw new UserError("the baseline's record is not beside it", {
      where: record,
      mend: `restore it (git checkout), or bless a run: ${updateCommand(basename(file, ".csv"))}`,
    });
  if (basename(file) === "rows.csv" && existsSync(join(dirname(file), "run.json")))
    return runComparand(readRun(dirname(file), ".", disk));
  const { rows } = readRun(file, ".", disk);
  const scenario = basename(file, ".csv");
  return { scenario, place: file, kind: "rows", size: undefined, seed: undefined, plan: undefined, rows };
}

function folderComparands(folder: string, results: string, disk: Disk): Comparands {
  const names = disk.list(folder);
  const set = (runs: readonly Comparand[]): Comparands => ({ name: folder, isSet: true, runs });
  if (names.includes("rows.csv"))
    return { name: folder, isSet: false, runs: [runComparand(readRun(folder, results, disk))] };
  if (names.includes("run.json")) throw withoutRows(folder);
  const files = names.filter((name) => name.endsWith(".csv"));
  if (files.length > 0) return set(files.map((name) => fileComparand(join(folder, name), disk)));
  const latest = latestRun(folder, disk);
  if (latest !== undefined) {
    const runs = names
      .map((name) => join(folder, name))
      .filter((path) => existsSync(join(path, "rows.csv")))
      .map((path) => readRun(path, results, disk));
    const scenarios = new Set(runs.map(({ record }) => record?.scenario.name));
    // A scenario's own folder of runs: its latest. Else each folder is a scenario's run.
    if (scenarios.size === 1 && scenarios.has(basename(folder)))
      return { name: folder, isSet: false, runs: [runComparand(readRun(latest, results, disk))] };
    return set(runs.map(runComparand));
  }
  const runs = names
    .map((name) => latestRun(join(folder, name), disk))
    .filter((path) => path !== undefined)
    .map((path) => runComparand(readRun(path, results, disk)));
  if (runs.length === 0 && basename(folder) !== BASELINES) {
    throw new UserError("there are neither runs nor baselines in this folder", {
      where: folder,
      mend: "give a run's folder, a folder of runs such as results/runs, or results/baselines",
    });
  }
  return set(runs);
}

function commitComparands(
  reference: string,
  commit: string,
  scenario: string | undefined,
  results: string,
): Comparands {
  const folder = join(results, BASELINES);
  const short = commit.slice(0, 10);
  const files = filesAt(".", commit, folder).filter((name) => name.endsWith(".csv"));
  const wanted = scenario ? files.filter((name) => name === `${scenario}.csv`) : files;
  const runs = wanted.map((name) => {
    const place = `${short}:${folder}/${name}`;
    const csv = fileAt(".", commit, `${folder}/${name}`) ?? "";
    const json = fileAt(".", commit, `${folder}/${name.replace(/\.csv$/, ".json")}`) ?? "";
    return baselineComparand(readBaseline({ csv, json }, place), place);
  });
  return { name: `${reference} (${short})`, isSet: !scenario, runs };
}

function baselineComparand({ rows, record }: Baseline, place: string): Comparand {
  const { scenario, size, seed, plan, constants } = record;
  return { scenario, place, kind: "baseline", size, seed, plan, rows, constants };
}

function runComparand({ path, rows, timings, record }: StoredRun): Comparand {
  if (record === undefined) {
    const head = { scenario: basename(path), place: path, kind: "rows" } as const;
    return { ...head, size: undefined, seed: undefined, plan: undefined, rows, timings };
  }
  refuseDamaged(path, record.files, new Disk());
  if (record.shard !== undefined)
    throw new UserError(`is shard ${record.shard.index}/${record.shard.of} of a run, not the whole`, {
      where: path,
      mend: "merge the shards first: npm run virtlab -- merge <shards>",
    });
  const { scenario, size, seed, plan, constants } = record;
  return {
    scenario: scenario.name,
    place: path,
    kind: "run",
    size,
    seed,
    plan,
    rows,
    timings,
    constants: constantsByProfile(constants),
  };
}
