/**
 * What the schema has against a document, in words: for each issue of zod's, where it is, what was expected there and the
 * nearest valid word.
 */
import type { z } from "zod";
import type { DocumentPath } from "./document.js";
import { suggestion } from "./suggestion.js";

export interface Problem {
  readonly path: DocumentPath;
  /** Where to point: at the key for an unknown key, else at the value. */
  readonly of: "key" | "value";
  readonly message: string;
  readonly mend: string | undefined;
}

/** Keys of a mapping that a message lists. */
const MOST_KEYS = 12;

type Issue = z.core.$ZodIssue;

/** Zod's issue in words. `schema` is where `issue.path` starts; `value` the data there. */
export function problemsOf(
  issue: Issue,
  value: unknown,
  schema: unknown,
  base: DocumentPath = [],
): Problem[] {
  const inner = issue.path as (string | number)[];
  const path = [...base, ...inner];
  const found = inner.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value);
  const told = (message: string, mend?: string): Problem[] => [
    { path, of: "value", message: `${nameOf(path)}${message}`, mend: axisMend(path, found) ?? mend },
  ];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: [...path, key],
        of: "key",
        message: path.length === 0 ? `unknown key "${key}"` : `unknown key "${key}" in ${dotted(path)}`,
        mend: suggestion(key, keysOf(schemaAt(schema, inner), found)),
      }));
    case "invalid_value":
      if (found === undefined) return told("is missing", suggestion("", issue.values.map(String)));
      return told(`${quoted(found)} is not valid here`, valueMend(issue.values, found));
    case "invalid_type":
      return told(
        `expected ${typeWords(issue.expected)}, found ${kindOf(found)}`,
        typeMend(issue.expected, found) ?? mappingMend(path, keysOf(schemaAt(schema, inner), found)),
      );
    case "invalid_union":
      return unionProblems(issue, found, schemaAt(schema, inner), path);
    case "too_small":
    case "too_big":
      return told(
        Array.isArray(found) || typeof found === "string"
          ? "must not be empty"
          : `${String(found)} is out of range: ${limitWords(issue)}`,
      );
    default:
      return told(issue.message);
  }
}

/** Words have near ones; of numbers none is near by its digits, so that all are told. */
function valueMend(values: readonly unknown[], found: unknown): string | undefined {
  const words = values.map(String);
  if (!values.every((value) => typeof value === "number")) return suggestion(String(found), words);
  return words.includes(String(found)) ? `write ${String(found)}, without quotes` : suggestion("", words);
}

/** The problems of the alternative that the value comes nearest to. */
function unionProblems(
  issue: z.core.$ZodIssueInvalidUnion,
  found: unknown,
  schema: unknown,
  path: DocumentPath,
): Problem[] {
  if ("options" in issue && Array.isArray(issue.options)) {
    const names = (issue.options as unknown[]).map(String);
    const message =
      found === undefined
        ? `${nameOf(path.slice(0, -1))}has no ${String(path.at(-1))}`
        : `${nameOf(path)}${quoted(found)} is not valid here`;
    const mend = axisMend(path, found) ?? suggestion(String(found), names);
    return [{ path, of: "value", message, mend }];
  }
  if (issue.message !== "Invalid input") {
    return [
      {
        path,
        of: "value",
        message: `${nameOf(path)}${issue.message}, found ${kindOf(found)}`,
        mend: axisMend(path, found),
      },
    ];
  }
  const options = (definitionOf(schema)?.["options"] as unknown[] | undefined) ?? [];
  let best = 0;
  const depth = (issues: readonly Issue[]): number => {
    const wrongKind = issues.some(
      (each) => each.path.length === 0 && (each.code === "invalid_type" || each.code === "invalid_value"),
    );
    const isWrongValue = issues.some(
      (each) => each.path.length === 0 && each.code === "invalid_value" && typeof found !== "object",
    );
    if (wrongKind && !isWrongValue) return -1000;
    // A mapping without the key that tells mappings apart may be of a kind that has none.
    const lacksName = issues.some((each) => each.path.length === 1 && isUnnamed(each, found));
    return lacksName ? -1.5 : -issues.length;
  };
  for (let i = 1; i < issue.errors.length; i++)
    if (depth(issue.errors[i]!) > depth(issue.errors[best]!)) best = i;
  return (issue.errors[best] ?? []).flatMap((each) => problemsOf(each, found, options[best], path));
}

