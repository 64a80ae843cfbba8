/** Cells for tests of what runs them: the defaults of a scenario that says nothing, with some settings replaced. */
import { defaultOf, type RunSize } from "../../util/parameters.js";
import { CATALOGUE } from "../catalogue.js";
import type { CellConfig } from "../config.js";
import { DEFAULT_SETTINGS } from "../settings.js";

export interface CellChanges {
  readonly technique?: string;
  readonly workload?: string;
  readonly page?: CellConfig["page"];
  readonly size?: RunSize;
  readonly seed?: number;
  readonly parameters?: CellConfig["parameters"];
  readonly machine?: Partial<CellConfig["machine"]>;
  readonly guest?: Partial<CellConfig["guest"]>;
  readonly host?: Partial<CellConfig["host"]>;
  readonly shadow?: Partial<CellConfig["shadow"]>;
  readonly agile?: Partial<CellConfig["agile"]>;
  readonly translation?: Partial<CellConfig["translation"]>;
  readonly paravirtual?: Partial<CellConfig["paravirtual"]>;
  readonly budget?: Partial<CellConfig["budget"]>;
}

export function cellOf(changes: CellChanges = {}): CellConfig {
  const { workload = "gups", size = "tiny", technique = "native" } = changes;
  const entry = CATALOGUE.workloads.find(({ name }) => name === workload)!;
  const parameters = Object.fromEntries(
    Object.entries(entry.parameters).map(([name, spec]) => [name, defaultOf(spec, size)]),
  );
  return {
    technique,
    workload,
    size,
    parameters: { ...parameters, ...changes.parameters },
    page: changes.page ?? DEFAULT_SETTINGS.page,
    seed: changes.seed ?? DEFAULT_SETTINGS.seed,
    machine: { ...DEFAULT_SETTINGS.machine, ...changes.machine },
    guest: { ...DEFAULT_SETTINGS.guest, ...changes.guest },
    host: { ...DEFAULT_SETTINGS.host, ...changes.host },
    shadow: { ...DEFAULT_SETTINGS.shadow, ...changes.shadow },
    agile: { ...DEFAULT_SETTINGS.agile, ...changes.agile },
    translation: { ...DEFAULT_SETTINGS.translation, ...changes.translation },
    paravirtual: { ...DEFAULT_SETTINGS.paravirtual, ...changes.paravirtual },
    budget: { ...DEFAULT_SETTINGS.budget, ...changes.budget },
  };
}
