/**
 * Parameters written with a workload's name, `{ name: gups, footprint: 1GiB }`: as a base value they are
 * `workload: gups` with `parameters.gups.footprint`. In lists they stay where they are (points.ts makes them axes).
 * Within one document they win over `parameters`; over a document laid on top, never: what it says replaces them.
 */
import { BOOT_NAME } from "./code/boot.js";
import type { ScenarioDocument } from "./schema.js";

type Mapping = Readonly<Record<string, unknown>>;

/** Every `{ image: … }` in place of a workload as what it is short for, `{ name: boot, image: … }`. */
export function withBootNamed(body: ScenarioDocument): ScenarioDocument {
  const entry = (value: unknown): unknown =>
    isMapping(value) && !("name" in value) ? { name: BOOT_NAME, ...value } : value;
  const point = <T extends Mapping>(each: T): T => {
    if (!("workload" in each)) return each;
    const { workload } = each;
    return { ...each, workload: Array.isArray(workload) ? workload.map(entry) : entry(workload) };
  };
  const result: Record<string, unknown> = point(body);
  for (const group of ["matrix", "zip"] as const) {
    if (body[group] !== undefined) result[group] = point(body[group]);
  }
  for (const group of ["include", "exclude"] as const) {
    if (body[group] !== undefined) result[group] = body[group].map(point);
  }
  if (body.sizes !== undefined) {
    const sizes = Object.entries(body.sizes);
    result["sizes"] = Object.fromEntries(sizes.map(([size, inner]) => [size, inner && withBootNamed(inner)]));
  }
  return result as ScenarioDocument;
}

/** The body with the base workload's own parameters among `parameters`; as it was where there are none. */
export function flattened(body: ScenarioDocument): ScenarioDocument {
  const { workload } = body;
  if (typeof workload !== "object") return body;
  const { name, ...own } = workload;
  const parameters = body.parameters as Mapping | undefined;
  const beside = parameters?.[String(name)] as Mapping | undefined;
  return {
    ...body,
    workload: name,
    parameters: { ...parameters, [String(name)]: { ...beside, ...own } },
  } as ScenarioDocument;
}

/** Where the file writes `parameters.gups.footprint` when it says so with the base workload: `workload.footprint`. */
export function writtenWithWorkload(path: readonly (string | number)[]): (string | number)[] | undefined {
  const at = path.indexOf("parameters");
  return at < 0 || path.length !== at + 3 ? undefined : [...path.slice(0, at), "workload", path[at + 2]!];
}

/**
 * `below` without what the parameters for all workloads of `above` replace: the same parameter of one workload, and the
 * same parameter written with a name in a list. Entries that become equal are one.
 */
export function withoutReplaced(below: ScenarioDocument, above: ScenarioDocument): ScenarioDocument {
  const replaced = Object.entries((above.parameters ?? {}) as Mapping)
    .filter(([, value]) => value !== undefined && !isMapping(value))
    .map(([name]) => name);
  if (replaced.length === 0) return below;
  const kept = (value: Mapping): Mapping =>
    Object.fromEntries(Object.entries(value).filter(([name]) => !replaced.includes(name)));
  const entry = (value: unknown): unknown => {
    if (!isMapping(value)) return value;
    const rest = kept(value);
    return Object.keys(rest).length === 1 ? rest["name"] : rest;
  };
  const list = (value: unknown): unknown => (Array.isArray(value) ? value.map(entry) : entry(value));
  const point = (each: Mapping): Mapping =>
    "workload" in each ? { ...each, workload: list(each["workload"]) } : each;
  const result: Record<string, unknown> = { ...below };
  if (below.matrix !== undefined) {
    const matrix = point(below.matrix);
    result["matrix"] = "workload" in matrix ? { ...matrix, workload: unequal(matrix["workload"]) } : matrix;
  }
  if (below.zip !== undefined) result["zip"] = point(below.zip);
  if (below.include !== undefined) result["include"] = below.include.map(point);
  const parameters = Object.entries((below.parameters ?? {}) as Mapping);
  if (parameters.length > 0)
    result["parameters"] = Object.fromEntries(
      parameters.map(([name, value]) => [name, isMapping(value) ? kept(value) : value]),
    );
  return result as ScenarioDocument;
}

function unequal(values: unknown): unknown {
  const seen = new Map((values as readonly unknown[]).map((value) => [JSON.stringify(value), value]));
  return [...seen.values()];
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
