/** Instances of one application and technology on one host, with their requests and one meter: what most experiments begin with. */
import type { ParameterSpecs } from "../../util/parameters.js";
import { Random } from "../../util/random.js";
import { ARRIVAL_PATTERNS } from "../applications/application.js";
import type { Host } from "../host.js";
import { Instance } from "../instances/instance.js";
import { Load } from "../load.js";
import { RequestMeter } from "../meter.js";
import type { HostValues } from "../metrics.js";
import { SECOND } from "../time.js";
import { applicationOf, type ExperimentSetting, hostOf, tooLarge } from "./experiment.js";
import { memoryValues, Window } from "./values.js";

export const FLEET_PARAMETERS = {
  from: {
    kind: "choice",
    default: "boot",
    choices: ["boot", "snapshot"],
    description:
      "Guests were booted, or go on from one snapshot whose memory they share until they write it.",
  },
  images: {
    kind: "count",
    default: 1,
    minimum: 1,
    description: "Different images among the instances; those of one image have equal files and kernels.",
  },
  kaslr: {
    kind: "boolean",
    default: true,
    description:
      "Guests' kernels lie at random addresses, as Linux's do since 4.12: pages that hold addresses differ from guest to guest.",
  },
  inputs: {
    kind: "choice",
    default: "own",
    choices: ["own", "equal"],
    description:
      "What instances compute on: data of their own, or the same; of these all hold equal pages until they write them.",
  },
  rate: {
    kind: "number",
    default: 0,
    minimum: 0,
    description: "Requests a second of each instance; 0: the application's own.",
  },
  arrivals: {
    kind: "choice",
    default: "own",
    choices: ["own", ...ARRIVAL_PATTERNS],
    description:
      "How requests come: as the application has it, or at random (poisson), by a day's curve (diurnal), in bursts, or each after the one before (closed).",
  },
} as const satisfies ParameterSpecs;

/** Why so many instances of a setting make no sense on any host. */
export function fleetRefusal(setting: ExperimentSetting, instances: number): string | undefined {
  const { technology, parameters } = setting;
  if (parameters["from"] === "snapshot" && technology.guest === undefined)
    return `a ${technology.name} has no guest whose snapshot could be restored`;
  return tooLarge(setting, instances);
}

export class Fleet {
  readonly host: Host;
  readonly meter: RequestMeter;
  readonly instances: Instance[] = [];
  private readonly random: Random;
  private readonly baseFrames: number;

  constructor(private readonly setting: ExperimentSetting) {
    this.host = hostOf(setting);
    this.meter = new RequestMeter(applicationOf(setting).objective.value);
    this.random = new Random(setting.seed).fork("fleet");
    this.baseFrames = this.host.memory.framesUsed;
  }

  /** Starts another instance with its requests. False when it does not fit into memory. */
  add(): boolean {
    const { host, setting } = this;
    const { sharing, images, kaslr, inputs, rate, arrivals, cacheFill } = setting.parameters;
    const instance = new Instance(host, applicationOf(setting), setting.technology, {
      image: this.instances.length % (images as number),
      isMergeable: sharing === true,
      isHuge: setting.isHuge,
      isRestored: setting.parameters["from"] === "snapshot",
      hasFixedAddresses: kaslr === false,
      hasCommonInput: inputs === "equal",
      group: {},
      cacheFill: (cacheFill as number | undefined) ?? 0,
    });
    host.flushSwap();
    if (!instance.isComplete) {
      instance.stop();
      return false;
    }
    const index = this.instances.push(instance);
    new Load(host, instance, this.random.fork(`instance ${index}`), this.meter, {
      rate: rate as number,
      arrivals: ARRIVAL_PATTERNS.find((pattern) => pattern === arrivals),
    });
    return true;
  }

  /** The state in which the scanner has been everywhere twice, at once. */
  shareAll(): void {
    for (let round = 0; round < 2; round++) this.host.scanner.scan(this.host.memory.framesTotal);
  }

  /** Lets time pass and measures. @param seconds of the measurement, after a quarter as long to settle */
  watch(seconds: number): { readonly window: Window; readonly values: HostValues } {
    const { clock } = this.host;
    clock.runUntil(clock.now + (seconds * SECOND) / 4);
    this.meter.reset();
    const window = new Window(this.host);
    clock.runUntil(clock.now + seconds * SECOND);
    const memory = memoryValues(this.host, this.instances.length, this.baseFrames);
    return { window, values: { ...memory, ...window.values(this.meter) } };
  }
}
