/** `virtlab validate`: every scenario of papers, its figures beside the published ones, and what they come to together. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { renderSpec } from "../charts/render.js";
import { validationCharts } from "../charts/validation.js";
import { validationHtml } from "../charts/validation-page.js";
import { fittedConstants } from "../lab/fits.js";
import { leaveOneOut } from "../lab/leave-one-out.js";
import {
  accountOfPublished,
  outsideRows,
  type PaperValidation,
  type Validation,
  validate as validatePapers,
} from "../lab/validation.js";
import { fitsMarkdown } from "../results/fits-markdown.js";
import { Disk, shownPath, toCsv } from "../results/index.js";
import {
  keptAccuracy,
  LEFT_OUT_COLUMNS,
  LEFT_OUT_HEADING,
  type LeftOutPaper,
  leftOutAccuracy,
  leftOutOf,
  leftOutRows,
} from "../results/leave-one-out.js";
import { VALIDATION_COLUMNS, validationRows } from "../results/validation.js";
import {
  accountText,
  accuracyText,
  correlationText,
  summaryLinesOf,
  validationMarkdown,
  whole,
} from "../results/validation-text.js";
import { fromCsv } from "../scenario/csv.js";
import type { Account } from "../scenario/figures/outside.js";
import type { Row } from "../scenario/index.js";
import type { RunSize } from "../util/parameters.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import { figureLines, orderingLines } from "./figure-lines.js";
import { interruption } from "./interruption.js";
import { isMarkedStale, writeMarked } from "./marked.js";
import * as messages from "./messages.js";
import { progressOn, SILENT } from "./progress.js";
import { PROJECT_ROOT, RESULTS_FOLDER } from "./project.js";
import { paperScenarios } from "./scenario-file.js";
import type { Terminal } from "./terminal.js";
import { textTable } from "./text-table.js";

export interface ValidateOptions {
  readonly size: RunSize | undefined;
  /** Scenarios alone whose name, or a publication of theirs, has this in it. */
  readonly paper: string | undefined;
  readonly workers: number | undefined;
  readonly fresh: boolean;
  /** write: results/validation.csv becomes this; check: exit with 1 where it is not this. */
  readonly action: "show" | "write" | "check";
  /** Leave each publication out, too; writing does so anyway. */
  readonly leaveOneOut: boolean;
  readonly out: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly args: readonly string[];
}

const KEPT = path.join(RESULTS_FOLDER, "validation.csv");
const FITS = path.join(RESULTS_FOLDER, "FITS.md");
const README_MARK = "validation";
const LEFT_OUT = path.join(RESULTS_FOLDER, "leave-one-out.csv");

export async function validate(options: ValidateOptions, terminal: Terminal): Promise<ExitCode> {
  const { paper, json, quiet, action, args, size, workers, fresh } = options;
  const files = paperFiles(paper);
  const progress = quiet || json ? SILENT : progressOn(terminal);
  const stop = interruption(() => {
    progress.end();
    terminal.note(messages.stopping);
  });
  let validation: Validation;
  let leftOut: readonly LeftOutPaper[] | undefined = [];
  try {
    validation = await validatePapers(
      files,
      {
        project: PROJECT_ROOT,
        results: RESULTS_FOLDER,
        size,
        workers,
        resume: fresh ? "never" : "auto",
        command: ["virtlab", ...args],
        signal: stop.signal,
        progress: progress.event,
      },
      (file, index) => {
        if (!quiet && !json)
          terminal.note(messages.validating(path.basename(file, ".yaml"), index + 1, files.length));
      },
    );
    if (!validation.interrupted && (options.leaveOneOut || action === "write"))
      leftOut = await leaveOneOut(validation.papers, { workers, signal: stop.signal }, (left, index, of) => {
        if (!quiet && !json) terminal.note(messages.leavingOut(left, index + 1, of));
      });
  } finally {
    progress.end();
    stop.end();
  }
  if (validation.interrupted || leftOut === undefined) return stop.exitCode ?? EXIT_CODE.interrupted;
  const account = accountOfPublished(paperScenarios());
  const table = toCsv(VALIDATION_COLUMNS, tableRows(validation, paper));
  const pages = await written(validation, account, leftOut, table, options);
  if (json) terminal.print(jsonOf(validation, account, leftOut));
  else show(validation, account, leftOut, pages, quiet, terminal);
  for (const id of account.missing) terminal.note(messages.unaccounted(id));
  for (const id of account.contradicted) terminal.note(messages.contradicted(id));
  const stale = action === "check" ? staleFiles(validation, table, account, options) : [];
  for (const file of stale) terminal.note(messages.staleValidation(file));
  const isComplete = account.missing.length + account.contradicted.length === 0;
  return validation.papers.every(isGood) && stale.length === 0 && isComplete
    ? EXIT_CODE.ok
    : EXIT_CODE.gateFailed;
}

