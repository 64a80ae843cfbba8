/** Which scenario and which results a notebook means: by name or path as on the command line, or as text in the cell. */
import path from "node:path";
import { PROJECT_ROOT, RESULTS_FOLDER } from "../cli/project.js";
import { scenarioFile } from "../cli/scenario-file.js";
import type { ScenarioSource } from "../scenario/index.js";

/** The name of scenarios that a cell writes, where it gives none. */
const USUAL_NAME = "notebook";

/**
 * @param written `ept`, a path, or YAML (text of more than one line)
 * @param name of a scenario given as YAML: of its folder of runs, and in errors
 * @throws UserError naming the nearest scenario
 */
export function scenarioSource(written: string, name = USUAL_NAME): ScenarioSource {
  return written.includes("\n") ? { text: written, path: `${name}.yaml` } : scenarioFile(written);
}

/** The project's results for a notebook inside of it, wherever its kernel was started; else those of the folder one works in. */
export function resultsFolder(): string {
  const inside = path.relative(PROJECT_ROOT, process.cwd());
  const isInside = !inside.startsWith("..") && !path.isAbsolute(inside);
  return isInside ? path.join(PROJECT_ROOT, RESULTS_FOLDER) : RESULTS_FOLDER;
}
