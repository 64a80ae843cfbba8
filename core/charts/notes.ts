/** What a picture does not show, in words under it; and the wrapping of words to a width in characters. */
import type { Row } from "../scenario/scenario.js";
import type { Spec } from "./drawing.js";
import { GREY } from "./theme.js";

const MOST_REASONS = 3;

/** One note for each reason that cells are failed or unsupported, most frequent first. */
export function notDoneNotes(rows: readonly Row[]): string[] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const { status, reason } = row;
    if (status === "done" || status === undefined) continue;
    const text = `${status}: ${reason}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  const notes = sorted
    .slice(0, MOST_REASONS)
    .map(([text, count]) => `Not shown: ${count} ${count === 1 ? "cell" : "cells"} ${clipped(text)}`);
  const rest = sorted.slice(MOST_REASONS).reduce((sum, [, count]) => sum + count, 0);
  return rest > 0 ? [...notes, `Not shown: ${rest} more, for other reasons`] : notes;
}

/** Lines of at most `width` characters, broken between words; a longer word keeps its line. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.length > 0 ? lines : [""];
}

function clipped(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 199)}…`;
}

/** Notes as Vega-Lite has them: the title of what is around a picture, below it. @param text lines */
export function notesUnder(text: readonly string[]): Spec {
  return {
    text: [...text],
    orient: "bottom",
    anchor: "start",
    fontSize: 11,
    fontWeight: "normal",
    color: GREY,
    offset: 12,
  };
}
