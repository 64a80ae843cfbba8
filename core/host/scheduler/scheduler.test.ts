import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GroupSpec, ThreadSpec } from "../contracts.js";
import { EventQueue } from "../event-queue.js";
import { MS, SECOND } from "../time.js";
import { creditPolicy } from "./credit.js";
import { fairPolicy } from "./fair.js";
import type { PolicyMaker } from "./policy.js";
import { HostScheduler, type SchedulerCosts } from "./scheduler.js";

const FREE: SchedulerCosts = {
  switch: 0,
  guestSwitch: 0,
  exit: 0,
  refill: 0,
  halfCold: MS,
  siblingSpeed: 0.6,
};
const COSTLY: SchedulerCosts = { ...FREE, switch: 2000, guestSwitch: 1000, exit: 1500, refill: 20_000 };
const POLICIES: [string, PolicyMaker][] = [
  ["fair", fairPolicy],
  ["credit", creditPolicy],
];

class Lab {
  readonly clock = new EventQueue();
  readonly scheduler: HostScheduler;
  private readonly ids: number[] = [];

  constructor(policy: PolicyMaker, processors: number, costs = FREE, threadsPerCore: 1 | 2 = 1) {
    this.scheduler = new HostScheduler(this.clock, { processors, threadsPerCore, policy, costs });
  }

  /** A group with threads that want to run all the time. */
  hogs(spec: GroupSpec, count: number, thread: Partial<ThreadSpec> = {}): number {
    const group = this.scheduler.addGroup(spec);
    const again = (id: number): void => this.scheduler.run(id, 7 * MS, again, id);
    for (let i = 0; i < count; i++) again(this.scheduler.addThread({ group, ...thread }));
    return group;
  }

  /** Work done by groups in a time, in processors. */
  shares(groups: readonly number[], time = 20 * SECOND): number[] {
    this.clock.runUntil(time);
    return groups.map((group) => this.scheduler.usedBy(group) / time);
  }

  /** Adds up where the processors' time went. @returns the sum over what there was */
  balance(): number {
    const times = Object.values(this.scheduler.account());
    for (const time of times) expect(time).toBeGreaterThanOrEqual(0);
    this.ids.push(0);
    return times.reduce((sum, time) => sum + time, 0) / (this.scheduler.processors * this.clock.now);
  }
}

