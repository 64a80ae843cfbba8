/** Phase 5: cells with a hash. The hash names the run folder and tells whether an interrupted run may be resumed. */
import { createHash } from "node:crypto";
import { expand } from "./expand.js";
import type { Plan, Scenario } from "./scenario.js";
import type { Language } from "./schema.js";

/** @throws UserError as expand does. */
export function planOf(scenario: Scenario, language: Language): Plan {
  const { cells, axes } = expand(scenario, language);
  const hash = createHash("sha256");
  for (const cell of cells) hash.update(`${canonical([cell.id, cell.config])}\n`);
  return { scenario, cells, axes, hash: hash.digest("hex") };
}

/** JSON with the keys of every mapping in order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}
