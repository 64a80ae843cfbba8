/**
 * report.html: one file that answers the scenario's question and shows what the answer rests on, without any
 * network (page.ts).
 */
import type { RunRecord } from "../results/record.js";
import type { Row } from "../scenario/scenario.js";
import { answerOf } from "./answer.js";
import type { Spec } from "./drawing.js";
import { type Html, html, scriptJson } from "./html.js";
import { pageHtml } from "./page.js";
import { figuresSection, orderingsSection } from "./report-figures.js";
import {
  assumptionsSection,
  consolesSection,
  exitsSection,
  expectationsSection,
  gapsSection,
  memorySection,
  provenanceSection,
  rowsSection,
  timingSection,
} from "./report-sections.js";

/** What a report shows: a run as it is stored, and its charts. */
export interface ReportContent {
  readonly record: RunRecord;
  readonly rows: readonly Row[];
  readonly exits: readonly Row[];
  /** figures.csv. */
  readonly figures: readonly Row[];
  readonly timings: readonly Row[];
  /** What guests printed, by cell. */
  readonly consoles: ReadonlyMap<string, string>;
  readonly charts: readonly { readonly title: string; readonly spec: Spec }[];
}

/** The whole page as text. */
export function reportHtml(content: ReportContent): string {
  const { record, rows, charts } = content;
  const { scenario } = record;
  const answer = answerOf(rows, {
    axes: scenario.axes,
    baseline: scenario.baseline,
    expectations: record.expectations,
  });
  const question = scenario.question === "" ? "" : html`<p class="question">${scenario.question}</p>`;
  const header = html`
<p class="kind">virtlab report · ${scenario.name} · size ${record.size}</p>
<h1>${scenario.title}</h1>
${question}
<div class="answer"><h2>Answer</h2>${answer.map((sentence) => html`<p>${sentence}</p>`)}
<p class="small">Modelled numbers: exact, and the same on every machine. Prices that nobody published are assumed: <a href="#assumptions">see below</a>.</p></div>
`;
  const main = html`${gapsSection(rows, scenario.axes)}
${chartsSection(charts)}
${expectationsSection(record.expectations)}
${figuresSection(content.figures)}
${orderingsSection(record.orderings ?? [])}
${rowsSection(rows)}
${exitsSection(content.exits)}
${memorySection(rows, scenario.axes)}
${consolesSection(content.consoles)}
${timingSection(content.timings)}
${assumptionsSection(record)}
${provenanceSection(record)}`;
  return pageHtml({
    title: scenario.title,
    generator: `virtlab ${record.versions["virtlab"] ?? ""}`,
    header,
    main,
    hasCharts: charts.length > 0,
  });
}

function chartsSection(charts: ReportContent["charts"]): Html | string {
  if (charts.length === 0) return "";
  const figures = charts.map(({ title, spec }, index) => {
    const { $schema: _, ...drawn } = spec; // the page has one version, and a word about another would only warn
    return html`<figure aria-label="${title}"><div class="chart scroll" data-spec="spec-${index}"><p class="small">Drawing needs JavaScript; the same chart is in charts/.</p></div>
<script type="application/json" id="spec-${index}">${scriptJson(drawn)}</script></figure>\n`;
  });
  return html`<section id="charts"><h2>Charts</h2>${figures}</section>`;
}
