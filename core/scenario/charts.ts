/**
 * What a scenario may ask to be drawn: the `charts:` list. Field names are columns of the rows; `where` is an
 * expression over them (expression.ts). Drawing is another layer's work.
 */
import { z } from "zod";

const scale = z.enum(["linear", "log"]);
const column = z.string().min(1);

const NamedChart = z.strictObject({
  kind: z
    .enum(["stack", "compare", "sweep", "multiples"])
    .describe(
      "stack: cycles by category; compare: bars against a baseline; sweep: lines over a number; multiples: one small chart a facet",
    ),
  title: z.string().optional(),
  /** Column of the horizontal axis. */
  x: column.optional().describe("Column of the horizontal axis"),
  /** Column of the vertical axis; `value` says the same of a comparison. */
  y: column.optional().describe("Column of the vertical axis"),
  value: column.optional().describe("Column compared"),
  facet: column.optional().describe("Column by which the chart is repeated"),
  color: column.optional().describe("Column that gives the colour"),
  /** Value of `x` (or of the technique) against which is compared. */
  baseline: z.union([z.string(), z.number(), z.boolean()]).optional().describe("The value compared against"),
  scale: z
    .union([scale, z.strictObject({ x: scale.optional(), y: scale.optional() })], {
      error: "expected linear, log, or { x: …, y: … } of these",
    })
    .optional()
    .describe("linear or log; one word is the vertical axis"),
  where: z.string().optional().describe("Rows to draw: an expression over columns"),
});

const VegaLiteChart = z.strictObject({
  title: z.string().optional(),
  where: z.string().optional().describe("Rows to draw: an expression over columns"),
  spec: z.record(z.string(), z.unknown()).describe("Any Vega-Lite; its data are the rows"),
});

/** One entry of `charts:`. `"spec" in chart` tells the two kinds apart. */
export const ChartSchema = z.union([NamedChart, VegaLiteChart]);

export type NamedChartSpec = Readonly<z.infer<typeof NamedChart>>;
export type VegaLiteChartSpec = Readonly<z.infer<typeof VegaLiteChart>>;
export type ChartSpec = NamedChartSpec | VegaLiteChartSpec;
