/**
 * What one tenant sees of the others, takes from them and breaks with itself, by system: namespaces are asked one by one; a tenant is
 * restarted beside neighbours that serve requests; the host is restarted.
 */
import { assumed } from "../../events/profiles/constants.js";
import { findApplication } from "../../host/applications/index.js";
import {
  type Experiment,
  type ExperimentSetting,
  HOST_PARAMETERS,
  hostOf,
} from "../../host/experiments/experiment.js";
import { Instance } from "../../host/instances/instance.js";
import { findTechnology } from "../../host/instances/technologies.js";
import { Load } from "../../host/load.js";
import { RequestMeter } from "../../host/meter.js";
import type { HostValues } from "../../host/metrics.js";
import { SECOND } from "../../host/time.js";
import { defaultOf, type ParameterSpecs } from "../../util/parameters.js";
import { Random } from "../../util/random.js";
import { CONTROLLERS } from "../isolation/control-groups.js";
import { findSystem, ISOLATION_SYSTEMS, type IsolationSystem } from "../isolation/lineage.js";
import { type NamespaceName, NamespaceWorld } from "../isolation/namespaces.js";
import { START_PARAMETERS } from "./start-parameters.js";
import { startTimes } from "./start-time.js";

/** Systems of the plain container; all others are technologies of their own. */
const LINEAGE = ISOLATION_SYSTEMS.map(({ name }) => name).filter(
  (name) => findTechnology(name) === undefined,
);
const DEFAULT_LINEAGE = "docker";

const PARAMETERS = {
  lineage: {
    kind: "choice",
    default: DEFAULT_LINEAGE,
    choices: LINEAGE,
    description: "Which system makes the containers.",
  },
  tenants: { kind: "count", default: 10, minimum: 2, maximum: 1000, description: "Tenants of the host." },
  ...HOST_PARAMETERS,
} as const satisfies ParameterSpecs;

/** From the power button of a server to its first instance's start, ns. */
const HOST_BOOT = assumed(
  120 * SECOND,
  "a server's firmware takes a minute or more, its kernel and services half a minute",
  [40 * SECOND, 600 * SECOND],
);

export const ISOLATION: Experiment = {
  name: "host/isolation",
  title: "Isolation",
  description: "What a tenant sees of others by namespace, what it can use up, and whom its failures reach.",
  source: "claims con-4, con-8, con-9, ops-1; namespaces(7), cgroups(7)",
  parameters: PARAMETERS,
  refusal: ({ technology, parameters }) =>
    technology.name !== "container" && parameters["lineage"] !== DEFAULT_LINEAGE
      ? `lineage ${parameters["lineage"]} is for containers, which ${technology.name} is not`
      : undefined,
  run: isolation,
};

function isolation(setting: ExperimentSetting): HostValues {
  const { technology, parameters } = setting;
  const tenants = parameters["tenants"] as number;
  const name = technology.name === "container" ? (parameters["lineage"] as string) : technology.name;
  const system = findSystem(name)!;
  const isShared = system.kernel === "host";
  const alone = startTimes(startSetting(setting, system, 1));
  const all = startTimes(startSetting(setting, system, tenants));
  return {
    ...visibility(system, tenants),
    unlimited_resources: CONTROLLERS.filter((each) => !system.controllers.includes(each)).length,
    system_calls: system.systemCalls.value,
    kernel_flaw_reach: isShared ? 1 : 1 / tenants,
    kernel_crash_stops: isShared ? tenants : 1,
    neighbours_stopped: 0,
    restart_time: alone["start_time"]!,
    host_restart_time: HOST_BOOT.value + (all["start_p99"] as number),
    ...neighbours(setting, tenants),
  };
}

/** Of how many others a tenant sees something, by kind. */
function visibility({ namespaces }: IsolationSystem, tenants: number): HostValues {
  const world = new NamespaceWorld();
  const all = Array.from({ length: tenants }, () => world.clone(world.init, namespaces));
  const seen = (kind: NamespaceName): number => world.countSeen(all[0]!, all, kind);
  return {
    sees_mounts: seen("mnt"),
    sees_processes: seen("pid"),
    sees_network: seen("net"),
    sees_ipc: seen("ipc"),
    sees_names: seen("uts"),
    sees_users: seen("user"),
  };
}

/** Requests of the other tenants while one is stopped and started again in their midst. */
function neighbours(setting: ExperimentSetting, tenants: number): HostValues {
  const host = hostOf(setting);
  const application = findApplication("web-server")!;
  const meter = new RequestMeter(application.objective.value);
  const random = new Random(setting.seed).fork("neighbours");
  const options = { image: 0, isMergeable: false, isHuge: setting.isHuge };
  for (let i = 1; i < tenants; i++) {
    const neighbour = new Instance(host, application, setting.technology, options);
    new Load(host, neighbour, random.fork(`tenant ${i}`), meter, { rate: application.rate.value });
  }
  const restarted = new Instance(host, application, setting.technology, options);
  host.clock.runUntil(SECOND);
  meter.reset();
  restarted.stop();
  const again = new Instance(host, application, setting.technology, options);
  host.scheduler.run(again.threads[0]!, setting.technology.startWork.value, () => {}, 0);
  host.clock.runUntil(5 * SECOND);
  return {
    instances: tenants,
    requests_per_second: meter.completed / 4,
    latency_p50: meter.percentile(0.5),
    latency_p99: meter.percentile(0.99),
    late_share: meter.lateShare,
  };
}

/** The system's own way to start: sandboxes by their runtime, what came before Docker without a daemon. */
function startSetting(
  setting: ExperimentSetting,
  system: IsolationSystem,
  starts: number,
): ExperimentSetting {
  const defaults = Object.entries(START_PARAMETERS).map(([name, spec]) => [name, defaultOf(spec, "small")]);
  const runtime = START_PARAMETERS.runtime.default;
  const isManaged = ["docker", "gvisor", "kata", "rund", "rootless"].includes(system.name);
  // What an engine does for a bridge takes the engine's time; the others' networks are there before.
  const network = isManaged || setting.technology.guest !== undefined ? "bridge" : "host";
  const own = { starts, runtime, daemon: isManaged, network, imageAt: "disk", application: "web-server" };
  return { ...setting, parameters: { ...Object.fromEntries(defaults), ...setting.parameters, ...own } };
}
