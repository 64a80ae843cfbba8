/**
 * How many instances fit on a host: more and more are started, each with its requests, until memory gives out, or the
 * processors do, or requests are late. Whether an instance fits is found to a few percent: they are started in batches, and
 * after each the host is watched for a while.
 *
 * Starting is not what is measured: an instance is there at once, with the memory that a running one has.
 */
import type { ParameterSpecs } from "../../util/parameters.js";
import { Random } from "../../util/random.js";
import type { Host } from "../host.js";
import { Instance } from "../instances/instance.js";
import { Load } from "../load.js";
import { RequestMeter } from "../meter.js";
import type { HostValues } from "../metrics.js";
import {
  APPLICATION_PARAMETER,
  applicationOf,
  type Experiment,
  type ExperimentSetting,
  HOST_PARAMETERS,
  hostOf,
  SHARING_PARAMETERS,
} from "./experiment.js";
import { memoryValues, Window } from "./values.js";

const PARAMETERS = {
  ...APPLICATION_PARAMETER,
  ...HOST_PARAMETERS,
  ...SHARING_PARAMETERS,
  most: {
    kind: "count",
    default: { tiny: 400, small: 4000, full: 20_000 },
    minimum: 1,
    description: "Instances to try at the most.",
  },
  images: {
    kind: "count",
    default: 1,
    minimum: 1,
    description: "Different images among the instances; those of one image have equal files and kernels.",
  },
  rate: {
    kind: "number",
    default: 0,
    minimum: 0,
    description: "Requests a second of each instance; 0: the application's own.",
  },
  watch: {
    kind: "number",
    default: { tiny: 0.5, small: 1, full: 4 },
    minimum: 0.01,
    description: "Seconds for which the host is watched after each batch.",
  },
} as const satisfies ParameterSpecs;

/** A batch is this part of what runs already. */
const BATCH = 1 / 32;
/** Requests that may be late: the objective is a 99th percentile. */
const LATE = 0.01;
/** Less idle time than this, and the processors are what gives out. */
const LEAST_IDLE = 0.03;
/** Where so many requests have to wait for pages, memory is what gave out. */
const MOST_PAGE_WAITS = 0.05;
const SECOND = 1e9;

type Limit = "memory" | "cpu" | "disk" | "objective" | "none";

export const DENSITY: Experiment = {
  name: "host/density",
  title: "Density",
  description: "Instances are added to a host until memory, processors or the service objective give out.",
  source: "claim con-1; Manco et al., SOSP 2017, figures 13 and 14; Li et al., ATC 2022",
  parameters: PARAMETERS,
  run: (setting) => new Density(setting).run(),
};

class Density {
  private readonly host: Host;
  private readonly meter: RequestMeter;
  private readonly random: Random;
  private readonly baseFrames: number;
  private readonly instances: Instance[] = [];
  private best: HostValues;

  constructor(private readonly setting: ExperimentSetting) {
    this.host = hostOf(setting);
    this.meter = new RequestMeter(applicationOf(setting).objective.value);
    this.random = new Random(setting.seed).fork("density");
    this.baseFrames = this.host.memory.framesTotal - this.host.memory.framesFree;
    this.best = memoryValues(this.host, 0, this.baseFrames);
  }

  run(): HostValues {
    const most = this.setting.parameters["most"] as number;
    let limit: Limit = "none";
    while (limit === "none" && this.instances.length < most) {
      const batch = Math.min(
        most - this.instances.length,
        Math.max(1, Math.floor(this.instances.length * BATCH)),
      );
      const before = this.instances.length;
      for (let i = 0; i < batch && limit === "none"; i++) if (!this.add()) limit = "memory";
      if (this.instances.length === before) break;
      const watched = this.watch();
      if (watched.limit === "none") this.best = watched.values;
      else limit = watched.limit;
    }
    return { ...this.best, limit };
  }

  /** Starts another instance. False when it does not fit into memory, even after equal pages have been shared. */
  private add(): boolean {
    const instance = this.build();
    if (instance !== undefined) {
      this.accept(instance);
      return true;
    }
    if (this.setting.parameters["sharing"] !== true) return false;
    this.shareAll();
    const second = this.build();
    if (second !== undefined) this.accept(second);
    return second !== undefined;
  }

  private build(): Instance | undefined {
    const { host, setting } = this;
    const { sharing, images } = setting.parameters;
    const instance = new Instance(host, applicationOf(setting), setting.technology, {
      image: this.instances.length % (images as number),
      isMergeable: sharing === true,
      isHuge: setting.isHuge,
      group: {},
    });
    host.flushSwap();
    if (instance.isComplete) return instance;
    instance.stop();
    return undefined;
  }

  private accept(instance: Instance): void {
    const index = this.instances.push(instance);
    const rate = this.setting.parameters["rate"] as number;
    new Load(this.host, instance, this.random.fork(`instance ${index}`), this.meter, { rate });
  }

  /** In a steady state the scanner has been everywhere: two rounds, at once. */
  private shareAll(): void {
    const { memory, scanner } = this.host;
    for (let round = 0; round < 2; round++) scanner.scan(memory.framesTotal);
  }

  private watch(): { limit: Limit; values: HostValues } {
    const { host, meter } = this;
    const watch = (this.setting.parameters["watch"] as number) * SECOND;
    host.clock.runUntil(host.clock.now + watch / 4);
    meter.reset();
    const window = new Window(host);
    host.clock.runUntil(host.clock.now + watch);
    const values = {
      ...memoryValues(host, this.instances.length, this.baseFrames),
      ...window.values(meter),
    };
    return { limit: this.limitOf(window), values };
  }

  private limitOf(window: Window): Limit {
    const { meter, host } = this;
    if (meter.failures > 0) return "memory";
    const isIdle = window.share("idle") >= LEAST_IDLE;
    if (isIdle && meter.lateShare <= LATE) return "none";
    // Pages that come and go keep processors and disk busy; what is short is memory.
    if (meter.pageWaits > MOST_PAGE_WAITS * meter.requests) return "memory";
    if (!isIdle) return "cpu";
    return host.disk.queued > 0 ? "disk" : "objective";
  }
}
