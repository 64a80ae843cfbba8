/**
 * When agile paging's monitor looks at nested tables: after `settle` cycles, and as long as that leads to nothing after twice
 * as long each time, an interval at most. Where all that could be shadowed is, the timer costs nearly nothing.
 */
export class ScanTimer {
  /** Cycles that the guest has run, its preparation included. */
  now = 0;
  private counted = 0;
  private period: number;
  private scanAt: number;
  private intervalEnds: number;

  constructor(private readonly cycles: { readonly settle: number; readonly interval: number }) {
    this.period = cycles.settle;
    this.scanAt = cycles.settle;
    this.intervalEnds = cycles.interval;
  }

  /** @param total cycles counted; fewer than the last time where counting began anew with the region of interest. */
  advance(total: number): void {
    if (total < this.counted) this.counted = 0;
    this.now += total - this.counted;
    this.counted = total;
  }

  /** Whether an interval ended since the last time. */
  takeInterval(): boolean {
    if (this.now < this.intervalEnds) return false;
    this.intervalEnds = this.now + this.cycles.interval;
    return true;
  }

  get isDue(): boolean {
    return this.now >= this.scanAt;
  }

  /** @param hasChanged the scan shadowed something. */
  restart(hasChanged: boolean): void {
    const { settle, interval } = this.cycles;
    this.period = hasChanged ? settle : Math.min(2 * this.period, interval);
    this.scanAt = this.now + this.period;
  }
}
