/**
 * How a scenario sets its numbers beside published ones: the entries of `figures:` and `orderings:`. Closed like the rest; ids are
 * rows of results/published.csv, expressions are those of `expect:`.
 */
import { z } from "zod";
import { publishedFigures } from "./published.js";

const text = z.string().min(1);

function idSchema() {
  return z.enum([...publishedFigures().keys()]).describe("A row of results/published.csv");
}

/** One entry of `figures:`. */
export function figureSchema() {
  const id = idSchema();
  const value = text.describe("Ours, an expression over columns: a row's value, or an aggregate");
  const where = text.describe("The row (all rows of an aggregate): an expression over columns");
  const compared = z.strictObject({
    published: id,
    title: text.optional().describe("What it is, in a few words; else what the publication calls it"),
    value,
    where: where.optional(),
    as: text
      .optional()
      .describe("What is compared of the published value, over `published`: `1 + published / 100`"),
    unit: text.optional().describe("Unit of what is compared, where `as` changes it"),
    over: z
      .strictObject({ published: id.optional(), value: value.optional(), where: where.optional() })
      .optional()
      .describe("Compare ratios: to another published figure, and ours to another value or row"),
    group: text.optional().describe("Figures that are ranked together; else those of one unit"),
    fitted: z
      .array(text)
      .min(1)
      .optional()
      .describe("Constants that were set from this very figure; without them it is predicted"),
  });
  const outside = z.strictObject({
    published: z.union([id, z.array(id).min(1)], {
      error: "expected an id of results/published.csv, or a list of them",
    }),
    outside: text.describe("Why no model of ours gives it"),
  });
  return z.union([compared, outside]);
}

/** One entry of `orderings:`, what a publication says of which is more, without a number to compare. */
export function orderingSchema() {
  return z.strictObject({
    says: text.describe(
      "The publication's conclusion, in its words or nearly: `EPT beats shadow on compile`",
    ),
    published: z.union([idSchema(), z.array(idSchema()).min(1)]).describe("The rows that say so"),
    expect: text.describe("The same of our rows, as a line of `expect:`"),
  });
}

export type FigureSpec = z.output<ReturnType<typeof figureSchema>>;
export type ComparedSpec = Extract<FigureSpec, { readonly value: string }>;
