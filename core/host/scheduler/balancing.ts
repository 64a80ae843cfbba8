/**
 * Which processor's queue a waiting thread is in: what a processor takes from others' queues before it takes the next thread from
 * its own. One with an empty queue takes from the longest. Of the busy ones, Linux's even out what their threads weigh (load_balance
 * and detach_tasks of kernel/sched/fair.c); Xen's take a thread that has credits left, when their own has none
 * (csched_load_balance of xen/common/sched/credit.c). Called while nobody runs on the processor. Hot code.
 */
import type { EventQueue } from "../event-queue.js";
import { MS } from "../time.js";
import type { Policy } from "./policy.js";
import type { RunQueue } from "./run-queue.js";
import type { Threads } from "./threads.js";

/** Busy processors are balanced at most this often. */
const INTERVAL = 16 * MS;
/** Loads that differ by less are even (imbalance_pct of a scheduling domain: 117). */
const EVEN = 1.17;
/**
 * A thread that weighs more than what is to be moved stays, at first: of two threads on one processor and one on another the
 * odd one moves at the next attempt, which takes it for half as heavy; and so on this often.
 */
const MOST_ATTEMPTS = 3;
const NONE = -1;

interface Parts {
  readonly queues: readonly RunQueue[];
  /** The thread that runs on each processor, or -1. */
  readonly current: Int32Array;
  readonly threads: Threads;
  readonly policy: Policy;
  readonly clock: EventQueue;
}

export class Balancing {
  /** When each processor last looked; how often it found nothing since it last took a thread. */
  private readonly lookedAt: Float64Array;
  private readonly attempts: Int32Array;

  constructor(private readonly parts: Parts) {
    this.lookedAt = new Float64Array(parts.queues.length);
    this.attempts = new Int32Array(parts.queues.length);
  }

  /** Takes threads from other queues as it should be before a processor takes the next one from its own. */
  before(processor: number): void {
    const { queues, policy, clock } = this.parts;
    if (queues[processor]!.length === 0) this.takeFromLongest(processor);
    else if (policy.isDue !== undefined) this.takeDue(processor);
    else if (clock.now - this.lookedAt[processor]! >= INTERVAL) this.evenOut(processor);
  }

  private takeFromLongest(processor: number): void {
    const { queues, clock } = this.parts;
    this.lookedAt[processor] = clock.now;
    let longest = NONE;
    let most = 0;
    for (let other = 0; other < queues.length; other++) {
      if (queues[other]!.length <= most) continue;
      longest = other;
      most = queues[other]!.length;
    }
    if (longest === NONE) return;
    const from = queues[longest]!;
    const wanted = Math.max(1, most >> 1);
    for (let i = 0, moved = 0; i < from.length && moved < wanted; ) {
      if (this.move(from.at(i), longest, processor)) moved++;
      else i++;
    }
  }

  /** Takes threads from the heaviest processor until both weigh the same, or nearly. */
  private evenOut(processor: number): void {
    const { queues, clock } = this.parts;
    this.lookedAt[processor] = clock.now;
    const own = queues[processor]!.load;
    let heaviest = NONE;
    let most = own * EVEN;
    for (let other = 0; other < queues.length; other++) {
      if (queues[other]!.length === 0) continue;
      const load = this.loadOf(other);
      if (load <= most) continue;
      heaviest = other;
      most = load;
    }
    if (heaviest === NONE) return;
    const from = queues[heaviest]!;
    const shift = 2 ** this.attempts[processor]!;
    this.attempts[processor] = Math.min(MOST_ATTEMPTS, this.attempts[processor]! + 1);
    let rest = (most - own) / 2;
    for (let i = 0; i < from.length && rest > 0; ) {
      const load = from.loadAt(i);
      if (load / shift <= rest && this.move(from.at(i), heaviest, processor)) {
        rest -= load;
        this.attempts[processor] = 0;
      } else i++;
    }
  }

  /** What waits for a processor and what runs on it, by weight. */
  private loadOf(processor: number): number {
    const { queues, current, threads } = this.parts;
    const running = current[processor]!;
    return queues[processor]!.load + (running === NONE ? 0 : threads.effectiveWeight(running));
  }

  /** Takes a thread that is due from another queue, if the next one here is not. */
  private takeDue(processor: number): void {
    const { queues } = this.parts;
    if (this.isDue(queues[processor]!.at(0))) return;
    for (let i = 1; i < queues.length; i++) {
      const other = (processor + i) % queues.length;
      const from = queues[other]!;
      for (let place = 0; place < from.length; place++)
        if (this.isDue(from.at(place)) && this.move(from.at(place), other, processor)) return;
    }
  }

  private isDue(thread: number): boolean {
    return this.parts.policy.isDue?.(thread) === true;
  }

  /** A waiting thread waits elsewhere from now on. False when it may not run there. */
  private move(thread: number, from: number, to: number): boolean {
    const { queues, threads, policy } = this.parts;
    const { allowed } = threads.group[thread]!;
    if (allowed !== undefined && allowed[to] !== 1) return false;
    queues[from]!.remove(thread);
    policy.moved(thread, from, to);
    threads.processor[thread] = to;
    threads.leftAt[thread] = Number.NEGATIVE_INFINITY;
    queues[to]!.push(thread, policy.key(thread), threads.effectiveWeight(thread));
    return true;
  }
}
