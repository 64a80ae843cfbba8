/**
 * A comparison as text for a terminal, Markdown for a pull request, and JSON for programs. Pure functions.
 */
import { columnOf } from "./columns.js";
import type { CellChange, ColumnChange, Comparison } from "./compare.js";
import { humanValue } from "./humanise.js";

const MOST_CELLS = 20;
const MOST_COLUMNS = 12;

/** One sentence: equal, or what differs. */
export function comparisonVerdict(comparison: Comparison): string {
  if (comparison.isEqual)
    return `Equal: all modelled numbers of ${count(comparison.compared, "cell")} are the same.`;
  const parts = [
    comparison.changed.length > 0
      ? `${comparison.changed.length} of ${count(comparison.compared, "cell")} changed`
      : "",
    comparison.added.length > 0 ? `${count(comparison.added.length, "cell")} added` : "",
    comparison.removed.length > 0 ? `${count(comparison.removed.length, "cell")} removed` : "",
    comparison.addedColumns.length > 0 ? `${count(comparison.addedColumns.length, "column")} added` : "",
    comparison.removedColumns.length > 0
      ? `${count(comparison.removedColumns.length, "column")} removed`
      : "",
  ];
  return `Different: ${parts.filter((part) => part !== "").join(", ")}.`;
}

/** For a terminal: plain text, at most about 100 columns wide where cell ids allow. */
export function comparisonText(comparison: Comparison): string {
  const lines = [comparisonVerdict(comparison)];
  lines.push(...listed("Added", comparison.added), ...listed("Removed", comparison.removed));
  lines.push(
    ...listed("Columns added", comparison.addedColumns),
    ...listed("Columns removed", comparison.removedColumns),
  );
  if (comparison.columns.length > 0) {
    lines.push("", "Columns that changed, largest first:");
    for (const { column, cells, largest } of comparison.columns.slice(0, MOST_COLUMNS)) {
      lines.push(`  ${column.padEnd(28)} ${relativeText(largest).padStart(9)}  in ${count(cells, "cell")}`);
    }
    lines.push(...more(comparison.columns.length, MOST_COLUMNS, "column"));
    lines.push("", "Cells that changed:");
    for (const change of comparison.changed.slice(0, MOST_CELLS))
      lines.push(`  ${change.cell}`, `    ${cellText(change)}`);
    lines.push(...more(comparison.changed.length, MOST_CELLS, "cell"));
  }
  if (comparison.timing !== undefined) lines.push("", timingText(comparison));
  return `${lines.join("\n")}\n`;
}

/** For a pull request: the verdict, a table of the cells that changed, and the columns folded away. */
export function comparisonMarkdown(comparison: Comparison): string {
  const parts = [`**${comparisonVerdict(comparison)}**`];
  if (comparison.changed.length > 0) {
    const rows = comparison.changed.slice(0, MOST_CELLS).map((change) => {
      const cycles = change.changes.find(({ column }) => column === "cycles");
      const mover = change.mover === undefined ? "" : escaped(moverText(change.mover));
      return `| ${escaped(change.cell)} | ${cycles === undefined ? "" : changeText(cycles)} | ${mover} |`;
    });
    parts.push(["| cell | cycles | event that moved most |", "| --- | --- | --- |", ...rows].join("\n"));
    if (comparison.changed.length > MOST_CELLS)
      parts.push(...more(comparison.changed.length, MOST_CELLS, "cell"));
    const columns = comparison.columns.map(
      ({ column, cells, largest }) => `| \`${column}\` | ${relativeText(largest)} | ${cells} |`,
    );
    const table = ["| column | largest change | cells |", "| --- | --- | --- |", ...columns].join("\n");
    parts.push(
      `<details><summary>${count(columns.length, "column")} changed</summary>\n\n${table}\n\n</details>`,
    );
  }
  for (const [title, names] of [
    ["Added", comparison.added],
    ["Removed", comparison.removed],
  ] as const) {
    if (names.length > 0)
      parts.push(
        `${title}: ${names
          .slice(0, MOST_CELLS)
          .map((name) => `\`${name}\``)
          .join(", ")}`,
      );
  }
  if (comparison.timing !== undefined) parts.push(timingText(comparison));
  return `${parts.join("\n\n")}\n`;
}

/** The comparison as data; infinite changes are null, which JSON has a word for. */
export function comparisonJson(comparison: Comparison): string {
  return `${JSON.stringify(comparison, null, 2)}\n`;
}

function cellText({ changes, mover }: CellChange): string {
  const cycles = changes.find(({ column }) => column === "cycles");
  const first = cycles ?? changes[0]!;
  const moved =
    mover === undefined || mover.column === first.column ? "" : `; most moved: ${moverText(mover)}`;
  return `${first.column} ${changeText(first)}${moved}`;
}

function moverText(change: ColumnChange): string {
  return `${columnOf(change.column).label} ${changeText(change)}`;
}

/** `1.23M → 1.5M (+22%, worse)`. */
function changeText({ column, before, after, relative, isWorse }: ColumnChange): string {
  const value = (of: string | number): string => (of === "" ? "nothing" : escaped(humanValue(column, of)));
  const notes = [
    relative === undefined ? "" : relativeText(relative),
    isWorse === undefined ? "" : isWorse ? "worse" : "better",
  ];
  const note = notes.filter((text) => text !== "").join(", ");
  return `${value(before)} → ${value(after)}${note === "" ? "" : ` (${note})`}`;
}

/** 0.0312 → "+3.12%"; small changes are never rounded to nothing. */
function relativeText(relative: number | undefined): string {
  if (relative === undefined) return "text";
  const sign = relative > 0 ? "+" : "-";
  if (!Number.isFinite(relative)) return relative > 0 ? "from 0" : "below 0";
  const size = Math.abs(relative) * 100;
  return `${sign}${size < 0.01 ? size.toExponential(1) : Number(size.toPrecision(3))}%`;
}

function timingText({ timing }: Comparison): string {
  const { cells, ratio } = timing!;
  const word = ratio > 1 ? "slower" : "faster";
  const size = Number(((ratio > 1 ? ratio : 1 / ratio) * 100 - 100).toPrecision(2));
  return `Host time (noisy, judges nothing): ${size}% ${word} over ${count(cells, "cell")}, by medians.`;
}

function listed(title: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [
    "",
    `${title}:`,
    ...names.slice(0, MOST_CELLS).map((name) => `  ${name}`),
    ...more(names.length, MOST_CELLS, "one"),
  ];
}

function more(total: number, shown: number, noun: string): string[] {
  return total > shown ? [`  … and ${count(total - shown, noun)} more (all with --json)`] : [];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|").replace(/[\r\n]+/g, " ");
}
