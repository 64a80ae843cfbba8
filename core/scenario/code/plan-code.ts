/**
 * The code of a plan's cells: which files they are made of, with their hashes, and whether their images can be loaded at all.
 * A mistake is told with its place in the scenario before anything runs.
 */
import path from "node:path";
import { UserError } from "../../util/errors.js";
import type { Catalogue } from "../catalogue.js";
import type { Cell, CellConfig, GuestCode, GuestFile } from "../config.js";
import type { DocumentPath } from "../document.js";
import type { Scenario } from "../scenario.js";
import { FILE_PARAMETERS, FILE_SEPARATOR } from "./boot.js";
import { GuestFiles } from "./files.js";
import { bootPlan, codeMemory } from "./load.js";
import { type CodeWorkload, type ImageRequest, isCodeWorkload } from "./workload.js";

/** The cells, those that execute code with what they execute. @throws UserError for files that are missing or no images */
export function withCode(cells: readonly Cell[], scenario: Scenario, { workloads }: Catalogue): Cell[] {
  const files = new GuestFiles(path.dirname(scenario.files[0] ?? ""));
  const checked = new Set<string>();
  return cells.map((cell): Cell => {
    const workload = workloads.find(({ name }) => name === cell.config.workload);
    if (!isCodeWorkload(workload)) return cell;
    const request = located(scenario, undefined, () => workload.request(cell.config));
    const find = (name: string) => located(scenario, name, () => files.find(name, request.isShipped));
    const found = codeOf(request, find);
    const missing = missingOf(found);
    const code = missing === undefined ? found : { ...found, missing: whyMissing(missing.name, scenario) };
    const config = { ...cell.config, code };
    const key = JSON.stringify([code, codeMemory(config)]);
    if (missing === undefined && !checked.has(key)) {
      checked.add(key);
      located(scenario, code.image.name, () =>
        bootPlan(code, codeMemory(config), (file) => files.bytesOf(file)),
      );
    }
    return { ...cell, config };
  });
}

/** A configuration that no scenario wrote, with its code. @param folder its paths are relative to it. @throws UserError */
export function configWithCode(config: CellConfig, workload: CodeWorkload, folder: string): CellConfig {
  const files = new GuestFiles(folder);
  const request = workload.request(config);
  const code = codeOf(request, (name) => files.find(name, request.isShipped));
  const missing = missingOf(code);
  if (missing !== undefined)
    throw new UserError(`there is no file ${missing.name}`, { mend: "check the path" });
  bootPlan(code, codeMemory(config), (file) => files.bytesOf(file));
  return { ...config, code };
}

function codeOf(request: ImageRequest, find: (name: string) => GuestFile): GuestCode {
  const { kind, append, raw } = request;
  const image = find(request.image);
  const modules = request.modules.map(find);
  const disk = request.disk === "" ? undefined : find(request.disk);
  return { image, kind, append, modules, disk, raw, missing: undefined };
}

function missingOf({ image, modules, disk }: GuestCode): GuestFile | undefined {
  return [image, ...modules, disk].find((file) => file?.sha256 === "");
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
