/**
 * The table at the end of a run: the axes that vary, then what matters most. Where the width is short, the
 * least important measures go first (a line says which), and only then names are cut. A pure function of
 * rows. A cell that is not done says why in place of numbers.
 */
import type { Row } from "../scenario/scenario.js";
import { humanNumber, humanValue, percent, times } from "./humanise.js";
import { coordinatesOf } from "./table.js";

const WIDTH = 100;
const GAP = "  ";
/** Names are cut to this at most. */
const LEAST_NAME = 6;

interface Measure {
  readonly title: string;
  readonly column: string;
  text(value: number): string;
}

const MEASURES: readonly Measure[] = [
  { title: "cycles/ref", column: "cycles_per_reference", text: humanNumber },
  // Reference streams have none.
  { title: "instructions", column: "instructions", text: (count) => (count === 0 ? "" : humanNumber(count)) },
  { title: "CPI", column: "cycles_per_instruction", text: humanNumber },
  { title: "slowdown", column: "slowdown", text: times },
  { title: "TLB miss", column: "tlb_miss_rate", text: percent },
  { title: "TLB MPKI", column: "tlb_mpki", text: humanNumber },
  { title: "refs/walk", column: "walk_refs_per_walk", text: humanNumber },
  { title: "exits", column: "exits", text: humanNumber },
  {
    title: "memory+",
    column: "overhead_peak_bytes",
    text: (bytes) => (bytes === 0 ? "0" : humanValue("overhead_peak_bytes", bytes)),
  },
  // Of hosts with instances.
  ...[
    ["instances", "instances"],
    ["limit", "limit"],
    ["memory each", "bytes_per_instance"],
    ["saved", "shared_saving_bytes"],
    ["p99", "latency_p99"],
    ["requests/s", "requests_per_second"],
    ["idle", "cpu_idle_share"],
  ].map(
    ([title, column]): Measure => ({
      title: title!,
      column: column!,
      text: (value) => humanValue(column!, value),
    }),
  ),
];

/** What goes first where the width is short; cycles and slowdown never do. */
const DISPENSABLE = [
  "walk_refs_per_walk",
  "overhead_peak_bytes",
  "tlb_miss_rate",
  "exits",
  "instructions",
  "tlb_mpki",
  "shared_saving_bytes",
  "cpu_idle_share",
];

/** Lines of at most `width` columns; the last may name what had no room. No rows give one line. */
export function summaryLines(rows: readonly Row[], width = WIDTH): string[] {
  if (rows.length === 0) return ["no cells have finished"];
  const names = namesOf(rows);
  const { measures, omitted } = chosen(names, knownOf(rows), rows, width);
  const [head, ...body] = tableOf(names, measures, rows) as [string[], ...string[][]];
  const widths = fitted([head, ...body], names.length, width);
  const lines = [rendered(head, widths, names.length), widths.map((width) => "-".repeat(width)).join(GAP)];
  rows.forEach((row, index) => {
    const cells = body[index]!;
    if (isDone(row)) {
      lines.push(rendered(cells, widths, names.length));
      return;
    }
    const start = rendered(cells.slice(0, names.length), widths, names.length);
    lines.push(clipped(`${start}${GAP}${row["status"]}: ${row["reason"]}`, width));
  });
  if (omitted.length > 0)
    lines.push(clipped(`(no room for ${omitted.map(({ title }) => title).join(", ")}: see rows.csv)`, width));
  return lines.map((line) => line.trimEnd());
}

/** The same where there is room for everything: a title for each column, and each row's texts. */
export function summaryCells(rows: readonly Row[]): {
  readonly head: readonly { readonly title: string; readonly isName: boolean }[];
  readonly body: readonly (readonly string[])[];
} {
  const names = namesOf(rows);
  const [titles, ...body] = tableOf(names, knownOf(rows), rows) as [string[], ...string[][]];
  const head = titles.map((title, index) => ({ title, isName: index < names.length }));
  const told = (row: Row, cells: readonly string[]): readonly string[] =>
    isDone(row) ? cells : [...cells.slice(0, names.length), `${row["status"]}: ${row["reason"]}`];
  return { head, body: body.map((cells, index) => told(rows[index]!, cells)) };
}

