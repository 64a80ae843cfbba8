/**
 * How near the lab comes to a publication that it never read: for each, the constants that were set from it are refitted without it
 * (without-paper.ts), and its figures, fitted ones as well, are set beside what then comes out. Nothing is fitted any more: these are
 * predictions throughout.
 */
import type { LeftOutFigure, LeftOutPaper } from "../results/leave-one-out.js";
import { publishedFigures } from "../scenario/figures/published.js";
import type { ComparedSpec } from "../scenario/figures/schema.js";
import { figureRows, figuresOf, type Plan, type Row } from "../scenario/index.js";
import { partFor } from "./solve.js";
import { rowsUnder, type TrialOptions } from "./trials.js";
import { changeOf, constantsSet, withoutPaper } from "./without-paper.js";

/** A scenario of papers, and the rows of figures.csv as it gives them with every publication read. */
interface JudgedPaper {
  readonly plan: Plan;
  readonly figures: readonly Row[];
}

/**
 * @param judged all scenarios of papers
 * @param started told of each publication before it is left out
 * Undefined when it was stopped. @throws UserError as a run does
 */
export async function leaveOneOut(
  judged: readonly JudgedPaper[],
  options: TrialOptions,
  started: (paper: string, index: number, of: number) => void = () => {},
): Promise<LeftOutPaper[] | undefined> {
  const set = constantsSet(judged.map(({ plan }) => plan));
  const compared = judged.flatMap(({ figures }) => figures).filter(isCompared);
  const papers = [...new Set(compared.map(({ paper }) => String(paper)))];
  const found: LeftOutPaper[] = [];
  for (const [index, paper] of papers.entries()) {
    started(paper, index, papers.length);
    const replacements = await withoutPaper(set, paper, options);
    if (replacements === undefined) return undefined;
    const figures: LeftOutFigure[] = [];
    for (const { plan, figures: all } of judged) {
      const before = all.filter((row) => row["paper"] === paper && isCompared(row));
      if (before.length === 0) continue;
      let after = before;
      if (replacements.length > 0) {
        const part = partFor(plan, specsOf(plan, paper));
        const rows = await rowsUnder(part, changeOf(replacements), options);
        if (rows === undefined) return undefined;
        after = figureRows(figuresOf(part, rows));
      }
      for (const row of before) {
        const without = after.find(({ figure }) => figure === row["figure"])!;
        figures.push({ scenario: plan.scenario.name, row, without });
      }
    }
    const constants = replacements.map(({ name, constant, value, from }) => ({
      name,
      was: constant.value,
      value,
      from,
    }));
    found.push({ paper, constants, figures });
  }
  return found;
}

function specsOf(plan: Plan, paper: string): ComparedSpec[] {
  return plan.scenario.figures.filter(
    (spec): spec is ComparedSpec =>
      !("outside" in spec) && publishedFigures().get(spec.published)!.paper === paper,
  );
}

function isCompared({ status }: Row): boolean {
  return status === "compared";
}
