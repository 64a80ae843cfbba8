/**
 * Pause-loop exiting (Intel SDM vol. 3, 26.1.3, PAUSE): executions of PAUSE at CPL 0 that follow one another within PLE_Gap cycles are a
 * loop; once it has lasted longer than PLE_Window, the next PAUSE leaves. The first after a VM entry begins a loop.
 */
export class PauseLoop {
  private first = 0;
  private last = Number.NEGATIVE_INFINITY;

  /** A VM entry: what was before it does not count. */
  forget(): void {
    this.last = Number.NEGATIVE_INFINITY;
  }

  /** A PAUSE at CPL 0. @param now,gap,window cycles. Returns whether it leaves. */
  leaves(now: number, gap: number, window: number): boolean {
    const isFirst = now - this.last > gap;
    this.last = now;
    if (isFirst) this.first = now;
    return !isFirst && now - this.first > window;
  }
}
