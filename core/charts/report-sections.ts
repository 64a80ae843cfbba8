/** The sections of a report: tables of what was measured, what was assumed, and where it comes from. */

import { EXIT_REASONS } from "../events/exit-reasons.js";
import { MEMORY_OWNERS } from "../events/memory-owners.js";
import { type Column, columnOf } from "../results/columns.js";
import type { ConstantRecord } from "../results/constants.js";
import { grouped, humanNumber, humanValue, percent } from "../results/humanise.js";
import type { RunRecord } from "../results/record.js";
import { varyingOf } from "../results/summary.js";
import type { ExpectationResult, Row } from "../scenario/scenario.js";
import { type Html, html, type TableCell, type TableColumn, tableHtml } from "./html.js";

const MOST_FAILURES = 5;

/** Cells that are not done, with the reason; nothing when all are. */
export function gapsSection(rows: readonly Row[], axes: readonly string[]): Html | string {
  const gaps = rows.filter((row) => row["status"] !== "done");
  if (gaps.length === 0) return "";
  const columns = [...axes.map(headOf), { title: "Status" }, { title: "Reason" }];
  const body = gaps.map((row) => [...axes, "status", "reason"].map((name) => cellOf(name, row)));
  return section("gaps", "Cells without numbers", "", tableHtml(columns, body));
}

export function expectationsSection(expectations: readonly ExpectationResult[]): Html | string {
  if (expectations.length === 0) return "";
  const items = expectations.map(({ text, passed, skipped, rows, reason, failures }) => {
    const shown = failures.slice(0, MOST_FAILURES).map((failure) => {
      const values = Object.entries(failure.values)
        .map(([name, value]) => `${name} = ${value}`)
        .join(", ");
      return html`<li>${failure.cell}: ${[failure.reason, values].filter(Boolean).join("; ")}</li>`;
    });
    const more =
      failures.length > MOST_FAILURES ? html`<li>… and ${failures.length - MOST_FAILURES} more</li>` : "";
    const isSilent = passed && !skipped;
    const why = isSilent
      ? ""
      : html`<ul>${reason === "" ? "" : html`<li>${reason}</li>`}${shown}${more}</ul>`;
    const word = skipped ? "skipped" : passed ? "holds" : "fails";
    const verdict = html`<td><strong>${word}</strong></td><td><code>${text}</code>${why}</td>`;
    return html`<tr class="${word}">${verdict}<td class="number">${rows}</td></tr>\n`;
  });
  const head = html`<tr><th>Verdict</th><th>Expectation</th><th class="number">Rows</th></tr>`;
  const table = html`<table class="plain"><thead>${head}</thead><tbody>${items}</tbody></table>`;
  return section("expectations", "Expectations", "", html`<div class="scroll">${table}</div>`);
}

/**
 * All rows; columns that say nothing here (empty or 0 throughout, or a coordinate that never varies) are
 * left out.
 */
export function rowsSection(rows: readonly Row[]): Html {
  const varying = new Set(varyingOf(rows));
  const names = Object.keys(rows[0] ?? {}).filter((name) => {
    const { kind } = columnOf(name);
    if (name === "cell" || name === "reason") return false;
    if (kind === "coordinate") return varying.has(name);
    return rows.some((row) => row[name] !== "" && row[name] !== 0 && row[name] !== undefined);
  });
  const body = rows.map((row) => names.map((name) => cellOf(name, row)));
  const note = `${rows.length} cells; click a title to sort, rest on it for its meaning.
    Columns that are 0 or empty throughout are left out; rows.csv has all.`;
  return section("rows", "Rows", note, tableHtml(names.map(headOf), body));
}

export function exitsSection(exits: readonly Row[]): Html | string {
  if (exits.length === 0) return "";
  const columns: TableColumn[] = [
    { title: "Cell" },
    { title: "Reason" },
    { title: "Count", isNumber: true },
    { title: "Cycles", isNumber: true },
    { title: "Share of the cell's cycles", isNumber: true },
  ];
  const labels = new Map<string, string>(EXIT_REASONS.map(({ name, label }) => [name, label]));
  const number = (value: string | number | undefined, text: (value: number) => string): TableCell =>
    typeof value === "number" ? { text: text(value), value } : { text: "" };
  const body = exits.map((row) => [
    { text: String(row["cell"]) },
    { text: labels.get(String(row["reason"])) ?? String(row["reason"]) },
    number(row["count"], grouped),
    number(row["cycles"], humanNumber),
    number(row["share"], percent),
  ]);
  return section("exits", "Exits by reason", "", tableHtml(columns, body));
}

/** Who owned the machine's frames, at the most. */
export function memorySection(rows: readonly Row[], axes: readonly string[]): Html | string {
  const names = MEMORY_OWNERS.map(({ name }) => `${name}_peak_bytes`);
  const counted = rows.filter((row) => names.some((name) => typeof row[name] === "number"));
  if (counted.length === 0) return "";
  const columns = [...axes, ...names, "overhead_peak_bytes"].filter((name) =>
    counted.some((row) => row[name] !== undefined),
  );
  const body = counted.map((row) => columns.map((name) => cellOf(name, row)));
  const note = "The most that each owner had at any time.";
  return section("memory", "Memory ledger", note, tableHtml(columns.map(headOf), body));
}

