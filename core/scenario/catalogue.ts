/**
 * What a scenario may speak of: the registries of techniques, workloads and profiles. The engine takes them as a value,
 * so that a test can give it a lab of its own.
 */
import type { CpuProfile } from "../events/profile.js";
import { PROFILES } from "../events/profiles/index.js";
import { WORKLOADS } from "../guest/workloads/index.js";
import { TECHNIQUES, type TechniqueDefinition } from "../system/techniques.js";
import { INSTANCE_TECHNIQUES } from "../system/technologies.js";
import type { ParameterSpecs } from "../util/parameters.js";
import { BOOT } from "./code/boot.js";
import { EXIT_WORKLOADS } from "./code/exits.js";
import { KERNEL_WORKLOADS } from "./code/kernel.js";
import { PROGRAM_WORKLOADS } from "./code/programs.js";
import { SENSITIVE_WORKLOADS } from "./code/sensitive.js";
import { HOST_WORKLOADS } from "./host/workload.js";

/** What a scenario needs to know of a workload, a reference stream (guest/workloads), code (code/workload.ts) or a host with instances (host/workload.ts). */
export interface WorkloadEntry {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Where it comes from. */
  readonly source: string;
  readonly parameters: ParameterSpecs;
}

export interface Catalogue {
  readonly techniques: readonly TechniqueDefinition[];
  readonly workloads: readonly WorkloadEntry[];
  readonly profiles: readonly CpuProfile[];
}

/** Everything the lab has. */
export const CATALOGUE: Catalogue = {
  techniques: [...TECHNIQUES, ...INSTANCE_TECHNIQUES],
  workloads: [
    ...WORKLOADS,
    ...PROGRAM_WORKLOADS,
    ...KERNEL_WORKLOADS,
    ...SENSITIVE_WORKLOADS,
    ...EXIT_WORKLOADS,
    BOOT,
    ...HOST_WORKLOADS,
  ],
  profiles: PROFILES,
};
