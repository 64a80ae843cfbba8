/**
 * The value of a constant at which a figure comes out: solved for through the model, with all other constants as they are. Results are
 * nearly linear in a constant, so the secant method needs a few runs of the cells that the figure speaks of.
 */
import type { FigureResult } from "../scenario/figures/compare.js";
import type { ComparedSpec } from "../scenario/figures/schema.js";
import { figuresOf, type Plan } from "../scenario/index.js";
import { type Change, constantsOfCell } from "../scenario/replaced-constants.js";
import { selectCells } from "./selection.js";
import { rowsUnder, type TrialOptions } from "./trials.js";

export interface Fit {
  readonly figure: string;
  readonly constant: string;
  /** Cycles; of hosts ns, bytes or a share. As committed. */
  readonly committed: number;
  /** At which the figure comes out; undefined where it does not depend on the constant, or no value gives it. */
  readonly solved: number | undefined;
  readonly published: number;
  readonly ours: number;
}

/** Relative; figures are published with two to four digits. */
const NEAR = 1e-3;
const MOST_STEPS = 6;

/** Every constant that a figure of the plan's scenario names as fitted, solved for alone. @throws UserError */
export async function solveFits(plan: Plan, options: TrialOptions): Promise<Fit[]> {
  const fits: Fit[] = [];
  for (const spec of plan.scenario.figures) {
    if ("outside" in spec || spec.fitted === undefined) continue;
    for (const name of spec.fitted) {
      const fit = await solveFigure(plan, spec, name, options);
      if (fit !== undefined) fits.push(fit);
    }
  }
  return fits;
}

/**
 * One constant from one figure of the plan's scenario. Undefined where there is nothing to solve: the figure's cells do not have the
 * constant (a parameter of the scenario's own), did not finish, or it was stopped. @throws UserError
 */
export async function solveFigure(
  plan: Plan,
  spec: ComparedSpec,
  constant: string,
  options: TrialOptions,
  others: Change = () => undefined,
): Promise<Fit | undefined> {
  const part = partFor(plan, [spec]);
  const committed = part.cells
    .map(({ config }) => constantsOfCell(config).get(constant)?.[0])
    .find((value) => value !== undefined);
  const at = async (factor: number): Promise<FigureResult | undefined> => {
    const change: Change = (name, value, its) =>
      name === constant ? value * factor : others(name, value, its);
    const rows = await rowsUnder(part, change, options);
    return rows === undefined ? undefined : figuresOf(part, rows)[0];
  };
  const base = await at(1);
  if (committed === undefined || base?.ours === undefined || base.value === undefined) return undefined;
  const { low, high } = base.value;
  const published = Math.min(Math.max(base.ours, low), high);
  const fit = { figure: base.figure, constant, committed, published, ours: base.ours };
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

/** The plan of some figures alone: the cells that they speak of; all where one looks at others by peer, base or slowdown. */
export function partFor(plan: Plan, specs: readonly ComparedSpec[]): Plan {
  const alone = {
    ...plan,
    scenario: { ...plan.scenario, figures: [...specs], expect: [], orderings: [] },
  };
  const conditions: string[] = [];
  for (const { where, value, over } of specs) {
    if (where === undefined || /\b(peer|base)\s*\(|\bslowdown\b/.test(`${value} ${over?.value ?? ""}`))
      return alone;
    conditions.push(where, ...(over?.where === undefined ? [] : [over.where]));
  }
  const expression = [...new Set(conditions)].map((where) => `(${where})`).join(" or ");
  return selectCells(alone, expression, "figures");
}
