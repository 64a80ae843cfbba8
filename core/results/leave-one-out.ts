/**
 * Each publication left out (lab/leave-one-out.ts measures it): what its constants become, how near its figures then come, as
 * leave-one-out.csv, and as a section of FITS.md. Pure functions.
 */
import type { Row } from "../scenario/index.js";
import { humanNumber } from "./humanise.js";
import { markdownTable } from "./markdown-table.js";
import { type Accuracy, accuracyOf } from "./validation.js";
import { whole } from "./validation-text.js";

/** A figure of the publication that is left out. */
export interface LeftOutFigure {
  readonly scenario: string;
  /** As figures.csv has it, with every publication read; and without this one. */
  readonly row: Row;
  readonly without: Row;
}

export interface LeftOutPaper {
  readonly paper: string;
  /** Constants that were set from it: what each was, and what it becomes, from where. */
  readonly constants: readonly {
    readonly name: string;
    readonly was: number;
    readonly value: number;
    readonly from: string;
  }[];
  readonly figures: readonly LeftOutFigure[];
}

/** Begins the section of FITS.md. */
export const LEFT_OUT_HEADING = "## Leaving each publication out";

export const LEFT_OUT_COLUMNS = [
  "paper",
  "scenario",
  "figure",
  "unit",
  "published",
  "published_to",
  "basis",
  "ours",
  "factor",
  "ours_without",
  "error_without",
  "factor_without",
] as const;

/** leave-one-out.csv as data. */
export function leftOutRows(papers: readonly LeftOutPaper[]): Row[] {
  return papers.flatMap(({ paper, figures }) =>
    figures.map(
      ({ scenario, row, without }): Row => ({
        paper,
        scenario,
        figure: row["figure"]!,
        unit: row["unit"]!,
        published: row["published"]!,
        published_to: row["published_to"]!,
        basis: row["basis"]!,
        ours: row["ours"]!,
        factor: row["factor"]!,
        ours_without: without["ours"]!,
        error_without: without["error"]!,
        factor_without: without["factor"]!,
      }),
    ),
  );
}

/** Of all figures, each predicted without its own publication. */
export function leftOutAccuracy(papers: readonly LeftOutPaper[]): Accuracy {
  return accuracyOf(papers.flatMap(({ figures }) => figures.map(({ without }) => without)));
}

/** The same of the rows of a leave-one-out.csv. */
export function keptAccuracy(rows: readonly Row[]): Accuracy {
  return accuracyOf(
    rows.map((row): Row => ({ error: row["error_without"]!, factor: row["factor_without"]! })),
  );
}

/** Of one publication's figures, without it. */
export function leftOutOf(papers: readonly LeftOutPaper[], paper: string): Accuracy {
  return leftOutAccuracy(papers.filter((each) => each.paper === paper));
}

/** The section of FITS.md. */
export function leftOutMarkdown(papers: readonly LeftOutPaper[]): string {
  const set = papers.filter(({ constants }) => constants.length > 0);
  const all = leftOutAccuracy(papers);
  const parts = [
    LEFT_OUT_HEADING,
    `How near the lab comes to a publication that it never read. The constants that were set from it are refitted to the figures of others that they were set from too; where there are none, a constant is what the profile of the same maker nearest in years has from elsewhere, else the geometric middle of its stated range, else as it is. Then all of its figures are predictions: of ${all.figures} figures ${whole(all.within25)} come within 25% and ${whole(all.withinTwo)} within a factor of 2. Every figure: [leave-one-out.csv](leave-one-out.csv).`,
    markdownTable(
      [
        "publication",
        "constants set from it",
        "figures",
        "within 25%: with it",
        "without",
        "within a factor of 2: with it",
        "without",
        "median factor: with it",
        "without",
      ],
      papers.map(({ paper, constants, figures }) => {
        const [before, after] = [figures.map(({ row }) => row), figures.map(({ without }) => without)].map(
          accuracyOf,
        ) as [Accuracy, Accuracy];
        return [
          paper,
          String(constants.length),
          String(after.figures),
          whole(before.within25),
          whole(after.within25),
          whole(before.withinTwo),
          whole(after.withinTwo),
          humanNumber(before.medianFactor),
          humanNumber(after.medianFactor),
        ];
      }),
    ),
    "What the constants become:",
    markdownTable(
      ["without", "constant", "value", "becomes", "from"],
      set.flatMap(({ paper, constants }) =>
        constants.map(({ name, was, value, from }) => [
          paper,
          `\`${name}\``,
          humanNumber(was),
          humanNumber(value),
          from,
        ]),
      ),
    ),
  ];
  return parts.join("\n\n");
}
