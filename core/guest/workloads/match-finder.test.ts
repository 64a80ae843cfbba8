/** Does the match finder find what is there, within its dictionary, and touch only its own tables? */
import { describe, expect, it } from "vitest";
import { Random } from "../../util/random.js";
import { type AccessSink, layoutOf, MatchFinder } from "./match-finder.js";
import { RunningText } from "./running-text.js";

const DICTIONARY = 2 ** 17;
const LONGEST_MATCH = 273;

/** A text that repeats after a period, of bytes that do not otherwise repeat soon. */
function periodic(period: number): Pick<RunningText, "next"> {
  const random = new Random(5);
  const bytes = Uint8Array.from({ length: period }, () => random.below(256));
  let at = 0;
  return { next: () => bytes[at++ % period]! };
}

describe("the match finder", () => {
  it("finds the whole of what repeats within its dictionary, and nothing beyond it", () => {
    for (const [period, longest] of [
      [DICTIONARY / 2, LONGEST_MATCH],
      [DICTIONARY + 1000, 0],
    ] as const) {
      const finder = new MatchFinder(DICTIONARY, 24, periodic(period) as RunningText);
      finder.skip(period, () => undefined);
      const found = Array.from({ length: 50 }, () => finder.find(() => undefined));
      expect(found.filter((length) => length >= 200).length).toBe(longest === 0 ? 0 : 50);
    }
  });

  it("finds words again in running text, follows no more links than it may, and keeps to its memory", () => {
    const { bytes, chain, window } = layoutOf(DICTIONARY);
    const depth = 4;
    const finder = new MatchFinder(DICTIONARY, depth, new RunningText(new Random(1)));
    finder.skip(DICTIONARY, () => undefined);
    let matches = 0;
    for (let i = 0; i < 1_000; i++) {
      let links = 0;
      const sink: AccessSink = (offset, isWrite) => {
        expect(offset).toBeGreaterThanOrEqual(0);
        expect(offset).toBeLessThan(bytes);
        if (offset >= chain && offset < window && isWrite === 0) links++;
      };
      if (finder.find(sink) >= 4) matches++;
      expect(links).toBeLessThanOrEqual(depth);
    }
    expect(matches).toBeGreaterThan(500);
  });

  it("is as large as XZ Utils says of preset 2: 17 MiB with its buffers", () => {
    expect(layoutOf(2 ** 21).bytes / 2 ** 20).toBeCloseTo(16.25, 1);
  });
});
