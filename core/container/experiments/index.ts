/** The experiments with containers. */
import type { Experiment } from "../../host/experiments/experiment.js";
import { START_TIME } from "./start-time.js";

export const CONTAINER_EXPERIMENTS: readonly Experiment[] = [START_TIME];
