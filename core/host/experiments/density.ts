/**
 * How many instances fit on a host: more and more are started, each with its requests, until memory gives out, or the
 * processors do, or requests are late. Whether an instance fits is found to a few percent: they are started in batches, and
 * after each the host is watched for a while.
 *
 * Starting is not what is measured: an instance is there at once, with the memory that a running one has.
 */
import type { ParameterSpecs } from "../../util/parameters.js";
import type { HostValues } from "../metrics.js";
import {
  APPLICATION_PARAMETER,
  type Experiment,
  type ExperimentSetting,
  HOST_PARAMETERS,
  SHARING_PARAMETERS,
} from "./experiment.js";
import { FLEET_PARAMETERS, Fleet, fleetRefusal } from "./fleet.js";
import type { Window } from "./values.js";

const PARAMETERS = {
  ...APPLICATION_PARAMETER,
  ...HOST_PARAMETERS,
  ...SHARING_PARAMETERS,
  ...FLEET_PARAMETERS,
  most: {
    kind: "count",
    default: { tiny: 400, small: 16_000, full: 20_000 },
    minimum: 1,
    description: "Instances to try at the most.",
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

type Limit = "memory" | "cpu" | "disk" | "objective" | "none";

export const DENSITY: Experiment = {
  name: "host/density",
  title: "Density",
  description: "Instances are added to a host until memory, processors or the service objective give out.",
  source: "claim con-1; Manco et al., SOSP 2017, figures 13 and 14; Li et al., ATC 2022",
  parameters: PARAMETERS,
  refusal: (setting) => fleetRefusal(setting, 1),
  run: (setting) => new Density(setting).run(),
};

class Density {
  private readonly fleet: Fleet;
  private best: HostValues = { instances: 0 };

  constructor(private readonly setting: ExperimentSetting) {
    this.fleet = new Fleet(setting);
  }

  run(): HostValues {
    const { fleet } = this;
    const { instances } = fleet;
    const { most, watch } = this.setting.parameters as { most: number; watch: number };
    let limit: Limit = "none";
    while (limit === "none" && instances.length < most) {
      const batch = Math.min(most - instances.length, Math.max(1, Math.floor(instances.length * BATCH)));
      const before = instances.length;
      for (let i = 0; i < batch && limit === "none"; i++) if (!this.add()) limit = "memory";
      if (instances.length === before) break;
      const { window, values } = fleet.watch(watch);
      const reached = this.limitOf(window);
      if (reached === "none") this.best = values;
      else limit = reached;
    }
    return { ...this.best, limit };
  }

  /** Starts another instance. False when it does not fit, even after equal pages have been shared. */
  private add(): boolean {
    if (this.fleet.add()) return true;
    if (this.setting.parameters["sharing"] !== true) return false;
    this.fleet.shareAll();
    return this.fleet.add();
  }

  private limitOf(window: Window): Limit {
    const { meter, host } = this.fleet;
    if (meter.failures > 0) return "memory";
    const isIdle = window.share("idle") >= LEAST_IDLE;
    if (isIdle && meter.lateShare <= LATE) return "none";
    // Pages that come and go keep processors and disk busy; what is short is memory.
    if (meter.pageWaits > MOST_PAGE_WAITS * meter.requests) return "memory";
    if (!isIdle) return "cpu";
    return host.disk.queued > 0 ? "disk" : "objective";
  }
}
