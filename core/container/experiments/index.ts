/** The experiments with containers. */
import type { Experiment } from "../../host/experiments/experiment.js";
import { FAILOVER } from "./failover.js";
import { ISOLATION } from "./isolation.js";
import { NOISY_NEIGHBOUR } from "./noisy-neighbour.js";
import { PLACEMENT } from "./placement.js";
import { START_TIME } from "./start-time.js";
import { UNION_FS } from "./union-fs.js";

export const CONTAINER_EXPERIMENTS: readonly Experiment[] = [
  NOISY_NEIGHBOUR,
  START_TIME,
  UNION_FS,
  ISOLATION,
  PLACEMENT,
  FAILOVER,
];
