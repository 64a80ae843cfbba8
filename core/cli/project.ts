/** Where the project's own files are, and its version: the same from core/ and from the build in dist/. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of package.json. */
export const PROJECT_ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Runs and baselines, in the folder one works in. */
export const RESULTS_FOLDER = "results";

export function projectVersion(): string {
  const manifest = JSON.parse(readFileSync(path.join(PROJECT_ROOT, "package.json"), "utf8")) as {
    version: string;
  };
  return manifest.version;
}
