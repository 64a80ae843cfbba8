/**
 * The price at which a figure comes out: solved for through the model, with all other constants as they are. Cycles are nearly linear in
 * a price, so the secant method needs a few runs of the cells that the figure speaks of.
 */
import type { FigureResult } from "../scenario/figures/compare.js";
import { figuresOf, type Plan } from "../scenario/index.js";
import { type PriceRunOptions, priceIn, rowsUnder } from "./prices.js";
import { selectCells } from "./selection.js";

export interface Fit {
  readonly figure: string;
  readonly price: string;
  /** Cycles, as committed. */
  readonly committed: number;
  /** Cycles at which the figure comes out; undefined where it does not depend on the price, or no price gives it. */
  readonly solved: number | undefined;
  readonly published: number;
  readonly ours: number;
}

/** Relative; figures are published with two to four digits. */
const NEAR = 1e-3;
const MOST_STEPS = 6;
const PREFIX = "costs.";

/** Every price that a figure of the plan's scenario names as fitted, solved for alone. @throws UserError */
export async function solveFits(plan: Plan, options: PriceRunOptions): Promise<Fit[]> {
  const fits: Fit[] = [];
  for (const spec of plan.scenario.figures) {
    if ("outside" in spec) continue;
    const prices = (spec.fitted ?? []).filter((name) => name.startsWith(PREFIX));
    if (prices.length === 0) continue;
    const part = partFor({
      ...plan,
      scenario: { ...plan.scenario, figures: [spec], expect: [], orderings: [] },
    });
    for (const name of prices) {
      const fit = await solved(part, name.slice(PREFIX.length), options);
      if (fit !== undefined) fits.push(fit);
    }
  }
  return fits;
}

/** The cells that the plan's one figure speaks of; all where it looks at others by peer, base or slowdown. */
function partFor(plan: Plan): Plan {
  const [spec] = plan.scenario.figures;
  if (spec === undefined || "outside" in spec || spec.where === undefined) return plan;
  const texts = [spec.value, spec.over?.value ?? ""].join(" ");
  if (/\b(peer|base)\s*\(|\bslowdown\b/.test(texts)) return plan;
  const conditions = [spec.where, spec.over?.where].filter((where) => where !== undefined);
  return selectCells(plan, conditions.map((where) => `(${where})`).join(" or "), "figures");
}

async function solved(plan: Plan, price: string, options: PriceRunOptions): Promise<Fit | undefined> {
  const committed = plan.cells.map((cell) => priceIn(cell, price)).find((value) => value !== undefined);
  const at = async (factor: number): Promise<FigureResult | undefined> => {
    const rows = await rowsUnder(plan, [{ price, factor }], options);
    return rows === undefined ? undefined : figuresOf(plan, rows[0]!)[0];
  };
  const base = await at(1);
  if (committed === undefined || base?.ours === undefined || base.value === undefined) return undefined;
  const { low, high } = base.value;
  const published = Math.min(Math.max(base.ours, low), high);
  const fit = { figure: base.figure, price, committed, published, ours: base.ours };
  let [before, factor] = [1, 1.1];
  let error = base.ours - published;
  if (Math.abs(error) <= NEAR * published) return { ...fit, solved: committed };
  for (let step = 0; step < MOST_STEPS; step++) {
    const ours = (await at(factor))?.ours;
    if (ours === undefined) return { ...fit, solved: undefined };
    const next = ours - published;
    if (Math.abs(next) <= NEAR * published) return { ...fit, solved: committed * factor };
    if (next === error) return { ...fit, solved: undefined };
    const better = factor - (next * (factor - before)) / (next - error);
    if (!(better > 0)) return { ...fit, solved: undefined };
    [before, factor, error] = [factor, better, next];
  }
  return { ...fit, solved: undefined };
}
