/**
 * Endless text of words drawn by Zipf's law from a vocabulary made up once: what a compressor is given. Words repeat as often as in
 * natural language, phrases no oftener than chance has it. One byte at a time, without end. Hot code.
 */
import type { Random } from "../../util/random.js";
import { ZipfSampler } from "./zipf-sampler.js";

/** Words of the vocabulary; a good part of a million-word text uses as many. */
const WORDS = 1 << 15;
/** Zipf, Human Behavior and the Principle of Least Effort, 1949: frequency is inverse to rank. */
const EXPONENT = 1;
/** Letters of a word, at least and at most: five on average, as in English. */
const SHORTEST = 2;
const LONGEST = 8;
const SPACE = 0x20;
const FIRST_LETTER = 0x61;
const LETTERS = 26;

export class RunningText {
  private readonly sampler = new ZipfSampler(WORDS, EXPONENT);
  /** The words one after another, each with a space; word w begins at `starts[w]`. */
  private readonly letters: Uint8Array;
  private readonly starts = new Int32Array(WORDS + 1);
  private at = 0;
  private end = 0;

  constructor(private readonly random: Random) {
    const letters: number[] = [];
    for (let word = 0; word < WORDS; word++) {
      const length = SHORTEST + random.below(LONGEST - SHORTEST + 1);
      for (let i = 0; i < length; i++) letters.push(FIRST_LETTER + random.below(LETTERS));
      letters.push(SPACE);
      this.starts[word + 1] = letters.length;
    }
    this.letters = Uint8Array.from(letters);
  }

  next(): number {
    if (this.at === this.end) {
      const word = this.sampler.rank(this.random.int32(), this.random.int32());
      this.at = this.starts[word]!;
      this.end = this.starts[word + 1]!;
    }
    return this.letters[this.at++]!;
  }
}
