/**
 * The match finder of a dictionary compressor: hash chains over 2, 3 and 4 bytes (HC4 of the LZMA SDK and XZ Utils), carried out for
 * real over a text, so that what it reads and writes, and in which order, is what the algorithm does:
 *
 *      hash of the next 4 bytes ─→ head: the latest place with that hash ─→ chain[head]: the one before ─→ …
 *                                     ↓ compare                              ↓ compare
 *                                  window[head]                           window[…]
 *
 * Tables are sized as XZ Utils sizes them: half as many heads of 4-byte hashes as the dictionary has bytes, one link for each byte.
 * Left out: the exact hash function (CRC of the bytes there), and moving the window when it is full, which is a ring here. Hot code.
 */
import type { RunningText } from "./running-text.js";

/** Heads of 2-byte and 3-byte hashes (XZ Utils). */
const HEADS_2_BITS = 10;
const HEADS_3_BITS = 16;
const HEADS_2 = 1 << HEADS_2_BITS;
const HEADS_3 = 1 << HEADS_3_BITS;
const WORD = 4;
/** Longest match that LZMA can encode. */
const LONGEST_MATCH = 273;
/** A prime near 2^32 over the golden ratio: multiplicative hashing (Knuth, TAOCP 3, section 6.4). */
const FIBONACCI = 0x9e3779b1;

/** Told of every access, as an offset into the compressor's memory. */
export type AccessSink = (offset: number, isWrite: number) => void;

/** Where tables lie in the compressor's memory, and how much they take in all. */
export interface MatchFinderLayout {
  readonly heads2: number;
  readonly heads3: number;
  readonly heads4: number;
  readonly chain: number;
  readonly window: number;
  readonly bytes: number;
}

/** @param dictionary bytes, a power of two. */
export function layoutOf(dictionary: number): MatchFinderLayout {
  const heads3 = HEADS_2 * WORD;
  const heads4 = heads3 + HEADS_3 * WORD;
  const chain = heads4 + (dictionary / 2) * WORD;
  const window = chain + dictionary * WORD;
  return { heads2: 0, heads3, heads4, chain, window, bytes: window + 2 * dictionary };
}

export class MatchFinder {
  readonly layout: MatchFinderLayout;
  private readonly heads2 = new Int32Array(HEADS_2).fill(-1);
  private readonly heads3 = new Int32Array(HEADS_3).fill(-1);
  private readonly heads4: Int32Array;
  private readonly chain: Int32Array;
  /** Twice the dictionary: as far back as matches reach, and what is read ahead. */
  private readonly window: Uint8Array;
  private readonly windowMask: number;
  private readonly chainMask: number;
  private readonly shift4: number;
  /** Place in the text, and how far the text is read. */
  private position = 0;
  private readTo = 0;

  /** @param dictionary bytes, a power of two. @param depth links followed at most. */
  constructor(
    readonly dictionary: number,
    private readonly depth: number,
    private readonly text: RunningText,
  ) {
    this.layout = layoutOf(dictionary);
    this.heads4 = new Int32Array(dictionary / 2).fill(-1);
    this.chain = new Int32Array(dictionary);
    this.window = new Uint8Array(2 * dictionary);
    this.windowMask = 2 * dictionary - 1;
    this.chainMask = dictionary - 1;
    this.shift4 = 32 - Math.log2(dictionary / 2);
  }

  /** Finds the longest match at the present place, or 0, and enters the place into the tables. */
  find(sink: AccessSink): number {
    const { window, windowMask, chain, chainMask, layout, position, dictionary } = this;
    const latest = this.enter(sink);
    let best = 0;
    let candidate = latest;
    for (let links = 0; links < this.depth && candidate >= 0; links++) {
      if (position - candidate >= dictionary) break;
      // The byte after the best match so far decides whether the candidate can be longer; then all bytes are compared.
      const probe = (candidate + best) & windowMask;
      sink(layout.window + probe, 0);
      if (window[probe] === window[(position + best) & windowMask]) {
        const length = this.commonLength(candidate, sink);
        if (length > best) best = length;
        if (best === LONGEST_MATCH) break;
      }
      const link = candidate & chainMask;
      sink(layout.chain + link * WORD, 0);
      candidate = chain[link]!;
    }
    this.position++;
    return best >= 2 ? best : 0;
  }

  /** Enters places that a match covers into the tables, without looking for matches there. */
  skip(count: number, sink: AccessSink): void {
    for (let i = 0; i < count; i++) {
      this.enter(sink);
      this.position++;
    }
  }

  /** Puts the present place at the head of its chains. Returns the head that it replaces. */
  private enter(sink: AccessSink): number {
    const { window, windowMask, layout, position } = this;
    for (; this.readTo < position + LONGEST_MATCH + 1; this.readTo++)
      window[this.readTo & windowMask] = this.text.next();
    sink(layout.window + (position & windowMask), 0);
    const bytes =
      window[position & windowMask]! |
      (window[(position + 1) & windowMask]! << 8) |
      (window[(position + 2) & windowMask]! << 16) |
      (window[(position + 3) & windowMask]! << 24);
    const hash2 = Math.imul(bytes & 0xffff, FIBONACCI) >>> (32 - HEADS_2_BITS);
    const hash3 = Math.imul(bytes & 0xff_ffff, FIBONACCI) >>> (32 - HEADS_3_BITS);
    const hash4 = Math.imul(bytes, FIBONACCI) >>> this.shift4;
    for (let write = 0; write <= 1; write++) {
      sink(layout.heads2 + hash2 * WORD, write);
      sink(layout.heads3 + hash3 * WORD, write);
      sink(layout.heads4 + hash4 * WORD, write);
    }
    const latest = this.heads4[hash4]!;
    this.heads2[hash2] = position;
    this.heads3[hash3] = position;
    this.heads4[hash4] = position;
    this.chain[position & this.chainMask] = latest;
    sink(layout.chain + (position & this.chainMask) * WORD, 1);
    return latest;
  }

  /** Bytes that the text at a candidate and at the present place have in common; a word is compared at a time. */
  private commonLength(candidate: number, sink: AccessSink): number {
    const { window, windowMask, position, layout } = this;
    let length = 0;
    for (; length < LONGEST_MATCH; length++) {
      if (length % WORD === 0) sink(layout.window + ((candidate + length) & windowMask), 0);
      if (window[(candidate + length) & windowMask] !== window[(position + length) & windowMask]) break;
    }
    return length;
  }
}
