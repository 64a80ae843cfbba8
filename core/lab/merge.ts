/**
 * Shards of a run into the run: the same bytes of rows.csv as if one machine had run it all. The plan is made again from what the
 * shards recorded, so what needs more than its own row (slowdown, expectations, charts) is computed over the whole; a plan that is
 * not theirs is refused.
 */
import { join } from "node:path";
import { answerOf } from "../charts/answer.js";
import { findColumn } from "../results/columns.js";
import { createRun, Disk, readRun, type StoredRun, toCsv } from "../results/index.js";
import { type RunRecord, recordOf, type ShardRecord } from "../results/record.js";
import { TIMING_COLUMNS } from "../results/timing.js";
import {
  type CellOutcome,
  checkExpectations,
  checkOrderings,
  loadScenario,
  type Plan,
  planScenario,
  type Row,
} from "../scenario/index.js";
import { UserError } from "../util/errors.js";
import { drawKept, type LabRun, writtenFigures } from "./run.js";

export interface MergeOptions {
  readonly project: string;
  readonly results: string;
  readonly out?: string | undefined;
  readonly charts?: boolean;
  readonly command?: readonly string[];
}

/** A shard's run: its record says which part it is. */
type Part = StoredRun & { readonly record: RunRecord & { readonly shard: ShardRecord } };

/**
 * @param folders runs of shards, or folders that hold some
 * @throws UserError for shards that are missing, given twice, of different runs, or of another version
 */
export async function merge(folders: readonly string[], options: MergeOptions): Promise<LabRun> {
  const started = new Date();
  const startedAt = performance.now();
  const disk = new Disk();
  const parts = folders.flatMap((folder) => partsIn(folder, options.results, disk));
  refuseIncomplete(parts);
  const plan = planAgain(parts[0]!);
  const outcomes = new Map(parts.flatMap(outcomesOf));
  const missing = plan.cells.filter(({ id }) => !outcomes.has(id));
  if (missing.length > 0)
    throw new UserError(`${missing.length} cells are in no shard, the first: ${missing[0]!.id}`, {
      mend: "run the shards again, each to its end",
    });
  const place = {
    results: options.results,
    disk,
    ...(options.out === undefined ? {} : { out: options.out }),
  };
  const folder = createRun(plan, place, started);
  try {
    const consoles = new Map(parts.flatMap((part) => [...part.consoles]));
    for (const cell of plan.cells) {
      const console = consoles.get(cell.id);
      const outcome = outcomes.get(cell.id)!;
      folder.finished(cell, console === undefined ? outcome : { ...outcome, console });
    }
    const timings = timingsOf(parts, plan);
    if (timings !== undefined) folder.write("timing.csv", toCsv(timings.columns, timings.rows));
    const { table } = folder;
    const expectations = checkExpectations(plan, table.rows);
    const orderings = checkOrderings(plan, table.rows);
    const figures = writtenFigures(folder, plan);
    const facts = {
      command: options.command ?? [],
      workers: parts.reduce((sum, { record }) => sum + record.workers, 0),
      started,
      hostSeconds: (performance.now() - startedAt) / 1000,
      expectations,
      orderings,
      project: options.project,
    };
    folder.complete({ ...recordOf(plan, facts), source: parts[0]!.record.source });
    const pictures = options.charts === false ? [] : await drawKept(folder.path, options.results);
    const baseline = plan.scenario.baseline ?? null;
    const answer = answerOf(table.rows, { axes: plan.axes, baseline, expectations: [] });
    const judged = { expectations, figures, orderings };
    const whole = { plan, folder: folder.path, table, ...judged, answer, pictures };
    return { ...whole, timing: timings, interrupted: false };
  } finally {
    folder.release();
  }
}

function partsIn(folder: string, results: string, disk: Disk): Part[] {
  const isRun = disk.exists(join(folder, "run.json"));
  const paths = isRun ? [folder] : disk.list(folder).map((name) => join(folder, name));
  const runs = paths.filter((path) => disk.exists(join(path, "run.json")));
  if (runs.length === 0)
    throw new UserError("there is no complete run of a shard here", {
      where: folder,
      mend: "give the folders that `bench --shard k/n --out <folder>` wrote, or one that holds them all",
    });
  return runs.map((path) => {
    const run = readRun(path, results, disk);
    if (run.record?.shard !== undefined) return run as Part;
    throw new UserError("is a run, but no shard of one", { where: path, mend: "leave it out" });
  });
}

