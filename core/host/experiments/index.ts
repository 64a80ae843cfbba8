/** The experiments with hosts. */
import { DENSITY } from "./density.js";
import type { Experiment } from "./experiment.js";
import { IDLE_TAX } from "./idle-tax.js";
import { POPULATION } from "./population.js";
import { SCHEDULING } from "./scheduling.js";

export const HOST_EXPERIMENTS: readonly Experiment[] = [DENSITY, POPULATION, SCHEDULING, IDLE_TAX];
