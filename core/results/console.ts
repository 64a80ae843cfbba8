/**
 * What guests that execute code printed, in a run's folder: `console/<cell>.txt`. A cell's id may hold anything; its file has what
 * is legible of it, and a hash, so that two cells never share a file.
 */
import { createHash } from "node:crypto";

export const CONSOLE_FOLDER = "console";
const LONGEST_STEM = 80;
const HASH_DIGITS = 8;

/** The file of a cell's console, relative to the run's folder. */
export function consoleFile(cell: string): string {
  const stem = cell.replace(/[^A-Za-z0-9._=-]+/g, "_").slice(0, LONGEST_STEM);
  const hash = createHash("sha256").update(cell).digest("hex").slice(0, HASH_DIGITS);
  return `${CONSOLE_FOLDER}/${stem}-${hash}.txt`;
}
