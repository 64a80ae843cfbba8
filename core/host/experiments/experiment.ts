/**
 * What an experiment with a host is: parameters declared once, and a function of its setting that gives the values of a row.
 * Like a workload of the machine it knows nothing of scenarios.
 */
import type { CpuProfile } from "../../events/profile.js";
import { UserError } from "../../util/errors.js";
import type { ParameterSpecs, ParameterValue } from "../../util/parameters.js";
import { formatBytes, GIB } from "../../util/units.js";
import { APPLICATION_NAMES, type Application, findApplication } from "../applications/index.js";
import { DISK_NAMES, type DiskName } from "../disks.js";
import { HOST_SOFTWARE, Host, type SchedulerName, type SharingOptions } from "../host.js";
import type { Technology } from "../instances/technology.js";
import type { HostValues } from "../metrics.js";

export interface ExperimentSetting {
  readonly technology: Technology;
  readonly profile: CpuProfile;
  /** Of the host, bytes; 0: what the experiment takes when nobody says. */
  readonly memory: number;
  /** Guests are backed by 2 MiB pages. */
  readonly isHuge: boolean;
  readonly seed: number;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
}

export interface Experiment {
  /** `host/density`. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly source: string;
  readonly parameters: ParameterSpecs;
  /** Why a setting makes no sense on any host; undefined when it does. Known without running it. */
  refusal?(setting: ExperimentSetting): string | undefined;
  /** @throws UserError for a setting that makes no sense, UnsupportedError for one that does not exist */
  run(setting: ExperimentSetting): HostValues;
}

/** Parameters of every host. */
export const HOST_PARAMETERS = {
  processors: {
    kind: "count",
    default: 16,
    minimum: 1,
    maximum: 1024,
    description: "Hardware threads of the host.",
  },
  threadsPerCore: {
    kind: "number-choice",
    default: 2,
    choices: [1, 2],
    description: "Hardware threads of a core.",
  },
  scheduler: {
    kind: "choice",
    default: "fair",
    choices: ["fair", "credit"],
    description: "fair: Linux's CFS; credit: Xen's credit scheduler.",
  },
  storage: {
    kind: "choice",
    default: "nvme",
    choices: DISK_NAMES,
    description: "The host's disk, for page-ins, swap and requests.",
  },
  swap: { kind: "bytes", default: 0, description: "Swap on the disk; 0 is none." },
  linkBandwidth: {
    kind: "number",
    default: 1.25e9,
    minimum: 1000,
    description: "Of the host's network interface, bytes a second; 10 Gb/s.",
  },
} as const satisfies ParameterSpecs;

/** Parameters of content sharing. */
export const SHARING_PARAMETERS = {
  sharing: {
    kind: "boolean",
    default: false,
    description: "Look for equal pages of guests and share them (KSM).",
  },
  pagesToScan: {
    kind: "count",
    default: 2500,
    minimum: 1,
    description:
      "Pages that the scanner looks at before it sleeps for 20 ms (pages_to_scan; the kernel's default is 100).",
  },
} as const satisfies ParameterSpecs;

export const APPLICATION_PARAMETER = {
  application: {
    kind: "choice",
    default: "web-server",
    choices: APPLICATION_NAMES,
    description: "What the instances run.",
  },
} as const satisfies ParameterSpecs;

const DEFAULT_MEMORY = 64 * GIB;
/** KSM's sleep_millisecs. */
const SCAN_SLEEP = 20_000_000;

/** Memory of a setting's host, bytes. */
export function memoryOf({ memory }: ExperimentSetting): number {
  return memory === 0 ? DEFAULT_MEMORY : memory;
}

/** The host of a setting. @throws UserError for one whose own software does not fit */
export function hostOf(setting: ExperimentSetting): Host {
  const { profile, parameters } = setting;
  const bytes = memoryOf(setting);
  const { kernel, services } = HOST_SOFTWARE;
  const least = kernel.value + services.value;
  if (bytes < 2 * least)
    throw new UserError(
      `a host with ${formatBytes(bytes)} has no room beside its own ${formatBytes(least)}`,
      {
        mend: `give it at least ${formatBytes(2 * least)} (machine.memory)`,
      },
    );
  return new Host({
    profile,
    memory: bytes,
    swap: parameters["swap"] as number,
    processors: parameters["processors"] as number,
    threadsPerCore: parameters["threadsPerCore"] as 1 | 2,
    scheduler: parameters["scheduler"] as SchedulerName,
    disk: parameters["storage"] as DiskName,
    linkBandwidth: parameters["linkBandwidth"] as number,
    sharing: sharingOf(parameters),
  });
}

/** The application of a setting. */
export function applicationOf({ parameters }: ExperimentSetting): Application {
  return findApplication(parameters["application"] as string)!;
}

/** Why so many instances can never fit, whatever is shared: not even their applications' private memory does. */
export function tooLarge(setting: ExperimentSetting, instances: number): string | undefined {
  const { parameters, technology } = setting;
  const { hot, warm, cold } = applicationOf(setting).memory;
  const each = hot.value + warm.value + cold.value + technology.kernel.value;
  const { kernel, services } = HOST_SOFTWARE;
  const room = memoryOf(setting) - kernel.value - services.value;
  const swap = parameters["swap"] as number;
  if (instances * each <= room + swap) return undefined;
  const what = instances === 1 ? "an instance" : `${instances.toLocaleString("en")} instances`;
  return `${what} of ${String(parameters["application"])} can never fit: ${formatBytes(Math.ceil(instances * each))} of private memory, and the host has ${formatBytes(Math.max(0, room + swap))} for it`;
}

function sharingOf(parameters: ExperimentSetting["parameters"]): SharingOptions | undefined {
  if (parameters["sharing"] !== true) return undefined;
  return { pagesToScan: parameters["pagesToScan"] as number, sleep: SCAN_SLEEP };
}
