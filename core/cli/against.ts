/** `virtlab bench <scenario> --against <revision>`: this build against another one, rows and host times. */
import { appendFileSync } from "node:fs";
import { against } from "../lab/against.js";
import { againstMarkdown, againstText } from "./against-text.js";
import type { ScenarioOptions } from "./bench.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import { interruption } from "./interruption.js";
import * as messages from "./messages.js";
import { PROJECT_ROOT } from "./project.js";
import { scenarioFile } from "./scenario-file.js";
import type { Terminal } from "./terminal.js";

export interface AgainstOptions extends ScenarioOptions {
  readonly against: string;
  readonly pairs: number | undefined;
  readonly quiet: boolean;
  /** A file to which the Markdown is appended. */
  readonly summary: string | undefined;
}

/** Exit code 1 when a modelled number differs or a cell is slower. */
export async function benchAgainst(options: AgainstOptions, terminal: Terminal): Promise<ExitCode> {
  const { scenario, sets, size, seed, only, quiet, json, summary, pairs } = options;
  const stop = interruption(() => terminal.note(messages.stoppingWithoutResult));
  const note = (text: string): void => {
    if (!quiet) terminal.note(text);
  };
  try {
    const result = await against(scenarioFile(scenario), {
      sets,
      size,
      seed,
      only,
      pairs,
      project: PROJECT_ROOT,
      against: options.against,
      hooks: {
        signal: stop.signal,
        working: note,
        started: (cell, stage) => note(messages.comparing(cell, stage)),
      },
    });
    if (summary !== undefined) appendFileSync(summary, againstMarkdown(result));
    terminal.print(json ? JSON.stringify(result, undefined, 2) : againstText(result));
    return result.isGreen ? EXIT_CODE.ok : EXIT_CODE.gateFailed;
  } catch (error) {
    if (stop.exitCode !== undefined) return stop.exitCode;
    throw error;
  } finally {
    stop.end();
  }
}
