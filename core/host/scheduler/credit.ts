/**
 * Xen's credit scheduler (xen/common/sched/credit.c; Cherkasova, Gupta & Vahdat, PER 35(2), 2007): a virtual processor earns
 * credits by its domain's weight and burns them while it runs. With credits left it is UNDER, else OVER; UNDER goes first, and
 * one that wakes with credits left is BOOSTed before both. Within a class: first come, first served, for 30 ms at a time.
 * A domain's cap is its group's quota.
 *
 * Here credits flow continuously instead of being given out every 30 ms; a waiting thread's class is that of when it came.
 */
import type { EventQueue } from "../event-queue.js";
import { grown } from "../growable.js";
import type { Policy, PolicyMaker } from "./policy.js";
import type { Threads } from "./threads.js";

/** CSCHED_DEFAULT_TSLICE_MS, and the most that can be saved up: the credits of one slice. ns. */
const SLICE = 30_000_000;
/** A boost ends with the first tick (CSCHED_TICKS_PER_TSLICE is 3). */
const TICK = 10_000_000;

const BOOST = 0;
const UNDER = 1;
const OVER = 2;

export const creditPolicy: PolicyMaker = (threads, processors, clock) =>
  new CreditPolicy(threads, processors, clock);

class CreditPolicy implements Policy {
  private earnedAt = new Float64Array(256);

  constructor(
    private readonly threads: Threads,
    private readonly processors: number,
    private readonly clock: EventQueue,
  ) {}

  woken(thread: number, _processor: number, hasSlept: boolean): void {
    const granted = hasSlept ? BOOST : UNDER;
    this.threads.rank[thread] = this.isDue(thread) ? granted : OVER;
  }

  /** csched_load_balance: before it runs one that is OVER, a processor asks the others for one that is not. */
  isDue(thread: number): boolean {
    this.earn(thread);
    return this.threads.credits[thread]! >= 0;
  }

  moved(thread: number): void {
    const { rank } = this.threads;
    if (rank[thread] === OVER && this.isDue(thread)) rank[thread] = UNDER;
  }

  key(thread: number): number {
    return this.threads.rank[thread]!;
  }

  slice(thread: number): number {
    return this.threads.rank[thread] === BOOST ? TICK : SLICE;
  }

  preempts(woken: number, running: number): boolean {
    return this.threads.rank[woken]! < this.threads.rank[running]!;
  }

  ran(thread: number, time: number): void {
    this.earn(thread);
    const { credits, rank } = this.threads;
    credits[thread]! -= time;
    rank[thread] = credits[thread]! >= 0 ? UNDER : OVER;
  }

  /** Its part of all processors' time since it last earned, while it wanted to run. */
  private earn(thread: number): void {
    const { threads } = this;
    this.earnedAt = grown(this.earnedAt, thread + 1);
    const passed = this.clock.now - this.earnedAt[thread]!;
    this.earnedAt[thread] = this.clock.now;
    let root = threads.group[thread]!;
    while (root.parent !== undefined) root = root.parent;
    const share = Math.min(1, (threads.effectiveWeight(thread) / root.active) * this.processors);
    threads.credits[thread] = Math.min(SLICE, threads.credits[thread]! + passed * share);
  }
}
