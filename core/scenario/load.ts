/** Phases 1 to 3 for one file: reads it and those it extends, lays the layers over one another, and gives a Scenario. */
import { readFileSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { UserError } from "../util/errors.js";
import type { RunSize } from "../util/parameters.js";
import { type DocumentPath, type LocatedDocument, readDocument } from "./document.js";
import { parseCondition, parseExpectation } from "./expectation.js";
import { chainOf, type Layer, locateIn, merged, sizeLayersOf } from "./extend.js";
import { checkFigures } from "./figures/compare.js";
import { overrideLayer } from "./overrides.js";
import type { ExpectationText, Scenario } from "./scenario.js";
import type { Language, ScenarioDocument } from "./schema.js";
import { DEFAULT_SETTINGS } from "./settings.js";
import { refuseUnusedSettings } from "./unused-settings.js";

/**
 * A path to read, or text with the path it stands for (its errors and `extends` refer to it). A record is what a run kept of its
 * scenario: what `--set` narrowed away is in it without its cells.
 */
export type ScenarioSource =
  | string
  | { readonly text: string; readonly path: string; readonly isRecord?: boolean };

export interface Overrides {
  readonly sets: readonly string[];
  readonly size: RunSize | undefined;
  readonly seed: number | undefined;
}

const MOST_BYTES = 1_048_576;

/** @throws UserError with file:line:column and how to mend it. */
export function scenarioOf(source: ScenarioSource, overrides: Overrides, language: Language): Scenario {
  const path = typeof source === "string" ? source : source.path;
  const document = typeof source === "string" ? readFile(path) : readDocument(source.text, path);
  const chain = chainOf(document, language, readFile);
  const sets = [...overrides.sets];
  if (overrides.seed !== undefined) sets.push(`seed=${overrides.seed}`);
  if (overrides.size !== undefined) sets.push(`size=${overrides.size}`);
  const setLayers = sets.map((set) => overrideLayer(set, language, dirname(path)));

  const fileLayers = chain.map(({ layer }) => layer);
  const size = merged([...fileLayers, ...setLayers], language).size ?? "small";
  const files = fileLayers.map((layer) => ({ layer, sizes: sizeLayersOf(layer) }));
  const sizeLayers = files.map(({ sizes }) => sizes[size]).filter((layer) => layer !== undefined);
  const layers = [...fileLayers, ...sizeLayers, ...setLayers];
  const body = merged(layers, language);
  const locate = (at: DocumentPath): string => locateIn(layers, at) ?? path;
  if (typeof source === "string" || source.isRecord !== true)
    refuseUnusedSettings({ files, sets: setLayers, whole: body }, language);

  const expect = (body.expect ?? []).map((line, index) => expectationText(line, ["expect", index], locate));
  const orderings = (body.orderings ?? []).map((ordering, index) => ({
    says: ordering.says,
    published: [ordering.published].flat(),
    expect: { text: ordering.expect, where: locate(["orderings", index, "expect"]) },
  }));
  for (const expectation of [...expect, ...orderings.map((each) => each.expect)])
    parseExpectation(expectation);
  const figures = body.figures ?? [];
  checkFigures(figures, parametersSet(body), locate);
  for (const [index, { where }] of (body.charts ?? []).entries()) {
    if (where !== undefined) parseCondition(where, locate(["charts", index, "where"]));
  }
  return {
    name: basename(path).replace(/\.ya?ml$/, ""),
    files: chain.map(({ file }) => file).reverse(),
    title: body.title ?? basename(path).replace(/\.ya?ml$/, ""),
    question: body.question ?? "",
    seed: body.seed ?? DEFAULT_SETTINGS.seed,
    size,
    charts: body.charts ?? [],
    expect,
    figures,
    orderings,
    baseline: baselineOf(body, language, layers),
    timing: { samples: body.timing?.samples ?? 0 },
    document: body,
    locate,
  };
}

/** `parameters.unpackRate`: those that the scenario sets, with its workload or beside it. */
function parametersSet({ workload, parameters = {} }: ScenarioDocument): string[] {
  const own = typeof workload === "object" ? Object.keys(workload) : [];
  // Those of one workload stand under its name.
  const beside = Object.entries(parameters).flatMap(([name, value]) =>
    typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [name],
  );
  return [...own, ...beside].map((parameter) => `parameters.${parameter}`);
}

/** A line of `expect:`: text, or text with what it speaks of and the claim that it confirms. */
function expectationText(
  line: NonNullable<ScenarioDocument["expect"]>[number],
  path: DocumentPath,
  locate: Scenario["locate"],
): ExpectationText {
  if (typeof line === "string") return { text: line, where: locate(path) };
  const { claim, refutes } = line;
  const claims = { ...(claim === undefined ? {} : { claim }), ...(refutes === undefined ? {} : { refutes }) };
  return "figures" in line
    ? { text: line.figures, where: locate([...path, "figures"]), of: "figures", ...claims }
    : { text: line.expect, where: locate([...path, "expect"]), ...claims };
}

/** Reads and parses one file. @throws UserError whatever the path holds. */
function readFile(path: string): LocatedDocument {
  let text: string;
  try {
    const found = statSync(path);
    if (found.isCharacterDevice() || found.isBlockDevice())
      throw new UserError("is not a file", { where: path, mend: "give the path of a YAML file" });
    const { size } = found;
    if (size > MOST_BYTES)
      throw new UserError("is larger than 1 MiB: not a scenario", {
        where: path,
        mend: "check that the path is right",
      });
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof UserError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    const why =
      code === "ENOENT"
        ? "does not exist"
        : code === "EISDIR"
          ? "is a folder"
          : `cannot be read (${String(code)})`;
    throw new UserError(why, { where: path, mend: "give the path of a scenario, e.g. scenarios/ept.yaml" });
  }
  return readDocument(text, path);
}

/** The baseline by column. @throws UserError when it names what does not vary, or a value that no row has. */
function baselineOf(
  body: ScenarioDocument,
  language: Language,
  layers: readonly Layer[],
): Scenario["baseline"] {
  if (body.baseline === undefined) return undefined;
  const points = [body.matrix ?? {}, body.zip ?? {}, ...(body.include ?? [])];
  const axes = new Set(points.flatMap((point) => Object.keys(point)));
  const columns: Record<string, string | number | boolean> = {};
  for (const [path, value] of Object.entries(body.baseline)) {
    if (value === undefined) continue;
    if (!axes.has(path)) {
      throw new UserError(`the baseline names ${path}, which is not an axis of this scenario`, {
        where: locateIn(layers, ["baseline", path]) ?? "",
        mend: axes.size === 0 ? "add a matrix" : `its axes are: ${[...axes].join(", ")}`,
      });
    }
    const values = points.flatMap((point) => point[path] ?? []);
    // Who narrows an axis from the command line may do without slowdowns.
    const isNarrowed = locateIn(layers, ["matrix", path])?.startsWith("--set ") === true;
    if (!isNarrowed && !values.some((each) => valueName(each) === String(value))) {
      throw new UserError(`the baseline has ${path}: ${value}, which no row has`, {
        where: locateIn(layers, ["baseline", path]) ?? "",
        mend: `${path} is one of: ${values.map(valueName).join(", ")}`,
      });
    }
    columns[language.axes.byName.get(path)!.column] = value;
  }
  return columns;
}

/** A value of an axis as rows have it; a workload may be written with its parameters. */
function valueName(value: unknown): string {
  return String((value as { name?: unknown }).name ?? value);
}
