/**
 * What a report does in the browser: draws its charts, and sorts a table when a title is clicked. Plain
 * JavaScript.
 */
export const REPORT_SCRIPT = `
"use strict";
for (const place of document.querySelectorAll("[data-spec]")) {
  const spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
  const options = { mode: "vega-lite", renderer: "svg", actions: { export: true, source: true, compiled: false, editor: false } };
  place.textContent = "";
  vegaEmbed(place, spec, options).catch((error) => { place.textContent = "This chart could not be drawn: " + error.message; });
}
for (const head of document.querySelectorAll("thead th")) {
  head.querySelector("button")?.addEventListener("click", () => {
    const column = head.cellIndex;
    const body = head.closest("table").tBodies[0];
    const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const keyOf = (row) => {
      const cell = row.cells[column];
      return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
    };
    const compare = (a, b) => {
      if (typeof a === typeof b) return typeof a === "number" ? a - b : a.localeCompare(b);
      return typeof a === "number" ? -1 : 1;
    };
    const rows = [...body.rows].sort((a, b) => direction * compare(keyOf(a), keyOf(b)));
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
    body.append(...rows);
  });
}
`;
