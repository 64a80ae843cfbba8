/**
 * Two guests that were each promised more memory than half of what there is: one serves files from its page cache, the other has
 * touched all its memory and is idle. Who gets how much is decided by shares and a tax on idle memory; what the busy one makes of
 * it is its throughput (Waldspurger, OSDI 2002, section 5.4, figure 7). Alone, the busy one shows what a balloon costs beside a
 * guest that was made small (section 3.2, figure 2).
 *
 * A guest's kernel keeps a structure for each page that it believes to have: a balloon does not give these back.
 */
import type { ParameterSpecs } from "../../util/parameters.js";
import { Random } from "../../util/random.js";
import { formatBytes, MIB } from "../../util/units.js";
import { type AllocatedGuest, guestPages, ShareAllocation } from "../allocation.js";
import { BLOCKS, FILE_SERVER, FILE_SET, REUSED } from "../applications/file-server.js";
import { findApplication } from "../applications/index.js";
import { PAGE_BYTES } from "../contracts.js";
import { HOST_SOFTWARE, type Host, pagesOf } from "../host.js";
import { Instance } from "../instances/instance.js";
import { Load } from "../load.js";
import { RequestMeter } from "../meter.js";
import type { HostValues } from "../metrics.js";
import { SECOND } from "../time.js";
import { type Experiment, type ExperimentSetting, HOST_PARAMETERS, hostOf } from "./experiment.js";
import { memoryValues, Window } from "./values.js";

const PARAMETERS = {
  ...HOST_PARAMETERS,
  processors: { ...HOST_PARAMETERS.processors, default: 2 },
  threadsPerCore: { ...HOST_PARAMETERS.threadsPerCore, default: 1 },
  storage: { ...HOST_PARAMETERS.storage, default: "disk" },
  tax: {
    kind: "number",
    default: 0.75,
    minimum: 0,
    maximum: 0.99,
    description: "On idle memory: 0 is none, and shares alone decide; ESX Server's default is 0.75.",
  },
  configured: {
    kind: "bytes",
    default: 256 * MIB,
    minimum: MIB,
    description: "What each guest believes to have.",
  },
  available: {
    kind: "bytes",
    default: 358 * MIB,
    minimum: MIB,
    description: "What there is for all guests together.",
  },
  neighbour: {
    kind: "choice",
    default: "idle",
    choices: ["idle", "none"],
    description:
      "idle: another guest, which has touched all its memory and does nothing; none: the busy guest is alone.",
  },
  settle: {
    kind: "number",
    default: { tiny: 300, small: 300, full: 600 },
    minimum: 0,
    description: "Seconds in which memory finds its way before the measurement.",
  },
  watch: {
    kind: "number",
    default: { tiny: 20, small: 100, full: 600 },
    minimum: 1,
    description: "Seconds of the measurement.",
  },
} as const satisfies ParameterSpecs;

type Parameters = {
  readonly tax: number;
  readonly configured: number;
  readonly available: number;
  readonly neighbour: "idle" | "none";
  readonly settle: number;
  readonly watch: number;
};

export const IDLE_TAX: Experiment = {
  name: "host/idle-tax",
  title: "Idle-memory tax",
  description:
    "A busy guest and an idle one divide what memory there is by shares and a tax on idle memory; the busy one's throughput tells.",
  source: "Waldspurger, OSDI 2002, sections 3.2 and 5",
  parameters: PARAMETERS,
  refusal,
  run: divideMemory,
};

function refusal(setting: ExperimentSetting): string | undefined {
  const { technology } = setting;
  const { configured, available, neighbour } = setting.parameters as Parameters;
  if (technology.guest === undefined)
    return `a ${technology.name} is no guest, and has no memory of its own to divide`;
  const least = systemBytes(setting);
  if (configured < least)
    return `a guest of ${formatBytes(configured)} has no room for its own kernel and services of ${formatBytes(least)}: give it more (configured)`;
  const all = neighbour === "none" ? least : 2 * least;
  if (available < all)
    return `${formatBytes(available)} do not hold what cannot be taken from the guests, ${formatBytes(all)}: give them more (available)`;
  return undefined;
}

