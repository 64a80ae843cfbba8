/**
 * Which constants were set from which published figures. A constant that was fitted says so in its source ("fitted to <id>: …",
 * events/profiles/constants.ts); a figure of a scenario names the constants that were set from it (`fitted:`).
 */
import type { Constant } from "../events/profile.js";
import { PROFILES } from "../events/profiles/index.js";
import type { FittedConstant } from "../results/fits-markdown.js";
import { hostConstants, profileConstants } from "../scenario/constants.js";
import { publishedFigures } from "../scenario/figures/published.js";

/** Every constant that was fitted, of profiles and hosts; what profiles share is told once, with all their names. */
export function fittedConstants(): FittedConstant[] {
  const found: FittedConstant[] = [];
  const add = (of: string, constants: ReadonlyMap<string, Constant>): void => {
    for (const [name, { value, source, range }] of constants) {
      if (!source.startsWith("fitted to")) continue;
      const same = found.find((each) => each.name === name && each.source === source && each.value === value);
      if (same !== undefined) same.profiles.push(of);
      else found.push({ name, profiles: [of], value, range, source, figures: idsIn(source) });
    }
  };
  for (const { name } of PROFILES) add(name, profileConstants(name));
  add("hosts", hostConstants());
  return found;
}

/** The published figures that a source names. */
export function idsIn(source: string): string[] {
  const known = publishedFigures();
  return [...new Set(source.match(/[a-z0-9]+(?:[-_][a-z0-9_]+)+/gi) ?? [])].filter((word) => known.has(word));
}
