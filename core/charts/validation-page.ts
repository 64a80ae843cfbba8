/** validation.html: what a validation comes to, its charts and every figure; one file, no network, like a run's report. */

import { humanNumber } from "../results/humanise.js";
import type { PaperResult, ValidationSummary } from "../results/validation.js";
import { correlationText, summaryLinesOf, whole } from "../results/validation-text.js";
import type { OrderingResult, Row } from "../scenario/scenario.js";
import type { Spec } from "./drawing.js";
import { type Html, html, scriptJson, tableHtml } from "./html.js";
import { pageHtml } from "./page.js";
import { figuresTable, orderingsTable } from "./report-figures.js";
import { section } from "./report-sections.js";

type Titled = PaperResult & { readonly title: string };

/** The whole page as text. @param charts as validationCharts gives them */
export function validationHtml(
  papers: readonly Titled[],
  summary: ValidationSummary,
  charts: readonly Spec[],
): string {
  const lines = summaryLinesOf(summary).map(([what, text]) => html`<p><strong>${what}</strong>: ${text}</p>`);
  return pageHtml({
    title: "virtlab: held against the literature",
    header: html`<p class="kind">virtlab validate</p><h1>Held against the literature</h1>
<p class="question">How near do the lab's numbers come to published ones?</p>
<div class="answer"><h2>Answer</h2>${lines}
<p class="small">Fitted figures are counted apart: a constant was set so that they come out.</p></div>`,
    main: html`${contents(papers, summary)}
${charts.map(figureOf)}
${papersSection(summary)}
${rankingsSection(summary)}
${papers.map(paperSection)}`,
    hasCharts: charts.length > 0,
  });
}

/** Links to the sections of the scenarios. */
function contents(papers: readonly Titled[], { groups }: ValidationSummary): Html {
  const links = [
    { id: "papers", text: "by publication" },
    ...(groups.length === 0 ? [] : [{ id: "rankings", text: "orders within groups" }]),
    ...papers.map(({ scenario }) => ({ id: scenario, text: scenario })),
  ].map(({ id, text }) => html`<a href="#${id}">${text}</a> `);
  return html`<nav aria-label="Sections">${links}</nav>`;
}

function figureOf(spec: Spec, index: number): Html {
  const { $schema: _, ...drawn } = spec;
  return html`<figure><div class="chart scroll" data-spec="spec-${index}"><p class="small">Drawing needs JavaScript.</p></div>
<script type="application/json" id="spec-${index}">${scriptJson(drawn)}</script></figure>\n`;
}

/** Each publication's own predictions. */
function papersSection({ papers }: ValidationSummary): Html {
  const columns = [
    { title: "Publication", isText: true },
    { title: "Predicted", isNumber: true },
    { title: "Within 25%", isNumber: true },
    { title: "Within a factor of 2", isNumber: true },
    { title: "Median factor", isNumber: true },
    { title: "Constants set from it" },
  ];
  const number = (value: number, text: (value: number) => string) =>
    Number.isNaN(value) ? { text: "" } : { text: text(value), value };
  const rows = papers.map(({ paper, own, constants }) => [
    { text: paper },
    number(own.figures, String),
    number(own.figures === 0 ? Number.NaN : own.within25, whole),
    number(own.figures === 0 ? Number.NaN : own.withinTwo, whole),
    number(own.medianFactor, humanNumber),
    { text: constants.join(", ") },
  ]);
  const note =
    "Where no constant was set from a publication, its errors are those of a model that never read it; results/FITS.md has the errors of each of the others left out.";
  return section("papers", "By publication", note, tableHtml(columns, rows));
}

function rankingsSection({ groups }: ValidationSummary): Html | string {
  if (groups.length === 0) return "";
  const columns = [
    { title: "Scenario" },
    { title: "Group" },
    { title: "Figures", isNumber: true },
    { title: "Spearman", isNumber: true },
    { title: "Kendall", isNumber: true },
  ];
  const rows = groups.map(({ scenario, group, figures, spearman, kendall }) => [
    { text: scenario },
    { text: group },
    { text: String(figures), value: figures },
    { text: correlationText(spearman), ...(spearman === undefined ? {} : { value: spearman }) },
    { text: correlationText(kendall), ...(kendall === undefined ? {} : { value: kendall }) },
  ]);
  return section(
    "rankings",
    "Orders within groups",
    "Rank correlations of ours with published.",
    tableHtml(columns, rows),
  );
}

function paperSection({ scenario, title, size, figures, orderings }: Titled): Html {
  const table: readonly Row[] = figures;
  const conclusions: readonly OrderingResult[] = orderings;
  const body = html`${table.length > 0 ? figuresTable(table) : ""}
${conclusions.length > 0 ? orderingsTable(conclusions) : ""}`;
  return section(scenario, title, `${scenario}, size ${size}`, body);
}
