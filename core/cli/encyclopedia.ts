/**
 * Everything the lab can name, in one form: what `list` lists and `describe` explains. It only gathers: each entry's words
 * come from the registry that declares the thing (core/events, core/guest, core/system, core/results/columns.ts).
 */
import { CYCLE_CATEGORIES } from "../events/categories.js";
import { COSTS } from "../events/costs.js";
import { EVENTS } from "../events/events.js";
import { EXIT_REASONS } from "../events/exit-reasons.js";
import { MEMORY_OWNERS } from "../events/memory-owners.js";
import { PROFILES } from "../events/profiles/index.js";
import { axisColumns, COLUMNS, type Column } from "../results/columns.js";
import { CATALOGUE } from "../scenario/catalogue.js";
import { useOfSetting, usersText } from "../scenario/setting-uses.js";
import { type EntryTable, parameterTable, priceTable, profileFacts, profileTables } from "./entry-tables.js";
import { settingEntries } from "./setting-entries.js";

export const ENTRY_KINDS = [
  "technique",
  "workload",
  "profile",
  "event",
  "cycle category",
  "exit reason",
  "memory owner",
  "cost",
  "setting",
  "column",
] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** One thing with its name, in words. */
export interface Entry {
  readonly kind: EntryKind;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Where it is published; undefined for what the lab itself defines. */
  readonly source?: string;
  /** Short facts, in order: [what, value]. */
  readonly facts: readonly (readonly [string, string])[];
  readonly tables: readonly EntryTable[];
}

const plain = (kind: EntryKind, name: string, title: string, description: string): Entry => ({
  kind,
  name,
  title,
  description,
  facts: [],
  tables: [],
});

/** All entries, by kind and then in the order of their registries. */
export function encyclopedia(): Entry[] {
  return [
    ...CATALOGUE.techniques.map(
      (technique): Entry => ({
        ...plain("technique", technique.name, technique.title, technique.description),
        source: technique.source,
        facts: [["profiles", supportOf((profile) => technique.unsupported(profile))]],
      }),
    ),
    ...CATALOGUE.workloads.map(
      (workload): Entry => ({
        ...plain("workload", workload.name, workload.title, workload.description),
        source: workload.source,
        tables: [parameterTable(workload.parameters)],
      }),
    ),
    ...PROFILES.map(
      (profile): Entry => ({
        ...plain("profile", profile.name, profile.title, profile.notes.join(" ")),
        source: profile.featuresSource,
        facts: profileFacts(profile),
        tables: profileTables(profile),
      }),
    ),
    ...EVENTS.map(
      (event): Entry => ({
        ...plain("event", event.name, event.label, event.description),
        facts: [
          ["group", event.group],
          ["better", event.better],
          ["column", `${event.name} (count)`],
        ],
      }),
    ),
    ...CYCLE_CATEGORIES.map(
      (category): Entry => ({
        ...plain("cycle category", category.name, category.label, category.description),
        facts: [
          ["owner", category.owner],
          ["column", `cycles_${category.name} (cycles)`],
        ],
      }),
    ),
    ...EXIT_REASONS.map(
      (reason): Entry => ({
        ...plain("exit reason", reason.name, reason.label, reason.description),
        facts: [["counted in", "exits.csv"]],
      }),
    ),
    ...MEMORY_OWNERS.map(
      (owner): Entry => ({
        ...plain("memory owner", owner.name, owner.label, owner.description),
        facts: [["columns", `${owner.name}_bytes, ${owner.name}_peak_bytes (bytes)`]],
      }),
    ),
    ...COSTS.map(
      (cost): Entry => ({
        ...plain("cost", cost.name, cost.name.replaceAll("_", " "), cost.description),
        facts: [
          ["kind", cost.kind.replace("-", " ")],
          ["unit", "cycles of the profile's clock"],
          ["used by", usersText(useOfSetting(`machine.costs.${cost.name}`)) ?? "every cell"],
          ["replace with", `--set machine.costs.${cost.name}=N`],
        ],
        tables: [priceTable(cost.name, PROFILES)],
      }),
    ),
    ...settingEntries().map(
      ({ name, description, facts }): Entry => ({ ...plain("setting", name, name, description), facts }),
    ),
    ...[...COLUMNS, ...axisColumns().map(({ column }) => column)].filter(isNotEvent).map(
      (column): Entry => ({
        ...plain("column", column.name, column.label, column.description),
        facts: [
          ["unit", column.unit],
          ["better", column.better],
        ],
      }),
    ),
  ];
}

/** An event's column is described with the event. */
function isNotEvent(column: Column): boolean {
  return column.kind !== "event";
}

function supportOf(unsupported: (profile: (typeof PROFILES)[number]) => string | undefined): string {
  const without = PROFILES.filter((profile) => unsupported(profile) !== undefined).map(({ name }) => name);
  return without.length === 0 ? "all" : `all but ${without.join(", ")}`;
}
