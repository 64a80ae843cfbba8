/** Which file a scenario's argument means: a path, or the short name of a scenario that comes along (`ept`). */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import * as messages from "./messages.js";
import { PROJECT_ROOT } from "./project.js";

/** The scenarios that come along, as paths relative to the working folder. */
export function shippedScenarios(): string[] {
  return [...scenariosIn("scenarios"), ...paperScenarios()];
}

/** Those of them that are set beside publications. */
export function paperScenarios(): string[] {
  return scenariosIn(path.join("scenarios", "papers"));
}

function scenariosIn(name: string): string[] {
  const folder = path.join(PROJECT_ROOT, name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .sort()
    .map((file) => path.relative(process.cwd(), path.join(folder, file)) || file);
}

/** Their names. */
export function scenarioNames(): string[] {
  return shippedScenarios().map((file) => path.basename(file, ".yaml"));
}

/** @throws UserError naming the nearest scenario. */
export function scenarioFile(written: string): string {
  if (existsSync(written)) return written;
  const shipped = shippedScenarios();
  const byName = shipped.find((file) => path.basename(file, ".yaml") === written);
  if (byName !== undefined) return byName;
  const wanted = path.basename(written, path.extname(written));
  const here = readdirSync(".").filter((file) => /\.ya?ml$/.test(file));
  const names = [...here, ...scenarioNames()];
  throw messages.noSuchScenario(
    written,
    /[./\\]/.test(written) && !names.includes(wanted) ? [...shipped, ...names] : names,
  );
}
