/** What the command line uses of results. */

export { fromCsv, toCsv } from "../scenario/csv.js";
export { COLUMNS, type Column, columnOf, findColumn, parameterColumns } from "./columns.js";
export { columnsMarkdown } from "./columns-markdown.js";
export { Disk } from "./disk.js";
export { type RunFacts, type RunRecord, recordOf } from "./record.js";
export {
  createRun,
  findResumable,
  RunFolder,
  type RunPlace,
  scenarioFolder,
  shownPath,
} from "./run-folder.js";
export { findRun, readRun, type StoredRun } from "./stored-run.js";
export { exitsOf, type Table, tableOf } from "./table.js";
export { type CellTiming, measure, timingTable } from "./timing.js";
