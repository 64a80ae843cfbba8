/**
 * report.html: one file that answers the scenario's question and shows what the answer rests on. It needs
 * no network: charts, data and the programs that draw them are inside, and its content policy forbids any
 * connection.
 */
import type { RunRecord } from "../results/record.js";
import type { Row } from "../scenario/scenario.js";
import { answerOf } from "./answer.js";
import type { Spec } from "./drawing.js";
import { browserScripts } from "./engine.js";
import { type Html, html, scriptJson, scriptText } from "./html.js";
import { figuresSection, orderingsSection } from "./report-figures.js";
import { REPORT_SCRIPT } from "./report-script.js";
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
import { REPORT_STYLE } from "./report-style.js";

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

/** What a page of ours may do: run the scripts that are in it, and connect to nothing. */
export const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval'", // Vega compiles its expressions
  "style-src 'unsafe-inline'",
  "img-src data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

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
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_POLICY}">
<meta name="generator" content="virtlab ${record.versions["virtlab"] ?? ""}">
<title>${scenario.title}</title>
<style>${scriptText(REPORT_STYLE)}</style>
</head>
<body>
<header>
<p class="kind">virtlab report · ${scenario.name} · size ${record.size}</p>
<h1>${scenario.title}</h1>
${question}
<div class="answer"><h2>Answer</h2>${answer.map((sentence) => html`<p>${sentence}</p>`)}
<p class="small">Modelled numbers: exact, and the same on every machine. Prices that nobody published are assumed: <a href="#assumptions">see below</a>.</p></div>
</header>
<main>
${gapsSection(rows, scenario.axes)}
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
${provenanceSection(record)}
</main>
${charts.length > 0 ? browserScripts().map((code) => html`<script>${scriptText(code)}</script>\n`) : ""}
<script>${scriptText(REPORT_SCRIPT)}</script>
</body>
</html>
`;
  return page.text;
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
