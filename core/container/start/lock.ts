/** A lock of the host: one holds it, the others wait in the order in which they came. */
import type { Action } from "../../host/event-queue.js";

export class HostLock {
  private isHeld = false;
  private readonly waiting: { readonly granted: Action; readonly argument: number }[] = [];

  /** How many wait. */
  get waiters(): number {
    return this.waiting.length;
  }

  /** Calls `granted(argument)` when the lock is the caller's: at once, if nobody holds it. */
  acquire(granted: Action, argument: number): void {
    if (this.isHeld) {
      this.waiting.push({ granted, argument });
      return;
    }
    this.isHeld = true;
    granted(argument);
  }

  release(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.isHeld = false;
    else next.granted(next.argument);
  }
}
