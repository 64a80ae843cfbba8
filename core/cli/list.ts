/** `virtlab list [topic]`: names with a title each, one topic a section. */
import type { Scenario } from "../scenario/index.js";
import { UserError } from "../util/errors.js";
import { type Entry, type EntryKind, encyclopedia } from "./encyclopedia.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import * as messages from "./messages.js";
import { shippedScenarios } from "./scenario-file.js";
import type { Terminal } from "./terminal.js";
import { textTable } from "./text-table.js";

const KIND_OF_TOPIC: Readonly<Record<string, EntryKind>> = {
  techniques: "technique",
  workloads: "workload",
  profiles: "profile",
  events: "event",
  columns: "column",
  categories: "cycle category",
  exits: "exit reason",
  owners: "memory owner",
  costs: "cost",
  settings: "setting",
};
/** The list that shows all things of a kind. */
export function topicOfKind(kind: EntryKind): string {
  return Object.keys(KIND_OF_TOPIC).find((topic) => KIND_OF_TOPIC[topic] === kind)!;
}

export const LIST_TOPICS = ["scenarios", ...Object.keys(KIND_OF_TOPIC)] as const;
/** What `list` shows when no topic is given: what one needs to write a scenario. */
const SHORT_LIST = ["scenarios", "techniques", "workloads", "profiles"];

/** Kinds whose titles only repeat their names. */
const SPEAKS_BY_DESCRIPTION: ReadonlySet<EntryKind> = new Set(["technique", "workload", "cost", "setting"]);

export interface ListOptions {
  readonly topic: string | undefined;
  readonly json: boolean;
}

interface Item {
  readonly name: string;
  readonly title: string;
}

export async function list(options: ListOptions, terminal: Terminal): Promise<ExitCode> {
  const topics = options.topic === undefined ? SHORT_LIST : [topicOf(options.topic)];
  const entries = encyclopedia();
  const sections: Record<string, readonly Item[]> = {};
  for (const topic of topics) {
    sections[topic] = topic === "scenarios" ? await scenarios() : itemsOf(entries, KIND_OF_TOPIC[topic]!);
  }
  if (options.json) terminal.print(JSON.stringify(sections, undefined, 2));
  else terminal.print(topics.map((topic) => section(topic, sections[topic]!, terminal)).join("\n\n"));
  if (options.topic === undefined && !options.json) {
    terminal.print(
      `\nalso: virtlab list ${LIST_TOPICS.filter((topic) => !SHORT_LIST.includes(topic)).join(" | ")}`,
    );
  }
  return EXIT_CODE.ok;
}

/** The topic as written, or its plural. @throws UserError */
function topicOf(written: string): string {
  const topic = LIST_TOPICS.find(
    (name) => name === written || name === `${written}s` || KIND_OF_TOPIC[name] === written,
  );
  if (topic === undefined) throw messages.noSuchTopic(written, LIST_TOPICS);
  return topic;
}

function section(topic: string, items: readonly Item[], terminal: Terminal): string {
  const rows = items.map(({ name, title }) => [`  ${name}`, title]);
  const lines = textTable([{ title: "" }, { title: "" }], rows).slice(1);
  return [terminal.paint("bold", topic), ...(lines.length === 0 ? ["  none"] : lines)].join("\n");
}

function itemsOf(entries: readonly Entry[], kind: EntryKind): Item[] {
  return entries
    .filter((entry) => entry.kind === kind)
    .map(({ name, title, description }) => ({
      name,
      title: SPEAKS_BY_DESCRIPTION.has(kind) ? firstClause(description) : title,
    }));
}

/** Up to the first end of a sentence or semicolon: a list has one line for each. */
function firstClause(text: string): string {
  return text.split(/[.;](?:\s|$)/)[0]!;
}

async function scenarios(): Promise<Item[]> {
  const { loadScenario } = await import("../scenario/index.js");
  const titleOf = (file: string): string => {
    try {
      const scenario: Scenario = loadScenario(file);
      return scenario.question === "" ? scenario.title : `${scenario.title}: ${scenario.question}`;
    } catch (error) {
      if (error instanceof UserError) return `does not load: ${error.message}`;
      throw error;
    }
  };
  return shippedScenarios().map((file) => ({ name: file, title: titleOf(file) }));
}
