/**
 * A fixed pseudo-random permutation of [0, size), computed and not stored: rounds of odd multiplication and
 * xorshift, each a bijection modulo the next power of two (the finalizer of MurmurHash3 cut to k bits), and
 * cycle walking for values beyond the size (Black & Rogaway, "Ciphers with arbitrary finite domains", CT-RSA
 * 2002). Hot code.
 */
import { invariant } from "../../util/errors.js";
import type { Random } from "../../util/random.js";

export class Scatter {
  /** Size of the power-of-two domain that `mix` permutes, less one. */
  readonly mask: number;
  private readonly shift: number;
  private readonly key: number;
  private readonly factor: number;

  /** @param size 1 to 2^31. */
  constructor(
    readonly size: number,
    random: Random,
  ) {
    invariant(size >= 1 && size <= 2 ** 31, "a permutation has 1 to 2^31 elements", () => size);
    const bits = Math.max(1, Math.ceil(Math.log2(size)));
    this.mask = 2 ** bits - 1;
    this.shift = Math.max(1, bits >> 1);
    this.key = random.int32() & this.mask;
    this.factor = random.int32() | 1;
  }

  /** The permutation of [0, mask]. */
  mix(index: number): number {
    const { mask, shift } = this;
    let x = index ^ this.key;
    x = Math.imul(x, this.factor) & mask;
    x ^= x >>> shift;
    x = Math.imul(x, 0x2c1b3c6d) & mask;
    x ^= x >>> shift;
    x = Math.imul(x, 0x297a2d39) & mask;
    return x ^ (x >>> shift);
  }

  /** The permutation of [0, size). */
  at(index: number): number {
    let x = this.mix(index);
    while (x >= this.size) x = this.mix(x);
    return x;
  }
}
