/**
 * A JSON Schema made small: definitions that say the same become one, those that only name another are passed over, and
 * what nothing names is left out. Axes and workloads share most of their values, each as an object of its own, so that zod
 * defines the same again and again.
 */

const PREFIX = "#/$defs/";

type Json = unknown;
type Definitions = Record<string, Json>;

/** An equivalent schema with the fewest definitions, which are numbered in the order in which they are met. */
export function mergeDefinitions(schema: Readonly<Record<string, Json>>): Record<string, Json> {
  const { $defs = {}, ...body } = schema as { readonly $defs?: Definitions };
  let definitions = $defs;
  let root: Json = body;
  for (;;) {
    const names = representatives(definitions);
    const merged = Object.fromEntries(
      Object.entries(definitions)
        .filter(([name]) => names.get(name) === name)
        .map(([name, definition]) => [name, renamed(definition, names)]),
    );
    root = renamed(root, names);
    const isDone = Object.keys(merged).length === Object.keys(definitions).length;
    definitions = merged;
    if (isDone) return numbered(root as Record<string, Json>, definitions);
  }
}

/** Each definition's name to that of the one that stands for it: the first that says the same, or what it only names. */
function representatives(definitions: Definitions): Map<string, string> {
  const firstOf = new Map<string, string>();
  const names = new Map<string, string>();
  for (const [name, definition] of Object.entries(definitions)) {
    const text = JSON.stringify(definition);
    if (!firstOf.has(text)) firstOf.set(text, name);
    names.set(name, aliasOf(definition) ?? firstOf.get(text)!);
  }
  for (const name of names.keys()) {
    let last = name;
    while (names.get(last) !== last) last = names.get(last)!;
    names.set(name, last);
  }
  return names;
}

/** The definition that another only names. */
function aliasOf(definition: Json): string | undefined {
  const entries = Object.entries(definition as object);
  const [key, value] = entries[0] ?? [];
  return entries.length === 1 && key === "$ref" ? (value as string).slice(PREFIX.length) : undefined;
}

function renamed(json: Json, names: ReadonlyMap<string, string>): Json {
  if (Array.isArray(json)) return json.map((item) => renamed(item, names));
  if (json === null || typeof json !== "object") return json;
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [
      key,
      isReference(key, value)
        ? PREFIX + (names.get(value.slice(PREFIX.length)) ?? "")
        : renamed(value, names),
    ]),
  );
}

const isReference = (key: string, value: Json): value is string =>
  key === "$ref" && typeof value === "string" && value.startsWith(PREFIX);

/** Definitions that are named, by numbers in the order in which they are met from the root. */
function numbered(root: Record<string, Json>, definitions: Definitions): Record<string, Json> {
  const names = new Map<string, string>();
  const meet = (json: Json): void => {
    if (json === null || typeof json !== "object") return;
    for (const [key, value] of Object.entries(json)) {
      if (!isReference(key, value)) {
        meet(value);
        continue;
      }
      const name = value.slice(PREFIX.length);
      if (names.has(name)) continue;
      names.set(name, `d${names.size}`);
      meet(definitions[name]);
    }
  };
  meet(root);
  const kept = [...names].map(([name, short]) => [short, renamed(definitions[name], names)] as const);
  return { ...(renamed(root, names) as Record<string, Json>), $defs: Object.fromEntries(kept) };
}
