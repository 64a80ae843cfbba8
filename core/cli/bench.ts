/** `virtlab bench`: runs a scenario, shows the answer, and says with the exit code whether its expectations hold. */
import { type LabRun, run } from "../lab/run.js";
import type { Shard } from "../lab/shard.js";
import { shownPath } from "../results/index.js";
import { summaryLines } from "../results/summary.js";
import type { ExpectationResult, Row } from "../scenario/index.js";
import type { RunSize } from "../util/parameters.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import { figureLines, orderingLines } from "./figure-lines.js";
import { interruption } from "./interruption.js";
import * as messages from "./messages.js";
import { pictureLines } from "./picture-lines.js";
import { progressOn, SILENT } from "./progress.js";
import { PROJECT_ROOT, RESULTS_FOLDER } from "./project.js";
import { scenarioFile } from "./scenario-file.js";
import type { Terminal } from "./terminal.js";
import { wrapText } from "./text-table.js";
import { timingLines } from "./timing-lines.js";

/** Rows that the table shows; all are in rows.csv. */
const MOST_ROWS = 60;
const WIDTH = 100;
/** Failing rows shown for each expectation. */
const MOST_FAILURES = 5;

export interface ScenarioOptions {
  readonly scenario: string;
  readonly sets: readonly string[];
  readonly size: RunSize | undefined;
  readonly seed: number | undefined;
  readonly only: string | undefined;
  readonly json: boolean;
}

export interface BenchOptions extends ScenarioOptions {
  readonly workers: number | undefined;
  readonly out: string | undefined;
  readonly shard: Shard | undefined;
  readonly resume: "auto" | "always" | "never";
  readonly charts: boolean;
  readonly quiet: boolean;
  /** What was typed, for run.json. */
  readonly args: readonly string[];
}

export async function bench(options: BenchOptions, terminal: Terminal): Promise<ExitCode> {
  const { scenario, args, quiet, json, ...rest } = options;
  const progress = quiet ? SILENT : progressOn(terminal);
  const stopping = (): void => {
    progress.end();
    terminal.note(messages.stopping);
  };
  // A cell in this thread would keep handlers waiting: without any, a signal ends the process, and the journal stays.
  const stop = options.workers === 0 ? undefined : interruption(stopping);
  let result: LabRun;
  try {
    result = await run(scenarioFile(scenario), {
      ...rest,
      project: PROJECT_ROOT,
      results: RESULTS_FOLDER,
      command: ["virtlab", ...args],
      progress: progress.event,
      ...(stop === undefined ? {} : { signal: stop.signal }),
    });
  } finally {
    progress.end();
    stop?.end();
  }
  if (json) terminal.print(JSON.stringify(resultJson(result), undefined, 2));
  else showResult(result, quiet, terminal);
  if (result.interrupted) {
    const { table, plan, folder } = result;
    terminal.note(messages.interrupted(table.rows.length, plan.cells.length, shownPath(folder)));
    return stop?.exitCode ?? EXIT_CODE.interrupted;
  }
  return verdictOf(result, options.shard !== undefined);
}

/**
 * 1 when a cell failed, an expectation does not hold, or no cell could run: a question without an answer.
 * @param isPart other cells run elsewhere, and may be done there
 */
export function verdictOf(result: LabRun, isPart = false): ExitCode {
  const { table, expectations } = result;
  const isGood =
    !table.rows.some(hasFailed) &&
    (expectations ?? []).every(({ passed }) => passed) &&
    (isPart || !isUnanswered(result));
  return isGood ? EXIT_CODE.ok : EXIT_CODE.gateFailed;
}

/** Whether all cells are unsupported, and not for want of files that may be missing (`ifMissing`). */
function isUnanswered({ table, plan }: LabRun): boolean {
  return (
    table.rows.every((row) => row["status"] === "unsupported") &&
    plan.cells.some(({ config }) => config.code?.missing === undefined)
  );
}

function hasFailed(row: Row): boolean {
  return row["status"] === "failed";
}

