/** What the command line uses of results. */

export { fromCsv, toCsv } from "../scenario/csv.js";
export { columnsMarkdown } from "./columns-markdown.js";
export { Disk } from "./disk.js";
export type { RunRecord } from "./record.js";
export {
  createRun,
  findResumable,
  RunFolder,
  type RunPlace,
  scenarioFolder,
  shownPath,
} from "./run-folder.js";
export { findRun, readRun, refuseDamaged, type StoredRun } from "./stored-run.js";
export type { Table } from "./table.js";
export type { CellTiming } from "./timing.js";
