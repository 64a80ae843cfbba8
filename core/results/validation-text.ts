/** What a validation comes to, in lines of text: for the command line, validation.html and the README alike. */

import type { Account } from "../scenario/figures/outside.js";
import { humanNumber, percent } from "./humanise.js";
import { markdownTable } from "./markdown-table.js";
import type { Accuracy, ValidationSummary } from "./validation.js";

/** A fact and its numbers: "predicted" → "31 figures: 26% within 10%, …". */
export type SummaryLine = readonly [what: string, text: string];

/** The summary's lines, most important first. */
export function summaryLinesOf(summary: ValidationSummary): SummaryLine[] {
  const { predicted, ratios, fitted, pairs, orderings, missing, outside } = summary;
  const lines: SummaryLine[] = [
    ["predicted", accuracyText(predicted)],
    ["of these ratios", accuracyText(ratios)],
    ["fitted", accuracyText(fitted)],
    [
      "A beats B",
      `${pairs.same} of ${pairs.count} pairs of figures are in the published order (${share(pairs.same, pairs.count)})`,
    ],
    ["orderings", `${orderings.same} of ${orderings.count} published conclusions are the same here`],
    ["not compared", `${outside} outside of the model, ${missing} missing`],
  ];
  return lines;
}

/** The README's table. @param leftOut every figure without its own publication */
export function validationMarkdown(summary: ValidationSummary, leftOut: Accuracy, account: Account): string {
  const { predicted, ratios, pairs, orderings } = summary;
  const lines: [string, Accuracy][] = [
    ["predicted: no constant was set from them", predicted],
    ["ratios among these", ratios],
    ["all, each without its own publication: what was set from that is refitted", leftOut],
  ];
  const table = markdownTable(
    ["", "figures", "within 10%", "within 25%", "within 50%", "within a factor of 2", "median factor"],
    lines.map(([what, accuracy]) => [
      what,
      String(accuracy.figures),
      whole(accuracy.within10),
      whole(accuracy.within25),
      whole(accuracy.within50),
      whole(accuracy.withinTwo),
      humanNumber(accuracy.medianFactor),
    ]),
  );
  const orders = `Of ${pairs.count} pairs of figures ${pairs.same} are in the published order, and ${orderings.same} of ${orderings.count} published conclusions are the same here.`;
  return `\n${table}\n\n${orders} ${accountText(account)}.`;
}

/** "530 published figures: 180 compared, 9 as an order, 341 outside of the model with a reason". */
export function accountText({ published, compared, ordered, outside, missing }: Account): string {
  const nowhere = missing.length > 0 ? [`${missing.length} nowhere`] : [];
  const parts = [
    `${compared} compared`,
    `${ordered} as an order`,
    `${outside} outside of the model with a reason`,
  ];
  return `${published} published figures: ${[...parts, ...nowhere].join(", ")}`;
}

/** "31 figures: 26% within 10%, 61% within 25%, 81% within 50%, 94% within a factor of 2; median factor 1.18". */
export function accuracyText({
  figures,
  within10,
  within25,
  within50,
  withinTwo,
  medianFactor,
}: Accuracy): string {
  if (figures === 0) return "none";
  const shares = [
    `${whole(within10)} within 10%`,
    `${whole(within25)} within 25%`,
    `${whole(within50)} within 50%`,
    `${whole(withinTwo)} within a factor of 2`,
  ];
  return `${figures} figures: ${shares.join(", ")}; median factor ${humanNumber(medianFactor)}`;
}

/** A correlation; empty where there is none. */
export function correlationText(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(2);
}

/** 0.613 → "61%". */
export function whole(value: number): string {
  return `${Math.round(value * 100)}%`;
}

function share(part: number, of: number): string {
  return of === 0 ? "none" : percent(part / of);
}
