/**
 * A victim beside a hog on a small host. The hog starts after a while; what the victim's clients see is measured second by
 * second, or over all the time that the hog runs. How much the two are kept apart is chosen: not at all (threads in one group, as
 * processes of one user), in groups of equal shares (as containers are started by default, and VMs by their manager), or with
 * limits on the hog's processors, memory, disk, network and processes, as control groups of version 1 or 2 have them
 * (isolation/control-groups.ts); the network's is a token bucket on the hog's interface, since no controller limits bandwidth.
 *
 * A VM bounds its hog by itself: it has so many virtual processors, and so much memory.
 */

import { PAGE_BYTES, ROOT_GROUP } from "../../host/contracts.js";
import { type DiskName, diskOptions } from "../../host/disks.js";
import {
  APPLICATION_PARAMETER,
  applicationOf,
  type Experiment,
  type ExperimentSetting,
  HOST_PARAMETERS,
  hostOf,
  memoryOf,
  tooLarge,
} from "../../host/experiments/experiment.js";
import { memoryValues, Window } from "../../host/experiments/values.js";
import { Instance } from "../../host/instances/instance.js";
import { Load } from "../../host/load.js";
import { RequestMeter } from "../../host/meter.js";
import type { HostValues } from "../../host/metrics.js";
import { SECOND } from "../../host/time.js";
import { UserError } from "../../util/errors.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { Random } from "../../util/random.js";
import { GIB } from "../../util/units.js";
import { applyLimits, checkLimits, fromLegacy, groupOf, type Limits } from "../isolation/control-groups.js";
import { ForkHog, type HogPlace, hogDisk, hogNetwork, hogProcessors, MemoryHog, WriteHog } from "./hogs.js";

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
    choices: ["none", "cpu", "memory", "disk", "write", "network", "fork"],
    description:
      "What the neighbour takes: processors; memory; the disk, by reads or by writes through the page cache; the network; processes.",
  },
  control: {
    kind: "choice",
    default: "groups",
    choices: ["none", "groups", "limits"],
    description:
      "none: all threads side by side; groups: equal shares for victim and hog; limits: the hog has a quota, a memory limit, a share of the disk and of the network, and so many processes besides.",
  },
  cgroups: {
    kind: "choice",
    default: "v2",
    choices: ["v1", "v2"],
    description: "Which version's controllers keep the limits.",
  },
  hogShare: {
    kind: "number",
    default: 0.25,
    minimum: 0.001,
    description:
      "What limits leave to the hog: of the processors, of memory, of the disk's and the network's bandwidth.",
  },
  virtualProcessors: { kind: "count", default: 2, minimum: 1, description: "Of the hog, where it is a VM." },
  virtualMemory: { kind: "bytes", default: 2 * GIB, description: "Of the hog, where it is a VM." },
  begin: {
    kind: "number",
    default: 0,
    minimum: 0,
    label: "Time, seconds",
    description: "Second at which the measurement begins; the hog begins at 3.",
  },
  watch: { kind: "number", default: 10, minimum: 0.1, description: "Seconds of the measurement." },
} as const satisfies ParameterSpecs;

/** When the hog begins. */
const HOG_BEGINS = 3 * SECOND;
/** Threads of an unbounded processor hog, for each processor. */
const HOG_THREADS = 4;
/** io.weight of a victim where there are limits, ten times the hog's; in version 1's scale, blkio.weight. */
const WEIGHTS = { victim: 1000, hog: 100 } as const;
/** pids.max of a hog where there are limits: what a service needs. */
const MOST_PROCESSES = 64;
const PERIOD = 100_000;
/** What a memory hog wants: more than there is. */
const HOG_MEMORY = 1.5;

export const NOISY_NEIGHBOUR: Experiment = {
  name: "host/noisy-neighbour",
  title: "Noisy neighbour",
  description:
    "A victim serves requests beside a neighbour that takes all the processors, memory, disk, network or processes that it can get.",
  source: "claims con-5 and ops-2; Linux, Documentation/admin-guide/cgroup-v1/ and cgroup-v2.rst",
  parameters: PARAMETERS,
  refusal: (setting) => tooLarge(setting, 1) ?? limitsRefusal(setting),
  run: watchVictim,
};

function watchVictim(setting: ExperimentSetting): HostValues {
  const { control, hog, begin, watch, rate } = setting.parameters as Record<string, string | number>;
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
  if (control === "limits") applyLimits(host, victim.owner, { ioWeight: limitsOf(setting).victim });
  new Load(host, victim, new Random(setting.seed).fork("victim"), meter, { rate: Number(rate) });
  let killable: { readonly kills: number } | undefined;
  const beginHog = (): void => {
    killable = startHog(placeOf(setting, victim), setting, String(hog));
  };
  if (hog !== "none") host.clock.at(HOG_BEGINS, beginHog);
  host.clock.runUntil(Number(begin) * SECOND);
  meter.reset();
  const window = new Window(host);
  host.clock.runUntil((Number(begin) + Number(watch)) * SECOND);
  return {
    ...memoryValues(host, 2, base),
    ...window.values(meter),
    limit: "none",
    victim_cpu_share: host.scheduler.usedBy(victim.group) / (host.scheduler.processors * host.clock.now),
    oom_kills: killable?.kills ?? 0,
  };
}

