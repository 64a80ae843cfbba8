/**
 * Which constants were set from which published figures. A constant that was fitted says so in its source ("fitted to <id>: …",
 * events/profiles/constants.ts); a figure of a scenario names the constants that were set from it (`fitted:`).
 */
import { MACHINE_STARTS, PULL_COSTS, START_COSTS } from "../container/start/costs.js";
import { RUNTIMES } from "../container/start/runtimes.js";
import { STORAGE_DRIVERS } from "../container/storage/drivers.js";
import type { Constant } from "../events/profile.js";
import { PROFILES } from "../events/profiles/index.js";
import { collect } from "../host/constants.js";
import { HOST_SOFTWARE } from "../host/host.js";
import { TECHNOLOGIES } from "../host/instances/technologies.js";
import { HOST_CONSTANTS } from "../host/machine-costs.js";
import type { FittedConstant } from "../results/fits-markdown.js";
import { publishedFigures } from "../scenario/figures/published.js";

/** Every constant that was fitted, of profiles and hosts; what profiles share is told once, with all their names. */
export function fittedConstants(): FittedConstant[] {
  const found: FittedConstant[] = [];
  const add = (profile: string, constants: ReadonlyMap<string, Constant>): void => {
    for (const [name, { value, source, range }] of constants) {
      if (!source.startsWith("fitted to")) continue;
      const same = found.find((each) => each.name === name && each.source === source && each.value === value);
      if (same !== undefined) same.profiles.push(profile);
      else found.push({ name, profiles: [profile], value, range, source, figures: idsIn(source) });
    }
  };
  for (const profile of PROFILES)
    add(profile.name, constantsIn({ costs: profile.costs, instructions: profile.instructions }));
  add(
    "host",
    constantsIn({ host: { ...HOST_CONSTANTS, ...HOST_SOFTWARE }, technology: byName(TECHNOLOGIES) }),
  );
  add("container", constantsIn({ start: { ...START_COSTS, ...PULL_COSTS, ...MACHINE_STARTS } }));
  add("container", constantsIn({ runtime: byName(RUNTIMES), driver: byName(STORAGE_DRIVERS) }));
  return found;
}

function constantsIn(tables: Readonly<Record<string, object>>): Map<string, Constant> {
  const constants = new Map<string, Constant>();
  for (const [name, table] of Object.entries(tables)) collect(constants, name, table);
  return constants;
}

function byName<T extends { readonly name: string }>(list: readonly T[]): Record<string, T> {
  return Object.fromEntries(list.map((each) => [each.name, each]));
}

/** The published figures that a source names. */
function idsIn(source: string): string[] {
  const known = publishedFigures();
  return [...new Set(source.match(/[a-z0-9]+(?:[-_][a-z0-9_]+)+/gi) ?? [])].filter((word) => known.has(word));
}