/** validation.csv as data: the scenarios' figures, and those that no scenario is set beside unless one paper is asked for. */
function tableRows({ papers }: Validation, paper: string | undefined): Row[] {
  const outside = paper === undefined ? outsideRows() : [];
  return [...validationRows(papers), ...outside.map((row): Row => ({ scenario: "", size: "", ...row }))];
}

function jsonOf({ summary, papers }: Validation, account: Account, leftOut: readonly LeftOutPaper[]): string {
  const plain = papers.map(({ plan: _, ...paper }) => paper);
  return JSON.stringify({ summary, account, papers: plain, leftOut }, undefined, 2);
}

/** @throws UserError where a word names no paper */
function paperFiles(paper: string | undefined): string[] {
  const all = paperScenarios();
  const has = (file: string): boolean =>
    paper === undefined ||
    path.basename(file).includes(paper) ||
    readFileSync(file, "utf8").toLowerCase().includes(paper.toLowerCase());
  const exact = all.filter((file) => path.basename(file, ".yaml") === paper);
  const files = exact.length > 0 ? exact : all.filter(has);
  if (files.length === 0)
    throw messages.noSuchPaper(
      paper ?? "",
      all.map((name) => path.basename(name, ".yaml")),
    );
  return files;
}

/**
 * Which of the committed files are not what the scenarios give; of one paper the table alone is looked at. What leaving publications
 * out gave is taken as it was written: that is not run again.
 */
function staleFiles(
  { papers, summary }: Validation,
  table: string,
  account: Account,
  { paper }: ValidateOptions,
): string[] {
  const stale = keptTable(paper, paperFiles(paper)) === table ? [] : [shownPath(KEPT)];
  if (paper !== undefined) return stale;
  const [fits] = fitsMarkdown(fittedConstants(), validationRows(papers), []).split(LEFT_OUT_HEADING);
  const [kept] = (existsSync(FITS) ? readFileSync(FITS, "utf8") : "").split(LEFT_OUT_HEADING);
  if (kept !== fits) stale.push(shownPath(FITS));
  const without = existsSync(LEFT_OUT) ? fromCsv(readFileSync(LEFT_OUT, "utf8"), LEFT_OUT) : [];
  if (isMarkedStale(README_MARK, validationMarkdown(summary, keptAccuracy(without), account)))
    stale.push("README.md");
  return stale;
}

/** The committed table; of one paper its lines alone. */
function keptTable(paper: string | undefined, files: readonly string[]): string {
  if (!existsSync(KEPT)) return "";
  const text = readFileSync(KEPT, "utf8");
  if (paper === undefined) return text;
  const names = files.map((file) => path.basename(file, ".yaml"));
  const [head, ...lines] = text.split("\n");
  return [head, ...lines.filter((line) => names.some((name) => line.startsWith(`${name},`))), ""].join("\n");
}

function isGood({ failed, expectations }: PaperValidation): boolean {
  return failed === 0 && expectations.every(({ passed }) => passed);
}

