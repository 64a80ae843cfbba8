/**
 * An executed notebook as one HTML file that needs no network: text, code, outputs; charts are pictures that the page's script
 * replaces by interactive ones, as in a run's report.
 */
import { Html, html, scriptJson } from "../../dist/charts/html.js";
import { pageHtml } from "../../dist/charts/page.js";
import { markdownHtml } from "./markdown.mjs";
import { sourceOf } from "./notebook-file.mjs";

const VEGA_LITE = "application/vnd.vegalite.v5+json";
const STYLE = `
main { max-width: 980px; }
main > p, main > ul, main > ol, main > blockquote { max-width: 46em; }
h1 { margin-top: 24px; }
h3 { margin: 24px 0 6px; font-size: 16px; }
blockquote { margin: 12px 0; padding: 2px 16px; border-left: 4px solid var(--accent); background: var(--pale); }
.code { border-left: 3px solid var(--line); margin: 12px 0 6px; }
.output { margin: 6px 0 18px 16px; }
.output figure { display: inline-block; max-width: 100%; overflow-x: auto; margin: 0; }
.output figure img { max-width: 100%; height: auto; }
.plain { margin: 12px 0; }
.output table { min-width: 0; }
.output .error { color: var(--bad); }
`;

/** The whole page as text. */
export function notebookPage(name, notebook) {
  const specs = [];
  const cells = notebook.cells.map((cell) => cellHtml(cell, specs));
  const title = /^# (.*)$/m.exec(sourceOf(notebook.cells[0] ?? { source: "" }))?.[1] ?? name;
  return pageHtml({
    title,
    header: html`<p class="kind">virtlab notebook · ${name}</p>`,
    main: [
      ...cells,
      ...specs.map(
        (spec, index) =>
          html`<script type="application/json" id="spec-${index}">${scriptJson(spec)}</script>\n`,
      ),
    ],
    hasCharts: specs.length > 0,
    style: STYLE,
  });
}

function cellHtml(cell, specs) {
  if (cell.cell_type !== "code") return new Html(markdownHtml(sourceOf(cell)));
  const outputs = (cell.outputs ?? []).map(
    (output) => html`<div class="output">${outputHtml(output, specs)}</div>\n`,
  );
  return html`<pre class="code"><code>${sourceOf(cell)}</code></pre>\n${outputs}`;
}

function outputHtml({ output_type: type, name, text, data = {} }, specs) {
  if (type === "stream")
    return html`<pre class="${name === "stderr" ? "error" : ""}">${[text].flat().join("")}</pre>`;
  const textOf = (mime) => [data[mime]].flat().join("");
  if (VEGA_LITE in data) {
    specs.push(data[VEGA_LITE]);
    const picture = `data:image/png;base64,${textOf("image/png")}`;
    return html`<figure data-spec="spec-${specs.length - 1}"><img src="${picture}" alt="${textOf("text/plain")}"></figure>`;
  }
  // Our own HTML: tables and traces. Anybody else's notebook is trusted as far as running it was.
  if ("text/html" in data) return html`<div class="scroll">${new Html(textOf("text/html"))}</div>`;
  if ("text/markdown" in data) return new Html(markdownHtml(textOf("text/markdown")));
  return html`<pre>${textOf("text/plain")}</pre>`;
}
