/**
 * A stream of reads and writes whose pages follow Zipf's law: popular pages lie scattered over the region,
 * places within a page are uniform. Hot code.
 */
import { REF_WRITE } from "../../machine/address.js";
import type { Random } from "../../util/random.js";
import { Scatter } from "./scatter.js";
import { ZipfSampler } from "./zipf-sampler.js";

export class ZipfStream {
  private readonly sampler: ZipfSampler;
  private readonly scatter: Scatter;
  private readonly writeThreshold: number;

  /** @param pages 4 KiB pages of the region. @param writePercent share of writes, 0 to 100. */
  constructor(
    pages: number,
    exponent: number,
    writePercent: number,
    private readonly random: Random,
  ) {
    this.sampler = new ZipfSampler(pages, exponent);
    this.scatter = new Scatter(pages, random);
    this.writeThreshold = Math.round((writePercent / 100) * 65_536);
  }

  /** Writes references [from, to) of a batch. @param firstPage page number where the region begins. */
  fill(batch: Int32Array, from: number, to: number, firstPage: number): void {
    const { sampler, scatter, random, writeThreshold } = this;
    for (let i = 2 * from; i < 2 * to; i += 2) {
      const first = random.int32();
      const second = random.int32();
      const page = firstPage + scatter.at(sampler.rank(first, second));
      // The place and kind of access, from both words scrambled anew.
      const draw = Math.imul(first ^ (second << 16) ^ (second >>> 16), 0x9e3779b1);
      const write = (((draw >>> 8) & 0xffff) - writeThreshold) >>> 31; // 1 below the threshold, else 0
      batch[i] = (page << 12) | ((draw >>> 20) & 0xff8) | (write * REF_WRITE);
      batch[i + 1] = page >>> 20;
    }
  }
}
