/**
 * The dictionary of all columns of rows.csv. Nothing is described twice: events, cycle categories and
 * memory owners come from their own lists (core/events), axes from the scenario's schema, derived ratios
 * from derived.ts.
 *
 * Left out: exits.csv and timing.csv, which have a few columns each (table.ts, timing.ts).
 */
import { CONTAINER_METRICS } from "../container/metrics.js";
import { CYCLE_CATEGORIES } from "../events/categories.js";
import { EVENTS } from "../events/events.js";
import { MEMORY_OWNERS } from "../events/memory-owners.js";
import { HOST_METRICS } from "../host/metrics.js";
import type { Axis } from "../scenario/axes.js";
import { CATALOGUE } from "../scenario/catalogue.js";
import { languageOf } from "../scenario/schema.js";
import type { ParameterSpec } from "../util/parameters.js";
import { DERIVED } from "./derived.js";

export type ColumnUnit =
  | "text"
  | "count"
  | "cycles"
  | "bytes"
  | "seconds"
  | "cycles per reference"
  | "references per walk"
  | "cycles per instruction"
  | "per 1000 instructions"
  | "nanoseconds"
  | "per second"
  | "share"
  | "ratio";

/**
 * What a column is about: a coordinate of the matrix, the outcome, or one of five kinds of modelled number.
 */
export type ColumnKind = "coordinate" | "outcome" | "cycles" | "event" | "memory" | "host" | "derived";

export interface Column {
  /** snake_case; the header in rows.csv. */
  readonly name: string;
  /** For charts and tables. */
  readonly label: string;
  readonly unit: ColumnUnit;
  /** The direction a reporter may call an improvement. */
  readonly better: "fewer" | "more" | "neither";
  readonly kind: ColumnKind;
  readonly description: string;
}

const coordinate = (name: string, label: string, description: string, unit: ColumnUnit = "text"): Column => ({
  name,
  label,
  unit,
  better: "neither",
  kind: "coordinate",
  description,
});

/** What every row has, varied or not. */
const COORDINATES: readonly Column[] = [
  coordinate(
    "cell",
    "Cell",
    "The cell's id: its axes and their values. Unique in the run; joins exits.csv and timing.csv.",
  ),
  coordinate("technique", "Technique", "How the guest is virtualized: monitor/memory, or native."),
  coordinate("workload", "Workload", "What the guest does in the region of interest."),
  coordinate("page", "Guest page size", "Page size with which the guest maps the workload's data."),
  coordinate("profile", "CPU profile", "The CPU generation whose geometry and prices the machine has."),
  coordinate("size", "Run size", "tiny, small or full: the workload's default parameters."),
  coordinate("seed", "Seed", "The seed of everything random in the cell.", "count"),
];

const OUTCOMES: readonly Column[] = [
  {
    name: "status",
    label: "Status",
    unit: "text",
    better: "neither",
    kind: "outcome",
    description: "done, failed or unsupported.",
  },
  {
    name: "reason",
    label: "Reason",
    unit: "text",
    better: "neither",
    kind: "outcome",
    description: "Why the cell is not done; of one that is, what went wrong in its guest under trap-and-emulate.",
  },
];

const CYCLES: readonly Column[] = [
  {
    name: "cycles",
    label: "Cycles",
    unit: "cycles",
    better: "fewer",
    kind: "cycles",
    description: "All cycles of the region of interest: the sum of the categories.",
  },
  ...CYCLE_CATEGORIES.map(
    (category): Column => ({
      name: `cycles_${category.name}`,
      label: category.label,
      unit: "cycles",
      better: "fewer",
      kind: "cycles",
      description: category.description,
    }),
  ),
];

const EVENT_COLUMNS: readonly Column[] = EVENTS.map(
  ({ name, label, better, description }): Column => ({
    name,
    label,
    unit: "count",
    better,
    kind: "event",
    description,
  }),
);

const MEMORY: readonly Column[] = MEMORY_OWNERS.flatMap((owner): Column[] => {
  const common = { unit: "bytes", better: "fewer", kind: "memory" } as const;
  return [
    {
      ...common,
      name: `${owner.name}_bytes`,
      label: owner.label,
      description: `${owner.description} At the end of the run.`,
    },
    {
      ...common,
      name: `${owner.name}_peak_bytes`,
      label: `${owner.label}, peak`,
      description: `${owner.description} The most at any time.`,
    },
  ];
});

