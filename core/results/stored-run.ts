/** Runs read back from disk: by folder, by `…/latest`, by scenario, or a bare CSV file such as a baseline. */
import { basename, dirname, join } from "node:path";
import { fromCsv } from "../scenario/csv.js";
import type { Row } from "../scenario/scenario.js";
import { UserError } from "../util/errors.js";
import { nearestWords } from "../util/nearest.js";
import { consoleFile } from "./console.js";
import { sha256Of } from "./digest.js";
import { Disk } from "./disk.js";
import { JOURNAL } from "./journal.js";
import type { RunRecord } from "./record.js";

/** What a path or name led to. A bare CSV file has rows alone. */
export interface StoredRun {
  /** The folder, or the CSV file. */
  readonly path: string;
  readonly rows: readonly Row[];
  readonly exits: readonly Row[];
  /** figures.csv; none where the scenario sets nothing beside published figures. */
  readonly figures: readonly Row[];
  readonly timings: readonly Row[];
  /** What guests printed, by cell. */
  readonly consoles: ReadonlyMap<string, string>;
  readonly record: RunRecord | undefined;
}

/**
 * Finds and reads a run.
 * @param reference a run's folder, `results/runs/ept/latest`, a scenario's name (its latest run), or a CSV
 * file.
 * @throws UserError when there is none, with the nearest name.
 */
export function readRun(reference: string, results: string, disk: Disk = new Disk()): StoredRun {
  if (reference.endsWith(".csv")) {
    const rows = fromCsv(disk.read(reference), reference);
    return {
      path: reference,
      rows,
      exits: [],
      figures: [],
      timings: [],
      consoles: new Map(),
      record: undefined,
    };
  }
  const path = findRun(reference, results, disk);
  const table = (name: string): Row[] => {
    const file = join(path, name);
    return disk.exists(file) ? fromCsv(disk.read(file), file) : [];
  };
  const rows = table("rows.csv");
  return {
    path,
    rows,
    exits: table("exits.csv"),
    figures: table("figures.csv"),
    timings: table("timing.csv"),
    consoles: consolesOf(rows, path, disk),
    record: readRecord(path, disk),
  };
}

function consolesOf(rows: readonly Row[], path: string, disk: Disk): Map<string, string> {
  const cells = rows.map((row) => String(row["cell"]));
  return new Map(
    cells
      .map((cell) => [cell, join(path, consoleFile(cell))] as const)
      .filter(([, file]) => disk.exists(file))
      .map(([cell, file]) => [cell, disk.read(file)]),
  );
}

/** The folder that a reference names. @throws UserError */
export function findRun(reference: string, results: string, disk: Disk = new Disk()): string {
  refuseScenario(reference);
  if (disk.exists(join(reference, "rows.csv"))) return reference;
  if (disk.exists(join(reference, "run.json"))) throw withoutRows(reference);
  const runs = join(results, "runs");
  const candidates =
    basename(reference) === "latest"
      ? [dirname(reference), join(runs, dirname(reference))]
      : [reference, join(runs, reference)];
  for (const folder of candidates) {
    const latest = latestRun(folder, disk);
    if (latest !== undefined) return latest;
  }
  const names = disk.list(runs);
  const near = nearestWords(
    basename(reference === "latest" ? "" : reference.replace(/\/latest$/, "")),
    names,
  );
  const have =
    names.length === 0
      ? "there are no runs yet: npm run bench -- scenarios/ept.yaml"
      : `runs of: ${names.join(", ")}`;
  throw new UserError(`no run "${reference}"`, {
    mend: near.length > 0 ? `did you mean ${near.join(" or ")}?` : have,
  });
}

/** Where a run is asked for. @throws UserError for a scenario's file */
export function refuseScenario(reference: string): void {
  const suffix = /\.ya?ml$/.exec(reference)?.[0];
  if (suffix === undefined) return;
  throw new UserError("is a scenario, not its results", {
    where: reference,
    mend: `run it (npm run bench -- ${reference}), then give its name: ${basename(reference, suffix)}`,
  });
}

/** A run's folder from which the rows were taken away. */
export function withoutRows(folder: string): UserError {
  return new UserError("the run has no rows.csv", {
    where: folder,
    mend: "restore the file, or run the scenario again",
  });
}

/** The newest complete run in a scenario's folder of runs. */
export function latestRun(folder: string, disk: Disk = new Disk()): string | undefined {
  const complete = (name: string): boolean =>
    disk.exists(join(folder, name, "run.json")) && !disk.exists(join(folder, name, JOURNAL));
  const name = disk.list(folder).filter(complete).at(-1);
  return name === undefined ? undefined : join(folder, name);
}

/** run.json of a folder; undefined where the run is not complete. @throws UserError when it is damaged */
export function readRecord(path: string, disk: Disk): RunRecord | undefined {
  const file = join(path, "run.json");
  if (!disk.exists(file)) return undefined;
  const record = parsedRecord(disk.read(file));
  if (record === undefined)
    throw new UserError("run.json is damaged", { where: file, mend: "run the scenario again" });
  return record;
}

/** Holds rows.csv against the digests of run.json. @throws UserError for one that was cut off or edited */
export function refuseDamaged(folder: string, files: RunRecord["files"], disk: Disk): void {
  const wanted = files?.["rows.csv"];
  const file = join(folder, "rows.csv");
  if (wanted === undefined || sha256Of(disk.read(file)) === wanted) return;
  throw new UserError("is not what the run wrote: it was cut off or edited", {
    where: file,
    mend: "run the scenario again",
  });
}

/** Undefined when the text is not what recordOf writes: every part of it is there, whatever it says. */
function parsedRecord(text: string): RunRecord | undefined {
  try {
    const record = JSON.parse(text) as RunRecord;
    const { axes, charts, files } = record.scenario;
    const lists = [axes, charts, files, record.command, record.expectations, record.constants];
    const isWhole = record.format === 1 && lists.every(Array.isArray) && typeof record.host === "object";
    return isWhole ? record : undefined;
  } catch {
    return undefined;
  }
}
