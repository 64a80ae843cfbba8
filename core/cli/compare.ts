/** `virtlab compare A B`: modelled numbers by equality; host timings are told, and judge nothing. */
import { existsSync } from "node:fs";
import path from "node:path";
import { compareRuns } from "../results/compare.js";
import { comparisonJson, comparisonMarkdown, comparisonText } from "../results/comparison-text.js";
import { readRun } from "../results/index.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import * as messages from "./messages.js";
import { RESULTS_FOLDER } from "./project.js";
import { shippedScenarios } from "./scenario-file.js";
import type { Terminal } from "./terminal.js";

export interface CompareOptions {
  /** The baseline. */
  readonly a: string;
  readonly b: string;
  readonly markdown: boolean;
  readonly json: boolean;
}

/** Exit code 1 when a modelled number differs, 3 when the baseline is a CSV file that is not there. */
export async function compare(options: CompareOptions, terminal: Terminal): Promise<ExitCode> {
  const { b, markdown, json } = options;
  const a = baselineOf(options.a);
  const after = readRun(b, RESULTS_FOLDER);
  if (a.endsWith(".csv") && !existsSync(a)) {
    terminal.note(messages.noBaseline(a, b));
    return EXIT_CODE.noBaseline;
  }
  const before = readRun(a, RESULTS_FOLDER);
  const comparison = compareRuns(before, after);
  const text = json
    ? comparisonJson(comparison)
    : (markdown ? comparisonMarkdown : comparisonText)(comparison);
  terminal.print(text.trimEnd());
  return comparison.isEqual ? EXIT_CODE.ok : EXIT_CODE.gateFailed;
}

/** `ept` is results/baselines/ept.csv where that is there, or where a scenario has that name; else as written. */
function baselineOf(written: string): string {
  if (existsSync(written) || path.basename(written) !== written || written.endsWith(".csv")) return written;
  const file = path.join(RESULTS_FOLDER, "baselines", `${written}.csv`);
  const isScenario = shippedScenarios().some((scenario) => path.basename(scenario, ".yaml") === written);
  return isScenario || existsSync(file) ? file : written;
}