describe.each(POLICIES)("the %s scheduler", (_name, policy) => {
  it("gives out as much time as there was, whatever happens", () => {
    const step = fc.record({
      wait: fc.integer({ min: 1, max: 20 * MS }),
      which: fc.nat(11),
      work: fc.integer({ min: 1, max: 30 * MS }),
    });
    const world = fc.record({
      processors: fc.integer({ min: 1, max: 5 }),
      quota: fc.option(fc.integer({ min: 10, max: 100 })),
      steps: fc.array(step, { minLength: 1, maxLength: 100 }),
      siblings: fc.boolean(),
    });
    fc.assert(
      fc.property(world, ({ processors, quota, steps, siblings }) => {
        const lab = new Lab(policy, processors, COSTLY, siblings ? 2 : 1);
        const { scheduler, clock } = lab;
        const limits = quota === null ? {} : { quota: quota / 100 };
        const groups = [scheduler.addGroup(limits), scheduler.addGroup({ weight: 300, processors: [0] })];
        const nested = scheduler.addGroup({ parent: groups[0]!, weight: 50 });
        const isBusy = Array.from({ length: 12 }, () => false);
        const threads = isBusy.map((_, i) =>
          scheduler.addThread({ group: [...groups, nested][i % 3]!, isGuest: i > 5, exitRate: 250 * i }),
        );
        let [asked, done] = [0, 0];
        for (const { wait, which, work } of steps) {
          if (!isBusy[which]) {
            isBusy[which] = true;
            asked += work;
            const finish = (index: number): void => {
              isBusy[index] = false;
              done += work;
            };
            scheduler.run(threads[which]!, work, finish, which);
          }
          clock.runUntil(clock.now + wait);
          expect(lab.balance()).toBeCloseTo(1, 9);
        }
        clock.runUntil(clock.now + 1000 * SECOND);
        expect(done).toBe(asked); // nobody starves
        expect(lab.balance()).toBeCloseTo(1, 9);
        const used = groups.reduce((sum, group) => sum + scheduler.usedBy(group), 0);
        expect(Math.abs(used - asked)).toBeLessThanOrEqual(steps.length); // a burst ends on a whole nanosecond
      }),
      { numRuns: 60 },
    );
  });

  it("shares by weight between groups, however many threads they have", () => {
    const lab = new Lab(policy, 2);
    const [a, b] = lab.shares([lab.hogs({ weight: 1024 }, 2), lab.hogs({ weight: 1024 }, 8)]);
    expect(a).toBeCloseTo(1, 1);
    expect(b).toBeCloseTo(1, 1);
    const other = new Lab(policy, 1);
    const [c, d] = other.shares([other.hogs({ weight: 3000 }, 1), other.hogs({ weight: 1000 }, 1)]);
    expect(c).toBeCloseTo(0.75, 1);
    expect(d).toBeCloseTo(0.25, 1);
  });

  it("holds a group to its quota, and gives the rest away", () => {
    const lab = new Lab(policy, 2);
    const [limited, free] = lab.shares([lab.hogs({ quota: 0.5, period: 100 * MS }, 3), lab.hogs({}, 2)]);
    expect(limited).toBeCloseTo(0.5, 1);
    expect(free).toBeCloseTo(1.5, 1);
    expect(lab.balance()).toBeCloseTo(1, 9);
  });

  it("runs what may run where only what is used up waits", () => {
    const lab = new Lab(policy, 2);
    const [, free] = lab.shares([lab.hogs({ quota: 0.1 }, 6), lab.hogs({}, 2)]);
    expect(free).toBeCloseTo(1.9, 1);
  });

  it("keeps a group on its processors", () => {
    const lab = new Lab(policy, 4);
    const [pinned] = lab.shares([lab.hogs({ processors: [1, 2] }, 6)]);
    expect(pinned).toBeCloseTo(2, 2);
  });

  it("slows the sibling thread of a busy core", () => {
    const lab = new Lab(policy, 2, FREE, 2);
    const [work] = lab.shares([lab.hogs({}, 2)]);
    expect(work).toBeCloseTo(1.2, 2);
    const spread = new Lab(policy, 4, FREE, 2);
    expect(spread.shares([spread.hogs({}, 2)])[0]).toBeCloseTo(2, 2); // two cores: nobody has a busy sibling
  });

  it("charges exits to guests, switches and cold caches to those who cause them", () => {
    const lab = new Lab(policy, 1, { ...COSTLY, switch: 0, refill: 0 });
    const [work] = lab.shares([lab.hogs({}, 1, { isGuest: true, exitRate: 10_000 })]);
    expect(work).toBeCloseTo(1 / (1 + 10_000 * 1500e-9), 3);
    const pair = new Lab(policy, 1, COSTLY);
    pair.shares([pair.hogs({}, 2)]);
    const { switching, warming } = pair.scheduler.account();
    expect(switching).toBeGreaterThan(0);
    expect(warming).toBeGreaterThan(switching);
  });
});

describe("fairness to those who sleep", () => {
  /** Mean time that a 1 ms burst takes, every 50 ms, beside two hogs on one processor. */
  function response(policy: PolicyMaker): number {
    const lab = new Lab(policy, 1);
    lab.hogs({}, 2);
    const victim = lab.scheduler.addThread({ group: lab.scheduler.addGroup({}) });
    let [sum, count] = [0, 0];
    const done = (asked: number): void => {
      sum += lab.clock.now - asked;
      count++;
      lab.clock.after(50 * MS, ask);
    };
    const ask = (): void => lab.scheduler.run(victim, MS, done, lab.clock.now);
    ask();
    lab.clock.runUntil(10 * SECOND);
    return sum / count;
  }

  it.each(POLICIES)("lets a thread that wakes go first (%s)", (_name, policy) => {
    expect(response(policy) / MS).toBeLessThan(2);
  });
});

describe("what a host refuses", () => {
  it.each<[string, GroupSpec]>([
    ["a share of -1 is not a positive number", { weight: -1 }],
    ["a quota of 5 processors does not fit a host with 2", { quota: 5 }],
    ["a period of 10 ns is shorter than 1 ms", { quota: 1, period: 10 }],
    ["there is no processor 7", { processors: [0, 7] }],
  ])("%s", (message, spec) => {
    expect(() => new Lab(fairPolicy, 2).scheduler.addGroup(spec)).toThrow(message);
  });
});

describe("the credit scheduler", () => {
  it("divides processors among tenants that they are not a multiple of", () => {
    const lab = new Lab(creditPolicy, 4);
    const shares = lab.shares(Array.from({ length: 6 }, () => lab.hogs({}, 1)));
    for (const share of shares) expect(share).toBeCloseTo(4 / 6, 1);
  });
});
