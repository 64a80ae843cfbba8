/**
 * Threads on processors. Each processor has a queue; a policy says who is next and for how long (fair.ts, credit.ts). Besides the
 * work that was asked for, time goes into switching, into warming caches that others have used since, into VM exits, and is
 * lost to the sibling thread of the core. Every nanosecond of every processor is accounted for. Hot code.
 *
 * Left out: NUMA; frequency scaling; wake-ups that leave the queue's order to chance.
 */
import { invariant } from "../../util/errors.js";
import {
  type GroupId,
  type GroupSpec,
  PROCESSOR_STATES,
  type ProcessorState,
  type Scheduler,
  type ThreadId,
  type ThreadSpec,
} from "../contracts.js";
import { type Action, type EventQueue, NO_EVENT } from "../event-queue.js";
import { SECOND } from "../time.js";
import { Balancing } from "./balancing.js";
import { type Group, Groups, NICE_0 } from "./groups.js";
import type { Policy, PolicyMaker } from "./policy.js";
import { RunQueue } from "./run-queue.js";
import { RUNNING, SLEEPING, THROTTLED, Threads, WAITING } from "./threads.js";

export interface SchedulerOptions {
  readonly processors: number;
  /** Hardware threads of a core: 1 or 2. Processors 2n and 2n + 1 are siblings. */
  readonly threadsPerCore: 1 | 2;
  readonly policy: PolicyMaker;
  readonly costs: SchedulerCosts;
}

/** Times in ns. */
export interface SchedulerCosts {
  /** From one thread to another. */
  readonly switch: number;
  /** What a guest's switch costs besides: leaving it, saving and loading its control block. */
  readonly guestSwitch: number;
  /** A VM exit and entry, with the monitor's work. */
  readonly exit: number;
  /** Filling caches that hold nothing of a thread. */
  readonly refill: number;
  /** Work of others after which half of a thread's cache contents are gone. */
  readonly halfCold: number;
  /** Speed of a hardware thread whose sibling is busy, of its speed alone. */
  readonly siblingSpeed: number;
}

/** CFS gives quotas out in grants of sched_cfs_bandwidth_slice_us: 5 ms. */
const GRANT = 5_000_000;
/** A burst with less than this left is done: decisions fall on whole nanoseconds. */
const REST = 1e-3;
const NONE = -1;

export class HostScheduler implements Scheduler {
  readonly processors: number;
  readonly threads = new Threads();
  readonly groups: Groups;
  private readonly policy: Policy;
  private readonly costs: SchedulerCosts;
  private readonly hasSiblings: boolean;
  private readonly queues: RunQueue[];
  private readonly balancing: Balancing;
  private readonly current: Int32Array;
  private readonly last: Int32Array;
  private readonly settledAt: Float64Array;
  private readonly speed: Float64Array;
  /** Overhead that comes before the work of whoever runs, ns. */
  private readonly switching: Float64Array;
  private readonly warming: Float64Array;
  private readonly sliceEnd: Float64Array;
  /** Of its groups' quotas, what whoever runs may use up. */
  private readonly grant: Float64Array;
  /** Time that a processor was not idle. */
  private readonly busy: Float64Array;
  private readonly decision: Int32Array;
  private readonly times = new Float64Array(PROCESSOR_STATES.length);
  private idle: number;
  /** Threads in queues. */
  private queued = 0;
  private turn = 0;
  /** Whose burst ended just now: if it asks for another at once, it has not slept. */
  private ended = NONE;

  constructor(
    private readonly clock: EventQueue,
    { processors, threadsPerCore, policy, costs }: SchedulerOptions,
  ) {
    this.processors = processors;
    this.groups = new Groups(processors);
    this.policy = policy(this.threads, processors, clock);
    this.costs = costs;
    this.hasSiblings = threadsPerCore === 2;
    this.queues = Array.from({ length: processors }, () => new RunQueue());
    const each = (): Float64Array => new Float64Array(processors);
    this.current = new Int32Array(processors).fill(NONE);
    const { queues, current, threads } = this;
    this.balancing = new Balancing({ queues, current, threads, policy: this.policy, clock });
    this.last = new Int32Array(processors).fill(NONE);
    this.decision = new Int32Array(processors).fill(NO_EVENT);
    this.settledAt = each();
    this.speed = each().fill(1);
    this.switching = each();
    this.warming = each();
    this.sliceEnd = each();
    this.grant = each();
    this.busy = each();
    this.idle = processors;
  }

