/** `virtlab claims`: what the chapter claims, and what the scenarios make of it; results/CLAIMS.md is kept current by it. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { judgedRuns, judgeScenarios, speakingOfClaims } from "../lab/claims.js";
import {
  type ClaimVerdict,
  claimCounts,
  claimsMarkdown,
  claimsSummary,
  claimVerdicts,
  type JudgedScenario,
} from "../results/claims.js";
import { Disk, shownPath } from "../results/index.js";
import type { RunSize } from "../util/parameters.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import { interruption } from "./interruption.js";
import { isMarkedStale, writeMarked } from "./marked.js";
import * as messages from "./messages.js";
import { progressOn, SILENT } from "./progress.js";
import { PROJECT_ROOT, RESULTS_FOLDER } from "./project.js";
import { shippedScenarios } from "./scenario-file.js";
import type { Terminal } from "./terminal.js";
import { textTable, wrapText } from "./text-table.js";

export interface ClaimsOptions {
  /** A folder of runs that are taken as they are; else scenarios are run, or their finished runs taken. */
  readonly runs: string | undefined;
  readonly size: RunSize;
  readonly workers: number | undefined;
  readonly action: "show" | "write" | "check";
  readonly json: boolean;
  readonly quiet: boolean;
  readonly args: readonly string[];
}

const PAGE = path.join(RESULTS_FOLDER, "CLAIMS.md");
const README_MARK = "claims";
const WIDTH = 100;

export async function claims(options: ClaimsOptions, terminal: Terminal): Promise<ExitCode> {
  const { runs, size, action, json, quiet } = options;
  const judged = runs === undefined ? await judgedNow(options, terminal) : judgedRuns(runs);
  if (judged === undefined) return EXIT_CODE.interrupted;
  if (runs !== undefined && judged.length === 0) throw messages.nothingToCompare(runs);
  const verdicts = claimVerdicts(judged);
  const page = claimsMarkdown(verdicts, size);
  if (json) terminal.print(JSON.stringify(verdicts, undefined, 2));
  else show(verdicts, quiet, terminal);
  if (action === "write") {
    new Disk().replace(PAGE, page);
    writeMarked(README_MARK, claimsSummary(verdicts));
    if (!json) terminal.print(shownPath(PAGE));
  }
  const isStale = action === "check" && !(existsSync(PAGE) && readFileSync(PAGE, "utf8") === page);
  const isReadmeStale = action === "check" && isMarkedStale(README_MARK, claimsSummary(verdicts));
  if (isStale) terminal.note(messages.staleClaims(shownPath(PAGE)));
  if (isReadmeStale) terminal.note(messages.staleClaims("README.md"));
  const isBroken = verdicts.some(({ verdict }) => verdict === "not shown");
  return isStale || isReadmeStale || isBroken ? EXIT_CODE.gateFailed : EXIT_CODE.ok;
}

async function judgedNow(
  { size, workers, quiet, json, args }: ClaimsOptions,
  terminal: Terminal,
): Promise<JudgedScenario[] | undefined> {
  const isSilent = quiet || json;
  const progress = isSilent ? SILENT : progressOn(terminal);
  const stop = interruption(() => {
    progress.end();
    terminal.note(messages.stopping);
  });
  const files = speakingOfClaims(shippedScenarios());
  try {
    return await judgeScenarios(
      files,
      {
        project: PROJECT_ROOT,
        results: RESULTS_FOLDER,
        size,
        workers,
        command: ["virtlab", ...args],
        signal: stop.signal,
        progress: progress.event,
      },
      (file, index) => {
        if (!isSilent)
          terminal.note(messages.validating(path.basename(file, ".yaml"), index + 1, files.length));
      },
    );
  } finally {
    progress.end();
    stop.end();
  }
}

function show(verdicts: readonly ClaimVerdict[], quiet: boolean, terminal: Terminal): void {
  if (!quiet) {
    const rows = verdicts.map(({ claim, verdict, lines }) => [
      claim.id,
      verdict,
      [...new Set(lines.map(({ scenario }) => scenario))].join(" "),
      wrapText(claim.text, WIDTH)[0] ?? "",
    ]);
    const head = [{ title: "claim" }, { title: "verdict" }, { title: "scenarios" }, { title: "" }];
    terminal.print(`${textTable(head, rows).join("\n")}\n`);
    for (const { claim, lines } of verdicts)
      for (const { scenario, text } of lines.filter(({ passed }) => !passed))
        terminal.print(`${claim.id} is not shown: ${scenario}: ${text}`);
  }
  terminal.print(countsText(verdicts));
}

function countsText(verdicts: readonly ClaimVerdict[]): string {
  return claimCounts(verdicts)
    .map(([word, count]) => `${count} ${word}`)
    .join(", ");
}
