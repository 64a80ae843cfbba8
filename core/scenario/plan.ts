/** Phase 5: cells with a hash. The hash names the run folder and tells whether an interrupted run may be resumed. */
import { createHash } from "node:crypto";
import { withCode } from "./code/plan-code.js";
import { expand } from "./expand.js";
import type { Plan, Scenario } from "./scenario.js";
import type { Language } from "./schema.js";

/** @throws UserError as expand does, and for files of guests that are missing or no images. */
export function planOf(scenario: Scenario, language: Language): Plan {
  const { cells: points, axes } = expand(scenario, language);
  const cells = withCode(points, scenario, language.catalogue);
  const hash = createHash("sha256");
  for (const cell of cells) hash.update(`${canonical([cell.id, cell.config])}\n`);
  return { scenario, cells, axes, hash: hash.digest("hex") };
}

/** JSON with the keys of every mapping in order; without the places of files, which are the host's. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const isFile = "sha256" in value && "path" in value;
  const entries = Object.entries(value)
    .filter(([key, inner]) => inner !== undefined && !(isFile && key === "path"))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}
