/**
 * A victim beside a hog on a small host. The hog starts after a while; what the victim's clients see is measured second by
 * second, or over all the time that the hog runs. How much the two are kept apart is chosen: not at all (threads in one group, as
 * processes of one user), in groups of equal shares (as containers are started by default, and VMs by their manager), or with
 * limits on the hog's processors, memory and disk.
 *
 * A VM bounds its hog by itself: it has so many virtual processors, and so much memory.
 */
import type { ParameterSpecs } from "../../util/parameters.js";
import { Random } from "../../util/random.js";
import { GIB } from "../../util/units.js";
import { type GroupSpec, PAGE_BYTES, ROOT_GROUP } from "../contracts.js";
import { diskOptions } from "../disks.js";
import { Instance } from "../instances/instance.js";
import { Load } from "../load.js";
import { RequestMeter } from "../meter.js";
import type { HostValues } from "../metrics.js";
import { SECOND } from "../time.js";
import {
  APPLICATION_PARAMETER,
  applicationOf,
  type Experiment,
  type ExperimentSetting,
  HOST_PARAMETERS,
  hostOf,
  tooLarge,
} from "./experiment.js";
import { type HogPlace, hogDisk, hogProcessors, MemoryHog } from "./hogs.js";
import { memoryValues, Window } from "./values.js";

const PARAMETERS = {
  ...APPLICATION_PARAMETER,
  ...HOST_PARAMETERS,
  rate: {
    kind: "number",
    default: 50,
    minimum: 0,
    description: "Requests a second of the victim; 0: the application's own.",
  },
  hog: {
    kind: "choice",
    default: "cpu",
    choices: ["none", "cpu", "memory", "disk"],
    description: "What the neighbour takes.",
  },
  control: {
    kind: "choice",
    default: "groups",
    choices: ["none", "groups", "limits"],
    description:
      "none: all threads side by side; groups: equal shares for victim and hog; limits: the hog has a quota, a memory limit and a share of the disk besides.",
  },
  virtualProcessors: { kind: "count", default: 2, minimum: 1, description: "Of the hog, where it is a VM." },
  virtualMemory: { kind: "bytes", default: 2 * GIB, description: "Of the hog, where it is a VM." },
  from: {
    kind: "number",
    default: 0,
    minimum: 0,
    description: "Second at which the measurement begins; the hog begins at 3.",
  },
  watch: { kind: "number", default: 10, minimum: 0.1, description: "Seconds of the measurement." },
} as const satisfies ParameterSpecs;

/** When the hog begins. */
const HOG_BEGINS = 3 * SECOND;
/** Threads of an unbounded processor hog, for each processor. */
const HOG_THREADS = 4;
/** What limits leave to a hog: of the processors, of the memory, of the disk's bandwidth. */
const HOG_SHARE = 0.25;
/** io.weight of a victim where there are limits; the hog's is the default of 100. */
const VICTIM_WEIGHT = 1000;
/** What a memory hog wants: more than there is. */
const HOG_MEMORY = 1.5;

export const NOISY_NEIGHBOUR: Experiment = {
  name: "host/noisy-neighbour",
  title: "Noisy neighbour",
  description:
    "A victim serves requests beside a neighbour that takes all the processors, memory or disk that it can get.",
  source: "claims con-5 and ops-2; Linux Documentation/admin-guide/cgroup-v2.rst",
  parameters: PARAMETERS,
  refusal: (setting) => tooLarge(setting, 1),
  run: watchVictim,
};

function watchVictim(setting: ExperimentSetting): HostValues {
  const { control, hog, from, watch, rate } = setting.parameters as Record<string, string | number>;
  const host = hostOf(setting);
  const base = host.memory.framesUsed;
  const application = applicationOf(setting);
  const meter = new RequestMeter(application.objective.value);
  const victim = new Instance(host, application, setting.technology, {
    image: 0,
    isMergeable: false,
    isHuge: setting.isHuge,
    ...(control === "none" ? {} : { group: {} }),
  });
  if (control === "limits") host.disk.weigh(victim.owner, VICTIM_WEIGHT);
  new Load(host, victim, new Random(setting.seed).fork("victim"), meter, { rate: Number(rate) });
  let memoryHog: MemoryHog | undefined;
  const begin = (): void => {
    memoryHog = startHog(placeOf(setting, victim), setting, String(hog));
  };
  if (hog !== "none") host.clock.at(HOG_BEGINS, begin);
  host.clock.runUntil(Number(from) * SECOND);
  meter.reset();
  const window = new Window(host);
  host.clock.runUntil((Number(from) + Number(watch)) * SECOND);
  return {
    ...memoryValues(host, 2, base),
    ...window.values(meter),
    limit: "none",
    victim_cpu_share: host.scheduler.usedBy(victim.group) / (host.scheduler.processors * host.clock.now),
    oom_kills: memoryHog?.kills ?? 0,
  };
}

/** The hog's group and owner, with what they may have. */
function placeOf(setting: ExperimentSetting, { host, owner: victim }: Instance): HogPlace {
  const { control, processors } = setting.parameters as { control: string; processors: number };
  const { memory, scheduler, disk, options } = host;
  const owner = memory.addOwner();
  const isGuest = setting.technology.guest !== undefined;
  // Without an I/O controller requests are served as they come: one queue for both.
  if (control === "none") return { host, owner, queue: victim, group: ROOT_GROUP, isGuest };
  const spec: GroupSpec = control === "limits" ? { quota: processors * HOG_SHARE } : {};
  if (control === "limits") {
    // Without swap of its own: a hog that swaps would do its harm by way of the disk.
    memory.limit(owner, { maximum: Math.floor(memory.framesTotal * HOG_SHARE), swap: 0 });
    disk.throttle(owner, { bytesPerSecond: diskOptions(options.disk).readBandwidth * HOG_SHARE });
  }
  return { host, owner, queue: owner, group: scheduler.addGroup(spec), isGuest };
}

function startHog(place: HogPlace, setting: ExperimentSetting, hog: string): MemoryHog | undefined {
  const { processors, virtualProcessors, virtualMemory } = setting.parameters as Record<string, number>;
  if (hog === "disk") hogDisk(place);
  else if (hog === "cpu")
    hogProcessors(place, place.isGuest ? virtualProcessors! : HOG_THREADS * processors!);
  else {
    const all = place.host.memory.framesTotal * PAGE_BYTES * HOG_MEMORY;
    return new MemoryHog(place, place.isGuest ? virtualMemory! : all);
  }
  return undefined;
}