  addGroup(spec: GroupSpec): GroupId {
    return this.groups.add(spec);
  }

  removeGroup(group: GroupId): void {
    this.groups.remove(group);
  }

  addThread({ group, weight = NICE_0, isGuest = false, exitRate = 0 }: ThreadSpec): ThreadId {
    return this.threads.add(this.groups.get(group), weight, (exitRate * this.costs.exit) / SECOND, isGuest);
  }

  removeThread(thread: ThreadId): void {
    const { threads } = this;
    const state = threads.state[thread]!;
    const processor = threads.processor[thread]!;
    const group = threads.group[thread]!;
    if (state === RUNNING) {
      this.settle(processor);
      this.leave(processor);
      this.groups.activate(group, -threads.weight[thread]!);
      threads.remove(thread);
      this.pickNext(processor);
      return;
    }
    if (state === WAITING && this.queues[processor]!.remove(thread)) this.queued--;
    if (state === THROTTLED) {
      for (let at: Group | undefined = group; at !== undefined; at = at.parent) {
        const index = at.throttled.indexOf(thread);
        if (index >= 0) at.throttled.splice(index, 1);
      }
    }
    if (state === WAITING) this.groups.activate(group, -threads.weight[thread]!);
    threads.remove(thread);
  }

  run(thread: ThreadId, work: number, done: Action, argument: number): void {
    const { threads } = this;
    invariant(threads.state[thread] === SLEEPING, "a thread has one burst at a time", () => thread);
    threads.left[thread] = work;
    threads.done[thread] = done;
    threads.argument[thread] = argument;
    this.wake(thread, thread !== this.ended);
  }

  account(): Record<ProcessorState, number> {
    for (let processor = 0; processor < this.processors; processor++) this.settle(processor);
    return Object.fromEntries(PROCESSOR_STATES.map((state, i) => [state, this.times[i]!])) as Record<
      ProcessorState,
      number
    >;
  }

  usedBy(group: GroupId): number {
    return this.groups.get(group).used;
  }

  /** Threads that want to run and do not. */
  get waiting(): number {
    return this.queued;
  }

  private wake(thread: number, hasSlept: boolean): void {
    const { threads } = this;
    const group = threads.group[thread]!;
    this.groups.activate(group, threads.weight[thread]!);
    const before = threads.processor[thread]!;
    const processor = this.place(thread, before, group.allowed);
    if (before !== processor && before !== NONE) this.policy.moved(thread, before, processor);
    if (before !== processor) threads.leftAt[thread] = Number.NEGATIVE_INFINITY;
    threads.processor[thread] = processor;
    this.policy.woken(thread, processor, hasSlept);
    if (this.current[processor] === NONE) {
      this.enqueue(thread, processor);
      this.pickNext(processor);
      return;
    }
    this.settle(processor);
    const running = this.current[processor]!;
    this.enqueue(thread, processor);
    if (this.policy.preempts(thread, running)) this.preempt(processor);
    else this.decideLater(processor);
  }

  /** The processor on which it ran if that is idle, else an idle one (of an idle core if possible), else a short queue. */
  private place(thread: number, before: number, allowed: Uint8Array | undefined): number {
    const isAllowed = (processor: number): boolean => allowed === undefined || allowed[processor] === 1;
    const { current, processors } = this;
    if (before !== NONE && current[before] === NONE && isAllowed(before) && this.isCoreIdle(before))
      return before;
    let found = NONE;
    if (this.idle > 0) {
      for (let i = 0; i < processors; i++) {
        const processor = (this.turn + i) % processors;
        if (current[processor] !== NONE || !isAllowed(processor)) continue;
        if (found === NONE || (before === processor && !this.isCoreIdle(found))) found = processor;
        if (!this.isCoreIdle(processor)) continue;
        found = processor;
        break;
      }
    }
    if (found !== NONE) {
      this.turn = (found + 1) % processors;
      return found;
    }
    // Nobody is idle: where it was, or the next in turn if that has the shorter queue.
    let other = this.turn;
    do other = (other + 1) % processors;
    while (!isAllowed(other));
    this.turn = other;
    const here = before !== NONE && isAllowed(before) ? before : other;
    invariant(this.threads.state[thread] !== RUNNING, "who runs is not placed", () => thread);
    return this.queues[other]!.length + 1 < this.queues[here]!.length ? other : here;
  }