const EXIT_STATUS: Column = {
  name: "exit_status",
  label: "Exit status",
  unit: "count",
  better: "neither",
  kind: "outcome",
  description: "What a guest that executes code wrote to port 0xf4 at its end; empty where it reset the machine.",
};

const FINGERPRINT: Column = {
  name: "fingerprint",
  label: "Fingerprint",
  unit: "text",
  better: "neither",
  kind: "outcome",
  description:
    "Hash of what the guest ended with (of code: what it printed, and its status); equal under every technique, or the lab has a bug.",
};

const SLOWDOWN: Column = {
  name: "slowdown",
  label: "Slowdown",
  unit: "ratio",
  better: "fewer",
  kind: "derived",
  description: "cycles over the cycles of the scenario's baseline row; empty when there is none.",
};

/** Every column in the order of rows.csv; further axes of a scenario stand between `cell` and `status`. */
export const COLUMNS: readonly Column[] = [
  ...COORDINATES,
  ...OUTCOMES,
  ...CYCLES,
  ...EVENT_COLUMNS,
  ...MEMORY,
  EXIT_STATUS,
  FINGERPRINT,
  ...DERIVED.map((derived): Column => ({ ...derived, kind: "derived" })),
  SLOWDOWN,
  ...HOST_METRICS,
  ...CONTAINER_METRICS,
];

/** Columns of modelled values of a guest on a machine, in order: what stands after `reason`. */
export const MACHINE_COLUMNS: readonly Column[] = COLUMNS.slice(
  COORDINATES.length + OUTCOMES.length,
  -(HOST_METRICS.length + CONTAINER_METRICS.length),
);

/** The same of a host with instances. */
export const HOST_COLUMNS: readonly Column[] = HOST_METRICS;

/** What experiments with containers add: a run has those that its rows have. */
export const CONTAINER_COLUMNS: readonly Column[] = CONTAINER_METRICS;

const BY_NAME: ReadonlyMap<string, Column> = new Map(COLUMNS.map((column) => [column.name, column]));

/**
 * The column by name; undefined when it is neither in the dictionary nor an axis that a scenario may vary.
 */
export function findColumn(name: string): Column | undefined {
  return BY_NAME.get(name) ?? parameterColumns().get(name);
}

let parameters: ReadonlyMap<string, Column> | undefined;

/** The columns of axisColumns() by name. */
export function parameterColumns(): ReadonlyMap<string, Column> {
  parameters ??= new Map(axisColumns().map(({ column }) => [column.name, column]));
  return parameters;
}

/** The column by name; one that nobody declares is a coordinate with its name as label. */
export function columnOf(name: string): Column {
  const label = sentence(name);
  return findColumn(name) ?? coordinate(name, label, `${label}, as the file has it.`);
}

/** A column that a row has only when its scenario varies it, and the path by which the scenario names it. */
export interface AxisColumn {
  readonly path: string;
  readonly column: Column;
}

/** Settings, prices and workload parameters as columns, one for each column name. */
export function axisColumns(): AxisColumn[] {
  const columns = new Map<string, AxisColumn>();
  for (const axis of languageOf().axes.all) {
    const name = axis.column;
    if (columns.has(name) || BY_NAME.has(name)) continue;
    const description = axis.schema.description ?? `The scenario's ${axis.path}.`;
    columns.set(name, {
      path: axis.path,
      column: coordinate(name, parameterOf(axis)?.label ?? sentence(name), description, axisUnit(axis)),
    });
  }
  return [...columns.values()];
}

const COUNTED = new Set(["host_levels", "shadow_maximum_tables", "paravirtual_batch", "budget_instructions"]);
const COUNTED_PARAMETERS = new Set(["count", "number", "number-choice"]);

function axisUnit(axis: Axis): ColumnUnit {
  if (axis.isSize) return "bytes";
  if (axis.column.startsWith("cost_")) return "cycles";
  if (axis.path === "budget.seconds") return "seconds";
  const isNumber = COUNTED_PARAMETERS.has(parameterOf(axis)?.kind ?? "");
  return isNumber || COUNTED.has(axis.column) ? "count" : "text";
}

/** The first workload's parameter of the name that an axis ends with. */
function parameterOf({ path }: Axis): ParameterSpec | undefined {
  if (!path.startsWith("parameters.")) return undefined;
  const name = path.split(".").at(-1)!;
  return CATALOGUE.workloads.map(({ parameters }) => parameters[name]).find(Boolean);
}

/** "host_page" → "Host page". */
function sentence(name: string): string {
  const words = name.replace(/[_.]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
