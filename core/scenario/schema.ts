/**
 * The schema of a scenario: one source for the TypeScript type, the run-time check and scenarios/schema.json.
 * Closed everywhere: a key that is not here is an error. Names of techniques, workloads, profiles, prices and
 * parameters come from the registries, so an editor completes them.
 */
import { z } from "zod";
import { RUN_SIZES } from "../util/parameters.js";
import { type Axis, type AxisTable, axesOf } from "./axes.js";
import { CATALOGUE, type Catalogue } from "./catalogue.js";
import { ChartSchema } from "./charts.js";
import { CLAIM_IDS } from "./claims.js";
import { BOOT_NAME } from "./code/boot.js";
import { figureSchema, orderingSchema } from "./figures/schema.js";
import { mergeDefinitions } from "./json-schema.js";
import { nameSchema, parametersShape, settingsShape } from "./settings.js";

type AxisValue = string | number | boolean;
/** Of an axis; a workload is a name, or a name with parameters. */
type PointValue = AxisValue | Readonly<Record<string, AxisValue>>;

/** A catalogue with its axes and schema: what the phases work with. */
export interface Language {
  readonly catalogue: Catalogue;
  readonly axes: AxisTable;
  readonly schema: ReturnType<typeof buildSchema>;
}

export type ScenarioDocument = z.output<Language["schema"]>;

const languages = new WeakMap<Catalogue, Language>();

/** The language of a catalogue; built once for each. */
export function languageOf(catalogue: Catalogue = CATALOGUE): Language {
  let language = languages.get(catalogue);
  if (language === undefined) {
    const axes = axesOf(catalogue);
    language = { catalogue, axes, schema: buildSchema(catalogue, axes) };
    languages.set(catalogue, language);
  }
  return language;
}

/** JSON Schema (draft 2020-12) of a scenario file, for editors. */
export function scenarioJsonSchema(catalogue: Catalogue = CATALOGUE): Record<string, unknown> {
  const schema = z.toJSONSchema(languageOf(catalogue).schema, { io: "input", reused: "ref" });
  return { ...mergeDefinitions(schema), title: "A virtlab scenario" };
}

function buildSchema(catalogue: Catalogue, axes: AxisTable) {
  const workload = workloadSchema(catalogue);
  const valueSchema = (axis: Axis): z.ZodType<PointValue> =>
    axis.path === "workload" ? workload : axis.schema;
  const shapeOf = <T extends z.ZodType>(of: (axis: Axis) => T): Record<string, z.ZodOptional<T>> => {
    const schemas = new Map(axes.all.map((axis) => [axis, of(axis).optional()]));
    return Object.fromEntries([...axes.written].map(([name, axis]) => [name, schemas.get(axis)!]));
  };

  const lists = shapeOf((axis) => z.array(valueSchema(axis)).min(1));
  const points = shapeOf((axis) => oneOrMore(valueSchema(axis)));
  const values = shapeOf((axis) => axis.schema);

  const body = {
    ...settingsShape(catalogue),
    workload: workload.optional().describe("What the guest does: a name, or a name with parameters"),
    title: z.string().min(1).optional().describe("What the scenario is about, in a few words"),
    question: z.string().optional().describe("The question it answers"),
    seed: z
      .int()
      .min(0)
      .max(0xffff_ffff)
      .optional()
      .describe("Seed of all chance; the same seed gives the same rows"),
    ifMissing: z
      .string()
      .min(1)
      .optional()
      .describe("A guest's file may be missing: its cells are then unsupported, for this reason"),
    parameters: parametersSchema(catalogue)
      .optional()
      .describe("Workload parameters: for all workloads that have them, or by workload"),
    matrix: z
      .strictObject(lists)
      .optional()
      .describe("Axes, each with its values: every combination is a cell"),
    zip: z.strictObject(lists).optional().describe("Axes that advance together; lists of equal length"),
    include: z
      .array(z.strictObject(points))
      .optional()
      .describe("Points added; axes not named run over the matrix"),
    exclude: z
      .array(z.strictObject(points))
      .optional()
      .describe("Points removed: those equal in every axis named"),
    baseline: z
      .strictObject(values)
      .optional()
      .describe("Axis values of the rows that slowdown compares with"),
    charts: z.array(ChartSchema).optional().describe("Charts to draw"),
    expect: z
      .array(expectationSchema())
      .optional()
      .describe("What must hold: `column == value where condition`"),
    figures: z.array(figureSchema()).optional().describe("Our values beside published ones"),
    orderings: z
      .array(orderingSchema())
      .optional()
      .describe("What publications say of which is more, and the same of our rows"),
    timing: z
      .strictObject({ samples: z.int().min(0).max(1000) })
      .optional()
      .describe("How often host time is measured"),
  };
  return z.strictObject({
    ...body,
    extends: z.string().min(1).optional().describe("Another scenario to inherit from, relative to this file"),
    size: z.enum(RUN_SIZES).optional().describe("tiny in CI, small in seconds, full for papers"),
    sizes: z
      .strictObject(
        Object.fromEntries(RUN_SIZES.map((size) => [size, z.strictObject(body).optional()])) as Record<
          (typeof RUN_SIZES)[number],
          z.ZodOptional<z.ZodObject<typeof body, z.core.$strict>>
        >,
      )
      .optional()
      .describe("What differs at a size of run"),
  });
}

