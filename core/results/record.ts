/**
 * run.json: where a run's numbers come from. Everything needed to run it again and to judge it: the
 * resolved scenario, versions, the state of the source, the host, and each constant of each profile with
 * its source.
 */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, platform, release, totalmem } from "node:os";
import type { ChartSpec } from "../scenario/charts.js";
import type { ExpectationResult, OrderingResult, Plan } from "../scenario/scenario.js";
import type { RunSize } from "../util/parameters.js";
import { type ConstantRecord, constantsOf } from "./constants.js";
import { git } from "./git.js";

export interface RunRecord {
  /** Of this file's layout. */
  readonly format: 1;
  readonly command: readonly string[];
  readonly scenario: {
    readonly name: string;
    readonly title: string;
    readonly question: string;
    /** The file and those it extends. */
    readonly files: readonly string[];
    readonly axes: readonly string[];
    readonly baseline: Readonly<Record<string, unknown>> | null;
    readonly charts: readonly ChartSpec[];
    /** With defaults, parents and --set applied. */
    readonly resolved: unknown;
  };
  /** SHA-256 of the resolved cells: equal hashes give equal rows. */
  readonly plan: string;
  readonly cells: number;
  readonly seed: number;
  readonly size: RunSize;
  readonly expectations: readonly ExpectationResult[];
  /** Of `orderings:`, where the scenario has some. */
  readonly orderings?: readonly OrderingResult[];
  readonly constants: readonly ConstantRecord[];
  /** SHA-256 of each file that guests were made of, by its name in the scenario. */
  readonly guestFiles: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly source: { readonly commit: string; readonly dirty: boolean } | null;
  readonly host: HostRecord;
  readonly workers: number;
  /** ISO 8601. */
  readonly started: string;
  readonly hostSeconds: number;
  /** Where the run is one part of a whole (bench --shard). */
  readonly shard?: ShardRecord;
  /** SHA-256 of the CSV files, filled in as the run completes. */
  readonly files?: Readonly<Record<string, string>>;
}

/** The k-th of n parts, from 1. */
export interface ShardRecord {
  readonly index: number;
  readonly of: number;
  /** Hash and cells of the whole plan. */
  readonly plan: string;
  readonly cells: number;
}

export interface HostRecord {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
}

/** What the caller knows of the run; the rest is looked up. */
export interface RunFacts {
  readonly command: readonly string[];
  readonly workers: number;
  readonly started: Date;
  readonly hostSeconds: number;
  readonly expectations: readonly ExpectationResult[];
  readonly orderings?: readonly OrderingResult[];
  /** The project's folder: package.json and git are read there. */
  readonly project: string;
  readonly shard?: ShardRecord;
}

/** The record of a run of `plan` on this host. */
export function recordOf(plan: Plan, facts: RunFacts): RunRecord {
  const { scenario } = plan;
  return {
    format: 1,
    command: facts.command,
    scenario: {
      name: scenario.name,
      title: scenario.title,
      question: scenario.question,
      files: scenario.files,
      axes: plan.axes,
      baseline: scenario.baseline ?? null,
      charts: scenario.charts,
      resolved: scenario.document,
    },
    plan: plan.hash,
    cells: plan.cells.length,
    seed: scenario.seed,
    size: scenario.size,
    expectations: facts.expectations,
    ...(facts.orderings?.length ? { orderings: facts.orderings } : {}),
    constants: constantsOf(plan.cells.map((cell) => cell.config)),
    guestFiles: guestFilesOf(plan),
    versions: versionsOf(facts.project),
    source: sourceOf(facts.project),
    host: hostRecord(),
    workers: facts.workers,
    started: facts.started.toISOString(),
    hostSeconds: facts.hostSeconds,
    ...(facts.shard === undefined ? {} : { shard: facts.shard }),
  };
}

/** Those that are there. */
function guestFilesOf({ cells }: Plan): Record<string, string> {
  const files = cells.flatMap(({ config: { code } }) =>
    code === undefined ? [] : [code.image, ...code.modules, ...(code.disk === undefined ? [] : [code.disk])],
  );
  return Object.fromEntries(
    files.filter(({ sha256 }) => sha256 !== "").map(({ name, sha256 }) => [name, sha256]),
  );
}

/** This machine. */
export function hostRecord(): HostRecord {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${platform()} ${release()}`,
  };
}

interface PackageFile {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** virtlab, Node and each dependency; a package that is not installed is left out. */
function versionsOf(project: string): Record<string, string> {
  const own = packageFile(`${project}/package.json`);
  const versions: Record<string, string> = {
    virtlab: own?.version ?? "unknown",
    node: process.versions.node,
  };
  for (const name of Object.keys(own?.dependencies ?? {}).sort()) {
    const version = packageFile(`${project}/node_modules/${name}/package.json`)?.version;
    if (version !== undefined) versions[name] = version;
  }
  return versions;
}

function packageFile(path: string): PackageFile | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as PackageFile;
  } catch {
    return undefined;
  }
}

/** The commit and whether files differ from it; null where there is no git or no repository. */
export function sourceOf(project: string): RunRecord["source"] {
  const commit = git(project, ["rev-parse", "HEAD"]);
  if (commit === undefined) return null;
  return { commit, dirty: git(project, ["status", "--porcelain"]) !== "" };
}
