/**
 * The journal of a run: one JSON line for its plan, then one for each cell as soon as it ends. A killed run
 * loses nothing finished, and is resumed from here. A line torn by the kill, or damaged later, is ignored.
 */
import type { CellOutcome } from "../scenario/config.js";
import type { Plan } from "../scenario/scenario.js";
import type { Disk } from "./disk.js";

export const JOURNAL = "journal.jsonl";

/** A journal as read back. */
export interface JournalContent {
  /** The plan's hash. */
  readonly plan: string;
  /** Outcomes by cell id, in the order in which they finished. */
  readonly outcomes: ReadonlyMap<string, CellOutcome>;
}

interface HeadLine {
  readonly journal: 1;
  readonly plan: string;
  readonly cells: number;
}

interface CellLine {
  readonly cell: string;
  readonly outcome: CellOutcome;
}

/** The first line. */
export function headLine(plan: Plan): string {
  return line({ journal: 1, plan: plan.hash, cells: plan.cells.length } satisfies HeadLine);
}

export function cellLine(cell: string, outcome: CellOutcome): string {
  return line({ cell, outcome } satisfies CellLine);
}

/** Reads a journal; undefined when there is none or its first line is no journal's. */
export function readJournal(disk: Disk, path: string): JournalContent | undefined {
  if (!disk.exists(path)) return undefined;
  const [first, ...rest] = disk.read(path).split("\n");
  const head = parsed(first ?? "") as Partial<HeadLine> | undefined;
  if (head?.journal !== 1 || typeof head.plan !== "string") return undefined;
  const outcomes = new Map<string, CellOutcome>();
  for (const text of rest) {
    const entry = parsed(text);
    if (isCellLine(entry)) outcomes.set(entry.cell, entry.outcome);
  }
  return { plan: head.plan, outcomes };
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/** The object that a line holds; undefined where it holds none. */
function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A line that was damaged is as one never written: its cell runs again. */
function isCellLine(entry: object | undefined): entry is CellLine {
  const { cell, outcome } = (entry ?? {}) as Partial<CellLine>;
  return (
    typeof cell === "string" &&
    typeof outcome?.status === "string" &&
    typeof outcome.reason === "string" &&
    typeof outcome.values === "object" &&
    outcome.values !== null &&
    Array.isArray(outcome.exits)
  );
}
