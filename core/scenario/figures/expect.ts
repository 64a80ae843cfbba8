/** Lines of `expect:` that speak of figures: the same language over the rows of figures.csv. */
import { type Expectation, verdictOf } from "../expectation.js";
import type { ExpectationResult } from "../scenario.js";
import type { Language } from "../schema.js";
import type { FigureResult } from "./compare.js";
import { figureRows } from "./rows.js";

/** Figures that are outside of the model are meant only by a line that names `basis` or `status`. @throws UserError */
export function verdictOnFigures(
  expectation: Expectation,
  results: readonly FigureResult[],
  language: Language,
): ExpectationResult {
  const { claim, condition } = expectation;
  const asks = ["basis", "status"].some((name) => claim.names.has(name) || condition?.names.has(name));
  const rows = figureRows(asks ? results : results.filter(({ status }) => status !== "outside"));
  const cells = results.map(({ figure }) => ({ id: figure, axes: { figure } }));
  return verdictOf(
    expectation,
    { axes: ["figure"], cells, scenario: { baseline: undefined } },
    rows,
    language,
  );
}
