/**
 * Compares two runs' modelled numbers by equality: same plan, same source, same bytes. Anything else is a
 * change; which event moved most and how that became cycles is propagation.ts's. Pure functions of rows;
 * texts are comparison-text.ts's.
 *
 * Host timings are summarised apart and never decide anything: noise is not a regression.
 */
import type { Row } from "../scenario/scenario.js";
import { columnOf, findColumn } from "./columns.js";
import { type Propagation, propagationOf } from "./propagation.js";
import { coordinatesOf } from "./table.js";

export interface ColumnChange {
  readonly column: string;
  readonly before: string | number;
  readonly after: string | number;
  /** (after - before) / |before|; Infinity from 0, undefined for text and where a value is missing. */
  readonly relative: number | undefined;
  /** By the column's direction; undefined when it has none. */
  readonly isWorse: boolean | undefined;
}

export interface CellChange {
  readonly cell: string;
  /** Largest relative change first; changes of text before all. */
  readonly changes: readonly ColumnChange[];
  /**
   * The event (not cycles, not a ratio) that moved most cycles, or where none did moved most itself; undefined
   * when no event did.
   */
  readonly mover: ColumnChange | undefined;
  /** Where the change of cycles comes from; undefined when they did not change. */
  readonly propagation: Propagation | undefined;
}

/** A constant of a profile that differs: the cause of a price's change. One that is new is none. */
export interface ConstantChange {
  readonly profile: string;
  /** `costs.vm_exit`. */
  readonly name: string;
  readonly before: string | number;
  readonly after: string | number;
}

export interface ColumnSummary {
  readonly column: string;
  readonly cells: number;
  /** The change of largest magnitude, with its sign; undefined for text. */
  readonly largest: number | undefined;
}

export interface TimingSummary {
  readonly cells: number;
  /** Geometric mean of after / before median times over the cells that both measured; above 1 is slower. */
  readonly ratio: number;
}

export interface Comparison {
  readonly compared: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly CellChange[];
  /** Columns that changed anywhere, by largest relative change. */
  readonly columns: readonly ColumnSummary[];
  /** Columns that only one side has: never counted as a change of every cell. */
  readonly addedColumns: readonly string[];
  readonly removedColumns: readonly string[];
  /** Of profiles that both sides used; empty where a side does not record them. */
  readonly constants: readonly ConstantChange[];
  /** Undefined when not both sides measured a common cell. */
  readonly timing: TimingSummary | undefined;
  /** True when no modelled number, cell or column differs. */
  readonly isEqual: boolean;
}

export interface ComparedRun {
  readonly rows: readonly Row[];
  /** Rows of timing.csv. */
  readonly timings?: readonly Row[];
  /** By profile and name: `costs.vm_exit`. */
  readonly constants?: Constants;
}

export type Constants = Readonly<Record<string, Readonly<Record<string, string | number>>>>;

/** What changed from `before` to `after`. */
export function compareRuns(before: ComparedRun, after: ComparedRun): Comparison {
  const old = byCell(before.rows);
  const now = byCell(after.rows);
  const oldColumns = columnsOf(before.rows);
  const nowColumns = columnsOf(after.rows);
  const common = oldColumns.filter((column) => nowColumns.includes(column));
  const changed: CellChange[] = [];
  for (const [cell, row] of now) {
    const was = old.get(cell);
    if (was === undefined) continue;
    const changes = common.flatMap((column) => changeOf(column, was[column] ?? "", row[column] ?? ""));
    if (changes.length === 0) continue;
    const propagation = propagationOf(was, row);
    const mover = moverOf(changes, propagation);
    changed.push({ cell, changes: changes.sort(byMagnitude), mover, propagation });
  }
  const added = [...now.keys()].filter((cell) => !old.has(cell));
  const removed = [...old.keys()].filter((cell) => !now.has(cell));
  const difference = {
    added,
    removed,
    changed,
    addedColumns: onlyIn(after.rows, nowColumns, oldColumns),
    removedColumns: onlyIn(before.rows, oldColumns, nowColumns),
  };
  return {
    ...difference,
    compared: now.size - added.length,
    columns: summaries(changed),
    constants: constantsChanged(before.constants ?? {}, after.constants ?? {}),
    timing: timingOf(before.timings ?? [], after.timings ?? []),
    isEqual: Object.values(difference).every((list) => list.length === 0),
  };
}

