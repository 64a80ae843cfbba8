/** Who runs next, and for how long: what the two schedulers decide differently. Chosen once, when a host is made. */
import type { EventQueue } from "../event-queue.js";
import type { Threads } from "./threads.js";

export interface Policy {
  /**
   * Whether a waiting thread is still due what it waits for. Where a policy says so, a processor whose next thread is not takes one
   * that is from another queue; without it, queues are made equally long now and then.
   */
  isDue?(thread: number): boolean;
  /** A thread wants to run on a processor: it has slept, or it waited for its group's quota, or asks for more at once. */
  woken(thread: number, processor: number, hasSlept: boolean): void;
  /** A thread moves its waiting to another processor. */
  moved(thread: number, from: number, to: number): void;
  /** The order in which threads wait: least first. */
  key(thread: number): number;
  /** The longest that it may run now, ns, while so many others wait there. */
  slice(thread: number, processor: number, waiting: number): number;
  /** Whether a woken thread takes the processor from the one that runs. */
  preempts(woken: number, running: number): boolean;
  /** A thread had a processor for a time. @param next key of the first that waits there, or undefined */
  ran(thread: number, time: number, processor: number, next: number | undefined): void;
}

/** Makes a policy for a host's processors and threads. */
export type PolicyMaker = (threads: Threads, processors: number, clock: EventQueue) => Policy;
