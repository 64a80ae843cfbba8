/**
 * Phase 2: a scenario laid over those it extends. Order, each over the one before: the oldest ancestor … the file
 * itself, `sizes.<size>` of each in the same order, then each `--set`. Mappings merge key by key, lists and values
 * replace. A base value laid over an axis replaces the axis's values by its own.
 */
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { UserError } from "../util/errors.js";
import { RUN_SIZES, type RunSize } from "../util/parameters.js";
import { relocated } from "./code/paths.js";
import type { DocumentPath, LocatedDocument } from "./document.js";
import type { Language, ScenarioDocument } from "./schema.js";
import { validated } from "./validate.js";
import { flattened, withoutReplaced, writtenWithWorkload } from "./workload-parameters.js";

/** What one source says, its axes by their paths. */
export interface Layer {
  readonly body: ScenarioDocument;
  locate(path: DocumentPath): string | undefined;
}

const DEEPEST_CHAIN = 20;

/** The file's documents, oldest ancestor first, each valid by itself. @throws UserError for a cycle of `extends`. */
export function chainOf(
  document: LocatedDocument,
  language: Language,
  read: (path: string) => LocatedDocument,
): { readonly file: string; readonly layer: Layer }[] {
  const chain: { file: string; layer: Layer }[] = [];
  const seen = new Set<string>();
  for (let current: LocatedDocument | undefined = document; current !== undefined; ) {
    seen.add(resolve(current.file));
    const layer = layerOf(current, language, { from: dirname(current.file), to: dirname(document.file) });
    chain.unshift({ file: current.file, layer });
    const parent: string | undefined = layer.body.extends;
    if (parent === undefined) break;
    const where = current.locate(["extends"])!;
    const path: string = isAbsolute(parent) ? parent : join(dirname(current.file), parent);
    if (seen.has(resolve(path)) || chain.length > DEEPEST_CHAIN) {
      throw new UserError(
        `extends goes in a circle: ${[...seen, resolve(path)].map((each) => basename(each)).join(" → ")}`,
        {
          where,
          mend: "remove one `extends`",
        },
      );
    }
    try {
      current = read(path);
    } catch (error) {
      if (error instanceof UserError && error.where === path)
        throw new UserError(`extends ${parent}: it ${error.message}`, {
          where,
          mend: "give a path from this file's folder, e.g. ept.yaml",
        });
      throw error;
    }
  }
  return chain;
}

/** A document as a layer: checked, axes under their paths, files' paths relative to `to` in place of `from`. */
export function layerOf(
  document: LocatedDocument,
  language: Language,
  { from, to }: { readonly from: string; readonly to: string },
): Layer {
  const { byName } = language.axes;
  const isSame = (written: string, wanted: string): boolean => byName.get(written)?.path === wanted;
  const place = (path: DocumentPath | undefined): string | undefined =>
    path === undefined ? undefined : document.locate(path, "value", isSame);
  return {
    body: relocated(withAxisPaths(validated(document, language), language), from, to),
    locate: (path) => place(path) ?? place(writtenWithWorkload(path)),
  };
}

/** What a layer says for each size, `sizes.<size>`, as layers of their own. */
export function sizeLayersOf(layer: Layer): Partial<Record<RunSize, Layer>> {
  const layers: Partial<Record<RunSize, Layer>> = {};
  for (const size of RUN_SIZES) {
    const body = layer.body.sizes?.[size];
    if (body === undefined) continue;
    layers[size] = { body, locate: (path) => layer.locate(["sizes", size, ...path]) };
  }
  return layers;
}

/** All layers as one document, lowest first. */
export function merged(layers: readonly Layer[], language: Language): ScenarioDocument {
  return layers.reduce<ScenarioDocument>((below, { body }) => laidOver(below, body, language), {});
}

/** Where the topmost layer that says something of a path says it; else of its nearest parent. */
export function locateIn(layers: readonly Layer[], path: DocumentPath): string | undefined {
  for (let length = path.length; length >= 1; length--) {
    for (let i = layers.length - 1; i >= 0; i--) {
      const place = layers[i]!.locate(path.slice(0, length));
      if (place !== undefined) return place;
    }
  }
  return undefined;
}

type Mapping = Readonly<Record<string, unknown>>;

function laidOver(below: ScenarioDocument, above: ScenarioDocument, language: Language): ScenarioDocument {
  const matrix: Record<string, unknown> = { ...below.matrix };
  const zip: Record<string, unknown> = { ...below.zip };
  for (const axis of Object.keys(above.matrix ?? {})) delete zip[axis];
  for (const axis of Object.keys(above.zip ?? {})) delete matrix[axis];
  for (const { path } of language.axes.all) {
    if (!(path in matrix) && !(path in zip)) continue;
    const value = valueAt(above, path) ?? ownValue(above, path);
    if (value === undefined || path in (above.matrix ?? {}) || path in (above.zip ?? {})) continue;
    delete zip[path];
    matrix[path] = [value];
  }
  const rest = withoutReplaced({ ...below, matrix, zip } as ScenarioDocument, above);
  return merge(rest, above) as ScenarioDocument;
}

/** The value for `parameters.footprint` that comes with the document's own workload, as parameters of that alone. */
function ownValue({ workload, parameters }: ScenarioDocument, path: string): unknown {
  const [section, name, ...deeper] = path.split(".");
  if (section !== "parameters" || deeper.length > 0 || typeof workload !== "string") return undefined;
  const own = (parameters as Mapping | undefined)?.[workload];
  return isMapping(own) ? own[name!] : undefined;
}

function merge(below: unknown, above: unknown): unknown {
  if (!isMapping(below) || !isMapping(above)) return above;
  const result: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    if (value !== undefined) result[key] = merge(result[key], value);
  }
  return result;
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueAt(document: ScenarioDocument, path: string): unknown {
  return path.split(".").reduce<unknown>((at, key) => (isMapping(at) ? at[key] : undefined), document);
}

function withAxisPaths(written: ScenarioDocument, language: Language): ScenarioDocument {
  const body = flattened(written);
  const renamed = (point: Mapping): Mapping =>
    Object.fromEntries(
      Object.entries(point).map(([name, value]) => [language.axes.byName.get(name)!.path, value]),
    );
  const result: Record<string, unknown> = { ...body };
  for (const group of ["matrix", "zip", "baseline"] as const) {
    const point = body[group];
    if (point !== undefined) result[group] = renamed(point);
  }
  for (const group of ["include", "exclude"] as const) {
    const points = body[group];
    if (points !== undefined) result[group] = points.map(renamed);
  }
  if (body.sizes !== undefined) {
    const sizes = RUN_SIZES.filter((size) => body.sizes?.[size] !== undefined);
    result["sizes"] = Object.fromEntries(
      sizes.map((size) => [size, withAxisPaths(body.sizes![size]!, language)]),
    );
  }
  return result;
}