/** Rows by cell id; by their coordinates where a file has no ids. */
function byCell(rows: readonly Row[]): Map<string, Row> {
  const names = coordinatesOf(rows);
  const idOf = (row: Row): string =>
    String(row["cell"] ?? names.map((name) => `${name}=${row[name]}`).join(" "));
  return new Map(rows.map((row) => [idOf(row), row]));
}

/** Coordinates are compared too: a seed or profile that differs under the same cell id is a change. */
function columnsOf(rows: readonly Row[]): string[] {
  return Object.keys(rows[0] ?? {}).filter((name) => name !== "cell");
}

/**
 * Columns that the other side has not. One that says nothing (0 or empty in every row) is no difference, nor is one
 * that follows from others.
 */
function onlyIn(rows: readonly Row[], names: readonly string[], others: readonly string[]): string[] {
  if (others.length === 0) return [];
  const says = (name: string): boolean => rows.some((row) => row[name] !== 0 && row[name] !== "");
  return names.filter((name) => !others.includes(name) && findColumn(name)?.kind !== "derived" && says(name));
}

function changeOf(column: string, before: string | number, after: string | number): ColumnChange[] {
  if (Object.is(before, after)) return [];
  if (typeof before !== "number" || typeof after !== "number") {
    return [{ column, before, after, relative: undefined, isWorse: undefined }];
  }
  const relative =
    before === 0 ? Math.sign(after) * Number.POSITIVE_INFINITY : (after - before) / Math.abs(before);
  const { better } = columnOf(column);
  const isWorse = better === "neither" ? undefined : after > before === (better === "fewer");
  return [{ column, before, after, relative, isWorse }];
}

function byMagnitude(a: ColumnChange, b: ColumnChange): number {
  return compareRelative(a.relative, b.relative);
}

/** Sorts changes that are no ratio (of text, or to nothing) first, then the largest. */
function compareRelative(a: number | undefined, b: number | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  const [left, right] = [Math.abs(a), Math.abs(b)];
  return left === right ? 0 : right > left ? 1 : -1;
}

function moverOf(
  changes: readonly ColumnChange[],
  propagation: Propagation | undefined,
): ColumnChange | undefined {
  const events = changes.filter(
    ({ column, relative }) => findColumn(column)?.kind === "event" && relative !== undefined,
  );
  for (const { event } of propagation?.causes ?? []) {
    const mover = events.find(({ column }) => column === event?.column);
    if (mover !== undefined) return mover;
  }
  return events.sort(byMagnitude)[0];
}

function constantsChanged(before: Constants, after: Constants): ConstantChange[] {
  return Object.entries(after).flatMap(([profile, now]) => {
    const was = before[profile];
    if (was === undefined) return [];
    return Object.keys(now)
      .filter((name) => was[name] !== undefined && was[name] !== now[name])
      .map((name) => ({ profile, name, before: was[name]!, after: now[name]! }));
  });
}

function summaries(changed: readonly CellChange[]): ColumnSummary[] {
  const byColumn = new Map<string, ColumnChange[]>();
  for (const { changes } of changed) {
    for (const change of changes)
      byColumn.set(change.column, [...(byColumn.get(change.column) ?? []), change]);
  }
  const largestOf = (changes: readonly ColumnChange[]): ColumnChange => [...changes].sort(byMagnitude)[0]!;
  return [...byColumn]
    .map(([column, changes]) => ({ column, cells: changes.length, largest: largestOf(changes).relative }))
    .sort((a, b) => compareRelative(a.largest, b.largest) || b.cells - a.cells);
}

function timingOf(before: readonly Row[], after: readonly Row[]): TimingSummary | undefined {
  const old = byCell(before);
  const logs: number[] = [];
  for (const [cell, row] of byCell(after)) {
    const [was, is] = [old.get(cell)?.["median_seconds"], row["median_seconds"]];
    if (typeof was === "number" && typeof is === "number" && was > 0 && is > 0) logs.push(Math.log(is / was));
  }
  if (logs.length === 0) return undefined;
  return { cells: logs.length, ratio: Math.exp(logs.reduce((a, b) => a + b, 0) / logs.length) };
}
