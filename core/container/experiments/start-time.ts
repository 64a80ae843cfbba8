/** How long instances take to start, by phases: one or a thousand at once, with the image on the host or not. */
import { APPLICATION_NAMES } from "../../host/applications/index.js";
import {
  applicationOf,
  type Experiment,
  type ExperimentSetting,
  HOST_PARAMETERS,
  hostOf,
} from "../../host/experiments/experiment.js";
import { memoryValues } from "../../host/experiments/values.js";
import { type Host, pagesOf } from "../../host/host.js";
import { Instance } from "../../host/instances/instance.js";
import type { HostValues } from "../../host/metrics.js";
import { MS, SECOND } from "../../host/time.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { imageOf } from "../images/catalogue.js";
import { ImageFetch } from "../start/fetch.js";
import { START_PHASES } from "../start/phases.js";
import { runtimeFile, stepsOf } from "../start/recipe.js";
import { Starter } from "../start/starter.js";
import { findDriver } from "../storage/drivers.js";
import { runtimeOf, START_PARAMETERS, startRefusal } from "./start-parameters.js";

const PARAMETERS = {
  ...START_PARAMETERS,
  application: {
    kind: "choice",
    default: "idle",
    choices: APPLICATION_NAMES,
    description: "What the instances run.",
  },
  ...HOST_PARAMETERS,
} as const satisfies ParameterSpecs;

export const START_TIME: Experiment = {
  name: "host/start-time",
  title: "Start",
  description:
    "Instances are started, all at once; the time of each phase is measured until their application is ready.",
  source:
    "claims con-2 and con-7; Manco et al., SOSP 2017; Agache et al., NSDI 2020; Mohan et al., HotCloud 2019",
  parameters: PARAMETERS,
  refusal: startRefusal,
  run: startTimes,
};

/** Starts all instances of a setting on a host of its own. */
export function startTimes(setting: ExperimentSetting): HostValues {
  const host = hostOf(setting);
  const { parameters } = setting;
  const base = host.memory.framesUsed;
  const isInMemory = parameters["imageAt"] === "memory";
  if (isInMemory) runStarts(host, { ...setting, parameters: { ...parameters, starts: 1 } }, false, 0);
  if (setting.technology.isContainer) placeRuntime(host, setting);
  const readBefore = host.disk.served.readBytes;
  const begun = host.clock.now;
  const first = isInMemory ? 1 : 0;
  const { starter, fetch, running } = runStarts(host, setting, parameters["imageAt"] === "registry", first);
  const { times, phases } = starter;
  const mean = (sum: number): number => sum / Math.max(1, times.length);
  const ordered = [...times].sort((a, b) => a - b);
  return {
    ...memoryValues(host, running, base),
    start_time: mean(times.reduce((sum, time) => sum + time, 0)),
    start_p99: ordered[Math.ceil(ordered.length * 0.99) - 1] ?? "",
    start_rate: (times.length / Math.max(1, host.clock.now - begun)) * SECOND,
    ...Object.fromEntries(START_PHASES.map(({ name }) => [`start_${name}`, mean(phases.get(name) ?? 0)])),
    downloaded_bytes: fetch.downloadedBytes,
    disk_read_bytes: host.disk.served.readBytes - readBefore,
  };
}

/** The runtime's program is in the page cache, as after other starts, or not, as after caches were dropped. */
function placeRuntime(host: Host, setting: ExperimentSetting): void {
  const { name, binary } = runtimeOf(setting);
  const file = host.file(runtimeFile(name), binary.value);
  const pages = pagesOf(binary.value);
  if (setting.parameters["runtimeAt"] === "memory") host.memory.touch(file, 0, pages, false);
  else host.memory.release(file, 0, pages);
}

function runStarts(
  host: Host,
  setting: ExperimentSetting,
  isCold: boolean,
  firstIndex: number,
): { starter: Starter; fetch: ImageFetch; running: number } {
  const { technology, parameters, seed } = setting;
  const image = imageOf(parameters["image"] as string, seed);
  const fetch = new ImageFetch(host, image.layers, {
    bandwidth: parameters["registryBandwidth"] as number,
    latency: (parameters["registryLatency"] as number) * MS,
    unpackRate: parameters["unpackRate"] as number,
  });
  const starter = new Starter(host, fetch, parameters["present"] as number);
  const application = applicationOf(setting);
  const count = parameters["starts"] as number;
  const atOnce = (parameters["atOnce"] as number) === 0 ? count : (parameters["atOnce"] as number);
  let running = 0;
  let begun = 0;
  let waiting = count;
  const begin = (): void => {
    if (begun === count) return;
    const index = firstIndex + begun++;
    const steps = stepsOf({
      technology,
      application,
      image,
      driver: findDriver(parameters["driver"] as string)!,
      runtime: runtimeOf(setting),
      network: parameters["network"] as "bridge" | "host",
      isManaged: parameters["daemon"] === true,
      from: parameters["from"] as "boot" | "snapshot" | "zygote",
      isPod: parameters["pod"] === true,
      isRemoved: parameters["removed"] === true,
      isCold,
      index,
    });
    starter.begin(host.memory.addOwner(), steps, () => {
      waiting--;
      const { from } = parameters;
      const isRestored = from === "snapshot";
      const isForked = from === "zygote";
      const options = { image: 0, isMergeable: false, isHuge: setting.isHuge, isRestored, isForked };
      const instance = new Instance(host, application, technology, options);
      if (instance.isComplete && parameters["removed"] !== true) running++;
      else instance.stop();
      begin();
    });
  };
  for (let i = 0; i < atOnce; i++) begin();
  while (waiting > 0) host.clock.step();
  return { starter, fetch, running };
}
