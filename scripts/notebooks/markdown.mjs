/**
 * Markdown to HTML, as much of it as our notebooks use: headings, paragraphs, lists, tables, quotations, code, emphasis, links.
 * Text is escaped; HTML in Markdown is not HTML here.
 */
import { escapeHtml } from "../../dist/charts/html.js";

/** The HTML of a text. */
export function markdownHtml(text) {
  return blocksOf(text.split("\n")).map(blockHtml).join("\n");
}

/** Lines that belong together, by kind. */
function blocksOf(lines) {
  const blocks = [];
  for (let at = 0; at < lines.length; ) {
    const kind = kindOf(lines[at]);
    if (kind === "blank") {
      at++;
      continue;
    }
    let end = at + 1;
    if (kind === "fence") {
      while (end < lines.length && !lines[end].startsWith("```")) end++;
      blocks.push({ kind, lines: lines.slice(at + 1, end) });
      at = end + 1;
      continue;
    }
    const isPart = (line) =>
      kind === "list"
        ? line.startsWith("  ") || kindOf(line) === "list"
        : kindOf(line) === kind && kind !== "heading";
    while (end < lines.length && isPart(lines[end])) end++;
    blocks.push({ kind, lines: lines.slice(at, end) });
    at = end;
  }
  return blocks;
}

function kindOf(line) {
  if (line.trim() === "") return "blank";
  if (line.startsWith("```")) return "fence";
  if (/^#{1,4} /.test(line)) return "heading";
  if (line.startsWith(">")) return "quotation";
  if (line.startsWith("|")) return "table";
  return /^(?:[-*]|\d+\.) /.test(line) ? "list" : "paragraph";
}

function blockHtml({ kind, lines }) {
  switch (kind) {
    case "heading": {
      const [, marks, title] = /^(#+) (.*)$/.exec(lines[0]);
      return `<h${marks.length}>${inline(title)}</h${marks.length}>`;
    }
    case "fence":
      return `<pre><code>${escapeHtml(lines.join("\n"))}</code></pre>`;
    case "quotation":
      return `<blockquote>${markdownHtml(lines.map((line) => line.replace(/^> ?/, "")).join("\n"))}</blockquote>`;
    case "table":
      return tableHtml(lines);
    case "list":
      return listHtml(lines);
    default:
      return `<p>${inline(lines.join("\n"))}</p>`;
  }
}

function listHtml(lines) {
  const tag = /^\d/.test(lines[0]) ? "ol" : "ul";
  const items = [];
  for (const line of lines) {
    const [, text] = /^(?:[-*]|\d+\.) (.*)$/.exec(line) ?? [];
    if (text === undefined) items[items.length - 1] += `\n${line.trim()}`;
    else items.push(text);
  }
  return `<${tag}>${items.map((item) => `<li>${inline(item)}</li>`).join("")}</${tag}>`;
}

function tableHtml(lines) {
  const fieldsOf = (line) =>
    line
      .replace(/^\||\|$/g, "")
      .split("|")
      .map((field) => inline(field.trim()));
  const [head, , ...body] = lines;
  const row = (tag, line) =>
    `<tr>${fieldsOf(line)
      .map((field) => `<${tag}>${field}</${tag}>`)
      .join("")}</tr>`;
  return `<table class="plain"><thead>${row("th", head)}</thead><tbody>${body.map((line) => row("td", line)).join("")}</tbody></table>`;
}

/** Code is set aside first: nothing inside of it is anything else, and emphasis may go around it. */
function inline(text) {
  const codes = [];
  const rest = text.replace(/`([^`]+)`/g, (_, code) => `\uE000${codes.push(code) - 1}\uE001`);
  return escapeHtml(rest)
    .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, (_, label, target) => `<a href="${target}">${label}</a>`)
    .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>")
    .replace(/(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])/g, "<em>$1</em>")
    .replace(/\uE000(\d+)\uE001/g, (_, index) => `<code>${escapeHtml(codes[Number(index)])}</code>`);
}
