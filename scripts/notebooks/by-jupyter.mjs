/**
 * Executes one notebook with the user's Jupyter (nbconvert, a Python program) and one of this checkout's kernels, with the same
 * answer as execute.mjs: a second opinion on what Node alone says.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ABSENT, jupyterEnvironment, KERNELS_FOLDER } from "./jupyter.mjs";
import { promisesOf, readNotebook, sourceOf } from "./notebook-file.mjs";

/** With this nbclient begins to tell of a cell that failed, after Python's own frames. */
const FAILED_CELL = "An error occurred while executing the following cell:";

/** The kernels that this checkout describes. */
export const KERNELS = readdirSync(KERNELS_FOLDER).sort();

/** What keeps a kernel from running here; undefined if nothing does. */
export function obstacleTo(kernel) {
  const runs = (program, ...args) => spawnSync(program, args, { env: jupyterEnvironment() }).status === 0;
  if (!runs("jupyter", "nbconvert", "--version")) return ABSENT;
  if (kernel === "deno" && !runs("deno", "--version"))
    return "deno is not on the path\n  npm install --global deno, or see https://deno.com";
  return undefined;
}

/**
 * @param timeout seconds
 * @returns `{ notebook, cells, promises }`, or `{ error }`
 */
export async function executedByJupyter(file, kernel, timeout) {
  const folder = mkdtempSync(path.join(tmpdir(), "virtlab-jupyter-"));
  try {
    const said = await nbconvert(file, kernel, folder, timeout);
    if (said !== undefined) return { error: said };
    const notebook = readNotebook(path.join(folder, path.basename(file)));
    const isCode = (cell) => cell.cell_type === "code" && sourceOf(cell).trim() !== "";
    const cells = notebook.cells.filter(isCode).length;
    return { notebook, cells, promises: promisesOf(notebook) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs it. @returns what it said if it failed */
function nbconvert(file, kernel, folder, timeout) {
  const args = ["nbconvert", "--execute", "--to", "notebook", "--output-dir", folder, "--log-level", "ERROR"];
  const settings = [`--ExecutePreprocessor.kernel_name=${kernel}`];
  return new Promise((resolve) => {
    const child = spawn("jupyter", [...args, ...settings, file], {
      env: jupyterEnvironment(),
      stdio: ["ignore", "ignore", "pipe"],
      timeout: timeout * 1000,
    });
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => {
      if (code === 0) resolve(undefined);
      else if (signal !== null) resolve(`took longer than ${timeout} s`);
      else resolve(said.slice(Math.max(0, said.indexOf(FAILED_CELL))).trimEnd());
    });
  });
}
