/**
 * Paths in a scenario are relative to the file that says them, or to the working folder where an option does. Before layers are
 * laid over one another their paths are rewritten relative to the scenario's own file: that is what rows show.
 */
import path from "node:path";
import type { ScenarioDocument } from "../schema.js";
import { FILE_PARAMETERS, FILE_SEPARATOR } from "./boot.js";

const SECTIONS = ["workload", "parameters", "matrix", "zip", "include", "exclude", "baseline"] as const;

/** @param from the folder that the body's paths are relative to. @param to the folder they shall be relative to */
export function relocated(body: ScenarioDocument, from: string, to: string): ScenarioDocument {
  const prefix = path.relative(to, from);
  if (prefix === "") return body;
  const result: Record<string, unknown> = { ...body };
  for (const section of SECTIONS) {
    if (body[section] !== undefined) result[section] = moved(body[section], section, prefix);
  }
  if (body.sizes !== undefined) {
    const sizes = Object.entries(body.sizes).map(([size, inner]) => [
      size,
      inner && relocated(inner, from, to),
    ]);
    result["sizes"] = Object.fromEntries(sizes);
  }
  return result as ScenarioDocument;
}

function moved(value: unknown, key: string, prefix: string): unknown {
  if (Array.isArray(value)) return value.map((item) => moved(item, key, prefix));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, moved(inner, name, prefix)]),
    );
  }
  const isFile = FILE_PARAMETERS.has(key.slice(key.lastIndexOf(".") + 1));
  if (!isFile || typeof value !== "string") return value;
  return value
    .split(FILE_SEPARATOR)
    .map((name) => (name === "" || path.isAbsolute(name) ? name : path.join(prefix, name)))
    .join(FILE_SEPARATOR);
}
