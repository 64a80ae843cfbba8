/** Builds dist/ once before the tests: those of the command line and of the workers run the build. */
import { existsSync } from "node:fs";
import { buildIfStale, ROOT } from "../scripts/build.mjs";

export function setup(): void {
  if (buildIfStale()) return;
  if (!existsSync(`${ROOT}/dist/cli/main.js`))
    throw new Error("the build failed, and there is none from before");
  console.error("the build has type errors: tests that run dist/ use what the compiler emitted");
}