/**
 * `gups`, or `{ name: gups, footprint: 1GiB }` with the parameters of that workload alone; `{ image: ./kernel.elf }` where
 * images can be booted.
 */
function workloadSchema(catalogue: Catalogue): z.ZodType<PointValue> {
  const name = nameSchema(catalogue.workloads);
  const detailed = catalogue.workloads.map((workload) =>
    z.strictObject({ name: z.literal(workload.name), ...parametersShape(workload.parameters) }),
  );
  if (detailed.length === 0) return name;
  const named = z.discriminatedUnion("name", detailed as never);
  const boot = catalogue.workloads.find((workload) => workload.name === BOOT_NAME);
  if (boot === undefined) return z.union([name, named]) as unknown as z.ZodType<PointValue>;
  const { image, ...others } = parametersShape(boot.parameters);
  // With a name it is no image to boot, whatever else is wrong with it.
  const nameless = z.strictObject({ name: z.never().optional(), image: image!.unwrap(), ...others });
  return z.union([name, named, nameless]) as unknown as z.ZodType<PointValue>;
}

/** A line, or a line with the claim that it confirms or contradicts; `figures` instead of `expect` where it speaks of figures.csv. */
function expectationSchema() {
  const line = z.string().min(1);
  const claim = z
    .enum(CLAIM_IDS)
    .optional()
    .describe("The claim that it confirms: `virtlab claims` lists them");
  const refutes = z.enum(CLAIM_IDS).optional().describe("The claim that it contradicts, where it holds");
  return z.union([
    line,
    z.strictObject({ expect: line, claim, refutes }),
    z.strictObject({
      figures: line.describe("Over the rows of figures.csv: `factor <= 2 where basis == 'predicted'`"),
      claim,
      refutes,
    }),
  ]);
}

function parametersSchema(catalogue: Catalogue) {
  const shared = axesOf(catalogue).all.filter((axis) => /^parameters\.[^.]+$/.test(axis.path));
  const shape: Record<string, z.ZodOptional<z.ZodType<PointValue>>> = {};
  for (const axis of shared) shape[axis.path.slice("parameters.".length)] = axis.schema.optional();
  for (const workload of catalogue.workloads) {
    shape[workload.name] = z.strictObject(parametersShape(workload.parameters)).optional() as never;
  }
  return z.strictObject(shape);
}

function oneOrMore<T extends z.ZodType>(schema: T) {
  return z.union([schema, z.array(schema).min(1)]);
}
