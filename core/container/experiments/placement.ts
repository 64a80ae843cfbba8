/**
 * Where applications run (claim ops-2): heavy and light ones on a few hosts, packed by kind or mixed. Each host is simulated; the
 * light applications' latency and the heavy ones' throughput are measured.
 */
import { findApplication } from "../../host/applications/index.js";
import {
  type Experiment,
  type ExperimentSetting,
  HOST_PARAMETERS,
  hostOf,
} from "../../host/experiments/experiment.js";
import { Instance } from "../../host/instances/instance.js";
import { Load } from "../../host/load.js";
import { RequestMeter } from "../../host/meter.js";
import type { HostValues } from "../../host/metrics.js";
import { SECOND } from "../../host/time.js";
import { UnsupportedError } from "../../util/errors.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { Random } from "../../util/random.js";

const POLICIES = ["by-kind", "random", "mixed"] as const;
type Policy = (typeof POLICIES)[number];

const PARAMETERS = {
  hosts: { kind: "count", default: 4, minimum: 1, maximum: 64, description: "Hosts." },
  heavy: {
    kind: "count",
    default: 24,
    description: "Heavy applications: batch compute, a thread that always has work.",
  },
  light: { kind: "count", default: 120, minimum: 1, description: "Light applications: web servers." },
  policy: {
    kind: "choice",
    default: "mixed",
    choices: POLICIES,
    description:
      "by-kind: as many on each host, the heavy ones together; random; mixed: the heaviest first, each to the least loaded host.",
  },
  rate: {
    kind: "number",
    default: 20,
    minimum: 0.1,
    description: "Requests a second of each light application.",
  },
  ...HOST_PARAMETERS,
  processors: { ...HOST_PARAMETERS.processors, default: 8 },
} as const satisfies ParameterSpecs;

const WATCH = 3 * SECOND;

export const PLACEMENT: Experiment = {
  name: "host/placement",
  title: "Placement",
  description:
    "Heavy and light applications are placed on hosts; each host runs, and latency and throughput are measured.",
  source: "claim ops-2",
  parameters: PARAMETERS,
  run: placement,
};

interface Job {
  readonly isHeavy: boolean;
  /** Processors that it would use. */
  readonly demand: number;
}

function placement(setting: ExperimentSetting): HostValues {
  const { parameters, seed } = setting;
  const random = new Random(seed).fork("placement");
  const jobs = jobsOf(setting);
  const hosts = placed(jobs, parameters["hosts"] as number, parameters["policy"] as Policy, random);
  const web = new RequestMeter(findApplication("web-server")!.objective.value);
  const batch = new RequestMeter(findApplication("batch")!.objective.value);
  hosts.forEach((own, index) => {
    runHost(setting, own, random.fork(`host ${index}`), web, batch);
  });
  const loads = hosts.map((own) => own.reduce((sum, { demand }) => sum + demand, 0));
  const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length;
  return {
    instances: jobs.length,
    applications: jobs.length,
    balance: Math.max(...loads) / mean,
    requests_per_second: batch.completed / (WATCH / SECOND),
    latency_p50: web.percentile(0.5),
    latency_p99: web.percentile(0.99),
    late_share: web.lateShare,
  };
}

function jobsOf({ parameters }: ExperimentSetting): Job[] {
  const { heavy, light, rate } = parameters as Record<string, number>;
  const { work } = findApplication("web-server")!.request;
  const lightDemand = (rate! * work.value) / SECOND;
  return [
    ...Array.from({ length: heavy! }, () => ({ isHeavy: true, demand: 1 })),
    ...Array.from({ length: light! }, () => ({ isHeavy: false, demand: lightDemand })),
  ];
}

/** Jobs by host; every job is on one. */
export function placed(jobs: readonly Job[], hosts: number, policy: Policy, random: Random): Job[][] {
  const placement: Job[][] = Array.from({ length: hosts }, () => []);
  const loads = new Float64Array(hosts);
  const each = Math.ceil(jobs.length / hosts);
  jobs.forEach((job, index) => {
    const host =
      policy === "by-kind"
        ? Math.floor(index / each)
        : policy === "random"
          ? random.below(hosts)
          : loads.indexOf(Math.min(...loads));
    placement[host]!.push(job);
    loads[host]! += job.demand;
  });
  return placement;
}

function runHost(
  setting: ExperimentSetting,
  jobs: readonly Job[],
  random: Random,
  web: RequestMeter,
  batch: RequestMeter,
): void {
  const host = hostOf(setting);
  const rate = setting.parameters["rate"] as number;
  jobs.forEach(({ isHeavy }, index) => {
    const application = findApplication(isHeavy ? "batch" : "web-server")!;
    const options = { image: 0, isMergeable: false, isHuge: setting.isHuge };
    const instance = new Instance(host, application, setting.technology, options);
    if (!instance.isComplete)
      throw new UnsupportedError(`${jobs.length} applications do not fit into the memory of one host`);
    const own = random.fork(`application ${index}`);
    new Load(host, instance, own, isHeavy ? batch : web, isHeavy ? { rate: 0 } : { rate });
  });
  host.clock.runUntil(WATCH);
}
