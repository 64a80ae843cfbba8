/**
 * The constants that a run's results rest on: every number of every profile that its cells used, each with
 * its source, and those that nobody published marked as assumed with the range to test conclusions over.
 */
import type { CpuProfile } from "../events/profile.js";
import { findProfile } from "../events/profiles/index.js";
import { hostConstants } from "../host/constants.js";
import type { CellConfig } from "../scenario/config.js";
import { findHostWorkload } from "../scenario/host/workload.js";

export interface ConstantRecord {
  readonly profile: string;
  /** `costs.vm_exit`, `caches.dram`, `tlb.l1d[0]`. */
  readonly name: string;
  /** Cycles for a price or latency, words for a geometry; of a host ns, bytes or pages, as its name's declaration says. */
  readonly value: number | string;
  readonly source: string;
  /** No source gives it. */
  readonly assumed: boolean;
  readonly range?: readonly [number, number];
}

/**
 * Constants of all profiles used, each once; a price that the scenario replaced is assumed, with that as
 * its source.
 */
export function constantsOf(configs: readonly CellConfig[]): ConstantRecord[] {
  const records = new Map<string, ConstantRecord>();
  const add = (record: ConstantRecord): void => {
    records.set(`${record.profile} ${record.name} ${record.value}`, record);
  };
  for (const name of new Set(configs.map((config) => config.machine.profile))) {
    const profile = findProfile(name);
    if (profile !== undefined) for (const record of ofProfile(profile)) add(record);
  }
  for (const config of configs) for (const record of ofHost(config)) add(record);
  for (const { machine } of configs) {
    for (const [name, value] of Object.entries(machine.costs)) {
      add({
        profile: machine.profile,
        name: `costs.${name}`,
        value,
        source: "replaced by the scenario",
        assumed: true,
      });
    }
  }
  return [...records.values()];
}

/** Of a cell that is a host with instances: what its technology, application and disk are taken to be. */
function ofHost({ workload, technique, parameters }: CellConfig): ConstantRecord[] {
  if (findHostWorkload(workload) === undefined) return [];
  const { application, storage } = parameters;
  return [...hostConstants(technique, String(application), String(storage))].map(
    ([name, { value, source, assumed = false, range }]): ConstantRecord => ({
      profile: "host",
      name,
      value,
      source,
      assumed,
      ...(range === undefined ? {} : { range }),
    }),
  );
}

interface Sourced {
  readonly source: string;
  readonly assumed?: boolean;
  readonly range?: readonly [number, number];
}

function ofProfile(profile: CpuProfile): ConstantRecord[] {
  const records: ConstantRecord[] = [];
  const add = (name: string, value: number | string, { source, assumed = false, range }: Sourced): void => {
    records.push({
      profile: profile.name,
      name,
      value,
      source,
      assumed,
      ...(range === undefined ? {} : { range }),
    });
  };
  for (const [name, constant] of Object.entries(profile.costs))
    add(`costs.${name}`, constant.value, constant);
  for (const [level, cache] of Object.entries(profile.caches)) {
    if ("value" in cache) add(`caches.${level}`, cache.value, cache);
    else {
      add(`caches.${level}`, `${cache.sizeBytes / 1024} KiB, ${cache.ways} ways`, cache);
      add(`caches.${level}.latency`, cache.latency.value, cache.latency);
    }
  }
  for (const [level, arrays] of Object.entries(profile.tlb)) {
    arrays.forEach((array, index) => {
      const geometry = `${array.entries} entries, ${array.ways} ways, ${array.policy}, pages ${array.pages.join(" ")}`;
      add(`tlb.${level}[${index}]`, geometry, array);
    });
  }
  const { guest, host, nestedTlb } = profile.walkCaches;
  for (const [side, levels] of Object.entries({ guest, host })) {
    for (const [level, cache] of Object.entries(levels)) {
      add(`walkCaches.${side}.${level}`, `${cache.entries} entries, ${cache.ways} ways`, cache);
    }
  }
  if (nestedTlb)
    add("walkCaches.nestedTlb", `${nestedTlb.entries} entries, ${nestedTlb.ways} ways`, nestedTlb);
  return records;
}
