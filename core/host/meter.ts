/**
 * What requests took: a histogram with sixteen buckets for each doubling (values are within 3% of the truth), and how many were
 * late. One meter for all instances that are judged together.
 */

const BUCKETS = 16;
/** From 1 ns to 2^44 ns, five hours. */
const DOUBLINGS = 44;

export class RequestMeter {
  requests = 0;
  completed = 0;
  late = 0;
  refusals = 0;
  /** Requests that waited for pages, pages that they waited for, and requests that found no memory. */
  pageWaits = 0;
  pagesRead = 0;
  failures = 0;
  private readonly histogram = new Float64Array(BUCKETS * DOUBLINGS);

  /** @param objective ns beyond which a request is late */
  constructor(private readonly objective: number) {}

  arrived(): void {
    this.requests++;
  }

  refused(): void {
    this.refusals++;
    this.late++;
  }

  waitedForPages(pages: number): void {
    this.pageWaits++;
    this.pagesRead += pages;
  }

  outOfMemory(): void {
    this.failures++;
  }

  finished(latency: number): void {
    this.completed++;
    if (latency > this.objective) this.late++;
    const doubling = latency < 1 ? 0 : 31 - Math.clz32(Math.min(latency, 0x7fffffff));
    const scale = latency <= 0x7fffffff ? doubling : Math.floor(Math.log2(latency));
    const within = Math.floor((latency / 2 ** scale - 1) * BUCKETS);
    const bucket = Math.min(scale * BUCKETS + Math.max(0, within), this.histogram.length - 1);
    this.histogram[bucket]!++;
  }

  /** The latency that a share of the completed requests did not exceed, ns: the middle of its bucket; 0 when there were none. */
  percentile(share: number): number {
    let left = this.completed * share;
    for (let bucket = 0; bucket < this.histogram.length; bucket++) {
      left -= this.histogram[bucket]!;
      if (left > 0 || this.histogram[bucket] === 0) continue;
      const scale = Math.floor(bucket / BUCKETS);
      return Math.round(2 ** scale * (1 + ((bucket % BUCKETS) + 0.5) / BUCKETS));
    }
    return 0;
  }

  /** Of all requests that ended or were refused, those that were late. */
  get lateShare(): number {
    const ended = this.completed + this.refusals;
    return ended === 0 ? 0 : this.late / ended;
  }

  /** Begins anew. */
  reset(): void {
    this.requests = 0;
    this.completed = 0;
    this.late = 0;
    this.refusals = 0;
    this.pageWaits = 0;
    this.pagesRead = 0;
    this.failures = 0;
    this.histogram.fill(0);
  }
}
