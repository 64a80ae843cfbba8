/** Scenarios that speak of claims, judged: from runs that are in a folder, from finished runs, or run now. */
import { join } from "node:path";
import type { JudgedScenario } from "../results/claims.js";
import { Disk, readRun } from "../results/index.js";
import { checkExpectations, loadScenario } from "../scenario/index.js";
import { finishedRows } from "./finished-rows.js";
import type { RunOptions } from "./run.js";

/** Those of the files whose `expect:` names a claim. @throws UserError for a file that is no scenario */
export function speakingOfClaims(files: readonly string[]): string[] {
  return files.filter((file) =>
    loadScenario(file).expect.some(({ claim, refutes }) => claim !== undefined || refutes !== undefined),
  );
}

/** @param started told of each before it is run. Undefined when it was stopped. @throws UserError as a run does */
export async function judgeScenarios(
  files: readonly string[],
  options: RunOptions,
  started: (file: string, index: number) => void = () => {},
): Promise<JudgedScenario[] | undefined> {
  const judged: JudgedScenario[] = [];
  for (const [index, file] of files.entries()) {
    started(file, index);
    const { plan, rows, interrupted } = await finishedRows(file, options);
    if (interrupted) return undefined;
    const { name, size } = plan.scenario;
    judged.push({ scenario: name, size, expectations: checkExpectations(plan, rows) });
  }
  return judged;
}

/** The verdicts that runs in a folder were recorded with, a run for each scenario. @throws UserError for a damaged run */
export function judgedRuns(folder: string): JudgedScenario[] {
  const disk = new Disk();
  const runs = disk.list(folder).filter((name) => disk.exists(join(folder, name, "run.json")));
  return runs.flatMap((name) => {
    const { record } = readRun(join(folder, name), folder, disk);
    if (record === undefined) return [];
    return [{ scenario: record.scenario.name, size: record.size, expectations: record.expectations }];
  });
}
