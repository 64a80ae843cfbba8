/**
 * Xen's time: nanoseconds since the machine's start, which the guest works out itself from the time-stamp counter, and one
 * timer (vcpu_time_info, set_timer_op). The counter's rate never changes, so what is shared never does.
 */
import type { Schedule, Timer } from "../../machine/devices/schedule.js";
import { SHARED, TIME } from "./abi.js";
import type { EventChannels } from "./events.js";

const NANOSECONDS = 1e9;
const FRACTION = 2 ** 32;

export class VirtualTime {
  private readonly timer: Timer;
  private readonly cyclesPerNanosecond: number;

  /** @param expired the timer's time has come. */
  constructor(
    schedule: Schedule,
    cyclesPerSecond: number,
    private readonly now: () => number,
    expired: () => void,
  ) {
    this.timer = schedule.timer(expired);
    this.cyclesPerNanosecond = cyclesPerSecond / NANOSECONDS;
  }

  /** Since the machine's start. */
  get nanoseconds(): number {
    return Math.floor(this.now() / this.cyclesPerNanosecond);
  }

  /** Says in the shared page how to come from time stamps to nanoseconds: `(stamp << shift) × multiplier / 2³²`. */
  share(events: EventChannels): void {
    let nanoseconds = 1 / this.cyclesPerNanosecond;
    let shift = 0;
    for (; nanoseconds >= 1; nanoseconds /= 2) shift++;
    events.setWord(SHARED.time + TIME.multiplier, Math.floor(nanoseconds * FRACTION) | 0);
    events.setWord(SHARED.time + TIME.shift, shift);
  }

  /** Sets the timer, in place of what it was set to; 0: no timer. */
  set(nanoseconds: number): void {
    this.timer.at(
      nanoseconds === 0 ? Number.POSITIVE_INFINITY : Math.ceil(nanoseconds * this.cyclesPerNanosecond),
    );
  }
}
