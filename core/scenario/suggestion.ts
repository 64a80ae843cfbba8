/** How to mend a word that is not known: the nearest valid one, or the valid ones when they are few. */
import { nearestWords } from "../util/nearest.js";

/** So many words are listed where none is near, and so few even where one is. */
const FEW = 24;
const VERY_FEW = 8;
const LONGEST = 80;

/** `did you mean "page"?` with what else is valid where that is little; else `valid here: …`, else undefined. */
export function suggestion(written: string, words: Iterable<string>): string | undefined {
  const all = [...words];
  const near = written.length > LONGEST ? [] : nearestWords(written, all);
  const list = all.length > 0 && all.length <= FEW ? `valid here: ${all.join(", ")}` : undefined;
  if (near.length === 0) return list;
  const meant = `did you mean ${near.map((word) => `"${word}"`).join(" or ")}?`;
  return all.length <= VERY_FEW ? `${meant} ${list}` : meant;
}

/** What to do about a column that no row has. */
export function columnSuggestion(written: string, columns: Iterable<string>): string {
  if (written === "slowdown") return "slowdown needs a baseline: add e.g. `baseline: { technique: native }`";
  return suggestion(written, [...columns, "slowdown"]) ?? "columns are listed in results/COLUMNS.md";
}
