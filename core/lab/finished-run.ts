/** Runs that need not be made again: rows are a function of the cells and of the code, so equal ones have equal rows. */
import { join } from "node:path";
import { sha256Of } from "../results/digest.js";
import { type Disk, type RunRecord, scenarioFolder } from "../results/index.js";
import { JOURNAL } from "../results/journal.js";
import { readRecord } from "../results/stored-run.js";
import type { Plan } from "../scenario/index.js";
import { CODE_FILE, codeHash } from "./code-hash.js";

/**
 * The folder of the newest complete run of the same cells under the same code; undefined when there is none. A run that
 * measures host time is never reused: its seconds are of then, not of now. Nor is one whose files were cut off or edited.
 */
export function findFinished(plan: Plan, results: string, disk: Disk): string | undefined {
  if (plan.scenario.timing.samples > 0) return undefined;
  const parent = scenarioFolder(plan.scenario.name, results, disk);
  const code = `${codeHash()}\n`;
  const isMade = (folder: string): boolean => {
    const mark = join(folder, CODE_FILE);
    if (!disk.exists(mark) || disk.read(mark) !== code || disk.exists(join(folder, JOURNAL))) return false;
    const record = readRecord(folder, disk);
    return record?.plan === plan.hash && isWhole(folder, record, disk);
  };
  return disk
    .list(parent)
    .map((name) => join(parent, name))
    .reverse()
    .find(isMade);
}

function isWhole(folder: string, { files = {} }: RunRecord, disk: Disk): boolean {
  return Object.entries(files).every(([name, hash]) => {
    const file = join(folder, name);
    return disk.exists(file) && sha256Of(disk.read(file)) === hash;
  });
}
