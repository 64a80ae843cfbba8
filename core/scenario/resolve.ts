/**
 * One point → one fully resolved cell configuration. For a parameter the nearest word wins: with the workload's name in the
 * matrix, the axis of that workload, the axis of all, the base of that workload, the base of all, the default at this size.
 */
import { UserError } from "../util/errors.js";
import { defaultOf, type ParameterValue } from "../util/parameters.js";
import { isCodeWorkload } from "./code/workload.js";
import type { CellConfig } from "./config.js";
import type { Scenario } from "./scenario.js";
import type { Language } from "./schema.js";
import { DEFAULT_SETTINGS } from "./settings.js";

/** Axis path → value; `parameters.*` of a workload's own mapping are paths of their own already. */
export type Point = ReadonlyMap<string, ParameterValue>;

/** @throws UserError when neither the point nor the base names a technique and a workload. */
export function resolved(point: Point, scenario: Scenario, { catalogue }: Language): CellConfig {
  const { document: base } = scenario;
  const pick = <T>(path: string, written: T | undefined, silent: T): T =>
    (point.get(path) as T | undefined) ?? written ?? silent;
  const named = (key: "technique" | "workload"): string => {
    const name = pick(key, base[key] as string | undefined, "");
    if (name !== "") return name;
    throw new UserError(`the scenario names no ${key}`, {
      where: scenario.locate([]),
      mend: `write \`${key}: …\`, or give it values in the matrix`,
    });
  };
  const section = <
    K extends "machine" | "guest" | "host" | "shadow" | "agile" | "translation" | "paravirtual" | "budget",
  >(
    key: K,
    own: Partial<CellConfig[K]> = {},
  ): CellConfig[K] => {
    const silent: Readonly<Record<string, unknown>> = { ...DEFAULT_SETTINGS[key], ...own };
    const written = base[key] as Readonly<Record<string, unknown>> | undefined;
    return Object.fromEntries(
      Object.keys(silent).map((name) => [name, pick(`${key}.${name}`, written?.[name], silent[name])]),
    ) as unknown as CellConfig[K];
  };
  const workload = named("workload");
  const parameters = parametersOf(workload, point, scenario, catalogue.workloads);
  const entry = catalogue.workloads.find(({ name }) => name === workload);
  const paging = isCodeWorkload(entry) ? entry.paging?.(parameters) : undefined;
  return {
    technique: named("technique"),
    workload,
    parameters,
    page: pick("page", base.page, DEFAULT_SETTINGS.page),
    machine: { ...section("machine"), costs: costsOf(point, base.machine?.costs) },
    guest: section("guest", paging === undefined ? {} : { paging }),
    host: section("host"),
    shadow: section("shadow"),
    agile: section("agile"),
    translation: section("translation"),
    paravirtual: section("paravirtual"),
    budget: section("budget"),
    seed: pick("seed", base.seed, DEFAULT_SETTINGS.seed),
    size: scenario.size,
  };
}

/** The resolved value of an axis in a cell; "" where the cell's workload has no such parameter, or no price is replaced. */
export function valueOfAxis(config: CellConfig, path: string): ParameterValue {
  const [section, ...rest] = path.split(".");
  if (section === "parameters") {
    const [workload, name] = rest.length === 2 ? rest : [config.workload, rest[0]];
    return workload === config.workload ? (config.parameters[name!] ?? "") : "";
  }
  const found = path
    .split(".")
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], config);
  return (found as ParameterValue | undefined) ?? "";
}

function parametersOf(
  name: string,
  point: Point,
  scenario: Scenario,
  workloads: Language["catalogue"]["workloads"],
): CellConfig["parameters"] {
  const specs = workloads.find((workload) => workload.name === name)?.parameters ?? {};
  const base = (scenario.document.parameters ?? {}) as Readonly<Record<string, unknown>>;
  const own = base[name] as Readonly<Record<string, ParameterValue>> | undefined;
  return Object.fromEntries(
    Object.entries(specs).map(([key, spec]) => {
      const shared = base[key] as ParameterValue | undefined;
      const axis = point.get(`parameters.${name}.${key}`) ?? point.get(`parameters.${key}`);
      return [key, axis ?? own?.[key] ?? shared ?? defaultOf(spec, scenario.size)];
    }),
  );
}

function costsOf(
  point: Point,
  base: Readonly<Record<string, number | undefined>> = {},
): CellConfig["machine"]["costs"] {
  const costs: Record<string, number> = {};
  for (const [name, cycles] of Object.entries(base)) if (cycles !== undefined) costs[name] = cycles;
  for (const [path, value] of point)
    if (path.startsWith("machine.costs.")) costs[path.slice("machine.costs.".length)] = value as number;
  return costs;
}
