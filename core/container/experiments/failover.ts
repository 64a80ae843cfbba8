/**
 * What a failure takes with it, and when it is back (claim ops-3): racks of hosts with a number of instances each and some spare
 * room; a host, or a rack, fails; what ran there is started anew wherever there is room.
 */
import { assumed } from "../../events/profiles/constants.js";
import type { Experiment, ExperimentSetting } from "../../host/experiments/experiment.js";
import type { HostValues } from "../../host/metrics.js";
import { SECOND } from "../../host/time.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { START_TIME, startTimes } from "./start-time.js";

const FAILURES = ["host", "rack"] as const;

const PARAMETERS = {
  ...START_TIME.parameters,
  racks: { kind: "count", default: 4, minimum: 1, maximum: 1000, description: "Racks." },
  blades: { kind: "count", default: 16, minimum: 1, maximum: 1000, description: "Hosts of a rack." },
  perHost: {
    kind: "count",
    default: 10,
    minimum: 1,
    maximum: 1000,
    description: "Instances of a host, an application each.",
  },
  spare: {
    kind: "number",
    default: 0.1,
    minimum: 0,
    maximum: 10,
    description: "Room of each host for more instances, as a share of those it has.",
  },
  failure: {
    kind: "choice",
    default: "rack",
    choices: FAILURES,
    description: "What fails: one host, or one rack.",
  },
} as const satisfies ParameterSpecs;

const HOUR = 3600 * SECOND;

/** Until somebody knows that a host is gone, ns. */
const DETECTION = assumed(
  40 * SECOND,
  "Kubernetes marks a node as not ready after 40 s without a heartbeat (node-monitor-grace-period); others take 10 to 60 s",
  [5 * SECOND, 300 * SECOND],
);

export const FAILOVER: Experiment = {
  name: "host/failover",
  title: "Failover",
  description: "A host or a rack fails; its applications are started on other hosts as far as there is room.",
  source: "claim ops-3",
  parameters: PARAMETERS,
  ...(START_TIME.refusal === undefined ? {} : { refusal: START_TIME.refusal }),
  run: failover,
};

function failover(setting: ExperimentSetting): HostValues {
  const { parameters } = setting;
  const { racks, blades, perHost, spare } = parameters as Record<string, number>;
  const hosts = racks! * blades!;
  const failed = parameters["failure"] === "rack" ? blades! : 1;
  const applications = hosts * perHost!;
  const lost = failed * perHost!;
  const left = hosts - failed;
  const room = Math.floor(perHost! * spare!);
  const recovered = Math.min(lost, left * room);
  const busiest = left === 0 ? 0 : Math.ceil(recovered / left);
  const starts =
    busiest === 0 ? undefined : startTimes({ ...setting, parameters: { ...parameters, starts: busiest } });
  const recovery = starts === undefined ? undefined : DETECTION.value + (starts["start_p99"] as number);
  const down = lost - recovered;
  const outage = recovered * (recovery ?? 0) + down * HOUR;
  return {
    applications,
    applications_lost: lost,
    applications_down: down,
    recovery_time: recovery ?? "",
    unavailability: outage / (applications * HOUR),
  };
}
