/**
 * The pause filter (AMD APM vol. 2, 15.14.4): PAUSE is intercepted once so many have been executed since VMRUN; with a threshold, one
 * that comes longer than it after the one before begins to count anew.
 */
export class PauseFilter {
  private executed = 0;
  private last = Number.NEGATIVE_INFINITY;

  /** VMRUN loads the count. */
  load(): void {
    this.executed = 0;
    this.last = Number.NEGATIVE_INFINITY;
  }

  /** An intercepted PAUSE. @param now,threshold cycles; a threshold of 0 is none. Returns whether it leaves. */
  leaves(now: number, count: number, threshold: number): boolean {
    if (threshold !== 0 && now - this.last > threshold) this.executed = 0;
    this.last = now;
    this.executed++;
    return this.executed > count;
  }
}
