/**
 * Many virtual CPUs on few processors: tenants that always have work, one thread each in a group of its own, as processes or as
 * virtual CPUs of guests, on cores of one or of two hardware threads. What each tenant got is held against its due; what was
 * lost goes to switching, cold caches, exits and the sibling thread. One more thread may sleep and wake, and says how long a wake-up waits.
 *
 * To the host a virtual CPU is a thread like any other (KVM: literally). It costs more to switch, and it leaves its guest for every
 * timer tick.
 */
import type { ParameterSpecs } from "../../util/parameters.js";
import { Random } from "../../util/random.js";
import type { GroupId, ThreadId } from "../contracts.js";
import type { Host } from "../host.js";
import { HOST_CONSTANTS } from "../machine-costs.js";
import { RequestMeter } from "../meter.js";
import type { HostValues } from "../metrics.js";
import { MS, SECOND } from "../time.js";
import { type Experiment, type ExperimentSetting, HOST_PARAMETERS, hostOf } from "./experiment.js";
import { Window } from "./values.js";

const PARAMETERS = {
  ...HOST_PARAMETERS,
  processors: { ...HOST_PARAMETERS.processors, default: 4 },
  threadsPerCore: { ...HOST_PARAMETERS.threadsPerCore, default: 1 },
  tasks: {
    kind: "count",
    default: 8,
    minimum: 1,
    maximum: 10_000,
    description:
      "Tenants with a thread each that always has work: processes, or guests with one virtual CPU.",
  },
  shares: {
    kind: "choice",
    default: "equal",
    choices: ["equal", "graded"],
    description: "What tenants are due: all the same, or every other one twice as much.",
  },
  sleeperWork: {
    kind: "number",
    default: 0,
    minimum: 0,
    maximum: 1000,
    description:
      "One more tenant rests and works in turn, for so many ms each time; its latencies are measured. 0: there is none.",
  },
  watch: {
    kind: "number",
    default: { tiny: 2, small: 10, full: 60 },
    minimum: 0.1,
    description: "Seconds of the measurement, after a second to settle.",
  },
} as const satisfies ParameterSpecs;

/** What a tenant's thread does before it asks again, ns: bursts differ, so that tenants do not march in step. */
const SHORTEST_BURST = 5 * MS;
const LONGEST_BURST = 50 * MS;
/** The sleeper's mean rest. */
const SLEEPER_REST = 50 * MS;
const GRADED_WEIGHTS = [1024, 2048] as const;

export const SCHEDULING: Experiment = {
  name: "host/scheduling",
  title: "Many virtual CPUs on few processors",
  description:
    "Processes or virtual CPUs that always have work share the processors of a host: what each gets, and what is lost.",
  source: "claims cpu-7 and cpu-8; Linux, kernel/sched/fair.c; Xen, xen/common/sched/credit.c",
  parameters: PARAMETERS,
  run: shareProcessors,
};

function shareProcessors(setting: ExperimentSetting): HostValues {
  const { tasks, shares, sleeperWork, watch } = setting.parameters as {
    tasks: number;
    shares: "equal" | "graded";
    sleeperWork: number;
    watch: number;
  };
  const host = hostOf(setting);
  const random = new Random(setting.seed).fork("scheduling");
  const isGuest = setting.technology.guest !== undefined;
  const weights = Array.from({ length: tasks }, (_, i) => GRADED_WEIGHTS[shares === "graded" ? i % 2 : 0]!);
  const groups = weights.map((weight, i) => busyTenant(host, weight, isGuest, random.fork(`tenant ${i}`)));
  const meter = new RequestMeter(SLEEPER_REST);
  if (sleeperWork > 0) new Sleeper(host, isGuest, sleeperWork * MS, random.fork("sleeper"), meter);
  host.clock.runUntil(SECOND);
  meter.reset();
  const window = new Window(host);
  const before = groups.map((group) => host.scheduler.usedBy(group));
  host.clock.runUntil(SECOND + watch * SECOND);
  host.scheduler.account();
  const got = groups.map((group, i) => host.scheduler.usedBy(group) - before[i]!);
  const idle = window.share("idle");
  return {
    ...window.values(meter),
    instances: tasks,
    work_processors: got.reduce((sum, work) => sum + work, 0) / window.length,
    busy_loss_share: 1 - window.share("work") / (1 - idle),
    ...fairness(got, weights),
    events: host.clock.fired,
    simulated_time: host.clock.now,
  };
}

/** A tenant whose thread asks for the next burst as soon as one is done. @returns its group */
function busyTenant({ scheduler }: Host, weight: number, isGuest: boolean, random: Random): GroupId {
  const group = scheduler.addGroup({ weight });
  const thread = scheduler.addThread({
    group,
    isGuest,
    exitRate: isGuest ? HOST_CONSTANTS.tickExits.value : 0,
  });
  const again = (): void => {
    const burst = SHORTEST_BURST + random.unit() * (LONGEST_BURST - SHORTEST_BURST);
    scheduler.run(thread, burst, again, 0);
  };
  again();
  return group;
}

/** Rests, wakes, works for so many ns, and tells the meter how long that took. */
class Sleeper {
  private readonly thread: ThreadId;
  private wokenAt = 0;

  constructor(
    private readonly host: Host,
    isGuest: boolean,
    private readonly work: number,
    private readonly random: Random,
    private readonly meter: RequestMeter,
  ) {
    this.thread = host.scheduler.addThread({ group: host.scheduler.addGroup({}), isGuest });
    this.rest();
  }

  private rest(): void {
    this.host.clock.after(2 * this.random.unit() * SLEEPER_REST, this.wake);
  }

  private readonly wake = (): void => {
    this.wokenAt = this.host.clock.now;
    this.meter.arrived();
    this.host.scheduler.run(this.thread, this.work, this.worked, 0);
  };

  private readonly worked = (): void => {
    this.meter.finished(this.host.clock.now - this.wokenAt);
    this.rest();
  };
}

/** Jain's index of what tenants got for their weight, and the worst-off one's part of its due. */
function fairness(got: readonly number[], weights: readonly number[]): HostValues {
  const each = got.map((work, i) => work / weights[i]!);
  const sum = each.reduce((total, value) => total + value, 0);
  const squares = each.reduce((total, value) => total + value * value, 0);
  return {
    fairness: sum ** 2 / (each.length * squares),
    least_due: (Math.min(...each) * each.length) / sum,
  };
}