/** Lines shown of a guest's console: of its beginning, and of its end. */
const FIRST_LINES = 6;
const LAST_LINES = 14;

/** What guests that execute code printed: the first and the last lines of each. */
export function consolesSection(consoles: ReadonlyMap<string, string>): Html | string {
  if (consoles.size === 0) return "";
  const items = [...consoles].map(([cell, text]) => {
    const lines = text.trimEnd().split(/\r?\n/);
    const left = lines.length - FIRST_LINES - LAST_LINES;
    const shown =
      left <= 0 ? lines : [...lines.slice(0, FIRST_LINES), `… ${left} lines …`, ...lines.slice(-LAST_LINES)];
    const plain = shown.join("\n").replace(/[^\P{Cc}\n\t]/gu, "");
    return html`<details><summary>${cell}: ${lines.length} lines</summary>\n<pre>${plain}</pre></details>\n`;
  });
  const note = "By the first serial port. Whole in the run's folder, console/.";
  return section("consoles", "What the guests printed", note, html`${items}`);
}

/** Host numbers, apart from everything modelled. */
export function timingSection(timings: readonly Row[]): Html | string {
  if (timings.length === 0) return "";
  const names = Object.keys(timings[0]!);
  const head = names.map(
    (name): TableColumn => ({ title: name.replaceAll("_", " "), isNumber: name !== "cell" }),
  );
  const body = timings.map((row) => names.map((name) => plainCell(row[name] ?? "")));
  const note =
    "How long this machine took to simulate each cell: noisy, never compared with modelled numbers.";
  return section("timing", "Time on the host", note, tableHtml(head, body));
}

export function assumptionsSection({ constants }: RunRecord): Html {
  const assumed = constants.filter((constant) => constant.assumed);
  const sourced = constants.filter((constant) => !constant.assumed);
  const none = html`<p>None: every constant has a published source.</p>`;
  const note = `Constants that no source gives, with the range over which to test a conclusion,
    such as --set machine.costs.vm_exit=VALUE.`;
  const rest = html`<details><summary>${sourced.length} constants with a source</summary>
${constantsTable(sourced)}</details>`;
  return section(
    "assumptions",
    "Assumptions",
    note,
    html`${assumed.length > 0 ? constantsTable(assumed) : none}${rest}`,
  );
}

function constantsTable(constants: readonly ConstantRecord[]): Html {
  const columns: TableColumn[] = [
    { title: "Profile" },
    { title: "Constant" },
    { title: "Value" },
    { title: "Range" },
    { title: "Source, or why assumed" },
  ];
  const body = constants.map(({ profile, name, value, range, source }) => [
    { text: profile },
    { text: name },
    typeof value === "number" ? { text: `${grouped(value)} cycles`, value } : { text: value },
    { text: range === undefined ? "" : `${grouped(range[0])} to ${grouped(range[1])}` },
    { text: source },
  ]);
  return tableHtml(columns, body);
}

export function provenanceSection(record: RunRecord): Html {
  const { scenario, host, source, versions, guestFiles, files = {} } = record;
  const code =
    source === null
      ? "no repository"
      : `${source.commit}${source.dirty ? ", with changes that are not committed" : ""}`;
  const facts: readonly (readonly [string, string])[] = [
    ["Command", record.command.join(" ")],
    ["Scenario", scenario.files.join(", ")],
    ["Plan (SHA-256)", record.plan],
    ["Seed", String(record.seed)],
    ["Source", code],
    ["Started", record.started],
    [
      "Took",
      `${humanNumber(record.hostSeconds)} s with ${record.workers} ${record.workers === 1 ? "worker" : "workers"}`,
    ],
    [
      "Host",
      `${host.cpu}, ${host.cores} cores, ${humanValue("guest_data_bytes", host.memoryBytes)}, ${host.system}`,
    ],
    [
      "Versions",
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", "),
    ],
    ...Object.entries({ ...guestFiles, ...files }).map(
      ([name, hash]) => [`${name} (SHA-256)`, hash] as const,
    ),
  ];
  const list = facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`);
  const resolved = html`<details><summary>The scenario, resolved</summary>
<pre>${JSON.stringify(scenario.resolved, null, 2)}</pre></details>`;
  return section("provenance", "Provenance", "", html`<dl>${list}</dl>${resolved}`);
}

/** One section of the page; a note in small letters under its title. */
export function section(id: string, title: string, note: string, body: Html): Html {
  const small = note === "" ? "" : html`<p class="small">${note}</p>`;
  return html`<section id="${id}"><h2>${title}</h2>${small}\n${body}</section>`;
}

function headOf(name: string): TableColumn {
  const column: Column = columnOf(name);
  const isNumber = column.kind !== "coordinate" && column.kind !== "outcome";
  return { title: column.label, hint: `${name} (${column.unit}): ${column.description}`, isNumber };
}

function cellOf(name: string, row: Row): TableCell {
  const value = row[name] ?? "";
  const text = humanValue(name, value);
  return typeof value === "number" ? { text, value } : { text };
}

function plainCell(value: string | number): TableCell {
  return typeof value === "number" ? { text: humanNumber(value), value } : { text: value };
}
