/**
 * `npm run jupyter -- notebook`, `… lab`, `… nbconvert …`: the user's Jupyter, which finds this checkout's kernels by
 * JUPYTER_PATH; nothing is installed. Exit code: Jupyter's own, or 2 where there is none.
 */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { buildIfStale, ROOT } from "../build.mjs";

export const ABSENT = `jupyter is not installed
  Debian, Ubuntu: apt install jupyter-notebook jupyter-nbconvert
  elsewhere:      pipx install jupyterlab
  without it:     npm run notebooks executes every notebook in Node alone`;

const OWN = path.join(ROOT, ".config", "jupyter");
/** A folder for each kernel of this checkout, by name. */
export const KERNELS_FOLDER = path.join(OWN, "kernels");

/** The environment in which Jupyter finds the kernels. The path must be absolute: kernels start in the notebook's folder. */
export function jupyterEnvironment(environment = process.env) {
  const paths = [OWN, environment.JUPYTER_PATH].filter(Boolean).join(path.delimiter);
  // Debugger's warning about frozen modules, in every start.
  return { ...environment, JUPYTER_PATH: paths, PYDEVD_DISABLE_FILE_VALIDATION: "1" };
}

function main(args) {
  if (!buildIfStale()) return 2;
  const { status, error } = spawnSync("jupyter", args, { stdio: "inherit", env: jupyterEnvironment() });
  if (error === undefined) return status ?? 1;
  console.error(error.code === "ENOENT" ? ABSENT : error.message);
  return 2;
}

if (import.meta.filename === process.argv[1]) process.exitCode = main(process.argv.slice(2));
