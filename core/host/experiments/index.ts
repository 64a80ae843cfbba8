/** The experiments with hosts. */
import { DENSITY } from "./density.js";
import type { Experiment } from "./experiment.js";

export type { Experiment, ExperimentSetting } from "./experiment.js";

export const HOST_EXPERIMENTS: readonly Experiment[] = [DENSITY];
