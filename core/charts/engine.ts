/**
 * Vega, Vega-Lite and vega-embed (touched by this file alone): to draw here without a canvas, and as texts
 * to put into a report. They take 0.3 s to import and must not be required, so they are imported when first
 * needed.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { UserError } from "../util/errors.js";
import type { Spec } from "./drawing.js";
import { fontFiles, type TextWidth, textWidthOf } from "./fonts.js";

type Vega = typeof import("vega");
type VegaLite = typeof import("vega-lite");

/** Vega's own text metrics; public in the module, absent from its types. */
interface TextMetrics {
  height(item: unknown): number;
  width: (item: { fontWeight?: unknown }, text: unknown) => number;
}

/** Pixels of a side. The rasteriser ends the process where it cannot have the memory. */
const LARGEST = 16_000;
/** Letters of a complaint that are told. */
const MOST_WORDS = 160;

let engine: Promise<{ vega: Vega; vegaLite: VegaLite }> | undefined;

function load(): Promise<{ vega: Vega; vegaLite: VegaLite }> {
  engine ??= Promise.all([import("vega"), import("vega-lite")]).then(([vega, vegaLite]) => {
    const { regular, bold } = fontFiles();
    measureWith(
      (vega as unknown as { textMetrics: TextMetrics }).textMetrics,
      textWidthOf(regular),
      textWidthOf(bold),
    );
    return { vega, vegaLite };
  });
  return engine;
}

/** Without a canvas Vega guesses 0.8 em a letter; these are the font's own widths. */
function measureWith(metrics: TextMetrics, regular: TextWidth, bold: TextWidth): void {
  metrics.width = (item, text) => {
    if (text === null || text === undefined) return 0;
    const width = /bold|[6-9]00/.test(String(item.fontWeight ?? "")) ? bold : regular;
    return width(String(text)) * metrics.height(item);
  };
}

/**
 * Draws a specification as SVG text; the same text every time.
 * @throws UserError when it is no valid Vega-Lite, or would read a file or a connection.
 */
export async function svgOf(spec: Spec, place = "chart"): Promise<string> {
  const { vega, vegaLite } = await load();
  const complaints: string[] = [];
  const note = (...words: readonly unknown[]): unknown => complaints.push(words.join(" "));
  const logger = {
    level: () => logger,
    error: note,
    warn: note,
    info: () => logger,
    debug: () => logger,
  } as never;
  const invalid = (why: string, mend = "see https://vega.github.io/vega-lite/docs/"): UserError =>
    new UserError(`the chart cannot be drawn: ${shortened(why)}`, { where: place, mend });
  try {
    const compiled = vegaLite.compile(spec as never, { logger }).spec;
    const view = new vega.View(vega.parse(compiled), {
      renderer: "none",
      logger,
      loader: closedLoader(vega),
    });
    try {
      const svg = await view.toSVG();
      const fatal = complaints.find((text) => /Loading failed|Error|Invalid/.test(text));
      if (fatal !== undefined) throw invalid(fatal);
      const [width = 0, height = 0] =
        /<svg[^>]*? width="([^"]*)" height="([^"]*)"/.exec(svg)?.slice(1).map(Number) ?? [];
      if (!(width <= LARGEST && height <= LARGEST))
        throw invalid(
          `it would be ${width} by ${height} pixels, more than ${LARGEST}`,
          "draw fewer rows (where:), or set width and height in its spec",
        );
      return svg;
    } finally {
      view.finalize();
    }
  } catch (error) {
    throw error instanceof UserError ? error : invalid((error as Error).message);
  }
}

/** Vega-Lite's complaints quote the whole specification. */
function shortened(why: string): string {
  return why.length <= MOST_WORDS ? why : `${why.slice(0, MOST_WORDS)}…`;
}

/** A loader that loads nothing: charts show the rows that they carry. */
function closedLoader(vega: Vega): ReturnType<Vega["loader"]> {
  const refuse = (uri: string): Promise<never> =>
    Promise.reject(new Error(`Loading failed: ${uri} is not the run's rows`));
  return { ...vega.loader(), load: refuse, http: refuse, file: refuse };
}

/** The browser builds of vega, vega-lite and vega-embed, in the order in which a page must run them. */
export function browserScripts(): string[] {
  const require = createRequire(import.meta.url);
  return ["vega", "vega-lite", "vega-embed"].map((name) =>
    readFileSync(join(dirname(require.resolve(name)), `${name}.min.js`), "utf8").replace(
      /^\/\/# sourceMappingURL=.*$/gm,
      "",
    ),
  );
}
