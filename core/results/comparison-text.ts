/**
 * A comparison as text for a terminal, Markdown for a pull request, and JSON for programs. Pure functions.
 */
import {
  causeText,
  changeText,
  constantText,
  count,
  moverText,
  relativeText,
  singleLine,
  timingText,
} from "./change-text.js";
import type { CellChange, Comparison } from "./compare.js";

const MOST_CELLS = 20;
const MOST_COLUMNS = 12;
/** Groups of cycles that are told for a cell; the rest is in the JSON. */
const MOST_CAUSES = 3;
/** A pull request's comment may have 65,536 letters; a cell with all its columns may have thousands. */
const MOST_DETAILED = 8;

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

/** For a terminal: plain text, at most about 100 columns wide where cell ids allow. @param all leaves nothing out */
export function comparisonText(comparison: Comparison, all = false): string {
  const most = (limit: number): number => (all ? Number.POSITIVE_INFINITY : limit);
  const lines = [comparisonVerdict(comparison)];
  const listed = (title: string, names: readonly string[]): string[] => {
    if (names.length === 0) return [];
    const shown = names.slice(0, most(MOST_CELLS)).map((name) => `  ${name}`);
    return ["", `${title}:`, ...shown, ...more(names.length, most(MOST_CELLS), "other")];
  };
  lines.push(...listed("Constants that changed", comparison.constants.map(constantText)));
  lines.push(...listed("Added", comparison.added), ...listed("Removed", comparison.removed));
  lines.push(
    ...listed("Columns added", comparison.addedColumns),
    ...listed("Columns removed", comparison.removedColumns),
  );
  if (comparison.columns.length > 0) {
    lines.push("", "Columns that changed, largest first:");
    for (const { column, cells, largest } of comparison.columns.slice(0, most(MOST_COLUMNS))) {
      lines.push(`  ${column.padEnd(28)} ${relativeText(largest).padStart(9)}  in ${count(cells, "cell")}`);
    }
    lines.push(...more(comparison.columns.length, most(MOST_COLUMNS), "column"));
    lines.push("", "Cells that changed:");
    for (const change of comparison.changed.slice(0, most(MOST_CELLS)))
      lines.push(`  ${change.cell}`, ...cellLines(change, all));
    lines.push(...more(comparison.changed.length, most(MOST_CELLS), "cell"));
  }
  if (comparison.timing !== undefined) lines.push("", timingText(comparison));
  return `${lines.join("\n")}\n`;
}

/** For a pull request: the verdict, a table of the cells that changed, and the rest folded away. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { changed, constants } = comparison;
  const parts = [`**${comparisonVerdict(comparison)}**`];
  if (constants.length > 0) parts.push(`Constants that changed:\n\n${bullets(constants.map(constantText))}`);
  if (changed.length > 0) {
    const rows = changed.slice(0, MOST_CELLS).map((change) => {
      const cycles = change.changes.find(({ column }) => column === "cycles");
      const mover = change.mover === undefined ? "" : moverText(change.mover);
      const why = change.propagation?.causes.slice(0, 1).map(causeText).join("; ") ?? "";
      return tableRow([change.cell, cycles === undefined ? "" : changeText(cycles), mover, why]);
    });
    const head = [
      "| cell | cycles | event that moved most | where the cycles come from |",
      "| --- | --- | --- | --- |",
    ];
    parts.push([...head, ...rows].join("\n"), ...more(changed.length, MOST_CELLS, "cell"));
    const columns = comparison.columns.map(({ column, cells, largest }) =>
      tableRow([`\`${column}\``, relativeText(largest), String(cells)]),
    );
    const table = ["| column | largest change | cells |", "| --- | --- | --- |", ...columns].join("\n");
    parts.push(folded(`${count(columns.length, "column")} changed`, table));
    for (const change of changed.slice(0, MOST_DETAILED)) parts.push(cellDetails(change));
  }
  for (const [title, names] of [
    ["Added", comparison.added],
    ["Removed", comparison.removed],
    ["Columns removed", comparison.removedColumns],
  ] as const) {
    if (names.length > 0)
      parts.push(folded(`${title}: ${names.length}`, bullets(names.map((name) => `\`${name}\``))));
  }
  if (comparison.timing !== undefined) parts.push(timingText(comparison));
  return `${parts.join("\n\n")}\n`;
}

/** The comparison as data; infinite changes are null, which JSON has a word for. */
export function comparisonJson(comparison: Comparison): string {
  return `${JSON.stringify(comparison, null, 2)}\n`;
}

/** What a cell's change is, and where its cycles come from. */
export function cellLines({ changes, mover, propagation }: CellChange, all: boolean): string[] {
  const cycles = changes.find(({ column }) => column === "cycles");
  const first = cycles ?? changes[0]!;
  const moved =
    mover === undefined || mover.column === first.column ? "" : `; most moved: ${moverText(mover)}`;
  const causes = (propagation?.causes ?? []).slice(0, all ? undefined : MOST_CAUSES);
  const lines = [
    `    ${first.column} ${changeText(first)}${moved}`,
    ...causes.map((cause) => `      ${causeText(cause)}`),
  ];
  if (!all) return lines;
  return [...lines, ...changes.map((change) => `      ${change.column} ${changeText(change)}`)];
}

function cellDetails({ cell, changes, propagation }: CellChange): string {
  const causes = propagation === undefined ? "" : `${bullets(propagation.causes.map(causeText))}\n\n`;
  const rows = changes.map((change) => tableRow([`\`${change.column}\``, changeText(change)]));
  const table = ["| column | change |", "| --- | --- |", ...rows].join("\n");
  return folded(`<code>${htmlText(cell)}</code>: ${count(changes.length, "column")}`, `${causes}${table}`);
}

export function folded(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
}

function bullets(texts: readonly string[]): string {
  return texts.map((text) => `- ${singleLine(text)}`).join("\n");
}

function tableRow(fields: readonly string[]): string {
  return `| ${fields.map((field) => singleLine(field).replaceAll("|", "\\|")).join(" | ")} |`;
}

function htmlText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function more(total: number, shown: number, noun: string): string[] {
  return total > shown ? [`  … and ${count(total - shown, noun)} more (all with --all or --json)`] : [];
}
