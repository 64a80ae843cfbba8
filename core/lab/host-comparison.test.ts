/** The rules by which host times are judged; whether they hold on real machines is scripts/gate/host-experiment.mjs's question. */
import { describe, expect, it } from "vitest";
import { Random } from "../util/random.js";
import { HOST_RULES, judge, stageOf, verdictOf } from "./host-comparison.js";

const PAIRS = HOST_RULES.pairs;

/** Seconds of a process: noise of some percent, and one in twenty-five was disturbed badly. */
function secondsOf(random: Random, seconds: number): number {
  return seconds * (1 + 0.06 * (random.unit() - 0.5)) * (random.unit() < 1 / 25 ? 1.5 : 1);
}

/** 60 first stages. */
async function verdictsOf(slowdown: number, seed: number): Promise<string[]> {
  const random = new Random(seed);
  const verdicts: string[] = [];
  for (let run = 0; run < 60; run++) {
    const stage = await stageOf(async (side) => secondsOf(random, side === "a" ? 1 : slowdown), HOST_RULES);
    verdicts.push(verdictOf(stage, HOST_RULES));
  }
  return verdicts;
}
const countOf = (verdicts: readonly string[], verdict: string): number =>
  verdicts.filter((each) => each === verdict).length;

describe("one stage", () => {
  it("hardly suspects what is the same, and finds a tenth in both directions", async () => {
    expect(countOf(await verdictsOf(1, 1), "same")).toBeGreaterThanOrEqual(58); // and it would have to happen twice
    expect(countOf(await verdictsOf(1.1, 2), "slower")).toBeGreaterThanOrEqual(54);
    expect(countOf(await verdictsOf(1.2, 3), "slower")).toBeGreaterThanOrEqual(57);
    expect(countOf(await verdictsOf(1 / 1.2, 4), "faster")).toBeGreaterThanOrEqual(57);
  });

  it("takes as many pairs again where a difference is large and not borne out", async () => {
    let measured = 0;
    const disturbed = async (side: "a" | "b") =>
      measured++ < 4 && side === "a" ? 2 : side === "a" ? 1 : 1.1;
    expect(verdictOf(await stageOf(disturbed, HOST_RULES), HOST_RULES)).toBe("slower");
    expect(measured).toBe(4 * PAIRS);
  });

  it("does not tell differences below the floor, however sure it is", () => {
    const a = Array.from({ length: PAIRS }, (_, index) => 1 + index / 1000);
    const stage = judge(
      a,
      a.map((seconds) => seconds * 1.04),
    );
    expect(stage.p).toBe(2 ** -PAIRS);
    expect(stage.ratio).toBeCloseTo(1.04, 10);
    expect(verdictOf(stage, HOST_RULES)).toBe("same");
  });

  it("does not tell a difference that chance could make, however large", () => {
    const a = new Array<number>(PAIRS).fill(1);
    const b = a.map((_, index) => (index % 3 === 0 ? 0.9 : 1.3));
    const stage = judge(a, b);
    expect(stage.ratio).toBeGreaterThan(1.05);
    expect(verdictOf(stage, HOST_RULES)).toBe("same");
  });

  it("is not impressed by drift: pairs are compared, not stretches of time", () => {
    const a = Array.from({ length: PAIRS }, (_, index) => 1 + index);
    expect(verdictOf(judge(a, a), HOST_RULES)).toBe("same");
    expect(
      verdictOf(
        judge(
          a,
          a.map((seconds) => seconds * 1.2),
        ),
        HOST_RULES,
      ),
    ).toBe("slower");
  });
});
