/** All workloads by name: patterns of reference first, then the operating system's work, then both. */
import { COMPRESS } from "./compress.js";
import { CONTEXT_SWITCH } from "./context-switch.js";
import { DEMAND_ZERO } from "./demand-zero.js";
import { FORKWAIT } from "./forkwait.js";
import { GRAPH500 } from "./graph500.js";
import { GUPS } from "./gups.js";
import { MIX } from "./mix.js";
import { PAGE_TABLE_CHURN } from "./page-table-churn.js";
import { POINTER_CHASE } from "./pointer-chase.js";
import { SEQUENTIAL, STRIDED } from "./sweep.js";
import type { WorkloadDefinition } from "./workload.js";
import { ZIPF } from "./zipf.js";

export const WORKLOADS: readonly WorkloadDefinition[] = [
  SEQUENTIAL,
  STRIDED,
  GUPS,
  POINTER_CHASE,
  ZIPF,
  COMPRESS,
  GRAPH500,
  DEMAND_ZERO,
  FORKWAIT,
  CONTEXT_SWITCH,
  PAGE_TABLE_CHURN,
  MIX,
];

export function findWorkload(name: string): WorkloadDefinition | undefined {
  return WORKLOADS.find((workload) => workload.name === name);
}
