/** How to mend a word that is not known: the nearest valid one, or the valid ones when they are few. */
import { nearestWords } from "../util/nearest.js";

const FEW = 24;
const LONGEST = 80;

/** `did you mean "page"?`, else `valid here: …`, else undefined. */
export function suggestion(written: string, words: Iterable<string>): string | undefined {
  const all = [...words];
  const word = written.length > LONGEST ? undefined : nearestWords(written, all, 1)[0];
  if (word !== undefined) return `did you mean "${word}"?`;
  return all.length > 0 && all.length <= FEW ? `valid here: ${all.join(", ")}` : undefined;
}

/** What to do about a column that no row has. */
export function columnSuggestion(written: string, columns: Iterable<string>): string {
  if (written === "slowdown") return "slowdown needs a baseline: add e.g. `baseline: { technique: native }`";
  return suggestion(written, [...columns, "slowdown"]) ?? "columns are listed in results/COLUMNS.md";
}
