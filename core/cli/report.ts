/** `virtlab report`: draws the charts and the report of a run again, from its rows and run.json. */
import { drawRun } from "../lab/pictures.js";
import { findRun, shownPath } from "../results/index.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import * as messages from "./messages.js";
import { pictureLines } from "./picture-lines.js";
import { RESULTS_FOLDER } from "./project.js";
import type { Terminal } from "./terminal.js";

export interface ReportOptions {
  /** A run's folder, `…/latest`, or a scenario's name. */
  readonly run: string;
  readonly json: boolean;
}

export async function report(options: ReportOptions, terminal: Terminal): Promise<ExitCode> {
  const folder = findRun(options.run, RESULTS_FOLDER);
  const pictures = await drawRun(folder, RESULTS_FOLDER);
  if (options.json) {
    terminal.print(JSON.stringify({ folder, pictures }, undefined, 2));
    return EXIT_CODE.ok;
  }
  terminal.print(messages.runFolder(shownPath(folder)));
  for (const line of pictureLines(pictures)) terminal.print(`  ${line}`);
  return EXIT_CODE.ok;
}