function isUnnamed(issue: Issue, found: unknown): boolean {
  const key = String(issue.path[0]);
  return issue.code === "invalid_union" && "options" in issue && !(key in (found as object));
}

/** The keys of a closed mapping; of several possible ones, those of the one that `value` comes nearest to. */
function keysOf(schema: unknown, value: unknown): string[] {
  const definition = definitionOf(schema);
  if (definition?.["shape"] !== undefined) return Object.keys(definition["shape"] as object);
  const options = ((definition?.["options"] ?? []) as z.ZodType[]).map((option) => ({
    keys: keysOf(bare(option), value),
    issues:
      option.safeParse(value).error?.issues.filter(({ code }) => code !== "unrecognized_keys").length ?? 0,
  }));
  return options.filter(({ keys }) => keys.length > 0).sort((a, b) => a.issues - b.issues)[0]?.keys ?? [];
}

/** The schema of what stands at a path, through optionals, lists and closed mappings. */
function schemaAt(schema: unknown, path: DocumentPath): unknown {
  let at = bare(schema);
  for (const key of path) {
    const definition = definitionOf(at);
    const shape = definition?.["shape"] as Record<string, unknown> | undefined;
    const member = (definition?.["options"] as unknown[] | undefined)
      ?.map((option) => (definitionOf(bare(option))?.["shape"] as Record<string, unknown> | undefined)?.[key])
      .find((option) => option !== undefined);
    at = bare(shape?.[key] ?? definition?.["element"] ?? member);
  }
  return at;
}

function bare(schema: unknown): unknown {
  const definition = definitionOf(schema);
  return definition?.["type"] === "optional" ? bare(definition["innerType"]) : schema;
}

function definitionOf(schema: unknown): Record<string, unknown> | undefined {
  return (schema as { _zod?: { def: Record<string, unknown> } } | undefined)?._zod?.def;
}

function nameOf(path: DocumentPath): string {
  return path.length === 0 ? "" : `${dotted(path)}: `;
}

/** `matrix.page[0]` */
function dotted(path: DocumentPath): string {
  return path
    .map((step, i) => (typeof step === "number" ? `[${step}]` : `${i === 0 ? "" : "."}${step}`))
    .join("");
}

function quoted(value: unknown): string {
  return typeof value === "string"
    ? `"${value.length > 60 ? `${value.slice(0, 60)}…` : value}"`
    : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  return typeof value === "string" ? quoted(value) : `${String(value)}`;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

function typeWords(expected: string): string {
  return TYPE_WORDS[expected] ?? expected;
}

function typeMend(expected: string, found: unknown): string | undefined {
  if (expected === "array" && typeof found !== "object") return `write [${String(found)}]`;
  if (expected === "boolean" && /^(on|yes)$/i.test(String(found))) return "write true";
  return expected === "boolean" && /^(off|no)$/i.test(String(found)) ? "write false" : undefined;
}

/** How a mapping with some of these keys is written. */
function mappingMend(path: DocumentPath, keys: readonly string[]): string | undefined {
  return keys.length === 0
    ? undefined
    : `write ${path.at(-1) ?? ""}: { ${keys[0]}: … }; its keys: ${few(keys)}`;
}

function few(keys: readonly string[]): string {
  return keys.length <= MOST_KEYS ? keys.join(", ") : `${keys.slice(0, MOST_KEYS).join(", ")}, …`;
}

/** Base values that an axis may vary, by the first step of their path. */
const VARIABLE: ReadonlySet<unknown> = new Set([
  ...[
    "technique",
    "workload",
    "page",
    "parameters",
    "machine",
    "guest",
    "host",
    "shadow",
    "agile",
    "paravirtual",
  ],
]);

/** Several values where one is expected. */
function axisMend(path: DocumentPath, found: unknown): string | undefined {
  const [section, ...rest] = path;
  if (!Array.isArray(found) || !VARIABLE.has(section)) return undefined;
  // A parameter written within the workload is an axis by its own name.
  const name = dotted(section === "workload" && rest.length > 0 ? rest : path);
  return `several values are an axis: write matrix: { ${name}: […] }`;
}

function limitWords(issue: Issue): string {
  return issue.code === "too_small"
    ? `at least ${String(issue.minimum)}`
    : `at most ${"maximum" in issue ? String(issue.maximum) : ""}`;
}