/** What of a guest is not its page cache, bytes. */
function systemBytes({ technology, parameters }: ExperimentSetting): number {
  const { kernelText, kernelData, serviceFiles, serviceData, freed } = technology.guest!;
  const { files, hot, cold } = FILE_SERVER.memory;
  const guest = kernelText.value + kernelData.value + serviceFiles.value + serviceData.value + freed.value;
  return guest + files.value + hot.value + cold.value + structures(parameters["configured"] as number);
}

/** The guest kernel's page structures, bytes. */
function structures(configured: number): number {
  return pagesOf(configured) * HOST_SOFTWARE.pageStructure.value;
}

function divideMemory(setting: ExperimentSetting): HostValues {
  const { tax, configured, available, neighbour, settle, watch } = setting.parameters as Parameters;
  const host = hostOf(setting);
  const base = host.memory.framesUsed;
  const random = new Random(setting.seed).fork("idle-tax");
  const idle = neighbour === "idle" ? [idleGuest(host, setting, random)] : [];
  // The idle guest has touched all its memory when the busy one starts, which gets what is left.
  const left = available - (idle.length > 0 ? configured : 0);
  const busy = busyGuest(host, setting, random, Math.min(configured, left));
  const guests = [...idle, busy];
  const allocation = new ShareAllocation(host, guests, pagesOf(available), tax);
  const { clock } = host;
  clock.runUntil(clock.now + settle * SECOND);
  busy.meter.reset();
  const window = new Window(host);
  clock.runUntil(clock.now + watch * SECOND);
  return {
    ...memoryValues(host, guests.length, base),
    ...window.values(busy.meter),
    busy_guest_bytes: allocation.bytesOf(busy),
    idle_guest_bytes: idle[0] === undefined ? "" : allocation.bytesOf(idle[0]),
  };
}

function idleGuest(host: Host, setting: ExperimentSetting, random: Random): AllocatedGuest {
  const application = findApplication("idle")!;
  const instance = new Instance(host, application, setting.technology, INSTANCE);
  const meter = new RequestMeter(application.objective.value);
  new Load(host, instance, random.fork("idle"), meter, { rate: 0 });
  return { ...withCache(host, instance, setting, Number.POSITIVE_INFINITY), meter };
}

/** @param bytes that it has at first, its system included */
function busyGuest(host: Host, setting: ExperimentSetting, random: Random, bytes: number): AllocatedGuest {
  const instance = new Instance(host, FILE_SERVER, setting.technology, INSTANCE);
  const meter = new RequestMeter(FILE_SERVER.objective.value);
  const guest = { ...withCache(host, instance, setting, bytes), meter };
  const cache = { area: guest.cache, pages: BLOCKS.value, reused: REUSED.value };
  new Load(host, instance, random.fork("busy"), meter, { rate: 0, cache });
  return guest;
}

const INSTANCE = { image: 0, isMergeable: false, isHuge: false, group: {} } as const;

/** Its page structures, and a page cache that holds as much of the file set as there is memory for. */
function withCache(
  host: Host,
  instance: Instance,
  { parameters }: ExperimentSetting,
  bytes: number,
): Pick<AllocatedGuest, "instance" | "cache" | "configured"> {
  const { memory } = host;
  const { owner } = instance;
  const configuredBytes = parameters["configured"] as number;
  const configured = pagesOf(configuredBytes);
  const structurePages = pagesOf(structures(configuredBytes));
  memory.touch(
    memory.addArea({ owner, kind: "guest-system", pages: structurePages }),
    0,
    structurePages,
    true,
  );
  const room = Math.max(0, Math.min(configured, Math.floor(bytes / PAGE_BYTES)) - guestPages(host, instance));
  const cache = memory.addArea({ owner, kind: "guest-system", pages: pagesOf(FILE_SET.value) });
  memory.touch(cache, 0, Math.min(room, pagesOf(FILE_SET.value)), true);
  return { instance, cache, configured };
}
