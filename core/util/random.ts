/**
 * The one seeded generator of random numbers: xoshiro128** (Blackman & Vigna, "Scrambled linear pseudorandom
 * number generators", 2021), seeded by SplitMix32 so that near seeds give unrelated streams.
 * 32-bit integer arithmetic only, hence the same on every machine.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number) {
    let state = seed | 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return z ^ (z >>> 15);
    };
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next() | 1; // the state must not be all zeros
  }

  /** 32 random bits as a signed integer. */
  int32(): number {
    const result = Math.imul(this.b, 5);
    const rotated = Math.imul((result << 7) | (result >>> 25), 9);
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = (this.d << 11) | (this.d >>> 21);
    return rotated;
  }

  /** Uniform in [0, bound); `bound` up to 2^52. Bias below 2^-20 for bounds under 2^32. */
  below(bound: number): number {
    return Math.floor(this.unit() * bound);
  }

  /** Uniform in [0, 1) with 52 random bits. */
  unit(): number {
    const high = this.int32() >>> 6; // 26 bits
    const low = this.int32() >>> 6; // 26 bits
    return (high * 0x4000000 + low) / 0x10000000000000;
  }

  /** An independent stream: the same label always gives the same stream of this seed's. */
  fork(label: string): Random {
    let hash = this.a ^ Math.imul(this.d, 0x85ebca6b);
    for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
    return new Random(hash);
  }
}
