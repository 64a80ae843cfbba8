/**
 * The build of core/ into dist/: one incremental tsc that serves the command line, the workers and the notebooks, and after
 * it what makes imported constants cheap (local-imports.mjs).
 * `buildIfStale` costs a few milliseconds when nothing changed. Run as a script it builds always.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { localizeFolder } from "./local-imports.mjs";

export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const STAMP = path.join(ROOT, "dist", ".built");
const COMPILER = path.join(ROOT, "node_modules", "typescript", "bin", "tsc");

/** Newest change under a folder, in ms; folders count too, so that a deleted file is noticed. Tests do not count. */
function newestChange(folder) {
  let newest = statSync(folder).mtimeMs;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) newest = Math.max(newest, newestChange(name));
    else if (name.endsWith(".ts") && !name.endsWith(".test.ts"))
      newest = Math.max(newest, statSync(name).mtimeMs);
  }
  return newest;
}

function isStale() {
  if (!existsSync(STAMP)) return true;
  const built = statSync(STAMP).mtimeMs;
  const settings = ["tsconfig.json", ".config/tsconfig.build.json"].map((name) => path.join(ROOT, name));
  return (
    newestChange(path.join(ROOT, "core")) > built || settings.some((name) => statSync(name).mtimeMs > built)
  );
}

/** Builds; the compiler's errors go to stderr. Returns whether it compiled without errors. */
export function build() {
  if (!existsSync(COMPILER)) {
    console.error("virtlab: the packages are not installed\n  run: npm ci");
    return false;
  }
  const started = new Date();
  const compiler = spawnSync(
    process.execPath,
    [COMPILER, "-p", path.join(ROOT, ".config", "tsconfig.build.json")],
    {
      cwd: ROOT,
      stdio: ["ignore", 2, 2],
    },
  );
  if (compiler.status !== 0) return false;
  localizeFolder(path.join(ROOT, "dist"));
  writeFileSync(STAMP, "");
  utimesSync(STAMP, started, started); // what changed while it compiled is newer than the build
  return true;
}

export function buildIfStale() {
  return isStale() ? build() : true;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !build()) process.exitCode = 1;
