/**
 * A notebook as a file (nbformat 4.5): read and checked, written as Jupyter writes it, and with its outputs cleared, as it is in
 * git: outputs are made by whoever runs it, and would differ in every commit.
 */
import { readFileSync } from "node:fs";

/** What a notebook's metadata says in git, and nothing else: front ends add what they like. */
export const METADATA = {
  kernelspec: { display_name: "TypeScript", language: "typescript", name: "tslab" },
  language_info: { file_extension: ".ts", mimetype: "text/typescript", name: "typescript" },
};

/** The file is no notebook. */
export class NotebookError extends Error {}

/** Reads a notebook. @throws NotebookError */
export function readNotebook(file) {
  let notebook;
  try {
    notebook = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new NotebookError(`${file}: not a notebook: ${error.message}`);
  }
  if (notebook?.nbformat !== 4 || !Array.isArray(notebook.cells))
    throw new NotebookError(`${file}: not a notebook of format 4`);
  return notebook;
}

/** As Jupyter writes it: keys in order, an indent of 1, a newline at the end. */
export function notebookText(notebook) {
  return `${JSON.stringify(inOrder(notebook), null, 1)}\n`;
}

function inOrder(value) {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, inOrder(value[key])]),
  );
}

/** A cell's source as one text; files hold it as lines. */
export function sourceOf({ source }) {
  return [source].flat().join("");
}

/** What an executed notebook promised (`check`) and kept. */
export function promisesOf({ cells }) {
  return cells
    .flatMap((cell) => cell.outputs ?? [])
    .flatMap(({ metadata }) => metadata?.virtlab?.promise ?? []);
}

/** Text as lines that keep their ends. */
export function linesOf(text) {
  return text.split(/(?<=\n)/);
}

/** The notebook without what running it leaves behind. */
export function cleared({ cells, nbformat, nbformat_minor: minor }) {
  return {
    cells: cells.map((cell) => {
      const { cell_type: type, id } = cell;
      const common = { cell_type: type, id, metadata: {}, source: linesOf(sourceOf(cell).trimEnd()) };
      return type === "code" ? { ...common, execution_count: null, outputs: [] } : common;
    }),
    metadata: METADATA,
    nbformat,
    nbformat_minor: minor,
  };
}