/** validation.html, its charts and its table. @returns the files that were written */
async function written(
  validation: Validation,
  account: Account,
  leftOut: readonly LeftOutPaper[],
  table: string,
  { out, action, paper }: ValidateOptions,
): Promise<string[]> {
  const disk = new Disk();
  const folder = out ?? path.join(RESULTS_FOLDER, "runs", "validation");
  const { papers, summary } = validation;
  const charts = validationCharts(validationRows(papers));
  const files = [path.join(folder, "validation.html"), path.join(folder, "validation.csv")];
  disk.replace(files[0]!, validationHtml(papers, summary, charts));
  disk.replace(files[1]!, table);
  for (const [index, spec] of charts.entries()) {
    const chart = await renderSpec(spec, String(index + 1), "validation");
    for (const { name, data } of chart.files) disk.replace(disk.inside(folder, name), data);
  }
  if (action === "write" && paper === undefined) {
    disk.replace(KEPT, table);
    disk.replace(FITS, fitsMarkdown(fittedConstants(), validationRows(papers), leftOut));
    disk.replace(LEFT_OUT, toCsv(LEFT_OUT_COLUMNS, leftOutRows(leftOut)));
    writeMarked(README_MARK, validationMarkdown(summary, leftOutAccuracy(leftOut), account));
    files.push(KEPT, FITS, LEFT_OUT);
  }
  return files;
}

function show(
  { papers, summary }: Validation,
  account: Account,
  leftOut: readonly LeftOutPaper[],
  pages: readonly string[],
  quiet: boolean,
  terminal: Terminal,
): void {
  const { paint } = terminal;
  if (!quiet) for (const each of papers) showPaper(each, terminal);
  if (!quiet && summary.groups.length > 0) {
    terminal.print(paint("bold", "orders within groups (rank correlation of ours with published)"));
    const right = { align: "right" } as const;
    const rows = summary.groups.map(({ scenario, group, figures, spearman, kendall }) => [
      scenario,
      group,
      String(figures),
      correlationText(spearman),
      correlationText(kendall),
    ]);
    const head = [
      { title: "scenario" },
      { title: "group" },
      { title: "figures", ...right },
      { title: "Spearman", ...right },
      { title: "Kendall", ...right },
    ];
    terminal.print(`${textTable(head, rows).join("\n")}\n`);
  }
  if (!quiet && summary.papers.length > 1) showPapers(summary.papers, leftOut, terminal);
  for (const [what, text] of summaryLinesOf(summary)) terminal.print(`${what.padEnd(16)}${text}`);
  if (leftOut.length > 0)
    terminal.print(`${"each left out".padEnd(16)}${accuracyText(leftOutAccuracy(leftOut))}`);
  terminal.print(`${"accounted for".padEnd(16)}${accountText(account)}`);
  for (const page of pages) terminal.print(shownPath(page));
}

function showPaper(
  { scenario, title, size, isReused, figures, orderings, expectations, failed }: PaperValidation,
  terminal: Terminal,
): void {
  const kept = isReused ? ", from a finished run" : "";
  terminal.print(terminal.paint("bold", `${scenario}: ${title} (${size}${kept})`));
  for (const line of [...figureLines(figures), ...orderingLines(orderings)]) terminal.print(`  ${line}`);
  if (failed > 0) terminal.print(terminal.paint("red", `  ${messages.failedCells(failed, failed)}`));
  for (const { text } of expectations.filter(({ passed }) => !passed))
    terminal.print(`  ${terminal.paint("red", "FAIL")}  ${text}`);
  terminal.print("");
}

function showPapers(
  papers: Validation["summary"]["papers"],
  leftOut: readonly LeftOutPaper[],
  terminal: Terminal,
): void {
  terminal.print(terminal.paint("bold", "by publication"));
  const right = { align: "right" } as const;
  const head = [
    { title: "publication" },
    { title: "predicted", ...right },
    { title: "within 25%", ...right },
    { title: "factor 2", ...right },
    ...(leftOut.length === 0
      ? []
      : [
          { title: "left out: figures", ...right },
          { title: "within 25%", ...right },
          { title: "factor 2", ...right },
        ]),
    { title: "constants set from it" },
  ];
  const share = (of: number, value: number): string => (of === 0 ? "" : whole(value));
  const rows = papers.map(({ paper, own, constants }) => {
    const without = leftOutOf(leftOut, paper);
    return [
      paper,
      String(own.figures),
      share(own.figures, own.within25),
      share(own.figures, own.withinTwo),
      ...(leftOut.length === 0
        ? []
        : [
            String(without.figures),
            share(without.figures, without.within25),
            share(without.figures, without.withinTwo),
          ]),
      constants.join(" "),
    ];
  });
  terminal.print(`${textTable(head, rows).join("\n")}\n`);
}
