/**
 * The axes a scenario may vary: every setting and every workload parameter, by its dotted path. An axis has a path
 * (`machine.profile`), a column in the rows (`profile`), and is also known by its last word where that is unambiguous.
 * Columns drop the sections `machine`, `guest` and `parameters`; the others keep theirs: `host_page`, `shadow_reuse`.
 */
import { z } from "zod";
import { CONTAINER_METRICS } from "../container/metrics.js";
import { EVENTS } from "../events/events.js";
import { HOST_METRICS } from "../host/metrics.js";
import type { Catalogue } from "./catalogue.js";
import { parameterSchema, settingsShape } from "./settings.js";

export interface Axis {
  /** Dotted path into the document: `technique`, `host.page`, `parameters.footprint`, `parameters.gups.footprint`. */
  readonly path: string;
  /** Column of the rows; snake_case. */
  readonly column: string;
  /** Checks one value and resolves its unit. */
  readonly schema: z.ZodType<number | string | boolean>;
  /** True when values are sizes in bytes. */
  readonly isSize: boolean;
}

export interface AxisTable {
  readonly all: readonly Axis[];
  /** As scenario files name them: by path, or by last word where unambiguous. */
  readonly written: ReadonlyMap<string, Axis>;
  /** As expressions and the command line name them: by column too. */
  readonly byName: ReadonlyMap<string, Axis>;
}

const UNPREFIXED = new Set(["machine", "guest", "parameters"]);

/** Columns that a parameter of the same name must not take. */
const RESERVED = new Set<string>([
  ...EVENTS.map((event) => event.name),
  ...[...HOST_METRICS, ...CONTAINER_METRICS].map((metric) => metric.name),
  "cycles",
  "status",
  "reason",
  "cell",
]);

/** Every axis of a catalogue. */
export function axesOf(catalogue: Catalogue): AxisTable {
  const all: Axis[] = [{ path: "seed", column: "seed", schema: z.int().min(0), isSize: false }];
  const add = (path: string, schema: z.ZodType<number | string | boolean>, isSize = false): void => {
    if (all.some((axis) => axis.path === path)) return;
    const column = columnOf(path);
    const isTaken = RESERVED.has(column) || all.some((axis) => axis.column === column);
    all.push({ path, column: isTaken ? `parameter_${column}` : column, schema, isSize });
  };
  for (const [section, schema] of Object.entries(settingsShape(catalogue))) {
    const inner = schema.unwrap();
    if (!(inner instanceof z.ZodObject)) {
      add(section, inner);
      continue;
    }
    for (const [key, value] of Object.entries(inner.shape) as [string, z.ZodOptional<z.ZodType>][]) {
      const setting = value.unwrap();
      if (setting instanceof z.ZodObject) {
        for (const [name, cost] of Object.entries(setting.shape))
          add(`${section}.${key}.${name}`, unwrapped(cost));
      } else add(`${section}.${key}`, setting as Axis["schema"], key === "memory");
    }
  }
  addParameters(catalogue, add);
  const written = writtenNames(all);
  const columns = all.map((axis): [string, Axis] => [axis.column, axis]);
  return { all, written, byName: new Map([...columns, ...written]) };
}

/** `host.page` → `host_page`; `machine.walkCaches` → `walk_caches`; `machine.costs.vm_exit` → `cost_vm_exit`. */
function columnOf(path: string): string {
  const words = path
    .split(".")
    .map((word) => word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/[-/]/g, "_"));
  if (words[0] === "machine" && words[1] === "costs") return `cost_${words[2]}`;
  if (words.length > 1 && UNPREFIXED.has(words[0]!)) words.shift();
  return words.join("_");
}

function addParameters(
  catalogue: Catalogue,
  add: (path: string, schema: Axis["schema"], isSize: boolean) => void,
): void {
  for (const workload of catalogue.workloads) {
    for (const [name, spec] of Object.entries(workload.parameters)) {
      add(`parameters.${workload.name}.${name}`, parameterSchema(spec), spec.kind === "bytes");
    }
  }
  const shared = new Map<string, { schemas: Axis["schema"][]; of: string[]; isSize: boolean }>();
  for (const workload of catalogue.workloads) {
    for (const [name, spec] of Object.entries(workload.parameters)) {
      const entry = shared.get(name) ?? { schemas: [], of: [], isSize: spec.kind === "bytes" };
      entry.schemas.push(parameterSchema(spec));
      entry.of.push(workload.name);
      shared.set(name, entry);
    }
  }
  for (const [name, { schemas, of, isSize }] of shared) {
    const words = new Set(schemas.map(({ description }) => description));
    const meaning = words.size === 1 ? [...words][0] : `What it is, \`virtlab describe <workload>\` says.`;
    const schema = schemas.length === 1 ? schemas[0]! : z.union(schemas);
    add(`parameters.${name}`, schema.describe(`A parameter of ${of.join(", ")}. ${meaning}`), isSize);
  }
}

function writtenNames(all: readonly Axis[]): Map<string, Axis> {
  const lastWords = new Map<string, Axis[]>();
  for (const axis of all) {
    const [first, second, ...deeper] = axis.path.split(".");
    if (deeper.length > 0) continue;
    const word = second ?? first!;
    lastWords.set(word, [...(lastWords.get(word) ?? []), axis]);
  }
  const names = new Map(all.map((axis) => [axis.path, axis]));
  for (const [word, axes] of lastWords) if (axes.length === 1 && !names.has(word)) names.set(word, axes[0]!);
  return names;
}

function unwrapped(schema: z.ZodType): Axis["schema"] {
  return (schema instanceof z.ZodOptional ? schema.unwrap() : schema) as Axis["schema"];
}

/** What may be written on an axis, in words; undefined where only the description says it (sizes). */
export function valuesOf(axis: Axis): string | undefined {
  const { enum: choices, type, minimum } = z.toJSONSchema(axis.schema, { io: "input" });
  if (choices !== undefined) return choices.join(", ");
  if (type === "boolean") return "true, false";
  if (type !== "integer") return undefined;
  return minimum === undefined ? "a whole number" : `a whole number, at least ${minimum}`;
}
