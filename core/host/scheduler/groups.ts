/**
 * The tree of groups: shares of the processors among siblings, and quotas (Linux Documentation/scheduler/sched-bwc.rst,
 * cgroup-v2.rst "CPU"). A group's share counts only while somebody in it wants to run, and is divided among those who do.
 * A quota is a pool of time that is filled each period; running threads take it in grants, and wait when it is empty.
 */
import { invariant, UserError } from "../../util/errors.js";
import { type GroupId, type GroupSpec, ROOT_GROUP } from "../contracts.js";

/** Weight of a thread, and of a group that says nothing: nice 0 (kernel/sched/core.c, sched_prio_to_weight). */
export const NICE_0 = 1024;

/** cpu.max's period when none is given: 100 ms. */
const DEFAULT_PERIOD = 100_000_000;

export interface Group {
  readonly parent: Group | undefined;
  readonly weight: number;
  /** Time of each period, ns; Infinity without a quota. */
  readonly quota: number;
  readonly period: number;
  /** By processor, 1 where it may run; undefined: everywhere. */
  readonly allowed: Uint8Array | undefined;
  /** Sum of the weights of what wants to run directly in it: threads and groups. */
  active: number;
  /** Of the quota, what is left in this period; how much was taken since it began. */
  left: number;
  taken: number;
  isTimed: boolean;
  /** Threads that wait for the next period. */
  readonly throttled: number[];
  /** Work done, ns, those below included. */
  used: number;
  children: number;
}

export class Groups {
  private readonly groups: (Group | undefined)[];

  constructor(private readonly processors: number) {
    const root = {
      parent: undefined,
      weight: NICE_0,
      quota: Number.POSITIVE_INFINITY,
      period: DEFAULT_PERIOD,
    };
    this.groups = [{ ...root, allowed: undefined, ...fresh(Number.POSITIVE_INFINITY) }];
  }

  get(group: GroupId): Group {
    const found = this.groups[group];
    invariant(found !== undefined, "the group exists", () => group);
    return found;
  }

  /** @throws UserError for a share or quota that makes no sense on this host */
  add({
    parent = ROOT_GROUP,
    weight = NICE_0,
    quota,
    period = DEFAULT_PERIOD,
    processors,
  }: GroupSpec): GroupId {
    const above = this.get(parent);
    this.check(weight, quota, period, processors);
    const time = quota === undefined ? Number.POSITIVE_INFINITY : quota * period;
    const allowed = processors === undefined ? above.allowed : this.mask(processors, above.allowed);
    above.children++;
    return this.groups.push({ parent: above, weight, quota: time, period, allowed, ...fresh(time) }) - 1;
  }

  remove(group: GroupId): void {
    const found = this.get(group);
    invariant(found.active === 0 && found.children === 0, "a group goes when nobody is in it", () => group);
    found.parent!.children--;
    this.groups[group] = undefined;
  }

  /** Something that weighs so much wants to run in a group, or (negative) no longer does. */
  activate(group: Group, weight: number): void {
    let change = weight;
    for (let at: Group | undefined = group; at !== undefined; at = at.parent) {
      const was = at.active;
      at.active += change;
      if (weight > 0 ? was > 0 : at.active > 0) return;
      change = weight > 0 ? at.weight : -at.weight;
    }
  }

  private check(
    weight: number,
    quota: number | undefined,
    period: number,
    processors?: readonly number[],
  ): void {
    if (!(weight > 0))
      throw new UserError(`a share of ${weight} is not a positive number`, { mend: "give at least 1" });
    if (quota !== undefined && !(quota > 0 && quota <= this.processors))
      throw new UserError(`a quota of ${quota} processors does not fit a host with ${this.processors}`, {
        mend: `give more than 0 and at most ${this.processors}`,
      });
    if (!(period >= 1_000_000))
      // the kernel's least, 1 ms (kernel/sched/core.c, min_cfs_quota_period)
      throw new UserError(`a period of ${period} ns is shorter than 1 ms`, { mend: "give at least 1 ms" });
    const missing = processors?.find((processor) => !(processor >= 0 && processor < this.processors));
    if (missing !== undefined)
      throw new UserError(`there is no processor ${missing}`, {
        mend: `the host's are 0 to ${this.processors - 1}`,
      });
  }

  private mask(processors: readonly number[], above: Uint8Array | undefined): Uint8Array {
    const allowed = new Uint8Array(this.processors);
    for (const processor of processors)
      if (above === undefined || above[processor] === 1) allowed[processor] = 1;
    if (!allowed.includes(1))
      throw new UserError(`none of the processors ${processors.join(", ")} is the group's to use`, {
        mend: "take some of those that its parent may use",
      });
    return allowed;
  }
}

function fresh(left: number): Omit<Group, "parent" | "weight" | "quota" | "period" | "allowed"> {
  return { active: 0, left, taken: 0, isTimed: false, throttled: [], used: 0, children: 0 };
}
