/**
 * Every scenario of papers held against its publications: run, or taken from runs that have finished, and made into one table, with the
 * published figures that no scenario is set beside.
 */
import { type PaperResult, summaryOf, type ValidationSummary } from "../results/validation.js";
import { outsideOf } from "../scenario/figures/compare.js";
import { type Account, accountOf, outsideFigures } from "../scenario/figures/outside.js";
import {
  checkExpectations,
  checkOrderings,
  type ExpectationResult,
  figureRows,
  figuresOf,
  loadScenario,
  type Plan,
  type Row,
} from "../scenario/index.js";
import { type FinishedRows, finishedRows } from "./finished-rows.js";
import type { RunOptions } from "./run.js";

export interface PaperValidation extends PaperResult {
  readonly plan: Plan;
  readonly title: string;
  readonly expectations: readonly ExpectationResult[];
  /** Cells that failed. */
  readonly failed: number;
  readonly isReused: boolean;
}

export interface Validation {
  readonly papers: readonly PaperValidation[];
  readonly summary: ValidationSummary;
  /** True when it was stopped before its end. */
  readonly interrupted: boolean;
}

/** Rows of results/outside.yaml, as those of figures.csv. @throws UserError */
export function outsideRows(): Row[] {
  return figureRows([...outsideFigures()].map(([id, reason]) => outsideOf(id, reason)));
}

/** Where each published figure went, by all scenarios of papers. @throws UserError */
export function accountOfPublished(files: readonly string[]): Account {
  return accountOf(
    files.map((file) => loadScenario(file)),
    outsideFigures(),
  );
}

/**
 * @param files scenarios that set something beside publications
 * @param started told of each before it is run
 * @throws UserError as a run does
 */
export async function validate(
  files: readonly string[],
  options: RunOptions,
  started: (file: string, index: number) => void = () => {},
): Promise<Validation> {
  const papers: PaperValidation[] = [];
  for (const [index, file] of files.entries()) {
    started(file, index);
    const finished = await finishedRows(file, options);
    if (finished.interrupted) return { papers, summary: summaryOf(papers), interrupted: true };
    papers.push(paperOf(finished));
  }
  return { papers, summary: summaryOf(papers), interrupted: false };
}

function paperOf({ plan, rows, isReused }: FinishedRows): PaperValidation {
  const { name, title, size } = plan.scenario;
  return {
    plan,
    scenario: name,
    title,
    size,
    figures: figureRows(figuresOf(plan, rows)),
    orderings: checkOrderings(plan, rows),
    expectations: checkExpectations(plan, rows),
    failed: rows.filter(({ status }) => status === "failed").length,
    isReused,
  };
}
