/**
 * Ranks with Zipf's law: rank k (from 0) with probability proportional to 1 / (k + 1)^s, in constant time.
 * The first ranks have a bucket each; later ones share buckets that grow by 1/64, uniform inside, which
 * changes no rank's probability by more than its s/128th. Buckets are drawn by Walker's alias method (Vose, IEEE
 * TSE 17(9), 1991).
 */

const EXACT_RANKS = 512;
const BUCKETS_LOG2 = 11;
const BUCKETS = 1 << BUCKETS_LOG2;
/** Bits of a draw that remain for the alias decision. */
const THRESHOLD_BITS = 32 - BUCKETS_LOG2;
const THRESHOLD_MASK = (1 << THRESHOLD_BITS) - 1;

export class ZipfSampler {
  private readonly starts = new Int32Array(BUCKETS);
  private readonly sizes = new Float64Array(BUCKETS);
  private readonly alias = new Int32Array(BUCKETS);
  private readonly threshold = new Int32Array(BUCKETS);

  /** @param size ranks, up to 2^30. @param exponent s >= 0; 0 is uniform. */
  constructor(
    readonly size: number,
    exponent: number,
  ) {
    const weights = new Float64Array(BUCKETS);
    let bucket = 0;
    for (let start = 0; start < size; bucket++) {
      const length = start < EXACT_RANKS ? 1 : Math.max(1, Math.floor(start / 64));
      const end = Math.min(size, start + length);
      this.starts[bucket] = start;
      this.sizes[bucket] = end - start;
      weights[bucket] = weightOf(start, end, exponent);
      start = end;
    }
    this.buildAlias(weights);
  }

  /** The rank that two random words give. Hot. */
  rank(draw: number, second: number): number {
    const drawn = draw >>> THRESHOLD_BITS;
    // All ones where the drawn bucket is kept, else the alias: no branch, since none could be predicted.
    const keep = ((draw & THRESHOLD_MASK) - this.threshold[drawn]!) >> 31;
    const bucket = (drawn & keep) | (this.alias[drawn]! & ~keep);
    const within = ((second >>> 0) * this.sizes[bucket]!) / 0x1_0000_0000;
    return this.starts[bucket]! + (within | 0);
  }

  private buildAlias(weights: Float64Array): void {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const scaled = weights.map((weight) => (weight * BUCKETS) / total);
    const full = 1 << THRESHOLD_BITS;
    const small: number[] = [];
    const large: number[] = [];
    scaled.forEach((weight, bucket) => {
      this.alias[bucket] = bucket;
      this.threshold[bucket] = full;
      (weight < 1 ? small : large).push(bucket);
    });
    while (small.length > 0 && large.length > 0) {
      const poor = small.pop()!;
      const rich = large[large.length - 1]!;
      this.threshold[poor] = Math.round(scaled[poor]! * full);
      this.alias[poor] = rich;
      scaled[rich]! -= 1 - scaled[poor]!;
      if (scaled[rich]! < 1) small.push(large.pop()!);
    }
  }
}

/** Sum of 1 / (k + 1)^s over [start, end): exact for one rank, by the integral at midpoints for more. */
function weightOf(start: number, end: number, s: number): number {
  if (end - start === 1) return (start + 1) ** -s;
  const integral = (x: number): number => (s === 1 ? Math.log(x) : x ** (1 - s) / (1 - s));
  return integral(end + 0.5) - integral(start + 0.5);
}
