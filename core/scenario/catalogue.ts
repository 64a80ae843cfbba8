/**
 * What a scenario may speak of: the registries of techniques, workloads and profiles. The engine takes them as a value,
 * so that a test can give it a lab of its own.
 */
import type { CpuProfile } from "../events/profile.js";
import { PROFILES } from "../events/profiles/index.js";
import { WORKLOADS } from "../guest/workloads/index.js";
import type { WorkloadDefinition } from "../guest/workloads/workload.js";
import { TECHNIQUES, type TechniqueDefinition } from "../system/techniques.js";

export interface Catalogue {
  readonly techniques: readonly TechniqueDefinition[];
  readonly workloads: readonly WorkloadDefinition[];
  readonly profiles: readonly CpuProfile[];
}

/** Everything the lab has. */
export const CATALOGUE: Catalogue = { techniques: TECHNIQUES, workloads: WORKLOADS, profiles: PROFILES };