/** The hog's limits in version 2's terms, and the victim's io.weight beside it. */
function limitsOf(setting: ExperimentSetting): { hog: Limits; victim: number } {
  const { parameters } = setting;
  const { hogShare, processors } = parameters as { hogShare: number; processors: number };
  const maximum = Math.floor(memoryOf(setting) * hogShare);
  const quota = Math.round(processors * hogShare * PERIOD);
  const bandwidth = Math.floor(diskOptions(parameters["storage"] as DiskName).readBandwidth * hogShare);
  // Without swap of its own: a hog that swaps would do its harm by way of the disk.
  if (parameters["cgroups"] === "v1") {
    const hog = fromLegacy({
      quota,
      period: PERIOD,
      memory: maximum,
      memoryAndSwap: maximum,
      blockWeight: WEIGHTS.hog,
      blockBytesPerSecond: bandwidth,
      pids: MOST_PROCESSES,
    });
    return { hog, victim: fromLegacy({ blockWeight: WEIGHTS.victim }).ioWeight! };
  }
  const hog = {
    cpuQuota: quota,
    cpuPeriod: PERIOD,
    memoryMaximum: maximum,
    swapMaximum: 0,
    ioWeight: WEIGHTS.hog,
    ioBytesPerSecond: bandwidth,
    pids: MOST_PROCESSES,
  };
  return { hog, victim: WEIGHTS.victim };
}

/** Limits that no kernel takes on this host. */
function limitsRefusal(setting: ExperimentSetting): string | undefined {
  const { parameters } = setting;
  const memory = memoryOf(setting);
  if (parameters["control"] !== "limits") return undefined;
  try {
    checkLimits(limitsOf(setting).hog, { processors: parameters["processors"] as number, memory });
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `${error.message}: hogShare ${parameters["hogShare"]} leaves the hog more or less than there is`;
  }
}

/** The hog's group and owner, with what they may have. */
function placeOf(setting: ExperimentSetting, { host, owner: victim }: Instance): HogPlace {
  const { control, cgroups, hogShare } = setting.parameters as Record<string, string | number>;
  const { memory, scheduler, network, link, options } = host;
  const owner = memory.addOwner();
  const isGuest = setting.technology.guest !== undefined;
  // Without an I/O controller requests are served as they come: one queue for both.
  if (control === "none")
    return { host, owner, queue: victim, writeback: victim, path: [link], group: ROOT_GROUP, isGuest };
  // Version 1 writes pages back in the name of nobody: what it throttles is not what writes. A VM's disk is written by its monitor.
  const writeback = cgroups === "v1" && !isGuest ? host.system : owner;
  if (control === "groups")
    return { host, owner, queue: owner, writeback, path: [link], group: scheduler.addGroup({}), isGuest };
  const { hog } = limitsOf(setting);
  applyLimits(host, owner, hog);
  const bucket = network.addLink(options.linkBandwidth * Number(hogShare), 0);
  return {
    host,
    owner,
    queue: owner,
    writeback,
    path: [bucket, link],
    group: scheduler.addGroup(groupOf(hog)),
    isGuest,
  };
}

/** @returns what counts how often it was killed */
function startHog(
  place: HogPlace,
  setting: ExperimentSetting,
  hog: string,
): { readonly kills: number } | undefined {
  const { processors, virtualProcessors, virtualMemory } = setting.parameters as Record<string, number>;
  const { isGuest, host } = place;
  const isLimited = setting.parameters["control"] === "limits";
  if (hog === "disk") hogDisk(place);
  else if (hog === "network") hogNetwork(place);
  else if (hog === "write") new WriteHog(place);
  else if (hog === "cpu") hogProcessors(place, isGuest ? virtualProcessors! : HOG_THREADS * processors!);
  else if (hog === "fork" && !isGuest)
    return new ForkHog(place, isLimited ? MOST_PROCESSES : Number.POSITIVE_INFINITY);
  else {
    // A guest's processes are its own kernel's: to the host they are its virtual processors and its memory, and no more.
    if (hog === "fork") hogProcessors(place, virtualProcessors!);
    const all = host.memory.framesTotal * PAGE_BYTES * HOG_MEMORY;
    return new MemoryHog(place, isGuest ? virtualMemory! : all);
  }
  return undefined;
}
