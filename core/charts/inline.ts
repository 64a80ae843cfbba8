/**
 * A scenario's own Vega-Lite: its data are the rows, everything else is the author's. Data from elsewhere
 * are refused: a chart shows this run, and drawing never opens a file or a connection.
 */
import type { VegaLiteChartSpec } from "../scenario/charts.js";
import type { Row } from "../scenario/scenario.js";
import { UserError } from "../util/errors.js";
import type { Spec } from "./drawing.js";
import { notesUnder } from "./notes.js";
import { THEME, VEGA_LITE_SCHEMA } from "./theme.js";
import { columnIn } from "./where.js";

/**
 * `data` may be absent or `{ name: rows }`; both are given the rows.
 * @throws UserError for any other data, and for fields that neither the rows nor the spec's transforms have.
 */
export function inlineChart(
  { spec, title }: VegaLiteChartSpec,
  rows: readonly Row[],
  notes: readonly string[],
  place: string,
): Spec {
  const data = spec["data"];
  if (
    data !== undefined &&
    !(isObject(data) && Object.keys(data).join() === "name" && data["name"] === "rows")
  ) {
    throw foreignData("spec.data", place);
  }
  const words: Words = { fields: new Set(), made: new Set(), isOpen: false };
  inspect(spec, "spec", words, place);
  if (!words.isOpen)
    for (const field of words.fields) if (!words.made.has(field)) columnIn(rows, field, place);
  const theme = { ...THEME, ...(isObject(spec["config"]) ? spec["config"] : {}) };
  const drawing: Record<string, unknown> = {
    ...(title === undefined ? {} : { title }),
    ...spec,
    data: { name: "rows" },
    datasets: { rows: [...rows] },
  };
  delete drawing["$schema"];
  delete drawing["config"];
  const head = { $schema: VEGA_LITE_SCHEMA, config: theme };
  if (notes.length === 0) return { ...head, ...drawing };
  const { data: named, datasets, ...view } = drawing;
  return { ...head, title: notesUnder(notes), data: named, datasets, vconcat: [view] };
}

/** The fields that a spec reads, and those that its transforms make. */
interface Words {
  readonly fields: Set<string>;
  readonly made: Set<string>;
  /** A transform makes fields whose names only the data tell. */
  isOpen: boolean;
}

function inspect(value: unknown, path: string, words: Words, place: string): void {
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      inspect(item, `${path}[${index}]`, words, place);
    });
    return;
  }
  if (!isObject(value)) return;
  if ("pivot" in value || "values" in value) words.isOpen = true;
  if ("fold" in value) for (const name of ["key", "value"]) words.made.add(name);
  for (const [key, inner] of Object.entries(value)) {
    if (key === "url" || key === "href") throw foreignData(`${path}.${key}`, place);
    if (key === "as") for (const name of [inner].flat()) words.made.add(String(name));
    if (key === "field" && typeof inner === "string") words.fields.add(inner);
    inspect(inner, `${path}.${key}`, words, place);
  }
}

function foreignData(path: string, place: string): UserError {
  return new UserError(`${path}: a chart's data are the rows of the run and nothing else`, {
    where: place,
    mend: "leave data out, or write data: { name: rows }",
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