/** The answer of a run, and where it is. */
export function showResult(result: LabRun, quiet: boolean, terminal: Terminal): void {
  const { rows } = result.table;
  if (!quiet) {
    const { title, question } = result.plan.scenario;
    terminal.print(terminal.paint("bold", title));
    if (question !== "") terminal.print(question);
    terminal.print("");
    const shown = rows.length > MOST_ROWS ? rows.slice(0, MOST_ROWS) : rows;
    terminal.print(summaryLines(shown, terminal.width).join("\n"));
    if (shown.length < rows.length) terminal.print(messages.moreRows(rows.length - shown.length));
    terminal.print("");
  }
  for (const sentence of result.answer) terminal.print(wrapText(sentence, WIDTH).join("\n"));
  if (result.answer.length > 0) terminal.print("");
  const failed = rows.filter(hasFailed).length;
  if (failed > 0) terminal.print(terminal.paint("red", messages.failedCells(failed, rows.length)));
  showExpectations(result, terminal);
  showFigures(result, terminal);
  if (result.timing !== undefined) {
    terminal.print(messages.hostTime);
    for (const line of timingLines(result.timing)) terminal.print(`  ${line}`);
  }
  terminal.print(messages.runFolder(shownPath(result.folder)));
  for (const line of pictureLines(result.pictures)) terminal.print(`  ${line}`);
}

function showExpectations({ expectations, interrupted, plan }: LabRun, terminal: Terminal): void {
  if (expectations === undefined) {
    if (!interrupted && plan.scenario.expect.length > 0) terminal.print(messages.notChecked);
    return;
  }
  if (expectations.length === 0) return;
  const skipped = expectations.filter((expectation) => expectation.skipped).length;
  const passed = expectations.filter((expectation) => expectation.passed).length - skipped;
  terminal.print(messages.expectationsSummary(passed, expectations.length, skipped));
  for (const expectation of expectations) terminal.print(expectationLines(expectation, terminal).join("\n"));
}

function showFigures({ figures, orderings }: LabRun, terminal: Terminal): void {
  if (figures.length > 0) {
    terminal.print(messages.besidePublished);
    for (const line of figureLines(figures)) terminal.print(`  ${line}`);
  }
  if (orderings.length > 0) {
    const same = orderings.filter(({ passed }) => passed).length;
    terminal.print(messages.orderingsSummary(same, orderings.length));
    for (const line of orderingLines(orderings)) terminal.print(`  ${line}`);
  }
}

function expectationLines(expectation: ExpectationResult, { paint }: Terminal): string[] {
  const { text, where, passed, skipped, rows, reason, failures } = expectation;
  if (skipped) return [`  ${paint("yellow", "skip")}  ${text}  ${paint("dim", reason)}`];
  if (passed) return [`  ${paint("green", "pass")}  ${text}  ${paint("dim", messages.overRows(rows))}`];
  const lines = [`  ${paint("red", "FAIL")}  ${text}  ${paint("dim", where)}`];
  if (reason !== "") lines.push(`        ${reason}`);
  for (const failure of failures.slice(0, MOST_FAILURES)) {
    const values = Object.entries(failure.values).map(([name, value]) => `${name} = ${value}`);
    const why = [failure.reason, ...values].filter((part) => part !== "").join(", ");
    lines.push(`        ${failure.cell}: ${why}`);
  }
  if (failures.length > MOST_FAILURES)
    lines.push(`        ${messages.moreFailures(failures.length - MOST_FAILURES)}`);
  return lines;
}

/** The run as one document. */
export function resultJson(result: LabRun): Record<string, unknown> {
  const { plan, folder, table, answer, expectations, figures, orderings, timing, pictures, interrupted } =
    result;
  const { name, title, question, seed, size } = plan.scenario;
  return {
    scenario: { name, title, question, seed, size },
    plan: plan.hash,
    folder,
    cells: plan.cells.length,
    interrupted,
    rows: table.rows,
    answer,
    expectations: expectations ?? null,
    figures,
    orderings,
    timing: timing?.rows ?? null,
    pictures,
  };
}
