/**
 * Phase 3: a document against the closed schema. Every problem is told with its place, what was expected and the
 * nearest valid word; several at once, in the order of the file. Also what one document may not say of its own axes.
 */
import { UserError } from "../util/errors.js";
import type { AxisTable } from "./axes.js";
import type { DocumentPath, LocatedDocument } from "./document.js";
import { type Problem, problemsOf } from "./problems.js";
import type { Language, ScenarioDocument } from "./schema.js";
import { withBootNamed } from "./workload-parameters.js";

const MOST_TOLD = 6;

/** The document checked, its units resolved. @throws UserError naming the first problems. */
export function validated(document: LocatedDocument, language: Language): ScenarioDocument {
  const result = language.schema.safeParse(document.data);
  const checked = result.success ? withBootNamed(inWrittenOrder(result.data, document.data)) : {};
  const problems = result.success
    ? bodiesOf(checked).flatMap(({ at, body }) => axisProblems(body, at, language))
    : result.error.issues
        .flatMap((issue) => problemsOf(issue, document.data, language.schema))
        .map((problem) => withSection(problem, language.axes));
  const [first, ...others] = sorted(problems, document);
  if (first === undefined) return checked;
  const place = (problem: Problem): string => placeOf(document, problem);
  const more = others
    .slice(0, MOST_TOLD - 1)
    .map((other) => `${place(other)}: ${other.message}${other.mend ? ` (${other.mend})` : ""}`);
  if (others.length > more.length) more.push(`and ${others.length - more.length} more`);
  const mend = [first.mend, ...more].filter((line) => line !== undefined).join("\n  ");
  throw new UserError(first.message, { where: place(first), ...(mend === "" ? {} : { mend }) });
}

/** Keys that hold axes by any of their names. */
const POINTS: ReadonlySet<unknown> = new Set(["matrix", "zip", "include", "exclude", "baseline"]);

/** A setting by its right name in the wrong place: where it belongs. */
function withSection(problem: Problem, { written }: AxisTable): Problem {
  const { path, of } = problem;
  const axis = written.get(String(path.at(-1)));
  if (of !== "key" || axis === undefined || path.some((step) => POINTS.has(step))) return problem;
  const keys = axis.path.split(".");
  const mapping = keys.slice(1).reduceRight((inner, key) => `{ ${key}: ${inner} }`, "…");
  const wanted = `${keys[0]}: ${mapping}`;
  const mend =
    keys[0] === "parameters"
      ? `write it with its workload, workload: { name: …, ${keys.at(-1)}: … }, or ${wanted} for all that have it`
      : `write ${wanted}, or matrix: { ${axis.path}: […] }`;
  return { ...problem, mend };
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
  const problems = workloadProblems(data, at, axes);
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

/** A parameter given with the base workload, and once more as an axis or among `parameters`. */
function workloadProblems(data: ScenarioDocument, at: DocumentPath, axes: AxisTable): Problem[] {
  const { workload } = data;
  if (typeof workload !== "object") return [];
  const { name, ...own } = workload;
  const beside = (data.parameters as Readonly<Record<string, object | undefined>> | undefined)?.[
    String(name)
  ];
  const written = [data.matrix ?? {}, data.zip ?? {}].flatMap((group) => Object.keys(group));
  return Object.keys(own).flatMap((parameter): Problem[] => {
    const paths = [`parameters.${parameter}`, `parameters.${String(name)}.${parameter}`];
    const axis = written.find((axisName) => paths.includes(axes.byName.get(axisName)!.path));
    if (axis === undefined && (beside === undefined || !(parameter in beside))) return [];
    const again = axis === undefined ? `parameters.${String(name)}` : `the axis ${axis}`;
    return [
      {
        path: [...at, "workload", parameter],
        of: "key",
        message: `${parameter} is given with the workload and again by ${again}`,
        mend: "keep one of the two",
      },
    ];
  });
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
