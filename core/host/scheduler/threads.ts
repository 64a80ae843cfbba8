/** The table of threads, in typed arrays. Hot code. */
import type { Action } from "../event-queue.js";
import { grown } from "../growable.js";
import type { Group } from "./groups.js";

/** What a thread does. */
export const SLEEPING = 0;
export const WAITING = 1;
export const RUNNING = 2;
/** Its group's quota is used up. */
export const THROTTLED = 3;

const FIRST_CAPACITY = 256;

export class Threads {
  state = new Uint8Array(FIRST_CAPACITY);
  weight = new Float64Array(FIRST_CAPACITY);
  /** ns of exits for each ns of work. */
  exits = new Float64Array(FIRST_CAPACITY);
  isGuest = new Uint8Array(FIRST_CAPACITY);
  /** Of its burst, ns that are left. */
  left = new Float64Array(FIRST_CAPACITY);
  argument = new Float64Array(FIRST_CAPACITY);
  /** The processor on which it ran or waits; -1: none yet. */
  processor = new Int32Array(FIRST_CAPACITY);
  /** How much that processor had worked when the thread left it, ns: what has been between has cooled its caches. */
  leftAt = new Float64Array(FIRST_CAPACITY);
  /** The policies' own: virtual run time, or credits; priority class. */
  rank = new Float64Array(FIRST_CAPACITY);
  credits = new Float64Array(FIRST_CAPACITY);
  readonly group: (Group | undefined)[] = [];
  readonly done: (Action | undefined)[] = [];
  end = 0;
  private readonly unused: number[] = [];

  add(group: Group, weight: number, exits: number, isGuest: boolean): number {
    const thread = this.unused.pop() ?? this.end++;
    if (thread >= this.state.length) this.grow(thread + 1);
    this.state[thread] = SLEEPING;
    this.weight[thread] = weight;
    this.exits[thread] = exits;
    this.isGuest[thread] = isGuest ? 1 : 0;
    this.left[thread] = 0;
    this.processor[thread] = -1;
    this.rank[thread] = 0;
    this.credits[thread] = 0;
    this.group[thread] = group;
    return thread;
  }

  remove(thread: number): void {
    this.group[thread] = undefined;
    this.done[thread] = undefined;
    this.unused.push(thread);
  }

  /** What it weighs against all others that want to run: its own share of its group's, of its group's parent's, and so on. */
  effectiveWeight(thread: number): number {
    let weight = this.weight[thread]!;
    for (let group = this.group[thread]!; group.parent !== undefined; group = group.parent)
      weight *= group.weight / group.active;
    return weight;
  }

  private grow(needed: number): void {
    this.state = grown(this.state, needed);
    this.weight = grown(this.weight, needed);
    this.exits = grown(this.exits, needed);
    this.isGuest = grown(this.isGuest, needed);
    this.left = grown(this.left, needed);
    this.argument = grown(this.argument, needed);
    this.processor = grown(this.processor, needed);
    this.leftAt = grown(this.leftAt, needed);
    this.rank = grown(this.rank, needed);
    this.credits = grown(this.credits, needed);
  }
}
