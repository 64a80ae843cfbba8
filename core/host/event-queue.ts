/**
 * The host's virtual clock: what happens, in order of time, and of being asked for where times are equal. A binary heap in
 * typed arrays; an event is an action with one number, so that nothing is allocated when one is asked for. Hot code.
 *
 * Times are whole nanoseconds since the host was started, in an f64: exact for 104 days.
 */
import { invariant } from "../util/errors.js";
import { grown } from "./growable.js";

/** What an event does; `argument` is the number given with it. Make an action once, not once an event. */
export type Action = (argument: number) => void;

/** Names an event that has not happened yet; worthless afterwards, since the number is used again. */
export type EventHandle = number;

/** No event: what a component holds that waits for nothing. */
export const NO_EVENT: EventHandle = -1;

const FIRST_CAPACITY = 1024;

export class EventQueue {
  /** Nanoseconds since the start. */
  now = 0;
  /** Events that happened. */
  fired = 0;
  private asked = 0;
  private length = 0;
  private times = new Float64Array(FIRST_CAPACITY);
  private order = new Float64Array(FIRST_CAPACITY);
  private argumentOf = new Float64Array(FIRST_CAPACITY);
  private actions: (Action | undefined)[] = [];
  /** Handles in the order of a heap, and where in it each stands. */
  private heap = new Int32Array(FIRST_CAPACITY);
  private position = new Int32Array(FIRST_CAPACITY).fill(-1);
  private readonly unused: number[] = [];

  /** How many events are waited for. */
  get waiting(): number {
    return this.length;
  }

  /** Asks for an event at a time, which is rounded up to a whole nanosecond and may not have passed. */
  at(time: number, action: Action, argument = 0): EventHandle {
    invariant(time >= this.now, "events lie in the future", () => ({ time, now: this.now }));
    const handle = this.unused.pop() ?? this.actions.length;
    if (handle === this.times.length) this.grow();
    this.times[handle] = Math.ceil(time);
    this.order[handle] = this.asked++;
    this.argumentOf[handle] = argument;
    this.actions[handle] = action;
    this.rise(this.length++, handle);
    return handle;
  }

  /** The same after a delay in nanoseconds. */
  after(delay: number, action: Action, argument = 0): EventHandle {
    return this.at(this.now + delay, action, argument);
  }

  /** Takes back an event that has not happened. */
  cancel(handle: EventHandle): void {
    const hole = this.position[handle]!;
    invariant(hole >= 0, "only an event that has not happened can be cancelled", () => handle);
    this.forget(handle);
    const last = this.heap[--this.length]!;
    if (last === handle) return;
    const parent = (hole - 1) >> 1;
    if (hole > 0 && this.isBefore(last, this.heap[parent]!)) this.rise(hole, last);
    else this.sink(hole, last);
  }

  /** Lets events happen until none is left or the next lies after `end`; the clock then stands at `end`, if that is finite. */
  runUntil(end: number): void {
    while (this.length > 0 && this.times[this.heap[0]!]! <= end) this.step();
    if (end > this.now && Number.isFinite(end)) this.now = end;
  }

  /** Lets the next event happen. */
  step(): void {
    const handle = this.heap[0]!;
    const action = this.actions[handle]!;
    const argument = this.argumentOf[handle]!;
    this.now = this.times[handle]!;
    this.forget(handle);
    const last = this.heap[--this.length]!;
    if (this.length > 0) this.sink(0, last);
    this.fired++;
    action(argument);
  }

  private forget(handle: EventHandle): void {
    this.position[handle] = -1;
    this.actions[handle] = undefined;
    this.unused.push(handle);
  }

  private isBefore(a: EventHandle, b: EventHandle): boolean {
    const difference = this.times[a]! - this.times[b]!;
    return difference < 0 || (difference === 0 && this.order[a]! < this.order[b]!);
  }

  private rise(from: number, handle: EventHandle): void {
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = this.heap[parent]!;
      if (!this.isBefore(handle, above)) break;
      this.place(hole, above);
      hole = parent;
    }
    this.place(hole, handle);
  }

  private sink(from: number, handle: EventHandle): void {
    let hole = from;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= this.length) break;
      if (child + 1 < this.length && this.isBefore(this.heap[child + 1]!, this.heap[child]!)) child++;
      const below = this.heap[child]!;
      if (!this.isBefore(below, handle)) break;
      this.place(hole, below);
      hole = child;
    }
    this.place(hole, handle);
  }

  private place(at: number, handle: EventHandle): void {
    this.heap[at] = handle;
    this.position[handle] = at;
  }

  private grow(): void {
    const needed = this.times.length + 1;
    this.times = grown(this.times, needed);
    this.order = grown(this.order, needed);
    this.argumentOf = grown(this.argumentOf, needed);
    this.heap = grown(this.heap, needed);
    this.position = grown(this.position, needed, -1);
  }
}
