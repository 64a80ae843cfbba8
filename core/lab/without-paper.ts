/**
 * What the constants would be that were set from a publication, had it not been read: refitted to the figures of others that they were
 * set from too, or else what stands nearest. The rule is the same for all, so that nobody chooses a value knowing what should come out:
 *
 *   1. other publications' figures   the geometric mean of the values at which each of them comes out, solved for through the model
 *   2. another processor             what the profile of the same maker that is nearest in years has for it from elsewhere
 *   3. its range                     the geometric middle of the range that is stated beside it
 *   4. nothing                       it stays as it is, and is told as such
 */
import type { Constant } from "../events/profile.js";
import { PROFILES } from "../events/profiles/index.js";
import { profileConstants } from "../scenario/constants.js";
import { publishedFigures } from "../scenario/figures/published.js";
import type { ComparedSpec } from "../scenario/figures/schema.js";
import type { Plan } from "../scenario/index.js";
import { type Change, constantsOfCell } from "../scenario/replaced-constants.js";
import { idsIn } from "./fits.js";
import { partFor, solveFigure } from "./solve.js";
import type { TrialOptions } from "./trials.js";

/** A constant that was set from figures, and those figures with the plans in which they stand. */
interface SetConstant {
  readonly name: string;
  readonly constant: Constant;
  readonly figures: readonly { readonly plan: Plan; readonly spec: ComparedSpec }[];
  /** Publications of these figures, and of those that its source names. */
  readonly papers: ReadonlySet<string>;
}

/** What becomes of it without a publication. */
export interface Replacement {
  readonly name: string;
  readonly constant: Constant;
  readonly value: number;
  /** Where the value is from, in words. */
  readonly from: string;
}

/** Every constant that a figure names as fitted, or whose source says so; figures that its source names count as well. */
export function constantsSet(plans: readonly Plan[]): SetConstant[] {
  const found = new Map<
    Constant,
    { name: string; figures: { plan: Plan; spec: ComparedSpec }[]; papers: Set<string> }
  >();
  const entryOf = (name: string, constant: Constant) => {
    const entry = found.get(constant) ?? { name, figures: [], papers: new Set(papersIn(constant)) };
    found.set(constant, entry);
    return entry;
  };
  for (const plan of plans) {
    for (const spec of plan.scenario.figures) {
      if ("outside" in spec) continue;
      const here = new Map<Constant, string>();
      for (const { config } of partFor(plan, [spec]).cells)
        for (const [name, [, constant]] of constantsOfCell(config)) {
          const isNamed = spec.fitted?.includes(name) || idsOfSource(constant).includes(spec.published);
          if (isNamed) here.set(constant, name);
        }
      for (const [constant, name] of here) {
        const entry = entryOf(name, constant);
        entry.figures.push({ plan, spec });
        entry.papers.add(paperOf(spec.published));
      }
    }
  }
  return [...found].map(([constant, entry]) => ({ constant, ...entry }));
}

/** Those of the constants that were set from a publication, without it. Undefined when it was stopped. @throws UserError */
export async function withoutPaper(
  set: readonly SetConstant[],
  paper: string,
  options: TrialOptions,
): Promise<Replacement[] | undefined> {
  const own = set.filter(({ papers }) => papers.has(paper));
  const left = new Set(own.map(({ constant }) => constant));
  const replacements: Replacement[] = [];
  const others: { name: string; constant: Constant; figures: SetConstant["figures"] }[] = [];
  for (const { name, constant, figures } of own) {
    const remaining = figures.filter(({ spec }) => paperOf(spec.published) !== paper);
    if (remaining.length > 0) others.push({ name, constant, figures: remaining });
    else replacements.push({ name, constant, ...standIn(name, constant, left) });
  }
  // The others are solved for with what has been replaced already.
  const change = changeOf(replacements);
  for (const { name, constant, figures } of others) {
    const values: number[] = [];
    for (const { plan, spec } of figures) {
      if (options.signal?.aborted) return undefined;
      const fit = await solveFigure(plan, spec, name, options, change);
      if (fit?.solved !== undefined) values.push(fit.solved);
    }
    const from = `refitted to ${figures.map(({ spec }) => spec.published).join(", ")}`;
    replacements.push(
      values.length > 0
        ? { name, constant, value: geometricMean(values), from }
        : { name, constant, ...standIn(name, constant, left) },
    );
  }
  return replacements;
}

/** As a change of cells. */
export function changeOf(replacements: readonly Replacement[]): Change {
  const values = new Map(replacements.map(({ constant, value }) => [constant, value]));
  return (_, __, constant) => values.get(constant);
}

/** Rules 2 to 4. @param left constants that go with the same publication */
export function standIn(
  name: string,
  constant: Constant,
  left: ReadonlySet<Constant>,
): { value: number; from: string } {
  const owners = PROFILES.filter((profile) => profileConstants(profile.name).get(name) === constant);
  const candidates = PROFILES.flatMap((profile) => {
    const its = profileConstants(profile.name).get(name);
    if (its === undefined || left.has(its)) return [];
    const distance = Math.min(
      ...owners.map(
        ({ year, vendor }) => Math.abs(profile.year - year) + (vendor === profile.vendor ? 0 : FAR),
      ),
    );
    return [{ profile, its, distance }];
  });
  const [nearest] = candidates.sort((a, b) => a.distance - b.distance);
  if (owners.length > 0 && nearest !== undefined)
    return { value: nearest.its.value, from: `as ${nearest.profile.name} has it` };
  if (constant.range !== undefined)
    return { value: middleOf(constant.range), from: "the middle of its range" };
  return { value: constant.value, from: "as it is: nothing else says what it may be" };
}

/** Years that count for another maker. */
const FAR = 100;

function middleOf([low, high]: readonly [number, number]): number {
  return low > 0 ? Math.sqrt(low * high) : (low + high) / 2;
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function paperOf(id: string): string {
  return publishedFigures().get(id)!.paper;
}

function papersIn(constant: Constant): string[] {
  return idsOfSource(constant).map(paperOf);
}

const ofSources = new WeakMap<Constant, string[]>();

/** Figures that a fitted constant's source names. */
function idsOfSource(constant: Constant): string[] {
  let ids = ofSources.get(constant);
  if (ids === undefined) {
    ids = constant.source.startsWith("fitted to") ? idsIn(constant.source) : [];
    ofSources.set(constant, ids);
  }
  return ids;
}
