/**
 * Deadlines of devices in virtual time. The CPU runs until `next`, then calls `runDue`. Each device makes its
 * timers once, when the machine is made, and sets and cancels them; timers due at the same cycle run in the order
 * they were made, so the order never depends on how a machine came to its state.
 */
import { invariant } from "../../util/errors.js";

export class Timer {
  /** Cycle at which the timer is due; Infinity when it is not set. */
  deadline = Number.POSITIVE_INFINITY;

  constructor(
    private readonly schedule: Schedule,
    readonly run: (deadline: number) => void,
  ) {}

  /** Sets the deadline, in place of an earlier one. Infinity cancels; a deadline in the past is due at once. */
  at(cycles: number): void {
    if (cycles === this.deadline) return;
    invariant(!Number.isNaN(cycles), "a deadline is a number");
    this.deadline = cycles;
    this.schedule.refresh();
  }

  cancel(): void {
    this.at(Number.POSITIVE_INFINITY);
  }
}

export class Schedule {
  /** The earliest deadline, Infinity when there is none. */
  next = Number.POSITIVE_INFINITY;
  private readonly timers: Timer[] = [];

  /** @param onChange told whenever `next` changes, so that the CPU can keep it where its engines look. */
  constructor(private readonly onChange: (next: number) => void = () => {}) {}

  /** A timer of a device. `run` is given the deadline it was set for, which is what exact devices compute from. */
  timer(run: (deadline: number) => void): Timer {
    const timer = new Timer(this, run);
    this.timers.push(timer);
    return timer;
  }

  /** Runs what is due at `now`, earliest first, including what is set meanwhile. */
  runDue(now: number): void {
    while (this.next <= now) {
      const due = this.timers.find(({ deadline }) => deadline === this.next);
      invariant(due !== undefined, "the earliest deadline belongs to a timer");
      const { deadline } = due;
      due.cancel();
      due.run(deadline);
    }
  }

  /** Recomputes `next`; called by timers. */
  refresh(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.timers) if (deadline < next) next = deadline;
    if (next === this.next) return;
    this.next = next;
    this.onChange(next);
  }

  /** Deadlines in the order timers were made. */
  save(): Float64Array {
    return Float64Array.from(this.timers, ({ deadline }) => deadline);
  }

  restore(deadlines: Float64Array): void {
    invariant(deadlines.length === this.timers.length, "a snapshot is of a machine with the same devices");
    for (const [index, timer] of this.timers.entries()) timer.deadline = deadlines[index]!;
    this.refresh();
  }
}
