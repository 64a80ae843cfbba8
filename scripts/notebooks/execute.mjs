/**
 * Executes one notebook in this process, in plain Node: no Python, no Jupyter, no sockets. tslab's own converter and executor
 * run the cells, so they behave as in its kernel; what a kernel would send to the front end is collected here. Started by
 * run.mjs, a process for each notebook; the answer goes back as a message.
 */
import { createRequire } from "node:module";
import path from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { linesOf, promisesOf, readNotebook, sourceOf } from "./notebook-file.mjs";

/** How long a promise that nobody awaits may take to be rejected after the last cell, milliseconds. */
const LAST_WORDS_MS = 50;

const require = createRequire(import.meta.url);
const tslab = path.dirname(require.resolve("tslab"));

/** The outputs of the cell that runs, as nbformat has them. */
let outputs = [];
const displays = new Map();
/** Rejections and exceptions that no cell caught. */
const loose = [];

function collect() {
  const stream = (name) => (chunk, encoding, callback) => {
    const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    const last = outputs.at(-1);
    if (last?.name === name) last.text += text;
    else outputs.push({ output_type: "stream", name, text });
    (typeof encoding === "function" ? encoding : callback)?.();
    return true;
  };
  process.stdout.write = stream("stdout");
  process.stderr.write = stream("stderr");
  // What the kernel's server sets for each cell: `show` sends its bundles by it.
  require(path.join(tslab, "jupyter.js")).lastWriteDisplayData = (
    { data, metadata, transient },
    isUpdate,
  ) => {
    const id = transient?.display_id;
    const shown = isUpdate ? displays.get(id) : undefined;
    if (shown !== undefined) return void Object.assign(shown, { data, metadata });
    const output = { output_type: "display_data", data, metadata };
    outputs.push(output);
    if (id !== undefined) displays.set(id, output);
  };
  process.on("unhandledRejection", (reason) => loose.push(reason));
  process.on("uncaughtException", (error) => loose.push(error));
}

/** Text as lists of lines, as files have it. */
function asWritten(output) {
  if (output.text !== undefined) return { ...output, text: linesOf(output.text) };
  const data = Object.entries(output.data).map(([type, value]) => [
    type,
    typeof value === "string" && type.startsWith("text/") ? linesOf(value) : value,
  ]);
  return { ...output, data: Object.fromEntries(data) };
}

async function execute(file) {
  const notebook = readNotebook(file);
  process.chdir(path.dirname(file)); // the converter and imports start from here, as in a kernel
  const { createConverter } = require(path.join(tslab, "converter.js"));
  const { createExecutor } = require(path.join(tslab, "executor.js"));
  const converter = createConverter({ isJS: false, isBrowser: false });
  const executor = createExecutor(
    process.cwd(),
    { node: converter, close: () => converter.close() },
    console,
  );
  collect();

  let count = 0;
  let failure;
  const failed = (cell, why) => ({ cell, source: sourceOf(notebook.cells[cell - 1]), message: why.trim() });
  for (const [index, cell] of notebook.cells.entries()) {
    if (cell.cell_type !== "code" || sourceOf(cell).trim() === "") continue;
    outputs = [];
    const isGood = await executor.execute(sourceOf(cell));
    await setImmediate(); // a rejection is told after the microtasks
    cell.execution_count = ++count;
    const told = outputs.filter(({ name }) => name === "stderr").map(({ text }) => ownPlaces(text));
    const rejections = loose.splice(0).map(textOf);
    for (const text of rejections) outputs.push({ output_type: "stream", name: "stderr", text });
    cell.outputs = outputs.map(asWritten);
    if (isGood && rejections.length === 0) continue;
    failure = failed(index + 1, [...(isGood ? [] : told), ...rejections].join("\n"));
    break;
  }
  await setTimeout(LAST_WORDS_MS);
  const late = loose.splice(0).map(textOf);
  if (late.length > 0) failure ??= failed(notebook.cells.length, `after the last cell: ${late.join("\n")}`);
  executor.close();
  return {
    notebook,
    cells: count,
    promises: promisesOf(notebook),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** Of an error's places only those in the notebook and in what it calls. */
function ownPlaces(stack) {
  const isForeign = (line) => /[\\/]tslab[\\/]|execute\.mjs|\(node:|at node:/.test(line);
  return stack
    .split("\n")
    .filter((line) => !isForeign(line))
    .join("\n");
}

function textOf(reason) {
  const text = reason?.text ?? ownPlaces(String(reason?.stack ?? reason));
  return `promise rejected, or exception thrown, that no cell caught: ${text}\n`;
}

const result = await execute(process.argv[2]).catch((error) => ({ error: error.message }));
process.send(result, () => process.exit(0));
