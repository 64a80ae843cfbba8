/** Cycles' causes: the division into count and price is exact, and every category has its place. */
import { describe, expect, it } from "vitest";
import { CYCLE_CATEGORIES } from "../events/categories.js";
import type { Row } from "../scenario/scenario.js";
import { propagationOf } from "./propagation.js";

const base: Row = {
  cycles: 10_000,
  cycles_guest_user: 4_000,
  cycles_walk_guest: 1_000,
  cycles_walk_host: 2_000,
  cycles_transition: 1_000,
  cycles_monitor: 2_000,
  references: 4_000,
  walk_refs: 300,
  exits: 3,
};

describe("propagationOf", () => {
  it("says that one more exit at the old price explains it all", () => {
    const after = { ...base, cycles: 11_000, cycles_transition: 1_250, cycles_monitor: 2_750, exits: 4 };
    const { cycles, causes } = propagationOf(base, after)!;
    expect(cycles).toBe(1_000);
    expect(causes).toEqual([
      {
        group: "exits and monitor",
        cycles: 1_000,
        share: 1,
        event: {
          column: "exits",
          before: 3,
          after: 4,
          priceBefore: 1_000,
          priceAfter: 1_000,
          byCount: 1_000,
        },
      },
    ]);
  });

  it("divides a change into count and price without a rest", () => {
    const after = { ...base, cycles: 12_000, cycles_walk_host: 4_000, walk_refs: 400 };
    const [cause] = propagationOf(base, after)!.causes;
    expect(cause).toMatchObject({ group: "page walks", cycles: 2_000 });
    const { byCount, after: count, priceBefore, priceAfter } = cause!.event!;
    expect(byCount).toBe(1_000);
    expect(byCount + count * (priceAfter - priceBefore)).toBe(cause!.cycles);
  });

  it("gives a price's change to no event: the count stayed", () => {
    const after = { ...base, cycles: 10_003, cycles_monitor: 2_003 };
    const [cause] = propagationOf(base, after)!.causes;
    expect(cause!.event).toMatchObject({
      before: 3,
      after: 3,
      byCount: 0,
      priceBefore: 1_000,
      priceAfter: 1_001,
    });
  });

  it("puts the largest group first, and shares may pull against each other", () => {
    const after = {
      ...base,
      cycles: 9_500,
      cycles_walk_host: 1_000,
      walk_refs: 200,
      cycles_monitor: 2_500,
      exits: 4,
    };
    expect(propagationOf(base, after)!.causes.map(({ group, share }) => [group, share])).toEqual([
      ["page walks", 2],
      ["exits and monitor", -1],
    ]);
  });

  it("has a price where there was nothing before, or is nothing after", () => {
    const none = { ...base, cycles: 7_000, cycles_transition: 0, cycles_monitor: 0, exits: 0 };
    expect(propagationOf(none, base)!.causes[0]!.event).toMatchObject({ priceBefore: 1_000, byCount: 3_000 });
    expect(propagationOf(base, none)!.causes[0]!.event).toMatchObject({ priceAfter: 0, byCount: -3_000 });
  });

  it("knows every category: what is charged to one alone is told", () => {
    for (const { name } of CYCLE_CATEGORIES) {
      const column = `cycles_${name}`;
      const before: Row = { cycles: 100, [column]: 100 };
      const causes = propagationOf(before, { cycles: 130, [column]: 130 })!.causes;
      expect(causes.map(({ share }) => share)).toEqual([1]);
    }
  });

  it("is undefined where cycles did not change", () => {
    expect(propagationOf(base, { ...base, exits: 9 })).toBeUndefined();
    expect(propagationOf({ status: "unsupported" }, base)).toBeUndefined();
  });
});
