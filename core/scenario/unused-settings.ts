/**
 * Refuses what a scenario sets and no cell of it uses: a parameter that no workload has, a setting of another technique
 * (setting-uses.ts). It would be ignored silently, and its rows would be taken for an answer.
 *
 * What a file inherits, narrows by a size or narrows by `--set` is no mistake: a setting is judged by the techniques and
 * workloads of its own file at any size, and of the files that extend it. What `--set` itself says is judged by what is then run.
 */
import { UserError } from "../util/errors.js";
import { RUN_SIZES, type RunSize } from "../util/parameters.js";
import type { Catalogue } from "./catalogue.js";
import type { DocumentPath } from "./document.js";
import { type Layer, merged } from "./extend.js";
import type { Language, ScenarioDocument } from "./schema.js";
import { kindOfWorkload, useOfSetting, usersText, usesSetting } from "./setting-uses.js";

const MOST_TOLD = 6;
const MOST_NAMED = 8;

/** One place where a layer sets something. */
interface Setting {
  /** Its axis: `agile.writes`, `parameters.footprint`. */
  readonly path: string;
  readonly at: DocumentPath;
}

interface Unused {
  readonly where: string;
  readonly message: string;
  readonly mend: string;
}

/** Technique and workload names that a document can make cells of. */
interface Names {
  readonly techniques: ReadonlySet<string>;
  readonly workloads: ReadonlySet<string>;
}

/** What is laid over one another, by where it comes from. */
export interface LayerStack {
  /** The oldest first: what each says at any size, and at one. */
  readonly files: readonly {
    readonly layer: Layer;
    readonly sizes: Readonly<Partial<Record<RunSize, Layer>>>;
  }[];
  readonly sets: readonly Layer[];
  /** Everything at the size of this run, as one document. */
  readonly whole: ScenarioDocument;
}

/** @throws UserError naming each setting that no cell uses, with its place and who uses it */
export function refuseUnusedSettings({ files, sets, whole }: LayerStack, language: Language): void {
  const bodies = files.map((_, index) => bodiesOf(files.slice(0, index + 1), language));
  const problems = [
    ...files.flatMap(({ layer, sizes }, index) => {
      const names = namesOf([...bodies.slice(index).flat(), whole]);
      return [layer, ...Object.values(sizes)].flatMap((each) => unusedIn(each, names, language));
    }),
    ...sets.flatMap((layer) => unusedIn(layer, namesOf([whole]), language)),
  ];
  const [first, ...others] = problems;
  if (first === undefined) return;
  const more = others.slice(0, MOST_TOLD - 1).map(({ where, message }) => `${where}: ${message}`);
  if (others.length > more.length) more.push(`and ${others.length - more.length} more`);
  throw new UserError(first.message, { where: first.where, mend: [first.mend, ...more].join("\n  ") });
}

/** What the last of the files is with those it extends: at each size. */
function bodiesOf(files: LayerStack["files"], language: Language): ScenarioDocument[] {
  const own = files.map(({ layer }) => layer);
  return RUN_SIZES.map((size) =>
    merged([...own, ...files.flatMap(({ sizes }) => sizes[size] ?? [])], language),
  );
}

function namesOf(bodies: readonly ScenarioDocument[]): Names {
  const valuesOf = (axis: "technique" | "workload"): string[] =>
    bodies
      .flatMap(({ [axis]: base, matrix, zip, include = [] }) => [
        base,
        ...[matrix, zip, ...include].flatMap((point) => point?.[axis]),
      ])
      .filter((value) => value !== undefined)
      .map((value) => String(typeof value === "object" ? value["name"] : value));
  return { techniques: new Set(valuesOf("technique")), workloads: new Set(valuesOf("workload")) };
}

function unusedIn(layer: Layer, names: Names, language: Language): Unused[] {
  // A document without workloads is told of when its cells are made.
  if (names.workloads.size === 0) return [];
  return settingsOf(layer.body, language)
    .filter(({ path }) => !isUsed(path, names, language.catalogue))
    .map(({ path, at }) => ({
      where: layer.locate(at) ?? "",
      message: `${path} has no effect: no cell of this scenario uses it`,
      mend: `${usersOf(path, language.catalogue)}; here are ${namesText(names)}: leave it out, or add such a cell`,
    }));
}

/** Everything that a document sets and that a cell may or may not use. */
function settingsOf(body: ScenarioDocument, { axes }: Language): Setting[] {
  const { matrix = {}, zip = {}, include = [], ifMissing } = body;
  const base = axes.all
    .map(({ path }) => ({ path, at: path.split(".") }))
    .filter(({ at }) => !["technique", "workload"].includes(at[0]!) && isWritten(body, at));
  const points: [DocumentPath, object][] = [
    [["matrix"], matrix],
    [["zip"], zip],
    ...include.map((point, index): [DocumentPath, object] => [["include", index], point]),
  ];
  const varied = points.flatMap(([at, point]) =>
    Object.keys(point).map((path) => ({ path, at: [...at, path] })),
  );
  return [...base, ...varied, ...(ifMissing === undefined ? [] : [{ path: "ifMissing", at: ["ifMissing"] }])];
}

function isWritten(body: ScenarioDocument, at: readonly string[]): boolean {
  const value = at.reduce<unknown>(
    (inner, key) => (inner as Record<string, unknown> | undefined)?.[key],
    body,
  );
  // `parameters.gups` may be a workload's mapping: its keys are settings, it is none.
  return value !== undefined && typeof value !== "object";
}

function isUsed(path: string, { techniques, workloads }: Names, catalogue: Catalogue): boolean {
  const parameter = parameterOf(path);
  if (parameter !== undefined)
    return workloadsWith(parameter, catalogue).some((workload) => workloads.has(workload));
  if (techniques.size === 0) return true;
  const use = useOfSetting(path);
  return [...workloads].some((workload) => {
    const kind = kindOfWorkload(workload, catalogue);
    return [...techniques].some((technique) => usesSetting(use, kind, technique));
  });
}

interface Parameter {
  readonly name: string;
  /** Undefined where it is for all workloads that have it. */
  readonly workload: string | undefined;
}

/** `parameters.footprint` or `parameters.gups.footprint`; undefined for a setting. */
function parameterOf(path: string): Parameter | undefined {
  const [section, first, second] = path.split(".");
  if (section !== "parameters") return undefined;
  return second === undefined ? { name: first!, workload: undefined } : { name: second, workload: first! };
}

function workloadsWith({ name, workload }: Parameter, { workloads }: Catalogue): string[] {
  if (workload !== undefined) return [workload];
  return workloads.filter(({ parameters }) => name in parameters).map((each) => each.name);
}

function usersOf(path: string, catalogue: Catalogue): string {
  const parameter = parameterOf(path);
  return parameter === undefined
    ? `it is for ${usersText(useOfSetting(path)) ?? "all cells"}`
    : `it is a parameter of ${listed(workloadsWith(parameter, catalogue))}`;
}

function namesText({ techniques, workloads }: Names): string {
  return techniques.size === 0 ? listed(workloads) : `${listed(workloads)} under ${listed(techniques)}`;
}

function listed(names: Iterable<string>): string {
  const all = [...names];
  const more = all.length - MOST_NAMED;
  return more > 1 ? `${all.slice(0, MOST_NAMED).join(", ")} and ${more} others` : all.join(", ");
}
