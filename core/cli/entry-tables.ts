/** The tables of an encyclopedia entry: a workload's parameters, a price by profile, a profile's geometry and prices. */
import { COSTS, type CostName } from "../events/costs.js";
import type { Constant, CpuProfile, TlbGeometry, WalkCacheGeometry } from "../events/profile.js";
import { defaultOf, type ParameterSpec, type ParameterSpecs, RUN_SIZES } from "../util/parameters.js";
import { formatBytes } from "../util/units.js";

export interface EntryTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const KIND_UNITS: Readonly<Record<ParameterSpec["kind"], string>> = {
  bytes: "bytes",
  count: "count",
  number: "number",
  choice: "one of",
  "number-choice": "one of",
  text: "text",
  file: "a file",
  files: "files",
  boolean: "true or false",
};

/** Each parameter with its unit and its default at each size of run. */
export function parameterTable(specs: ParameterSpecs): EntryTable {
  return {
    title: "parameters",
    columns: ["name", "unit", ...RUN_SIZES, "what"],
    rows: Object.entries(specs).map(([name, spec]) => [
      name,
      "choices" in spec ? `one of ${spec.choices.join(", ")}` : KIND_UNITS[spec.kind],
      ...RUN_SIZES.map((size) => {
        const value = defaultOf(spec, size);
        return spec.kind === "bytes" ? formatBytes(value as number) : String(value);
      }),
      spec.description,
    ]),
  };
}

/** One price in every profile. */
export function priceTable(name: CostName, profiles: readonly CpuProfile[]): EntryTable {
  return {
    title: "by profile",
    columns: ["profile", "cycles", "range", "source"],
    rows: profiles.map((profile) => [profile.name, ...constantFields(profile.costs[name])]),
  };
}

export function profileFacts(profile: CpuProfile): [string, string][] {
  const { features } = profile;
  const flags = Object.entries(features).filter(([, value]) => value === true);
  return [
    ["vendor", profile.vendor],
    ["year", String(profile.year)],
    ["clock", `${profile.frequencyMHz} MHz`],
    ["physical address", `${profile.physicalAddressBits} bits`],
    ["has", flags.map(([name]) => name).join(", ")],
    ["nested pages", features.nestedPages.join(", ") || "none"],
  ];
}

export function profileTables(profile: CpuProfile): EntryTable[] {
  return [tlbTable(profile), walkCacheTable(profile), cacheTable(profile), costTable(profile)];
}

function tlbTable({ tlb }: CpuProfile): EntryTable {
  const row = (level: string, geometry: TlbGeometry): string[] => [
    level,
    String(geometry.entries),
    geometry.ways === geometry.entries ? "full" : String(geometry.ways),
    geometry.pages.join(", "),
    geometry.policy,
    sourced(geometry),
  ];
  return {
    title: "TLBs",
    columns: ["level", "entries", "ways", "pages", "policy", "source"],
    rows: [
      ...tlb.l1i.map((geometry) => row("L1 instruction", geometry)),
      ...tlb.l1d.map((geometry) => row("L1 data", geometry)),
      ...tlb.l2.map((geometry) => row("L2", geometry)),
    ],
  };
}

function walkCacheTable({ walkCaches }: CpuProfile): EntryTable {
  const rows: string[][] = [];
  const add = (name: string, geometry: WalkCacheGeometry | undefined): void => {
    if (geometry !== undefined)
      rows.push([name, String(geometry.entries), String(geometry.ways), sourced(geometry)]);
  };
  for (const [level, geometry] of Object.entries(walkCaches.guest)) add(`page table, ${level}`, geometry);
  for (const [level, geometry] of Object.entries(walkCaches.host)) add(`nested table, ${level}`, geometry);
  add("nested TLB", walkCaches.nestedTlb);
  return { title: "walk caches", columns: ["cache", "entries", "ways", "source"], rows };
}

function cacheTable({ caches }: CpuProfile): EntryTable {
  const levels = [["L1 data", caches.l1d] as const, ["L2", caches.l2] as const, ["L3", caches.l3] as const];
  const rows = levels.flatMap(([name, level]) =>
    level === undefined
      ? []
      : [
          [
            name,
            formatBytes(level.sizeBytes),
            String(level.ways),
            String(level.latency.value),
            sourced(level),
          ],
        ],
  );
  return {
    title: "caches",
    columns: ["level", "size", "ways", "latency (cycles)", "source"],
    rows: [...rows, ["memory", "", "", String(caches.dram.value), sourced(caches.dram)]],
  };
}

function costTable({ costs }: CpuProfile): EntryTable {
  return {
    title: "prices",
    columns: ["cost", "cycles", "range", "source"],
    rows: COSTS.map(({ name }) => [name, ...constantFields(costs[name])]),
  };
}

function constantFields(constant: Constant): string[] {
  return [
    String(constant.value),
    constant.range === undefined ? "" : constant.range.join("–"),
    sourced(constant),
  ];
}

function sourced(constant: { readonly source: string; readonly assumed?: boolean }): string {
  return constant.assumed === true ? `assumed: ${constant.source}` : constant.source;
}
