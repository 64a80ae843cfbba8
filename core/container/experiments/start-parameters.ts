/** What a start can be asked with: parameters of all experiments in which instances start. */
import type { ExperimentSetting } from "../../host/experiments/experiment.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { IMAGE_NAMES } from "../images/catalogue.js";
import { type ContainerRuntime, findRuntime, RUNTIME_NAMES } from "../start/runtimes.js";
import { DRIVER_NAMES } from "../storage/drivers.js";

export const START_PARAMETERS = {
  starts: {
    kind: "count",
    default: 1,
    minimum: 1,
    maximum: 10_000,
    description: "Instances that start.",
  },
  atOnce: {
    kind: "count",
    default: 0,
    maximum: 10_000,
    description: "How many starts are under way at the most: as one is done the next begins. 0: all at once.",
  },
  image: {
    kind: "choice",
    default: "median",
    choices: IMAGE_NAMES,
    description: "What they run; virtlab describe host/start-time names them.",
  },
  imageAt: {
    kind: "choice",
    default: "disk",
    choices: ["registry", "disk", "memory"],
    description:
      "Where the image is: registry, from which it has to be pulled; the host's disk; its page cache.",
  },
  driver: {
    kind: "choice",
    default: "overlay",
    choices: DRIVER_NAMES,
    description: "Storage driver of containers.",
  },
  runtime: {
    kind: "choice",
    default: "own",
    choices: ["own", ...RUNTIME_NAMES],
    description: `Runtime of containers: ${RUNTIME_NAMES.join(", ")}; own: runc's, or the sandbox's.`,
  },
  daemon: {
    kind: "boolean",
    default: true,
    description:
      "A client and a daemon start containers, as Docker's do; else the runtime is called by itself.",
  },
  network: {
    kind: "choice",
    default: "bridge",
    choices: ["bridge", "host"],
    description: "bridge: an interface of its own on a bridge with NAT; host: the host's.",
  },
  from: {
    kind: "choice",
    default: "boot",
    choices: ["boot", "snapshot", "zygote"],
    description:
      "Guests are booted, or restored from a snapshot whose memory they share; containers' programs are executed, or forked from one that has been set up (a zygote), whose memory they share.",
  },
  pod: {
    kind: "boolean",
    default: false,
    description:
      "A sandbox container with the network comes before each container, as Kubernetes' runtime interface (CRI) has it.",
  },
  runtimeAt: {
    kind: "choice",
    default: "memory",
    choices: ["memory", "disk"],
    description:
      "Where the runtime's program is: in the page cache, as after other starts, or on disk, as after caches were dropped.",
  },
  removed: {
    kind: "boolean",
    default: false,
    description:
      "The runtime is called three times, to create, start and delete a container, and all of it is timed. Without a daemon and a network of its own.",
  },
  present: {
    kind: "count",
    default: 0,
    maximum: 10_000,
    description: "Containers that the host has already: creating a network takes longer for each.",
  },
  registryBandwidth: {
    kind: "number",
    default: 50e6,
    minimum: 1000,
    description: "Of the link to the registry, bytes a second.",
  },
  registryLatency: { kind: "number", default: 20, minimum: 0, description: "To the registry, one way, ms." },
  unpackRate: {
    kind: "number",
    default: 80e6,
    minimum: 1000,
    description: "Bytes of files that are unpacked in a second.",
  },
} as const satisfies ParameterSpecs;

const PLAIN_CONTAINER = "container";
const OF_CONTAINERS = ["driver", "runtime", "daemon", "pod", "runtimeAt", "removed", "present"] as const;

/** Why these make no sense together. */
export function startRefusal({ technology, parameters }: ExperimentSetting): string | undefined {
  const { name, guest, isContainer } = technology;
  const own = START_PARAMETERS.runtime.default;
  if (!isContainer) {
    const odd = OF_CONTAINERS.find((each) => parameters[each] !== START_PARAMETERS[each].default);
    if (odd !== undefined) return `${odd} ${parameters[odd]} is for containers, which ${name} is not`;
  }
  if (isContainer && name !== PLAIN_CONTAINER && parameters["runtime"] !== own)
    return `${name} has a runtime of its own, and ${parameters["runtime"]} is another`;
  if (parameters["removed"] === true && (parameters["daemon"] === true || parameters["network"] !== "host"))
    return "what a daemon and a network of its own take to be removed is not modelled: removed needs daemon: false and network: host";
  if (parameters["from"] === "zygote" && name !== PLAIN_CONTAINER)
    return `a ${name} forks from no zygote: its program is not one of the host's kernel, or has no container`;
  if (guest === undefined && parameters["from"] === "snapshot")
    return `a ${name} has no guest whose snapshot could be restored`;
  return undefined;
}

/** What starts a container of a setting. */
export function runtimeOf({ technology, parameters }: ExperimentSetting): ContainerRuntime {
  const chosen = parameters["runtime"] as string;
  const own = technology.name === PLAIN_CONTAINER || !technology.isContainer ? "runc" : technology.name;
  return findRuntime(chosen === START_PARAMETERS.runtime.default ? own : chosen)!;
}
