/** Two runs held against each other in a cell: what `virtlab compare` says. */
import { escapeHtml } from "../charts/html.js";
import { type Comparison as ComparisonData, compareRuns } from "../results/compare.js";
import { comparisonText, comparisonVerdict } from "../results/comparison-text.js";
import { Exhibit } from "./exhibit.js";
import type { MimeBundle } from "./kernel.js";
import type { Results } from "./results.js";
import { plainRows } from "./rows.js";

export class Comparison extends Exhibit {
  constructor(readonly data: ComparisonData) {
    super();
  }

  /** Whether no modelled number differs. */
  get isEqual(): boolean {
    return this.data.isEqual;
  }

  get caption(): string {
    return comparisonVerdict(this.data);
  }

  bundle(): MimeBundle {
    const text = comparisonText(this.data);
    const html = `<pre style="line-height:1.25;white-space:pre-wrap">${escapeHtml(text)}</pre>`;
    return { data: { "text/html": html, "text/plain": text }, metadata: {} };
  }
}

/** What changed from `before` to `after`, and the events that moved most. */
export function compare(before: Results, after: Results): Comparison {
  const sideOf = ({ rows, parts: { constants } }: Results) => ({
    rows: plainRows(rows),
    ...(constants === undefined ? {} : { constants }),
  });
  return new Comparison(compareRuns(sideOf(before), sideOf(after)));
}