  private isCoreIdle(processor: number): boolean {
    return !this.hasSiblings || (processor ^ 1) >= this.processors || this.current[processor ^ 1] === NONE;
  }

  private enqueue(thread: number, processor: number): void {
    this.threads.state[thread] = WAITING;
    this.queued++;
    this.queues[processor]!.push(thread, this.policy.key(thread), this.threads.effectiveWeight(thread));
  }

  /** The processor's next decision: a burst's end, the slice's, or the grant's. */
  private decideLater(processor: number): void {
    const thread = this.current[processor]!;
    const { threads } = this;
    const overhead = this.switching[processor]! + this.warming[processor]!;
    const pace = this.speed[processor]! / (1 + threads.exits[thread]!);
    let after = overhead + Math.max(0, threads.left[thread]!) / pace;
    if (this.isContested(processor))
      after = Math.min(after, Math.max(0, this.sliceEnd[processor]! - this.clock.now));
    after = Math.max(0, Math.min(after, this.grant[processor]!));
    const handle = this.decision[processor]!;
    if (handle !== NO_EVENT) this.clock.cancel(handle);
    this.decision[processor] = this.clock.after(after, this.decide, processor);
  }

  /** Somebody else may run here when the slice is over. */
  private isContested(processor: number): boolean {
    return this.queues[processor]!.length > 0 || (this.policy.isDue !== undefined && this.queued > 0);
  }

  private readonly decide = (processor: number): void => {
    this.decision[processor] = NO_EVENT;
    this.settle(processor);
    const { threads } = this;
    const thread = this.current[processor]!;
    if (threads.left[thread]! <= REST) {
      this.leave(processor);
      threads.state[thread] = SLEEPING;
      this.groups.activate(threads.group[thread]!, -threads.weight[thread]!);
      const done = threads.done[thread]!;
      this.ended = thread;
      done(threads.argument[thread]!);
      this.ended = NONE;
      // What is done may have woken somebody here already.
      if (this.current[processor] === NONE) this.pickNext(processor);
      return;
    }
    if (this.grant[processor]! <= REST && !this.takeGrant(thread, processor)) {
      this.leave(processor);
      this.throttle(thread);
      this.pickNext(processor);
      return;
    }
    if (this.isContested(processor) && this.sliceEnd[processor]! <= this.clock.now) {
      this.preempt(processor);
      return;
    }
    this.decideLater(processor);
  };

  private preempt(processor: number): void {
    const thread = this.current[processor]!;
    this.leave(processor);
    this.enqueue(thread, processor);
    this.pickNext(processor);
  }

  /** Whoever runs stops; what is left of its grant goes back. */
  private leave(processor: number): void {
    const thread = this.current[processor]!;
    const { threads } = this;
    threads.leftAt[thread] = this.busy[processor]!;
    this.giveBack(threads.group[thread]!, this.grant[processor]!);
    this.grant[processor] = 0;
    this.current[processor] = NONE;
    this.last[processor] = thread;
    if (this.decision[processor] !== NO_EVENT) {
      this.clock.cancel(this.decision[processor]!);
      this.decision[processor] = NO_EVENT;
    }
    this.idle++;
    this.siblingChanged(processor);
  }

  private pickNext(processor: number): void {
    const queue = this.queues[processor]!;
    for (;;) {
      if (this.queued > 0) this.balancing.before(processor);
      if (queue.length === 0) return;
      const thread = queue.pop();
      this.queued--;
      if (this.takeGrant(thread, processor)) {
        this.start(thread, processor);
        return;
      }
      this.throttle(thread);
    }
  }

  private start(thread: number, processor: number): void {
    const { threads, costs } = this;
    this.settle(processor);
    threads.state[thread] = RUNNING;
    this.current[processor] = thread;
    this.idle--;
    if (this.last[processor] !== thread) {
      const previous = this.last[processor]!;
      const guests = threads.isGuest[thread]! + (previous === NONE ? 0 : threads.isGuest[previous]!);
      this.switching[processor] = costs.switch + (guests > 0 ? costs.guestSwitch : 0);
      const foreign = this.busy[processor]! - threads.leftAt[thread]!;
      const coldness = foreign === Number.POSITIVE_INFINITY ? 1 : foreign / (foreign + costs.halfCold);
      this.warming[processor] = costs.refill * coldness;
    }
    this.sliceEnd[processor] =
      this.clock.now + this.policy.slice(thread, processor, this.queues[processor]!.length);
    this.siblingChanged(processor);
    this.decideLater(processor);
  }

