/** The dictionary as Markdown: results/COLUMNS.md, generated, and kept current by columns.test.ts. */
import { FIGURE_COLUMNS } from "../scenario/index.js";
import { axisColumns, COLUMNS, type Column, type ColumnKind } from "./columns.js";
import { TIMING_COLUMNS } from "./timing.js";

const SECTIONS: readonly { kind: ColumnKind; title: string; text: string }[] = [
  {
    kind: "coordinate",
    title: "Coordinates",
    text: "Which cell the row is. The scenario's axes come first, in the order of its matrix.",
  },
  {
    kind: "outcome",
    title: "Outcome",
    text: "How the cell ended. A cell that is not `done` has no modelled values.",
  },
  {
    kind: "cycles",
    title: "Cycles",
    text: "Cycles of the region of interest by who owns them; the categories sum to `cycles`.",
  },
  { kind: "event", title: "Events", text: "How often each thing happened in the region of interest." },
  {
    kind: "memory",
    title: "Memory ledger",
    text: "Frames of memory by owner, in bytes: of the machine (`…_bytes` with its peak), and of a host with instances (`ledger_…`).",
  },
  {
    kind: "host",
    title: "Hosts",
    text: "What a host with many instances shows (workloads `host/…`); such rows have these columns in place of cycles and events.",
  },
  {
    kind: "derived",
    title: "Derived",
    text: "Computed from the columns above; empty where the denominator is missing or 0.",
  },
];

const EXITS: readonly (readonly [string, string, string])[] = [
  ["cell", "text", "The cell's id, as in rows.csv."],
  ["reason", "text", "Why the guest left for its monitor."],
  ["count", "count", "How often."],
  ["cycles", "cycles", "Cycles of transition and monitor, its user side included."],
  ["share", "share", "`cycles` as a share of all the cell's cycles."],
];

/** The text of results/COLUMNS.md. */
export function columnsMarkdown(): string {
  const parts = [
    "# Columns",
    "Generated from the lists in `core/`; change those, then `npm run virtlab -- schema --write`.",
    "`rows.csv` holds modelled numbers: exact, the same on every machine. A share is from 0 to 1; sizes are bytes.",
  ];
  for (const { kind, title, text } of SECTIONS) {
    parts.push(`## ${title}`, text, dictionary(COLUMNS.filter((column) => column.kind === kind)));
    if (kind !== "coordinate") continue;
    const settings = axisColumns().filter(({ path }) => !path.startsWith("parameters."));
    const columns = settings.map(({ column }) => column);
    parts.push(
      "Present only where a scenario varies them (as it may any workload parameter):",
      dictionary(columns),
    );
  }
  const exits = EXITS.map(([name, unit, description]) => `| \`${name}\` | ${unit} | ${description} |`);
  parts.push(
    "## exits.csv",
    "Modelled. One line for each reason that happened in a cell.",
    table(["column", "unit", "meaning"], exits),
  );
  const figures = FIGURE_COLUMNS.map(
    ({ name, unit, description }) => `| \`${name}\` | ${unit} | ${description} |`,
  );
  parts.push(
    "## figures.csv",
    "Of scenarios with `figures:`, a line for each: the model's value beside the published one. `expect: [{ figures: … }]` speaks of these columns.",
    table(["column", "unit", "meaning"], figures),
  );
  const timing = TIMING_COLUMNS.map(
    ({ name, unit, description }) => `| \`${name}\` | ${unit} | ${description} |`,
  );
  parts.push(
    "## timing.csv",
    "Measured on the host, never compared with modelled numbers.",
    table(["column", "unit", "meaning"], timing),
  );
  return `${parts.join("\n\n")}\n`;
}

function dictionary(columns: readonly Column[]): string {
  const line = ({ name, label, unit, better, description }: Column): string =>
    `| \`${name}\` | ${label} | ${unit} | ${better === "neither" ? "" : better} | ${description} |`;
  return table(["column", "label", "unit", "better", "meaning"], columns.map(line));
}

function table(header: readonly string[], lines: readonly string[]): string {
  return [`| ${header.join(" | ")} |`, `|${header.map(() => " --- ").join("|")}|`, ...lines].join("\n");
}
