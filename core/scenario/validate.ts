/**
 * Phase 3: a document against the closed schema. Every problem is told with its place, what was expected and the
 * nearest valid word; several at once, in the order of the file. Also what one document may not say of its own axes.
 */
import type { z } from "zod";
import { UserError } from "../util/errors.js";
import type { DocumentPath, LocatedDocument } from "./document.js";
import type { Language, ScenarioDocument } from "./schema.js";
import { suggestion } from "./suggestion.js";

type Issue = z.core.$ZodIssue;
interface Problem {
  readonly path: DocumentPath;
  /** Where to point: at the key for an unknown key, else at the value. */
  readonly of: "key" | "value";
  readonly message: string;
  readonly mend: string | undefined;
}

const MOST_TOLD = 6;

/** The document checked, its units resolved. @throws UserError naming the first problems. */
export function validated(document: LocatedDocument, language: Language): ScenarioDocument {
  const result = language.schema.safeParse(document.data);
  const problems = result.success
    ? bodiesOf(result.data).flatMap(({ at, body }) => axisProblems(body, at, language))
    : result.error.issues.flatMap((issue) => problemsOf(issue, document.data, language.schema));
  const [first, ...others] = sorted(problems, document);
  if (result.success && first === undefined) return inWrittenOrder(result.data, document.data);
  const place = (problem: Problem): string => placeOf(document, problem);
  const more = others
    .slice(0, MOST_TOLD - 1)
    .map((other) => `${place(other)}: ${other.message}${other.mend ? ` (${other.mend})` : ""}`);
  if (others.length > more.length) more.push(`and ${others.length - more.length} more`);
  const mend = [first!.mend, ...more].filter((line) => line !== undefined).join("\n  ");
  throw new UserError(first!.message, { where: place(first!), ...(mend === "" ? {} : { mend }) });
}

/** Zod's issue in words. `schema` is where `issue.path` starts; `value` the data there. */
function problemsOf(issue: Issue, value: unknown, schema: unknown, base: DocumentPath = []): Problem[] {
  const inner = issue.path as (string | number)[];
  const path = [...base, ...inner];
  const found = inner.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value);
  const told = (message: string, mend?: string): Problem[] => [
    { path, of: "value", message: `${nameOf(path)}${message}`, mend },
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
      return told(`${quoted(found)} is not valid here`, suggestion(String(found), issue.values.map(String)));
    case "invalid_type":
      return told(
        `expected ${typeWords(issue.expected)}, found ${kindOf(found)}`,
        typeMend(issue.expected, found),
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
    return [{ path, of: "value", message, mend: suggestion(String(found), names) }];
  }
  if (issue.message !== "Invalid input") {
    return [
      {
        path,
        of: "value",
        message: `${nameOf(path)}${issue.message}, found ${kindOf(found)}`,
        mend: undefined,
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
    return wrongKind && !isWrongValue ? -1000 : -issues.length;
  };
  for (let i = 1; i < issue.errors.length; i++)
    if (depth(issue.errors[i]!) > depth(issue.errors[best]!)) best = i;
  return (issue.errors[best] ?? []).flatMap((each) => problemsOf(each, found, options[best], path));
}

/** The schema gives keys in its own order; axes vary in the order in which they were written. */
function inWrittenOrder<T>(checked: T, written: unknown): T {
  if (typeof checked !== "object" || checked === null || typeof written !== "object" || written === null)
    return checked;
  if (Array.isArray(checked))
    return checked.map((item, i) => inWrittenOrder(item, (written as unknown[])[i])) as T;
  const from = written as Readonly<Record<string, unknown>>;
  const entries = Object.keys(from).map((key) => [key, inWrittenOrder(checked[key as keyof T], from[key])]);
  return Object.fromEntries(entries) as T;
}

/** The document and what it says for each size. */
function bodiesOf(data: ScenarioDocument): { at: DocumentPath; body: ScenarioDocument }[] {
  const sizes = Object.entries(data.sizes ?? {}).map(([size, body]) => ({
    at: ["sizes", size],
    body: body ?? {},
  }));
  return [{ at: [], body: data }, ...sizes];
}

/** One axis under two names, and an axis that would silently hide a base value. */
function axisProblems(data: ScenarioDocument, at: DocumentPath, { axes }: Language): Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, string>();
  for (const group of ["matrix", "zip"] as const) {
    for (const name of Object.keys(data[group] ?? {})) {
      const { path } = axes.byName.get(name)!;
      const earlier = seen.get(path);
      if (earlier !== undefined) {
        problems.push({
          path: [...at, group, name],
          of: "key",
          message: `${name} is the same axis as ${earlier}`,
          mend: "keep one of the two",
        });
      }
      seen.set(path, `${group}.${name}`);
      const base = path
        .split(".")
        .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], data);
      if (base !== undefined && data.include === undefined) {
        problems.push({
          path: [...at, ...path.split(".")],
          of: "key",
          message: `${path} is an axis (${group}.${name}), so its base value has no effect`,
          mend: "remove the one or the other",
        });
      }
    }
  }
  return problems;
}

/** In the order of the file. */
function sorted(problems: readonly Problem[], document: LocatedDocument): Problem[] {
  const position = (problem: Problem): number => {
    const [line = 0, column = 0] = placeOf(document, problem).split(":").slice(-2).map(Number);
    return line * 1e5 + column;
  };
  return [...problems].sort((a, b) => position(a) - position(b));
}

/** The problem's place, or the nearest parent's that is written. */
function placeOf(document: LocatedDocument, { path, of }: Problem): string {
  for (let length = path.length; length > 0; length--) {
    const place = document.locate(path.slice(0, length), of);
    if (place !== undefined) return place;
  }
  return document.file;
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

function limitWords(issue: Issue): string {
  return issue.code === "too_small"
    ? `at least ${String(issue.minimum)}`
    : `at most ${"maximum" in issue ? String(issue.maximum) : ""}`;
}
