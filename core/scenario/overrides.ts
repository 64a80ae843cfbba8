/**
 * `--set path=value`: one value laid over the whole scenario. The path is an axis by any of its names or another key of
 * the document; the value is YAML. A list makes (or replaces) an axis; a value replaces an axis's values by itself.
 */
import { UserError } from "../util/errors.js";
import { type LocatedDocument, readValue } from "./document.js";
import { type Layer, layerOf } from "./extend.js";
import type { Language } from "./schema.js";
import { suggestion } from "./suggestion.js";

/** Keys besides axes that may be set. */
const PLAIN_KEYS = [
  "title",
  "question",
  "size",
  "timing.samples",
  "charts",
  "expect",
  "figures",
  "orderings",
  "include",
  "exclude",
] as const;

/**
 * A `--set` as the topmost layer.
 * @param folder of the scenario: paths of files are given relative to the working folder
 * @throws UserError when the path or the value is not known
 */
export function overrideLayer(set: string, language: Language, folder: string): Layer {
  const where = `--set ${set}`;
  const equals = set.indexOf("=");
  if (equals < 1)
    throw new UserError("expected path=value", { where, mend: "e.g. --set machine.profile=haswell-2013" });
  const name = set.slice(0, equals).trim();
  const value = readValue(set.slice(equals + 1));
  const { byName, written } = language.axes;
  const axis =
    byName.get(name) ??
    byName.get(name.replace(/^(matrix|zip)\./, "")) ??
    byName.get(name.replace(/^workload\./, "parameters."));
  const baseline = name.startsWith("baseline.") ? byName.get(name.slice("baseline.".length)) : undefined;

  let data: Record<string, unknown>;
  if (baseline !== undefined) data = { baseline: { [baseline.path]: value } };
  else if (axis !== undefined)
    data = Array.isArray(value) ? { matrix: { [axis.path]: value } } : nested(axis.path, value);
  else if ((PLAIN_KEYS as readonly string[]).includes(name)) data = nested(name, value);
  else {
    throw new UserError(`nothing is called "${name}"`, {
      where,
      mend:
        suggestion(name, [...PLAIN_KEYS, ...written.keys()]) ??
        "`virtlab list settings` shows what can be set",
    });
  }
  const document: LocatedDocument = { file: where, data, locate: () => where };
  const layer = layerOf(document, language, { from: ".", to: folder });
  return {
    body: layer.body,
    locate: (path) => (hasPath(data, path) || hasPath(layer.body, path) ? where : undefined),
  };
}

function nested(path: string, value: unknown): Record<string, unknown> {
  return path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Record<
    string,
    unknown
  >;
}

function hasPath(data: unknown, path: readonly (string | number)[]): boolean {
  let at = data;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !(key in at)) return false;
    at = (at as Record<string | number, unknown>)[key];
  }
  return true;
}