function refuseIncomplete(parts: readonly Part[]): void {
  const [first, ...others] = parts;
  const { plan, of } = first!.record.shard;
  const stranger = others.find(({ record }) => record.shard.plan !== plan || record.shard.of !== of);
  if (stranger !== undefined) {
    const { shard, scenario } = stranger.record;
    throw new UserError(
      `is shard ${shard.index}/${shard.of} of another run of ${scenario.name} than ${first!.path} (1 of ${of})`,
      { where: stranger.path, mend: "merge shards of one scenario, size, seed and n" },
    );
  }
  const commitsOf = ({ record: { source } }: Part): string => JSON.stringify(source);
  const other = others.find((part) => commitsOf(part) !== commitsOf(first!));
  if (other !== undefined) {
    throw new UserError(`was not run by the commit that ran ${first!.path}`, {
      where: other.path,
      mend: "run all shards with one revision, with the same files changed or none",
    });
  }
  const present = parts.map(({ record }) => record.shard.index).sort((a, b) => a - b);
  const twice = present.find((index, at) => present[at - 1] === index);
  if (twice !== undefined)
    throw new UserError(`shard ${twice}/${of} is given twice`, { mend: "leave one of them out" });
  const missing = Array.from({ length: of }, (_, at) => at + 1).filter((index) => !present.includes(index));
  if (missing.length === 0) return;
  const words = missing.map((index) => `${index}/${of}`).join(", ");
  const { files, name } = first!.record.scenario;
  throw new UserError(`shard ${words} of ${name} ${missing.length === 1 ? "is" : "are"} missing`, {
    mend: `run it: npm run bench -- ${files[0] ?? name} --shard ${missing[0]}/${of} --out <folder>, with the other shards' options`,
  });
}

/** The whole plan from what a shard recorded: the scenario with sizes and --set applied. @throws UserError */
function planAgain({ path, record }: Part): Plan {
  const { sizes: _applied, ...document } = record.scenario.resolved as Record<string, unknown>;
  const file = record.scenario.files[0] ?? record.scenario.name;
  const source = { text: JSON.stringify(document), path: file, isRecord: true };
  const plan = planScenario(loadScenario(source, { size: record.size, seed: record.seed }));
  if (plan.hash === record.shard.plan) return plan;
  throw new UserError("this virtlab plans other cells than the one that ran the shards", {
    where: path,
    mend: "merge with the version that ran them, and with the same image files",
  });
}

/** Rows back into what cells gave: without coordinates, without what is derived, without empty fields. */
function outcomesOf({ rows, exits }: Part): [string, CellOutcome][] {
  return rows.map((row) => {
    const names = Object.keys(row);
    const values = names
      .slice(names.indexOf("reason") + 1)
      .filter((name) => row[name] !== "" && findColumn(name)?.kind !== "derived")
      .map((name) => [name, row[name]!] as const);
    const left = exits.filter(({ cell }) => cell === row["cell"]);
    return [
      String(row["cell"]),
      {
        status: row["status"] as CellOutcome["status"],
        reason: String(row["reason"]),
        values: Object.fromEntries(values),
        exits: left.map(({ reason, count, cycles }) => ({
          reason: String(reason),
          count: Number(count),
          cycles: Number(cycles),
        })),
      },
    ];
  });
}

/** Times of several hosts, in plan order; undefined where no shard measured any. */
function timingsOf(parts: readonly Part[], plan: Plan): LabRun["timing"] {
  const byCell = new Map(
    parts.flatMap(({ timings }) => timings.map((row): [string, Row] => [String(row["cell"]), row])),
  );
  if (byCell.size === 0) return undefined;
  const rows = plan.cells.map(({ id }) => byCell.get(id)).filter((row) => row !== undefined);
  return { columns: TIMING_COLUMNS.map(({ name }) => name), rows };
}
