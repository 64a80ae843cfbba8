/**
 * One scenario into one folder: load, plan, run, check, write; the same for the command line and for notebooks. The phases of
 * a scenario are drawn in core/scenario/run.ts; here they meet the disk.
 *
 * A run that was interrupted goes on where it stopped, if plan and code are the same. Modelled cells run in worker threads;
 * host time is measured afterwards, cell by cell (host-timing.ts).
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { answerOf } from "../charts/answer.js";
import {
  createRun,
  Disk,
  findResumable,
  type RunFolder,
  type RunPlace,
  shownPath,
  type Table,
} from "../results/index.js";
import { recordOf } from "../results/record.js";
import {
  type Cell,
  checkExpectations,
  checkOrderings,
  type ExpectationResult,
  figuresOf,
  loadScenario,
  type OrderingResult,
  type Plan,
  type ProgressEvent,
  planScenario,
  runPlan,
  type ScenarioSource,
} from "../scenario/index.js";
import { UserError } from "../util/errors.js";
import type { RunSize } from "../util/parameters.js";
import { CODE_FILE, codeHash } from "./code-hash.js";
import { timeCells } from "./host-timing.js";
import { drawRun } from "./pictures.js";
import { rehearse } from "./rehearsal.js";
import { selectCells } from "./selection.js";
import { type Shard, shardOf, shardRecord } from "./shard.js";

export interface PlanOptions {
  /** Overrides such as `machine.profile=haswell-2013`. */
  readonly sets?: readonly string[] | undefined;
  readonly size?: RunSize | undefined;
  readonly seed?: number | undefined;
  /** An expression over axes: only the cells that it selects. */
  readonly only?: string | undefined;
}

export interface RunOptions extends PlanOptions {
  /** The project's folder: its version and commit go into run.json. */
  readonly project: string;
  /** The results folder. */
  readonly results: string;
  /** The run's own folder instead of one in the results folder. */
  readonly out?: string | undefined;
  /** Worker threads; default: one a core. 0 runs the cells in this thread. */
  readonly workers?: number | undefined;
  /** Whether an unfinished run of the same cells goes on: where there is one (auto), or it must be there (always). */
  readonly resume?: "auto" | "always" | "never";
  /** Only one part of the cells; a shard has no expectations, charts and report of its own. */
  readonly shard?: Shard | undefined;
  /** Draw the charts and the report; default true. */
  readonly charts?: boolean;
  /** What was typed, for run.json. */
  readonly command?: readonly string[];
  /** Stops the run; finished cells are kept. */
  readonly signal?: AbortSignal;
  readonly progress?: (event: LabEvent) => void;
}

export type LabEvent =
  | ProgressEvent
  | { readonly kind: "folder"; readonly path: string; readonly done: number; readonly total: number }
  | { readonly kind: "timing"; readonly cell: Cell }
  | { readonly kind: "timing-failed"; readonly cell: Cell; readonly reason: string }
  | { readonly kind: "drawing" };

export interface LabRun {
  readonly plan: Plan;
  readonly folder: string;
  /** rows.csv as data; cells that never finished are absent. */
  readonly table: Table;
  /** Undefined when the run was interrupted, or `only` or `shard` left out cells that they may speak of. */
  readonly expectations: readonly ExpectationResult[] | undefined;
  /** figures.csv as data, and the verdicts on `orderings:`; none where expectations are undefined. */
  readonly figures: Table["rows"];
  readonly orderings: readonly OrderingResult[];
  /** The answer in a sentence or three; none when the run was interrupted. */
  readonly answer: readonly string[];
  /** timing.csv as data; undefined when the scenario measures no host time. */
  readonly timing: Table | undefined;
  /** Files written besides the CSV files and run.json, relative to the folder. */
  readonly pictures: readonly string[];
  readonly interrupted: boolean;
}

/** The cells of a scenario. @throws UserError */
export function planCells(source: ScenarioSource, options: PlanOptions = {}): Plan {
  const { sets, size, seed, only } = options;
  const scenario = loadScenario(source, {
    ...(sets === undefined ? {} : { sets }),
    ...(size === undefined ? {} : { size }),
    ...(seed === undefined ? {} : { seed }),
  });
  const plan = planScenario(scenario);
  if (only === undefined) return plan;
  const selected = selectCells(plan, only, `--only ${only}`);
  if (selected.cells.length > 0) return selected;
  throw new UserError(`selects none of the ${plan.cells.length} cells`, {
    where: `--only ${only}`,
    mend: `${plan.axes.length === 0 ? "there are no axes" : `the axes are ${plan.axes.join(", ")}`}; \`virtlab plan\` shows the cells`,
  });
}

