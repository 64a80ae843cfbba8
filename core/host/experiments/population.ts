/**
 * A fixed number of instances for a while: what they take, what they have in common, and what sharing, ballooning and reporting
 * of free pages give back, at what cost. Scanning takes the time that it takes.
 */
import type { ParameterSpecs } from "../../util/parameters.js";
import { Ballooning, FreePageReporting } from "../ballooning.js";
import type { HostValues } from "../metrics.js";
import { SECOND } from "../time.js";
import {
  APPLICATION_PARAMETER,
  type Experiment,
  type ExperimentSetting,
  HOST_PARAMETERS,
  SHARING_PARAMETERS,
} from "./experiment.js";
import { FLEET_PARAMETERS, Fleet, fleetRefusal } from "./fleet.js";

const PARAMETERS = {
  ...APPLICATION_PARAMETER,
  ...HOST_PARAMETERS,
  ...SHARING_PARAMETERS,
  ...FLEET_PARAMETERS,
  count: {
    kind: "count",
    default: { tiny: 20, small: 100, full: 1000 },
    minimum: 1,
    description: "Instances.",
  },
  settle: {
    kind: "number",
    default: 0,
    minimum: 0,
    description: "Seconds that pass before the measurement.",
  },
  watch: {
    kind: "number",
    default: { tiny: 1, small: 4, full: 10 },
    minimum: 0.01,
    description: "Seconds of the measurement.",
  },
  cacheFill: {
    kind: "number",
    default: 0,
    minimum: 0,
    maximum: 1,
    description: "How much of its spare memory a guest's page cache has filled, a share.",
  },
  giveBack: {
    kind: "choice",
    default: "nothing",
    choices: ["nothing", "reporting", "balloon"],
    description:
      "What guests give back: nothing (the host has to swap), free pages that they report, or what a balloon takes when the host runs short.",
  },
} as const satisfies ParameterSpecs;

export const POPULATION: Experiment = {
  name: "host/population",
  title: "A fixed number of instances",
  description:
    "So many instances run for a while; the memory ledger says where every frame is, and the meter how they fare.",
  source: "claims con-3 and con-1; Waldspurger, OSDI 2002; Arcangeli, Eidus & Wright, OLS 2009",
  parameters: PARAMETERS,
  refusal: (setting) => fleetRefusal(setting, setting.parameters["count"] as number),
  run: populate,
};

function populate(setting: ExperimentSetting): HostValues {
  const { count, settle, watch, giveBack } = setting.parameters as Record<string, number | string>;
  const fleet = new Fleet(setting);
  const { host, instances } = fleet;
  const reporting = giveBack === "reporting" ? new FreePageReporting(host, instances) : undefined;
  const ballooning = giveBack === "balloon" ? new Ballooning(host, instances) : undefined;
  let limit = "none";
  while (limit === "none" && instances.length < Number(count)) {
    ballooning?.relieve();
    if (!fleet.add()) limit = "memory";
  }
  host.clock.runUntil(host.clock.now + Number(settle) * SECOND);
  const { values } = fleet.watch(Number(watch));
  return { ...values, limit, ballooned_bytes: (reporting ?? ballooning)?.bytes ?? 0 };
}
