/**
 * Linux's completely fair scheduler (kernel/sched/fair.c, 6.5 and before): the thread with the least virtual run time is next,
 * and virtual time passes the slower the more a thread weighs. A thread that wakes is set back at most half a latency, so that
 * it goes first but cannot use up a long sleep at once.
 */
import { NICE_0 } from "./groups.js";
import type { Policy, PolicyMaker } from "./policy.js";
import type { Threads } from "./threads.js";

/** The tunables of fair.c, ns, before they are multiplied by 1 + log2(processors), of which it counts 8 at the most. */
const LATENCY = 6_000_000;
const LEAST_SLICE = 750_000;
const WAKEUP_GRANULARITY = 1_000_000;
const MOST_PROCESSORS = 8;

export const fairPolicy: PolicyMaker = (threads, processors) => new FairPolicy(threads, processors);

class FairPolicy implements Policy {
  /** Least virtual time of each processor: it never runs back. */
  private readonly least: Float64Array;
  private readonly latency: number;
  private readonly leastSlice: number;
  private readonly granularity: number;

  constructor(
    private readonly threads: Threads,
    processors: number,
  ) {
    this.least = new Float64Array(processors);
    const factor = 1 + Math.floor(Math.log2(Math.min(processors, MOST_PROCESSORS)));
    this.latency = LATENCY * factor;
    this.leastSlice = LEAST_SLICE * factor;
    this.granularity = WAKEUP_GRANULARITY * factor;
  }

  woken(thread: number, processor: number, hasSlept: boolean): void {
    const { rank } = this.threads;
    const credit = hasSlept ? this.latency / 2 : 0;
    rank[thread] = Math.max(rank[thread]!, this.least[processor]! - credit);
  }

  moved(thread: number, from: number, to: number): void {
    this.threads.rank[thread]! += this.least[to]! - this.least[from]!;
  }

  key(thread: number): number {
    return this.threads.rank[thread]!;
  }

  slice(_thread: number, _processor: number, waiting: number): number {
    return Math.max(this.leastSlice, this.latency / (waiting + 1));
  }

  preempts(woken: number, running: number): boolean {
    const { rank } = this.threads;
    const granularity = (this.granularity * NICE_0) / this.threads.effectiveWeight(woken);
    return rank[running]! - rank[woken]! > Math.min(granularity, this.latency);
  }

  ran(thread: number, time: number, processor: number, next: number | undefined): void {
    const { rank } = this.threads;
    rank[thread]! += (time * NICE_0) / this.threads.effectiveWeight(thread);
    const least = next === undefined ? rank[thread]! : Math.min(rank[thread]!, next);
    this.least[processor] = Math.max(this.least[processor]!, least);
  }
}
