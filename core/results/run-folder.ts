/**
 * A run on disk while it is made:
 *
 *   results/runs/<scenario>/<time>-<hash>/
 *     journal.jsonl   while it runs: each cell as soon as it ends (journal.ts); gone when the run is complete
 *     rows.csv exits.csv figures.csv timing.csv run.json charts/ console/ report.html
 *
 * rows.csv is in plan order and has no time, host or path in it: byte-identical for any number of workers,
 * resumed or not. A run is complete when it has a run.json and no journal. Reading runs back is
 * stored-run.ts's.
 */
import { join, relative, resolve } from "node:path";
import type { Cell, CellOutcome } from "../scenario/config.js";
import { toCsv } from "../scenario/csv.js";
import type { FigureResult } from "../scenario/figures/compare.js";
import { FIGURE_COLUMNS, figureRows } from "../scenario/figures/rows.js";
import type { Plan, ResultSink } from "../scenario/scenario.js";
import { UserError } from "../util/errors.js";
import { consoleFile } from "./console.js";
import { sha256Of } from "./digest.js";
import { Disk } from "./disk.js";
import { cellLine, headLine, JOURNAL, readJournal } from "./journal.js";
import type { RunRecord } from "./record.js";
import { exitsOf, type Table, tableOf } from "./table.js";
import { type CellTiming, timingTable } from "./timing.js";

export interface RunPlace {
  /** The results folder, normally `results`. */
  readonly results: string;
  /** The run's own folder, when the user names it (--out); it may be anywhere, but must be new or empty. */
  readonly out?: string;
  readonly disk?: Disk;
}

/**
 * A run being written. `finished` makes it the sink of runPlan. All methods throw UserError when the disk
 * refuses.
 */
export class RunFolder implements ResultSink {
  private readonly outcomes: Map<string, CellOutcome>;

  /** Use createRun or findResumable. */
  constructor(
    readonly path: string,
    readonly plan: Plan,
    /** Outcomes read back from the journal of a killed run; give them to runPlan. */
    readonly completed: ReadonlyMap<string, CellOutcome>,
    private readonly disk: Disk,
  ) {
    this.outcomes = new Map(completed);
  }

  /** Keeps a cell's outcome at once, and what its guest printed in a file of its own (console.ts). */
  finished(cell: Cell, { console, ...outcome }: CellOutcome): void {
    if (console !== undefined) this.write(consoleFile(cell.id), console);
    this.disk.append(this.file(JOURNAL), cellLine(cell.id, outcome));
    this.outcomes.set(cell.id, outcome);
  }

  /** The rows so far, in plan order. */
  get table(): Table {
    return tableOf(this.plan, this.outcomes);
  }

  /** Writes rows.csv and exits.csv of what has finished. The journal stays: the run can be resumed. */
  writeRows(): void {
    this.writeCsv("rows.csv", this.table);
    this.writeCsv("exits.csv", exitsOf(this.plan, this.outcomes));
  }

  /** Writes timing.csv. Returns it as data. */
  writeTiming(timings: readonly CellTiming[]): Table {
    const table = timingTable(timings);
    this.writeCsv("timing.csv", table);
    return table;
  }

  /** Writes figures.csv: ours beside what was published. Returns it as data. */
  writeFigures(results: readonly FigureResult[]): Table {
    const table = { columns: FIGURE_COLUMNS.map(({ name }) => name), rows: figureRows(results) };
    this.writeCsv("figures.csv", table);
    return table;
  }

  /**
   * Any other file of the run, replaced atomically. @param name inside the folder, such as
   * `charts/walks.svg`.
   */
  write(name: string, data: string | Uint8Array): void {
    this.disk.replace(this.disk.inside(this.path, name), data);
  }

  /** Ends the run: rows, exits and run.json (with the fingerprints of the CSV files), then no journal. */
  complete(record: RunRecord): void {
    this.writeRows();
    const files: Record<string, string> = {};
    for (const name of ["rows.csv", "exits.csv", "figures.csv", "timing.csv"]) {
      if (this.disk.exists(this.file(name))) files[name] = sha256Of(this.disk.read(this.file(name)));
    }
    this.disk.replace(this.file("run.json"), `${JSON.stringify({ ...record, files }, null, 2)}\n`);
    this.disk.remove(this.file(JOURNAL));
    this.disk.remove(this.file(LOCK));
  }

