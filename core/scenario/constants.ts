/**
 * Every constant that results may rest on, by name: the prices, base cycles and latencies of CPU profiles, and what hosts, disks,
 * applications, technologies, runtimes and storage drivers are taken to be. `fitted:` of a scenario's figures, FITS.md, and the lab's
 * runs under other values speak of constants by these names.
 */
import { COMPRESSION, READ_AT_START } from "../container/images/catalogue.js";
import { HELLO_BENCH_TASKS } from "../container/images/hello-bench.js";
import { NAMESPACES } from "../container/isolation/namespaces.js";
import { MACHINE_STARTS, PULL_COSTS, START_COSTS } from "../container/start/costs.js";
import { RUNTIMES } from "../container/start/runtimes.js";
import { STORAGE_COSTS } from "../container/storage/driver-costs.js";
import { STORAGE_DRIVERS } from "../container/storage/drivers.js";
import type { Constant, CpuProfile } from "../events/profile.js";
import { PROFILES } from "../events/profiles/index.js";
import { BLOCKS, FILE_SET, REUSED } from "../host/applications/file-server.js";
import { APPLICATIONS } from "../host/applications/index.js";
import { collect } from "../host/constants.js";
import { DISKS } from "../host/disks.js";
import { HOST_SOFTWARE } from "../host/host.js";
import { KERNEL_CONTENTS } from "../host/instances/guest-contents.js";
import { RESTORED } from "../host/instances/prices.js";
import { TECHNOLOGIES } from "../host/instances/technologies.js";
import { HOST_CONSTANTS } from "../host/machine-costs.js";

/** A price of a CPU profile has this before its name: `costs.vm_exit`. */
export const PRICE_PREFIX = "costs.";

let ofProfiles: Map<string, ReadonlyMap<string, Constant>> | undefined;
let ofHosts: ReadonlyMap<string, Constant> | undefined;

/** Of a CPU profile by name: `costs.vm_exit`, `instructions.call`, `caches.l1d.latency`. None of an unknown one. */
export function profileConstants(profile: string): ReadonlyMap<string, Constant> {
  ofProfiles ??= new Map(PROFILES.map((each) => [each.name, constantsOfProfile(each)]));
  return ofProfiles.get(profile) ?? new Map();
}

/** Of hosts and of what runs on them: `host.refill`, `technology.kata.monitorFiles`, `start.client`. ns, bytes or shares. */
export function hostConstants(): ReadonlyMap<string, Constant> {
  ofHosts ??= constantsIn({
    host: { ...HOST_CONSTANTS, ...HOST_SOFTWARE },
    snapshot: RESTORED,
    kernel: KERNEL_CONTENTS,
    fileServer: { fileSet: FILE_SET, blocks: BLOCKS, reused: REUSED },
    technology: byName(TECHNOLOGIES),
    application: byName(APPLICATIONS),
    disk: DISKS,
    start: { ...START_COSTS, ...PULL_COSTS, ...MACHINE_STARTS },
    runtime: byName(RUNTIMES),
    driver: byName(STORAGE_DRIVERS),
    storage: STORAGE_COSTS,
    namespace: NAMESPACES,
    images: { COMPRESSION, READ_AT_START, task: HELLO_BENCH_TASKS },
  });
  return ofHosts;
}

/** The names of all. */
export function constantNames(): string[] {
  const names = new Set(hostConstants().keys());
  for (const { name } of PROFILES) for (const each of profileConstants(name).keys()) names.add(each);
  return [...names];
}

function constantsOfProfile({ costs, instructions, caches }: CpuProfile): ReadonlyMap<string, Constant> {
  return constantsIn({ costs, instructions, caches });
}

function constantsIn(tables: Readonly<Record<string, object>>): ReadonlyMap<string, Constant> {
  const constants = new Map<string, Constant>();
  for (const [name, table] of Object.entries(tables)) collect(constants, name, table);
  return constants;
}

function byName<T extends { readonly name: string }>(list: readonly T[]): Record<string, T> {
  return Object.fromEntries(list.map((each) => [each.name, each]));
}
