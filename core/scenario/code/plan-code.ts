/**
 * The code of a plan's cells: which files they are made of, with their hashes, and whether their images can be loaded at all.
 * A mistake is told with its place in the scenario before anything runs.
 */
import path from "node:path";
import { UserError } from "../../util/errors.js";
import type { Catalogue } from "../catalogue.js";
import type { Cell, CellConfig, GuestCode } from "../config.js";
import type { DocumentPath } from "../document.js";
import type { Scenario } from "../scenario.js";
import { FILE_PARAMETERS, FILE_SEPARATOR } from "./boot.js";
import { GuestFiles } from "./files.js";
import { bootPlan, codeMemory } from "./load.js";
import { isCodeWorkload } from "./workload.js";

/** The cells, those that execute code with what they execute. @throws UserError for files that are missing or no images */
export function withCode(cells: readonly Cell[], scenario: Scenario, { workloads }: Catalogue): Cell[] {
  const files = new GuestFiles(path.dirname(scenario.files[0] ?? ""));
  const checked = new Set<string>();
  return cells.map((cell): Cell => {
    const code = codeOf(cell.config, files, workloads, scenario);
    if (code === undefined) return cell;
    const config = { ...cell.config, code };
    const key = JSON.stringify([code, codeMemory(config)]);
    if (code.missing === undefined && !checked.has(key)) {
      checked.add(key);
      located(scenario, code.image.name, () =>
        bootPlan(code, codeMemory(config), (file) => files.bytesOf(file)),
      );
    }
    return { ...cell, config };
  });
}

function codeOf(
  config: CellConfig,
  files: GuestFiles,
  workloads: Catalogue["workloads"],
  scenario: Scenario,
): GuestCode | undefined {
  const workload = workloads.find(({ name }) => name === config.workload);
  if (!isCodeWorkload(workload)) return undefined;
  const request = located(scenario, undefined, () => workload.request(config));
  const { isShipped, kind, append, raw } = request;
  const find = (name: string) => located(scenario, name, () => files.find(name, isShipped));
  const image = find(request.image);
  const modules = request.modules.map(find);
  const disk = request.disk === "" ? undefined : find(request.disk);
  const missing = [image, ...modules, ...(disk === undefined ? [] : [disk])].find(
    ({ sha256 }) => sha256 === "",
  );
  return { image, kind, append, modules, disk, raw, missing: missing && whyMissing(missing.name, scenario) };
}

/** @throws UserError where the scenario does not expect it */
function whyMissing(name: string, scenario: Scenario): string {
  const { ifMissing } = scenario.document;
  if (ifMissing !== undefined) return `${name} is not there: ${ifMissing}`;
  return located(scenario, name, () => {
    throw new UserError(`there is no file ${name}`, {
      mend: "paths are relative to the scenario; with ifMissing: <reason> its cells are only left out",
    });
  });
}

/** What `action` gives; a mistake in it is told with the place where the scenario names the file, or the workload. */
function located<T>(scenario: Scenario, name: string | undefined, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const at = name === undefined ? undefined : placeOf(name, scenario.document);
    const message = error.where === undefined ? error.message : `${error.where}: ${error.message}`;
    throw new UserError(message, {
      where: scenario.locate(at ?? ["workload"]),
      ...(error.mend === undefined ? {} : { mend: error.mend }),
    });
  }
}

/** Where a document names a file. */
function placeOf(name: string, value: unknown, at: DocumentPath = []): DocumentPath | undefined {
  if (typeof value === "string") {
    const key = at.findLast((step) => typeof step === "string") ?? "";
    const isFile = FILE_PARAMETERS.has(key.slice(key.lastIndexOf(".") + 1));
    return isFile && value.split(FILE_SEPARATOR).includes(name) ? at : undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const found = placeOf(name, inner, [...at, Array.isArray(value) ? Number(key) : key]);
    if (found !== undefined) return found;
  }
  return undefined;
}
