/**
 * How far a conclusion rests on assumed prices: each line of `expect:` judged with one price of the cells' profiles scaled down and up,
 * and where it fails, the factor from which it does (by bisection). One price at a time: prices that move together are not tried.
 * Between an end where a line holds and the middle it is taken to hold.
 */

import type { Constant } from "../events/profile.js";
import { findProfile } from "../events/profiles/index.js";
import type { PriceEffect } from "../results/sensitivity-table.js";
import { checkExpectations, type ExpectationResult, type Plan, type Row } from "../scenario/index.js";
import { UserError } from "../util/errors.js";
import { nearestWords } from "../util/nearest.js";
import { type PriceRunOptions, priceIn, rowsUnder, type Variant } from "./prices.js";

export interface SensitivityOptions extends PriceRunOptions {
  /** Prices to scale; default: those that are assumed in a profile of the cells. */
  readonly prices?: readonly string[] | undefined;
  /** How far: 0.5 is from half to one and a half times. A range that a source gives and that is wider counts instead. */
  readonly spread: number;
}

export interface Sensitivity {
  /** Lines that do not hold even with prices as they are. */
  readonly broken: readonly string[];
  readonly prices: readonly string[];
  /** Prices that change no row of the scenario over their range. */
  readonly idle: readonly string[];
  readonly effects: readonly PriceEffect[];
}

/** Halvings of an interval of factors: its end is known to a 32nd of it. */
const BISECTIONS = 5;

/** Undefined when it was stopped. @throws UserError */
export async function sensitivityOf(
  plan: Plan,
  options: SensitivityOptions,
): Promise<Sensitivity | undefined> {
  const prices = options.prices ?? assumedPrices(plan);
  for (const price of prices) refuseUnknown(plan, price);
  const ranges = new Map(prices.map((price) => [price, factorsOf(plan, price, options.spread)]));
  const ends = prices.flatMap((price): Variant[] => ranges.get(price)!.map((factor) => ({ price, factor })));
  const rows = await rowsUnder(plan, [{ price: "", factor: 1 }, ...ends], options);
  if (rows === undefined) return undefined;
  const [base, ...atEnds] = rows as [Row[], ...Row[][]];
  const verdicts = checkExpectations(plan, base);
  const searches: Search[] = [];
  const idle = new Set(prices);
  for (const [at, { price, factor }] of ends.entries()) {
    if (valuesOf(atEnds[at]!) !== valuesOf(base)) idle.delete(price);
    for (const [line, verdict] of checkExpectations(plan, atEnds[at]!).entries()) {
      if (verdicts[line]!.passed && !verdict.passed)
        searches.push({ line, price, end: factor, holds: 1, fails: factor });
    }
  }
  if (!(await bisect(plan, searches, options))) return undefined;
  const effects = verdicts.flatMap((verdict, line) =>
    verdict.passed
      ? prices.map((price) => effectOf(plan, verdict, line, price, ranges.get(price)!, searches))
      : [],
  );
  const broken = verdicts.filter(({ passed }) => !passed).map(({ text }) => text);
  return { broken, prices, idle: [...idle], effects };
}

/** Where a line stops to hold between 1 and an end of a price's range. */
interface Search {
  readonly line: number;
  readonly price: string;
  readonly end: number;
  holds: number;
  fails: number;
}

async function bisect(
  plan: Plan,
  searches: readonly Search[],
  options: SensitivityOptions,
): Promise<boolean> {
  for (let step = 0; step < BISECTIONS && searches.length > 0; step++) {
    const middles = searches.map(
      ({ price, holds, fails }): Variant => ({ price, factor: (holds + fails) / 2 }),
    );
    const keys = middles.map(({ price, factor }) => `${price} ${factor}`);
    const distinct = middles.filter((_, at) => keys.indexOf(keys[at]!) === at);
    const rows = await rowsUnder(plan, distinct, options);
    if (rows === undefined) return false;
    const verdicts = new Map(
      distinct.map(({ price, factor }, at) => [`${price} ${factor}`, checkExpectations(plan, rows[at]!)]),
    );
    for (const [at, search] of searches.entries()) {
      const middle = middles[at]!.factor;
      if (verdicts.get(keys[at]!)![search.line]!.passed) search.holds = middle;
      else search.fails = middle;
    }
  }
  return true;
}

function effectOf(
  plan: Plan,
  { text, claim, refutes }: ExpectationResult,
  line: number,
  price: string,
  [low, high]: readonly [number, number],
  searches: readonly Search[],
): PriceEffect {
  const end = (factor: number): number =>
    searches.find((each) => each.line === line && each.price === price && each.end === factor)?.holds ??
    factor;
  const value =
    plan.cells.map((cell) => priceIn(cell, price)).find((each) => each !== undefined) ?? Number.NaN;
  return {
    line: text,
    claim: claim ?? refutes ?? "",
    price,
    value,
    tried: [low, high],
    holds: [end(low), end(high)],
  };
}

function refuseUnknown({ cells }: Plan, price: string): void {
  const known = new Set(pricesOf(cells).map((each) => each.price));
  if (known.has(price)) return;
  const near = nearestWords(price, [...known], 1)[0];
  throw new UserError(`there is no price ${price}`, {
    mend: near === undefined ? "`virtlab list costs` shows them" : `did you mean ${near}?`,
  });
}

/** Prices that no source gives, in any profile of the cells. */
function assumedPrices({ cells }: Plan): string[] {
  const names = new Set<string>();
  for (const { price, constant } of pricesOf(cells)) if (constant.assumed) names.add(price);
  return [...names];
}

/** The widest of the spread and what the profiles' own ranges say, as factors. */
function factorsOf({ cells }: Plan, price: string, spread: number): [number, number] {
  let [low, high] = [1 - spread, 1 + spread];
  for (const each of pricesOf(cells)) {
    const { value, range } = each.constant;
    if (each.price !== price || range === undefined || !(value > 0)) continue;
    low = Math.min(low, range[0] / value);
    high = Math.max(high, range[1] / value);
  }
  return [low, high];
}

function pricesOf(cells: Plan["cells"]): { price: string; constant: Constant }[] {
  const profiles = [...new Set(cells.map(({ config }) => config.machine.profile))];
  return profiles.flatMap((name) =>
    Object.entries(findProfile(name)?.costs ?? {}).map(([price, constant]) => ({ price, constant })),
  );
}

/** What rows say, as text that is equal where they are. */
function valuesOf(rows: readonly Row[]): string {
  return JSON.stringify(rows);
}
