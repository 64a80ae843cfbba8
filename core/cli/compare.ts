/** `virtlab compare A B`: the regression gate over runs, folders and commits' baselines. */
import { appendFileSync } from "node:fs";
import path from "node:path";
import { comparandsOf } from "../results/comparands.js";
import { type Gate, gateOf } from "../results/gate.js";
import { actionBenchmarkJson, junitXml } from "../results/gate-formats.js";
import { gateJson, gateMarkdown, gateText } from "../results/gate-text.js";
import { Disk } from "../results/index.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import * as messages from "./messages.js";
import { RESULTS_FOLDER } from "./project.js";
import { scenarioNames } from "./scenario-file.js";
import type { Terminal } from "./terminal.js";

export interface CompareOptions {
  /** Before. */
  readonly a: string;
  /** After. */
  readonly b: string;
  readonly markdown: boolean;
  readonly json: boolean;
  readonly strict: boolean;
  /** Nothing is left out of the text. */
  readonly all: boolean;
  /** Files written besides; see gate-options.ts. */
  readonly summary: string | undefined;
  readonly junit: string | undefined;
  readonly actionBenchmark: string | undefined;
}

/** Exit code 1 when a modelled number differs, 3 when nothing of B has a baseline. */
export async function compare(options: CompareOptions, terminal: Terminal): Promise<ExitCode> {
  const place = { results: RESULTS_FOLDER, scenarios: scenarioNames() };
  const after = comparandsOf(options.b, "run", place);
  if (after.runs.length === 0) throw messages.nothingToCompare(options.b);
  const before = comparandsOf(options.a, "baseline", place);
  const gate = gateOf(before, after, options.strict);
  const disk = new Disk();
  if (options.junit !== undefined) disk.replace(options.junit, junitXml(gate, after.runs));
  if (options.actionBenchmark !== undefined)
    disk.replace(options.actionBenchmark, actionBenchmarkJson(after.runs));
  if (gate.scenarios.length === 0) {
    const isBare = after.runs.every(({ kind }) => kind === "rows");
    terminal.note(messages.noBaseline(before.name, gate.withoutBaseline, isBare ? options.b : undefined));
    return EXIT_CODE.noBaseline;
  }
  if (options.summary !== undefined) {
    disk.makeFolder(path.dirname(path.resolve(options.summary)));
    appendFileSync(options.summary, gateMarkdown(gate));
  }
  terminal.print(textOf(gate, options, terminal).trimEnd());
  return gate.isGreen ? EXIT_CODE.ok : EXIT_CODE.gateFailed;
}

function textOf(gate: Gate, { markdown, json, all }: CompareOptions, { paint }: Terminal): string {
  if (json) return gateJson(gate);
  if (markdown) return gateMarkdown(gate);
  const [verdict, ...rest] = gateText(gate, all).split("\n");
  return [paint(gate.isGreen ? "green" : "red", verdict!), ...rest].join("\n");
}
