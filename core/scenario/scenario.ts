/**
 * The values that pass between the phases of a scenario (run.ts draws the phases): Scenario, Plan, outcomes, rows and
 * the verdicts on its expectations. Plain data throughout.
 */
import type { ParameterValue, RunSize } from "../util/parameters.js";
import type { ChartSpec } from "./charts.js";
import type { ClaimId } from "./claims.js";
import type { Cell, CellOutcome } from "./config.js";
import type { FigureSpec } from "./figures/schema.js";
import type { ScenarioDocument } from "./schema.js";

/** A scenario after load, extend and validate: one closed, checked document. */
export interface Scenario {
  /** The file's name without its extension: the name of the run folder and of the baseline. */
  readonly name: string;
  /** The files read, the scenario's own first, then those it extends. */
  readonly files: readonly string[];
  readonly title: string;
  /** Empty when the scenario asks none. */
  readonly question: string;
  readonly seed: number;
  readonly size: RunSize;
  readonly charts: readonly ChartSpec[];
  readonly expect: readonly ExpectationText[];
  /** What is set beside published figures (figures/compare.ts). */
  readonly figures: readonly FigureSpec[];
  readonly orderings: readonly Ordering[];
  /** Axis values (by column) of the rows that `slowdown` and `base()` compare with. */
  readonly baseline: Readonly<Record<string, ParameterValue>> | undefined;
  /** How often host time is measured; 0 is not at all. */
  readonly timing: { readonly samples: number };
  /** The merged document, sizes and `--set` applied; units resolved. */
  readonly document: ScenarioDocument;
  /** `file:line:column` of a path into the document, or of its nearest parent that is written somewhere. */
  locate(path: readonly (string | number)[]): string;
}

export interface ExpectationText {
  readonly text: string;
  /** `file:line:column`. */
  readonly where: string;
  /** What it speaks of; rows unless it says otherwise. */
  readonly of?: "figures";
  /** The claim that it confirms while it holds (claims.ts), or contradicts. */
  readonly claim?: ClaimId;
  readonly refutes?: ClaimId;
}

/** What a publication says of which is more. */
export interface Ordering {
  readonly says: string;
  /** Ids of the rows of results/published.csv that say so. */
  readonly published: readonly string[];
  readonly expect: ExpectationText;
}

/** All cells of a scenario, fully resolved, in the order of their rows. */
export interface Plan {
  readonly scenario: Scenario;
  readonly cells: readonly Cell[];
  /** Columns of the axes, in order: the first columns of every row. */
  readonly axes: readonly string[];
  /** SHA-256 (hex) of the resolved cells: equal plans have equal hashes, on any machine. */
  readonly hash: string;
}

/** One line of rows.csv. All rows of a plan that are `done` have the same columns in the same order. */
export type Row = Readonly<Record<string, string | number>>;

/** What the host measured about a cell; never mixed with modelled numbers. */
export interface HostMeasure {
  readonly seconds: number;
}

/** Where finished cells go, in the order in which they finish. Called one at a time; a rejection stops the run. */
export interface ResultSink {
  finished(cell: Cell, outcome: CellOutcome, host: HostMeasure): void | Promise<void>;
}

export type ProgressEvent =
  | { readonly kind: "started"; readonly cell: Cell; readonly done: number; readonly total: number }
  | {
      readonly kind: "finished";
      readonly cell: Cell;
      readonly outcome: CellOutcome;
      readonly host: HostMeasure;
      readonly done: number;
      readonly total: number;
    };

export interface RunOptions {
  readonly sink?: ResultSink;
  /** Worker threads; default: one a core, and no more than cells. 0 runs in this thread, for debugging. */
  readonly workers?: number;
  /** Outcomes of an earlier, interrupted run of the same plan by cell id: not run again, not sent to the sink. */
  readonly completed?: ReadonlyMap<string, CellOutcome>;
  /** Stops the run; finished cells are kept. */
  readonly signal?: AbortSignal;
  readonly progress?: (event: ProgressEvent) => void;
}

export interface RunResult {
  /** By cell id, in plan order; `completed` included. Cells that never finished are absent. */
  readonly outcomes: ReadonlyMap<string, CellOutcome>;
  /** True when the signal stopped the run before its end. */
  readonly interrupted: boolean;
}

/** The verdict on one line of `expect:`. */
export interface ExpectationResult {
  readonly text: string;
  readonly where: string;
  readonly passed: boolean;
  /** It passes because all rows that it speaks of are of cells whose files are missing (`ifMissing`): nothing was checked. */
  readonly skipped: boolean;
  /** How many rows it selected. */
  readonly rows: number;
  /** Why it failed when no row can be blamed ("selected no rows"), or was skipped; else empty. */
  readonly reason: string;
  readonly failures: readonly ExpectationFailure[];
  /** The claim that it confirms, or contradicts. */
  readonly claim?: ClaimId;
  readonly refutes?: ClaimId;
  /** Of a comparison of numbers: the least and the greatest value of either side over the rows. */
  readonly sides?: readonly [left: ValueRange, right: ValueRange];
}

/** From the least to the greatest. */
export type ValueRange = readonly [least: number, greatest: number];

/** The verdict on one of `orderings:`. */
export interface OrderingResult extends ExpectationResult {
  readonly says: string;
  readonly published: readonly string[];
}

export interface ExpectationFailure {
  /** Id of the cell, or "all rows" for an aggregate. */
  readonly cell: string;
  readonly reason: string;
  /** The values of the identifiers and aggregates used, by their text. */
  readonly values: Readonly<Record<string, string | number | boolean>>;
}
