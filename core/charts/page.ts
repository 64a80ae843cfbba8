/**
 * The frame of every page that we write: one file that needs no network. The programs that draw its charts are inside, and its
 * content policy forbids any connection.
 */
import { browserScripts } from "./engine.js";
import { type HtmlPart, html, scriptText } from "./html.js";
import { REPORT_SCRIPT } from "./report-script.js";
import { REPORT_STYLE } from "./report-style.js";

/** What a page of ours may do: run the scripts that are in it, and connect to nothing. */
const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval'", // Vega compiles its expressions
  "style-src 'unsafe-inline'",
  "img-src data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export interface PageParts {
  readonly title: string;
  /** What wrote it, for those who look at the page's source. */
  readonly generator?: string;
  readonly header: HtmlPart;
  readonly main: HtmlPart;
  /** Whether there are charts: without any, what draws them is left out. */
  readonly hasCharts: boolean;
  /** Besides the style that all pages share. */
  readonly style?: string;
}

/** The whole page as text. */
export function pageHtml({ title, generator, header, main, hasCharts, style = "" }: PageParts): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_POLICY}">
${generator === undefined ? "" : html`<meta name="generator" content="${generator}">\n`}<title>${title}</title>
<style>${scriptText(REPORT_STYLE + style)}</style>
</head>
<body>
<header>${header}</header>
<main>
${main}
</main>
${hasCharts ? browserScripts().map((code) => html`<script>${scriptText(code)}</script>\n`) : ""}
<script>${scriptText(REPORT_SCRIPT)}</script>
</body>
</html>
`.text;
}