  /** The sibling of a processor that became busy or idle runs on at another speed. */
  private siblingChanged(processor: number): void {
    if (!this.hasSiblings) return;
    const sibling = processor ^ 1;
    if (sibling >= this.processors) return;
    const isBusy = this.current[processor] !== NONE;
    this.settle(sibling);
    this.speed[sibling] = isBusy ? this.costs.siblingSpeed : 1;
    if (this.current[sibling] !== NONE && this.decision[sibling] !== NO_EVENT) this.decideLater(sibling);
  }

  /** Brings the accounts of a processor, and the work of whoever runs there, up to now. */
  private settle(processor: number): void {
    const { times, threads } = this;
    let passed = this.clock.now - this.settledAt[processor]!;
    if (passed === 0) return;
    this.settledAt[processor] = this.clock.now;
    const thread = this.current[processor]!;
    if (thread === NONE) {
      times[IDLE]! += passed;
      return;
    }
    this.busy[processor]! += passed;
    this.grant[processor]! -= passed;
    const next = this.queues[processor]!;
    this.policy.ran(thread, passed, processor, next.length === 0 ? undefined : next.firstKey());
    const switched = Math.min(passed, this.switching[processor]!);
    this.switching[processor]! -= switched;
    times[SWITCHING]! += switched;
    passed -= switched;
    const warmed = Math.min(passed, this.warming[processor]!);
    this.warming[processor]! -= warmed;
    times[WARMING]! += warmed;
    passed -= warmed;
    const effective = passed * this.speed[processor]!;
    const work = effective / (1 + threads.exits[thread]!);
    threads.left[thread]! -= work;
    times[WORK]! += work;
    times[EXITS]! += effective - work;
    times[SIBLING]! += passed - effective;
    for (let group: Group | undefined = threads.group[thread]; group !== undefined; group = group.parent)
      group.used += work;
  }

  /** Takes a grant from every quota above a thread. False when one of them is used up. */
  private takeGrant(thread: number, processor: number): boolean {
    let most = Number.POSITIVE_INFINITY;
    const own = this.threads.group[thread]!;
    for (let group: Group | undefined = own; group !== undefined; group = group.parent)
      if (group.quota !== Number.POSITIVE_INFINITY) most = Math.min(most, GRANT, group.left);
    if (most <= REST) return false;
    for (let group: Group | undefined = own; group !== undefined; group = group.parent) {
      if (group.quota === Number.POSITIVE_INFINITY) continue;
      group.left -= most;
      group.taken += most;
      this.startPeriods(group);
    }
    this.grant[processor] = most;
    return true;
  }

  private giveBack(own: Group, rest: number): void {
    if (rest <= 0 || rest === Number.POSITIVE_INFINITY) return;
    for (let group: Group | undefined = own; group !== undefined; group = group.parent) {
      if (group.quota === Number.POSITIVE_INFINITY) continue;
      group.left = Math.min(group.quota, group.left + rest);
      group.taken -= rest;
    }
  }

  private throttle(thread: number): void {
    const { threads } = this;
    threads.state[thread] = THROTTLED;
    this.groups.activate(threads.group[thread]!, -threads.weight[thread]!);
    let empty: Group = threads.group[thread]!;
    while (empty.left > REST) empty = empty.parent!;
    empty.throttled.push(thread);
    this.startPeriods(empty);
  }

  /** Fills the pool each period, as long as somebody takes from it. */
  private startPeriods(group: Group): void {
    if (group.isTimed) return;
    group.isTimed = true;
    const refill = (): void => {
      const isUsed = group.taken > 0 || group.throttled.length > 0;
      group.left = group.quota;
      group.taken = 0;
      group.isTimed = false;
      if (!isUsed) return;
      this.startPeriods(group);
      for (const thread of group.throttled.splice(0)) this.wake(thread, false);
    };
    this.clock.after(group.period, refill);
  }
}

const [WORK, WARMING, SWITCHING, EXITS, SIBLING, IDLE] = PROCESSOR_STATES.map((_, index) => index) as [
  number,
  number,
  number,
  number,
  number,
  number,
];
