/** An exercise hides its answers, and the same seed asks the same. */
import { describe, expect, it } from "vitest";
import { Random } from "../util/random.js";
import { traceOf } from "./trace.js";
import { drawnCell, drawnKind } from "./trace-choice.js";
import { type Exercise, exerciseOf } from "./trace-questions.js";

function exercise(seed: number, reveal: boolean): Exercise {
  const config = drawnCell({}, seed);
  const trace = traceOf({ config, kind: drawnKind(seed), seed });
  return exerciseOf(trace, config, new Random(seed).fork("questions"), reveal);
}

const SEEDS = Array.from({ length: 12 }, (_, seed) => seed);

describe("an exercise", () => {
  it.each(SEEDS)("of seed %i shows no answer until asked", (seed) => {
    const [open, solved] = [exercise(seed, false), exercise(seed, true)];
    expect(open.questions.length).toBeGreaterThanOrEqual(8);
    expect(open.questions.map(({ text }) => text)).toEqual(solved.questions.map(({ text }) => text));
    expect(open.questions.every(({ answer }) => answer === null)).toBe(true);
    expect(solved.questions.every(({ answer }) => answer !== null && answer !== "")).toBe(true);
    for (const access of open.trace.accesses) {
      for (const step of access.steps) {
        if (step.kind === "reference") expect([step.address, step.index]).toEqual([null, null]);
        if (step.kind === "data") expect(step.address).toBeNull();
        if (access.state === "walk" && step.kind === "reference") expect(step.cycles).toBeNull();
        if (access.state === "cold" && step.kind === "reference") expect(step.place).toBeNull();
      }
    }
    expect(open.trace.closedForm).toBeNull();
  });

  it.each(SEEDS)("of seed %i gives answers that can be worked out from what stays visible", (seed) => {
    const { trace } = exercise(seed, false);
    const { questions } = exercise(seed, true);
    const walk = trace.accesses.find(({ state }) => state === "walk")!;
    // Price: what starts the walk, each entry's latency, bits and data.
    const price = walk.steps.reduce(
      (sum, step) => sum + (step.kind === "reference" ? trace.facts.latencies[step.place!]! : step.cycles!),
      0,
    );
    expect(questions.find(({ text }) => text.includes("cycles"))!.answer).toBe(String(price));
    // The page: the frame of the last entry read, and the offset in the page that it maps.
    const last = walk.steps.findLast((step) => step.kind === "reference")!;
    const shift =
      trace.paging === "32-bit" && last.dimension === "guest"
        ? 12 + 10 * (last.level - 1)
        : 12 + 9 * (last.level - 1);
    const pageBytes = 2 ** shift;
    const base = Number(BigInt(last.value) & 0xf_ffff_ffff_f000n);
    const pageAddress = walk.steps.findLast((step) => step.kind === "translate")?.address ?? trace.address;
    const offset = (Math.floor(Number(pageAddress) / 4096) * 4096) % pageBytes;
    const reached = base - (base % pageBytes) + offset + (Number(trace.address) % 4096);
    expect(questions.find(({ text }) => text.includes("does the access reach"))!.answer).toBe(
      `0x${reached.toString(16)}`,
    );
  });

  it("is the same for the same seed, and another for another", () => {
    expect(exercise(7, true)).toEqual(exercise(7, true));
    const traces = SEEDS.map((seed) => exercise(seed, true).trace);
    for (const key of ["address", "technique", "profile", "kind"] as const)
      expect(new Set(traces.map((trace) => trace[key])).size).toBeGreaterThan(1);
    expect(new Set(traces.map(({ address }) => address)).size).toBe(SEEDS.length);
  });

  it("draws only what was not said", () => {
    for (const seed of SEEDS) {
      const config = drawnCell({ technique: "hardware/nested", page: "2M" }, seed);
      expect([config.technique, config.page]).toEqual(["hardware/nested", "2M"]);
    }
  });
});
