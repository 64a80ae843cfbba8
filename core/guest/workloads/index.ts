/** All workloads by name. */
import type { WorkloadDefinition } from "./workload.js";

export const WORKLOADS: readonly WorkloadDefinition[] = [];

export function findWorkload(name: string): WorkloadDefinition | undefined {
  return WORKLOADS.find((workload) => workload.name === name);
}
