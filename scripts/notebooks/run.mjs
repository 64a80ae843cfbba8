/**
 * `npm run notebooks`: executes the project's notebooks in Node alone, each in a process of its own, as many at once as there
 * are cores; with `--kernel` by the user's Jupyter instead. One fails when a cell fails, when a promise is rejected that nobody caught, or when it promises nothing. Executed
 * copies and pages go to results/notebooks/. Exit codes: 0 all good, 1 a notebook failed, 2 a mistake of the user's.
 */
import { fork } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildIfStale, ROOT } from "../build.mjs";
import { executedByJupyter, KERNELS, obstacleTo } from "./by-jupyter.mjs";
import { cleared, NotebookError, notebookText, readNotebook } from "./notebook-file.mjs";

const FOLDER = path.join(ROOT, "notebooks");
const USAGE = `npm run notebooks -- [notebook …]     all, or some by name or path: 02, 02-shadow-or-ept, my/own.ipynb
  --out <folder>     where executed copies and pages go; default results/notebooks
  --kernel <name>    by Jupyter's nbconvert, where it is installed: ${KERNELS.join(" or ")}
  --jobs <n>         notebooks at once; default one a core
  --timeout <s>      seconds for one notebook; default 600
  --json             one document on stdout
  --clear            do not run: clear outputs, as they are in git
  --list             do not run: what there is`;

class Mistake extends Error {}

function optionsOf(args) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        out: { type: "string", default: path.join(ROOT, "results", "notebooks") },
        kernel: { type: "string" },
        jobs: { type: "string", default: String(availableParallelism()) },
        timeout: { type: "string", default: "600" },
        json: { type: "boolean", default: false },
        clear: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const [jobs, timeout] = [Number(values.jobs), Number(values.timeout)];
    if (!(Number.isInteger(jobs) && jobs > 0))
      throw new Error(`--jobs ${values.jobs}: not a whole number above 0`);
    if (!(timeout > 0)) throw new Error(`--timeout ${values.timeout}: not a number of seconds`);
    if (values.kernel !== undefined && !KERNELS.includes(values.kernel))
      throw new Error(`--kernel ${values.kernel}: not one of ${KERNELS.join(", ")}`);
    return { ...values, jobs, timeout, wanted: positionals };
  } catch (error) {
    throw new Mistake(`${error.message}\n\n${USAGE}`);
  }
}

/** The files that are meant. */
function filesOf(wanted) {
  const shipped = existsSync(FOLDER)
    ? readdirSync(FOLDER)
        .filter((name) => name.endsWith(".ipynb"))
        .sort()
    : [];
  if (wanted.length === 0) return shipped.map((name) => path.join(FOLDER, name));
  return wanted.map((word) => {
    if (word.endsWith(".ipynb") && existsSync(word)) return path.resolve(word);
    const name = shipped.find(
      (each) => each === word || each === `${word}.ipynb` || each.startsWith(`${word}-`),
    );
    if (name !== undefined) return path.join(FOLDER, name);
    throw new Mistake(`there is no notebook "${word}"\n  there are: ${shipped.join(", ")}`);
  });
}

/** Runs a notebook in a Node process of its own. */
function executedByNode(file, timeout) {
  return new Promise((resolve) => {
    const child = fork(path.join(import.meta.dirname, "execute.mjs"), [file], { stdio: "inherit" });
    let answer;
    const timer = setTimeout(() => {
      answer = { error: `took longer than ${timeout} s` };
      child.kill("SIGKILL");
    }, timeout * 1000);
    child.on("message", (message) => {
      answer = message;
    });
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      resolve(answer ?? { error: `its process ended without an answer (${signal ?? code})` });
    });
  });
}

function failureText(file, { error, failure, promises = [] }) {
  const name = path.relative(process.cwd(), file);
  if (error !== undefined) return `${name}: ${error}`;
  if (failure !== undefined) {
    const source = failure.source.trimEnd().replaceAll("\n", "\n  | ");
    return `${name}, cell ${failure.cell}: ${failure.message}\n  | ${source}`;
  }
  return promises.length === 0
    ? `${name}: promises nothing; let a cell \`await check(…)\` a number`
    : undefined;
}

/** @returns the entry of one notebook in the answer */
async function resultOf(file, options, pageOf) {
  const started = performance.now();
  const { kernel, timeout } = options;
  const result = await (kernel === undefined
    ? executedByNode(file, timeout)
    : executedByJupyter(file, kernel, timeout));
  const seconds = (performance.now() - started) / 1000;
  const name = path.basename(file, ".ipynb");
  const text = failureText(file, result);
  const written = {};
  if (result.notebook !== undefined) {
    for (const [kind, content] of [
      ["ipynb", notebookText(result.notebook)],
      ["html", pageOf(name, result.notebook)],
    ]) {
      written[kind] = path.join(options.out, `${name}.${kind}`);
      writeFileSync(written[kind], content);
    }
  }
  const entry = { name, status: text === undefined ? "passed" : "failed", cells: result.cells ?? 0 };
  const about = { promises: result.promises ?? [], seconds: Number(seconds.toFixed(2)), ...written };
  return { ...entry, ...about, ...(text === undefined ? {} : { failure: text }) };
}

function tell({ name, status, cells, promises, seconds, failure }) {
  const facts = `${cells} cells, ${promises.length} promises, ${seconds.toFixed(1)} s`;
  console.error(`${status === "passed" ? "ok    " : "FAILED"}  ${name.padEnd(32)}  ${facts}`);
  if (failure !== undefined) console.error(failure.replace(/^/gm, "  "));
}

async function main() {
  const options = optionsOf(process.argv.slice(2));
  if (options.help) return void console.log(USAGE);
  const files = filesOf(options.wanted);
  if (options.list)
    return void console.log(files.map((file) => path.relative(process.cwd(), file)).join("\n"));
  if (options.clear) {
    for (const file of files) writeFileSync(file, notebookText(cleared(readNotebook(file))));
    return;
  }
  if (!buildIfStale()) throw new Mistake("the build failed: the notebooks would run another one");
  const own = files.find((file) => path.dirname(file) === path.resolve(options.out));
  if (own !== undefined) throw new Mistake(`--out ${options.out}: the executed copy would replace ${own}`);
  const obstacle = options.kernel === undefined ? undefined : obstacleTo(options.kernel);
  if (obstacle !== undefined) throw new Mistake(`--kernel ${options.kernel}: ${obstacle}`);
  const { notebookPage } = await import("./page.mjs");
  mkdirSync(options.out, { recursive: true });
  const started = performance.now();
  const waiting = [...files];
  const entries = [];
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      for (const kind of ["ipynb", "html"])
        rmSync(path.join(options.out, `${path.basename(file, ".ipynb")}.${kind}`), { force: true });
      const entry = await resultOf(file, options, notebookPage);
      entries.push(entry);
      if (!options.json) tell(entry);
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, files.length) }, worker));
  const failed = entries.filter(({ status }) => status === "failed").length;
  const seconds = Number(((performance.now() - started) / 1000).toFixed(2));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const totals = { passed: entries.length - failed, failed, seconds };
  if (options.json) console.log(JSON.stringify({ notebooks: entries, ...totals }, undefined, 2));
  else {
    const place = path.relative(process.cwd(), options.out);
    console.error(
      `${totals.passed} passed, ${failed} failed, ${seconds.toFixed(1)} s; executed copies and pages: ${place}`,
    );
  }
  process.exitCode = failed > 0 ? 1 : 0;
}

await main().catch((error) => {
  if (!(error instanceof Mistake || error instanceof NotebookError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
});
