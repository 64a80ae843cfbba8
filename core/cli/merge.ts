/** `virtlab merge`: shards of a run into the run, shown and judged as `bench` does. */
import { merge } from "../lab/merge.js";
import { resultJson, showResult, verdictOf } from "./bench.js";
import type { ExitCode } from "./exit-codes.js";
import { PROJECT_ROOT, RESULTS_FOLDER } from "./project.js";
import type { Terminal } from "./terminal.js";

export interface MergeOptions {
  /** Folders of shards, or folders that hold them. */
  readonly shards: readonly string[];
  readonly out: string | undefined;
  readonly charts: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
  /** What was typed, for run.json. */
  readonly args: readonly string[];
}

export async function mergeShards(options: MergeOptions, terminal: Terminal): Promise<ExitCode> {
  const { shards, out, charts, quiet, json, args } = options;
  const result = await merge(shards, {
    project: PROJECT_ROOT,
    results: RESULTS_FOLDER,
    out,
    charts,
    command: ["virtlab", ...args],
  });
  if (json) terminal.print(JSON.stringify(resultJson(result), undefined, 2));
  else showResult(result, quiet, terminal);
  return verdictOf(result);
}