  /** Lets another process resume the run. */
  release(): void {
    this.disk.remove(this.file(LOCK));
  }

  /** Leaves the folder empty, as though the run had never begun: the same command may start it. */
  abandon(): void {
    this.disk.remove(this.file(JOURNAL));
    this.release();
  }

  private writeCsv(name: string, table: Table): void {
    this.disk.replace(this.file(name), toCsv(table.columns, table.rows));
  }

  private file(name: string): string {
    return join(this.path, name);
  }
}

/** Holds the id of the process that writes the run. */
const LOCK = "lock";

/**
 * Starts a run in a folder of its own.
 * @param now names the folder; it is in no row.
 * @throws UserError when the folder cannot be written or a run is there already; nothing is overwritten.
 */
export function createRun(plan: Plan, place: RunPlace, now: Date): RunFolder {
  const disk = place.disk ?? new Disk();
  const path = place.out === undefined ? newPath(plan, place.results, now, disk) : resolve(place.out);
  if (disk.list(path).length > 0) {
    throw new UserError("there is a run, or something else, already", {
      where: path,
      mend: "choose another folder with --out, or remove this one",
    });
  }
  disk.makeFolder(path);
  if (!disk.create(join(path, LOCK), `${process.pid}\n`))
    throw new UserError("another process has just started a run here", { where: path, mend: "start again" });
  const run = new RunFolder(path, plan, new Map(), disk);
  try {
    disk.replace(join(path, JOURNAL), headLine(plan));
  } catch (error) {
    run.abandon();
    throw error;
  }
  return run;
}

/**
 * The newest run of the same plan that was killed or interrupted, ready to go on; undefined when there is
 * none. A run that a living process is writing is left alone.
 */
export function findResumable(plan: Plan, place: RunPlace): RunFolder | undefined {
  const disk = place.disk ?? new Disk();
  const parent = scenarioFolder(plan.scenario.name, place.results, disk);
  const folders =
    place.out === undefined ? disk.list(parent).map((name) => join(parent, name)) : [resolve(place.out)];
  for (const path of folders.reverse()) {
    const journal = readJournal(disk, join(path, JOURNAL));
    if (journal?.plan !== plan.hash || !takeLock(disk, path)) continue;
    const known = new Set(plan.cells.map((cell) => cell.id));
    const completed = new Map([...journal.outcomes].filter(([id]) => known.has(id)));
    // Written again without its torn last line, so that the next line starts on a line of its own.
    const lines = [...completed].map(([id, outcome]) => cellLine(id, outcome));
    disk.replace(join(path, JOURNAL), headLine(plan) + lines.join(""));
    return new RunFolder(path, plan, completed, disk);
  }
  return undefined;
}

/** results/runs/<scenario>. @throws UserError when the name leaves the results folder. */
export function scenarioFolder(scenario: string, results: string, disk: Disk): string {
  return disk.inside(join(results, "runs"), scenario);
}

/** `20260131T120000Z-1a2b3c4d`, with a number behind where two runs start in one second. */
function newPath(plan: Plan, results: string, now: Date, disk: Disk): string {
  const time = now
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replace(/[-:]/g, "");
  const base = join(scenarioFolder(plan.scenario.name, results, disk), `${time}-${plan.hash.slice(0, 8)}`);
  let path = base;
  for (let next = 2; disk.exists(path); next++) path = `${base}-${next}`;
  return path;
}

/** True when this process now writes the run: nobody did, or who did is dead. */
function takeLock(disk: Disk, path: string): boolean {
  const lock = join(path, LOCK);
  if (disk.exists(lock)) {
    const holder = Number.parseInt(disk.read(lock), 10);
    if (holder !== process.pid && isAlive(holder)) return false;
    disk.remove(lock);
  }
  return disk.create(lock, `${process.pid}\n`);
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A path as people see it: from the current folder where that is shorter. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short !== "" && short.length < path.length ? short : path;
}