function namesOf(rows: readonly Row[]): string[] {
  const axes = withoutImplied(varyingOf(rows), rows);
  return axes.length > 0 ? axes : ["technique", "workload"].filter((name) => rows[0]?.[name] !== undefined);
}

/** Measures that any row has. */
function knownOf(rows: readonly Row[]): Measure[] {
  return MEASURES.filter((measure) => rows.some((row) => measured(row[measure.column], measure) !== ""));
}

function isDone(row: Row): boolean {
  return row["status"] === "done" || row["status"] === undefined;
}

/** Coordinates with more than one value, in order. */
export function varyingOf(rows: readonly Row[]): string[] {
  return coordinatesOf(rows).filter((name) => new Set(rows.map((row) => row[name])).size > 1);
}

/** Without coordinates that an earlier one implies, as in a zip: the table has no room to say things twice. */
function withoutImplied(names: readonly string[], rows: readonly Row[]): string[] {
  return names.filter(
    (name, index) => !names.slice(0, index).some((earlier) => implies(earlier, name, rows)),
  );
}

function implies(earlier: string, name: string, rows: readonly Row[]): boolean {
  const seen = new Map<unknown, unknown>();
  return rows.every((row) => {
    if (!seen.has(row[earlier])) seen.set(row[earlier], row[name]);
    return seen.get(row[earlier]) === row[name];
  });
}

/** The head and each row as texts. */
function tableOf(names: readonly string[], measures: readonly Measure[], rows: readonly Row[]): string[][] {
  const head = [...names, ...measures.map(({ title }) => title)];
  const body = rows.map((row) => [
    ...names.map((name) => humanValue(name, row[name] ?? "")),
    ...measures.map((measure) => measured(row[measure.column], measure)),
  ]);
  return [head, ...body];
}

/** The measures for which there is room without cutting a name, and those that had to go. */
function chosen(
  names: readonly string[],
  known: readonly Measure[],
  rows: readonly Row[],
  width: number,
): { readonly measures: readonly Measure[]; readonly omitted: readonly Measure[] } {
  let measures = known;
  for (const column of DISPENSABLE) {
    if (total(widest(tableOf(names, measures, rows))) <= width) break;
    measures = measures.filter((measure) => measure.column !== column);
  }
  return { measures, omitted: known.filter((measure) => !measures.includes(measure)) };
}

function widest(table: readonly (readonly string[])[]): number[] {
  return table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
}

/** Column widths that fit: names shrink, the widest first; numbers never do. */
function fitted(table: readonly (readonly string[])[], names: number, width: number): number[] {
  const widths = widest(table);
  while (total(widths) > width) {
    const most = widths.slice(0, names).reduce((at, each, index, all) => (each > all[at]! ? index : at), 0);
    if (names === 0 || widths[most]! <= LEAST_NAME) break;
    widths[most]!--;
  }
  return widths;
}

function rendered(cells: readonly string[], widths: readonly number[], names: number): string {
  return cells
    .map((cell, column) =>
      column < names
        ? clippedName(cell, widths[column]!).padEnd(widths[column]!)
        : cell.padStart(widths[column]!),
    )
    .join(GAP);
}

function measured(value: string | number | undefined, { text }: Measure): string {
  return typeof value === "number" ? text(value) : (value ?? "");
}

/** A name cut to what tells it from its like: "hardware/nested" becomes "…/nested", others lose their end. */
function clippedName(name: string, width: number): string {
  const tail = name.slice(name.lastIndexOf("/"));
  const isShorter = name.length > width && tail.startsWith("/") && tail.length < width;
  return clipped(isShorter ? `…${tail}` : name, width);
}

/** One line without control characters, cut with an ellipsis. */
function clipped(text: string, width: number): string {
  const line = text.replace(/\p{Cc}+/gu, " ");
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * Math.max(0, widths.length - 1);
}
