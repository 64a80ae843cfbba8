/**
 * Workloads that are hosts: an experiment with many instances, in place of a guest on one machine. A scenario names and
 * parameterises them as it does every workload; its technique is what the instances are.
 */

import { CONTAINER_EXPERIMENTS } from "../../container/experiments/index.js";
import type { Experiment } from "../../host/experiments/experiment.js";
import { HOST_EXPERIMENTS } from "../../host/experiments/index.js";
import type { WorkloadEntry } from "../catalogue.js";
import type { Row } from "../scenario.js";

export interface HostWorkload extends WorkloadEntry {
  readonly experiment: Experiment;
}

export const HOST_WORKLOADS: readonly HostWorkload[] = [...HOST_EXPERIMENTS, ...CONTAINER_EXPERIMENTS].map(
  (experiment) => {
    const { name, title, description, source, parameters } = experiment;
    return { name, title, description, source, parameters, experiment };
  },
);

/** The experiment by its workload's name; undefined for a guest on a machine. */
export function findHostWorkload(name: string): HostWorkload | undefined {
  return HOST_WORKLOADS.find((workload) => workload.name === name);
}

/** Whether a row of rows.csv speaks of a host. */
export function isHostRow(row: Row): boolean {
  return findHostWorkload(String(row["workload"])) !== undefined;
}
