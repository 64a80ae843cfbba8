/** `virtlab describe <thing>`: every entry of that name, with its parameters, numbers and source. */
import { ENTRY_KINDS, type Entry, encyclopedia } from "./encyclopedia.js";
import type { EntryTable } from "./entry-tables.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import { topicOfKind } from "./list.js";
import * as messages from "./messages.js";
import type { Terminal } from "./terminal.js";
import { textTable, wrapText } from "./text-table.js";

const WIDTH = 100;
const MOST_MENTIONED = 5;

export interface DescribeOptions {
  /** A name, or a kind and a name: `gups`, `cost vm_exit`. */
  readonly words: readonly string[];
  readonly json: boolean;
}

export async function describe(options: DescribeOptions, terminal: Terminal): Promise<ExitCode> {
  const found = findEntries(options.words.join(" "), encyclopedia());
  terminal.print(
    options.json
      ? JSON.stringify(found, undefined, 2)
      : found.map((entry) => entryText(entry, terminal)).join("\n\n"),
  );
  return EXIT_CODE.ok;
}

/** Entries with this name, whatever their kind; "<kind> <name>" narrows it. @throws UserError with the nearest names. */
export function findEntries(written: string, entries: readonly Entry[]): Entry[] {
  const plain = (text: string): string =>
    text
      .trim()
      .toLowerCase()
      .replace(/[\s_-]+/g, " ");
  const wanted = plain(written);
  const matching = (nameOf: (entry: Entry) => string): Entry[] =>
    entries.filter((entry) => plain(nameOf(entry)) === wanted);
  const byName = matching(({ name }) => name);
  const byKind = written.trim().includes(" ") ? matching(({ kind, name }) => `${kind} ${name}`) : [];
  const found = [byKind, byName, matching(({ title }) => title)].find((list) => list.length > 0);
  if (found === undefined) {
    const kindAlone = ENTRY_KINDS.find((name) => name === wanted);
    if (kindAlone !== undefined) throw messages.kindWithoutName(kindAlone, topicOfKind(kindAlone));
    const kind = ENTRY_KINDS.find((name) => wanted.startsWith(`${name} `));
    const name = kind === undefined ? written : written.slice(kind.length + 1);
    const asked = entries.filter((entry) => kind === undefined || entry.kind === kind);
    const names = asked.map((entry) => entry.name);
    throw messages.noSuchThing(name, names, mentioning(plain(name), asked));
  }
  return found;
}

/** Names of the first entries whose words have this one. */
function mentioning(word: string, entries: readonly Entry[]): string[] {
  const isThere = ({ title, description }: Entry): boolean =>
    ` ${title} ${description} `
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .includes(word);
  return entries
    .filter(isThere)
    .slice(0, MOST_MENTIONED)
    .map(({ name }) => name);
}

function entryText(entry: Entry, terminal: Terminal): string {
  const { paint } = terminal;
  const heading = `${paint("bold", entry.name)}  ${paint("dim", entry.kind)}`;
  const title = entry.title === entry.name ? "" : `  ${entry.title}`;
  const facts: (readonly [string, string])[] = [...entry.facts];
  if (entry.source !== undefined) facts.push(["source", entry.source]);
  const widest = Math.max(0, ...facts.map(([name]) => name.length));
  const factLines = facts.flatMap(([name, value]) => {
    const [first = "", ...rest] = wrapText(value, WIDTH - widest - 4);
    return [`  ${name.padEnd(widest)}  ${first}`, ...rest.map((line) => " ".repeat(widest + 4) + line)];
  });
  return [
    heading + title,
    ...wrapText(entry.description, WIDTH, "  "),
    ...factLines,
    ...entry.tables.flatMap(tableLines),
  ].join("\n");
}

function tableLines(table: EntryTable): string[] {
  if (table.rows.length === 0) return ["", `  ${table.title}: none`];
  const isNumeric = (column: number): boolean =>
    table.rows.every((row) => /^[\d.,]*$/.test(row[column] ?? ""));
  const columns = table.columns.map(
    (title, i) => ({ title, align: isNumeric(i) ? "right" : "left" }) as const,
  );
  return ["", `  ${table.title}`, ...textTable(columns, table.rows).map((line) => `    ${line}`)];
}
