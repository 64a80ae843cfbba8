/** Ticks of a frequency: the same as exact rational arithmetic, at any time and for every profile's clock. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { PROFILES } from "../../events/profiles/index.js";
import { TickRate } from "./clock.js";

const FREQUENCIES = [32_768, 115_200, 1_193_182, 100_000_000];
const CLOCKS = PROFILES.map(({ frequencyMHz }) => frequencyMHz * 1_000_000);

it("counts ticks and begins them where rational arithmetic does", () => {
  const property = fc.property(
    fc.constantFrom(...FREQUENCIES),
    fc.constantFrom(...CLOCKS, 1_000_000_007, 4_999_999_999),
    fc.oneof(fc.nat(1_000_000), fc.integer({ min: 0, max: 2 ** 52 - 1 })),
    (hertz, clock, cycles) => {
      fc.pre(hertz * clock < Number.MAX_SAFE_INTEGER || clock % 1_000_000 === 0);
      const rate = new TickRate(hertz, clock);
      const exact = (BigInt(cycles) * BigInt(hertz)) / BigInt(clock);
      expect(BigInt(rate.ticksAt(cycles))).toBe(exact);
      const tick = Number(exact) + 1;
      const begin = (BigInt(tick) * BigInt(clock) + BigInt(hertz) - 1n) / BigInt(hertz);
      if (begin >= 2n ** 52n) return;
      expect(BigInt(rate.cyclesOf(tick))).toBe(begin);
    },
  );
  fc.assert(property, { seed: 7, numRuns: 5000 });
});

it("begins a tick in the cycle in which it is first counted", () => {
  const rate = new TickRate(1_193_182, 2_667_000_000);
  for (let tick = 0; tick < 10_000; tick++) {
    const cycles = rate.cyclesOf(tick);
    expect(rate.ticksAt(cycles)).toBe(tick);
    if (tick > 0) expect(rate.ticksAt(cycles - 1)).toBe(tick - 1);
  }
});

it("takes fractions of a cycle as not yet over", () => {
  const rate = new TickRate(1, 10);
  expect(rate.ticksAt(9.999)).toBe(0);
  expect(rate.ticksAt(10)).toBe(1);
  expect(rate.cyclesOf(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
});

it("refuses frequencies whose products would not be exact", () => {
  expect(() => new TickRate(4_000_000_007, 3_999_999_979)).toThrow("exact");
  expect(() => new TickRate(1.5, 10)).toThrow("whole");
});