/** Runs a scenario into a folder. @throws UserError for what the user can mend; what has finished is kept */
export async function run(source: ScenarioSource, options: RunOptions): Promise<LabRun> {
  const started = new Date();
  const startedAt = performance.now();
  const whole = planCells(source, options);
  rehearse(whole, options.only === undefined);
  const { shard } = options;
  const plan = shard === undefined ? whole : shardOf(whole, shard);
  const hasCharts = options.charts !== false && shard === undefined;
  const folder = openFolder(plan, options, started);
  try {
    const total = plan.cells.length;
    options.progress?.({ kind: "folder", path: folder.path, done: folder.completed.size, total });
    const workers =
      options.workers ?? Math.max(1, Math.min(availableParallelism(), total - folder.completed.size));
    const { outcomes, interrupted } = await runPlan(plan, {
      sink: folder,
      workers,
      completed: folder.completed,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.progress === undefined ? {} : { progress: options.progress }),
    });
    const isTimed = !interrupted && plan.scenario.timing.samples > 0;
    const timings = isTimed ? await timeCells(plan, outcomes, timingHooks(options)) : undefined;
    if (interrupted || options.signal?.aborted === true) {
      folder.writeRows();
      const { path, table } = folder;
      return {
        plan,
        folder: path,
        table,
        expectations: undefined,
        figures: [],
        orderings: [],
        answer: [],
        timing: undefined,
        pictures: [],
        interrupted: true,
      };
    }

    const timing = timings === undefined ? undefined : folder.writeTiming(timings);
    const { table } = folder;
    const isWhole = options.only === undefined && shard === undefined;
    const expectations = isWhole ? checkExpectations(plan, table.rows) : undefined;
    const orderings = isWhole ? checkOrderings(plan, table.rows) : [];
    const figures = isWhole ? writtenFigures(folder, plan) : [];
    folder.complete(
      recordOf(plan, {
        command: options.command ?? [],
        workers,
        started,
        hostSeconds: (performance.now() - startedAt) / 1000,
        expectations: expectations ?? [],
        orderings,
        project: options.project,
        ...(shard === undefined ? {} : { shard: shardRecord(whole, shard) }),
      }),
    );
    if (hasCharts) options.progress?.({ kind: "drawing" });
    const pictures = hasCharts ? await drawKept(folder.path, options.results) : [];
    const baseline = plan.scenario.baseline ?? null;
    const answer =
      shard === undefined ? answerOf(table.rows, { axes: plan.axes, baseline, expectations: [] }) : [];
    const judged = { expectations, figures, orderings };
    return { plan, folder: folder.path, table, ...judged, answer, timing, pictures, interrupted: false };
  } finally {
    folder.release();
  }
}

/** The rows of figures.csv, written where the scenario has figures. */
export function writtenFigures(folder: RunFolder, plan: Plan): Table["rows"] {
  if (plan.scenario.figures.length === 0) return [];
  return folder.writeFigures(figuresOf(plan, folder.table.rows)).rows;
}

/** Draws; a chart that cannot be drawn is the user's to mend, and the rows are safe. */
export async function drawKept(folder: string, results: string): Promise<string[]> {
  try {
    return await drawRun(folder, results);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const kept = `the rows are complete and kept in ${shownPath(folder)}`;
    const mend = error.mend === undefined ? kept : `${error.mend}\n  ${kept}`;
    throw new UserError(error.message, {
      mend,
      ...(error.where === undefined ? {} : { where: error.where }),
    });
  }
}

/** An unfinished run of the same plan under the same code, or a new folder. */
function openFolder(plan: Plan, options: RunOptions, now: Date): RunFolder {
  const resume = options.resume ?? "auto";
  const disk = new Disk();
  const place: RunPlace = {
    results: options.results,
    disk,
    ...(options.out === undefined ? {} : { out: options.out }),
  };
  const code = `${codeHash()}\n`;
  const unfinished = resume === "never" ? undefined : findResumable(plan, place);
  if (unfinished !== undefined) {
    const mark = join(unfinished.path, CODE_FILE);
    if (disk.exists(mark) && disk.read(mark) === code) return unfinished;
    unfinished.release();
  }
  if (resume === "always") {
    throw new UserError(
      `there is no unfinished run of ${plan.scenario.name} with these cells and this code`,
      {
        mend: "leave out --resume to start one",
      },
    );
  }
  const folder = createRun(plan, place, now);
  try {
    folder.write(CODE_FILE, code);
  } catch (error) {
    folder.abandon();
    throw error;
  }
  return folder;
}

function timingHooks({ progress, signal }: RunOptions) {
  return {
    ...(signal === undefined ? {} : { signal }),
    started: (cell: Cell) => progress?.({ kind: "timing", cell }),
    failed: (cell: Cell, reason: string) => progress?.({ kind: "timing-failed", cell, reason }),
  };
}
