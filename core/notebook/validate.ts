/** The lab held against the literature, in a cell: what `virtlab validate` says. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { validationCharts } from "../charts/validation.js";
import { PROJECT_ROOT } from "../cli/project.js";
import { paperScenarios } from "../cli/scenario-file.js";
import { textTable } from "../cli/text-table.js";
import { validate as validatePapers } from "../lab/validation.js";
import { fromCsv, shownPath } from "../results/index.js";
import {
  type PaperResult,
  summaryOf,
  type ValidationSummary,
  validationRows,
} from "../results/validation.js";
import { type SummaryLine, summaryLinesOf } from "../results/validation-text.js";
import type { Row } from "../scenario/index.js";
import { UserError } from "../util/errors.js";
import { nearestWords } from "../util/nearest.js";
import type { RunSize } from "../util/parameters.js";
import { Chart } from "./chart.js";
import { Exhibit } from "./exhibit.js";
import { cellInterruption, type MimeBundle } from "./kernel.js";
import { resultsFolder } from "./place.js";
import { CellProgress } from "./progress.js";
import { Table } from "./table.js";

/** A published figure beside ours. */
export interface FigureRow {
  /** The scenario of papers, by name. */
  readonly scenario: string;
  readonly figure: string;
  readonly paper: string;
  readonly title: string;
  readonly unit: string;
  readonly published: number;
  /** Undefined where the lab says nothing. */
  readonly ours: number | undefined;
  /** ours / published - 1. */
  readonly error: number | undefined;
  /** The greater over the other. */
  readonly factor: number | undefined;
  /** A fitted figure has a constant that was set from it. */
  readonly basis: "predicted" | "fitted";
  /** compared, missing, or outside of the model. */
  readonly status: string;
  readonly reason: string;
}

export class Validation extends Exhibit {
  readonly figures: readonly FigureRow[];
  readonly summary: ValidationSummary;
  private readonly rows: readonly Row[];

  constructor(papers: readonly PaperResult[]) {
    super();
    this.rows = validationRows(papers);
    this.summary = summaryOf(papers);
    this.figures = this.rows.map((row) => {
      const known = Object.entries(row).filter(([, value]) => value !== "");
      return { reason: "", ...Object.fromEntries(known) } as unknown as FigureRow;
    });
  }

  get caption(): string {
    return `${this.figures.length} published figures beside ours`;
  }

  /** Every figure by its publication; ours against published; how many predictions come how near. */
  get charts(): Chart[] {
    return validationCharts(this.rows).map((spec) => new Chart(spec));
  }

  bundle(): MimeBundle {
    // The kept table does not say which is more.
    const isKnown = ([what]: SummaryLine): boolean =>
      what !== "orderings" || this.summary.orderings.count > 0;
    const lines = summaryLinesOf(this.summary).filter(isKnown);
    const heads = ["what", "how near"].map((title) => ({ title, hint: "", isNumber: false }));
    const told = new Table(heads, lines).bundle().data["text/html"];
    const text = textTable([{ title: "what" }, { title: "how near" }], lines).join("\n");
    return { data: { "text/html": told, "text/plain": text }, metadata: {} };
  }
}

/** Everything may be left out. */
export interface ValidateSettings {
  /** Only the scenario of papers with this name; default: all, which takes minutes at size small. */
  readonly paper?: string;
  readonly size?: RunSize;
}

/** Runs scenarios of papers, or reads back what has been run. @throws UserError for an unknown paper, and when stopped */
export async function validate({ paper, size }: ValidateSettings = {}): Promise<Validation> {
  const files = paperScenarios().filter((file) => paper === undefined || nameOf(file) === paper);
  if (files.length === 0) {
    const names = paperScenarios().map(nameOf);
    const near = nearestWords(paper ?? "", names);
    throw new UserError(`there is no scenario of papers "${paper}"`, {
      mend: near.length > 0 ? `did you mean ${near.join(" or ")}?` : `they are: ${names.join(", ")}`,
    });
  }
  const progress = new CellProgress();
  const stop = cellInterruption();
  try {
    const results = resultsFolder();
    const { papers, interrupted } = await validatePapers(files, {
      project: PROJECT_ROOT,
      results,
      size,
      command: ["notebook"],
      signal: stop.signal,
      progress: progress.event,
    });
    if (interrupted)
      throw new UserError("stopped", { mend: "run the cell again: it goes on where it stopped" });
    const isReused = papers.every((each) => each.isReused);
    await progress.end(
      `${papers.length} scenarios of papers`,
      isReused,
      shownPath(path.join(results, "runs")),
    );
    return new Validation(papers);
  } finally {
    stop.end();
  }
}

/** The table that is in git (results/validation.csv), without running anything. It says nothing of orderings. */
export function keptValidation(): Validation {
  const file = path.join(PROJECT_ROOT, "results", "validation.csv");
  const rows = fromCsv(readFileSync(file, "utf8"), file);
  const names = [...new Set(rows.map(({ scenario }) => String(scenario)))];
  return new Validation(
    names.map((scenario) => {
      const figures = rows.filter((row) => row["scenario"] === scenario);
      return { scenario, size: String(figures[0]?.["size"]), figures, orderings: [] };
    }),
  );
}

function nameOf(file: string): string {
  return path.basename(file, ".yaml");
}
