/** Frames: chunks are aligned and never overlap, the ledger is the sum of what is held, and memory ends when it is full. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { MEMORY_OWNERS } from "../events/memory-owners.js";
import { UnsupportedError } from "../util/errors.js";
import { Frames } from "./frames.js";

const BACKED = 100;
const TOTAL = 1500;
const OWNERS = MEMORY_OWNERS.length;

interface Chunk {
  readonly frame: number;
  readonly order: number;
  readonly owner: number;
}

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("backed" as const, "bare" as const),
      order: fc.nat(9),
      owner: fc.nat(OWNERS - 1),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("give" as const), order: fc.nat(1000), owner: fc.constant(0) }),
  },
);

it("hands out aligned chunks that do not overlap, and keeps the ledger", () => {
  let exhausted = 0;
  const property = fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
    const frames = new Frames(BACKED, TOTAL);
    const held: Chunk[] = [];
    const taken = new Set<number>();
    const owned = new Array<number>(OWNERS).fill(0);
    const peak = new Array<number>(OWNERS).fill(0);
    for (const { do: what, order, owner } of steps) {
      if (what === "give") {
        const chunk = held.splice(order % Math.max(1, held.length), 1)[0];
        if (chunk === undefined) continue;
        frames.give(chunk.owner, chunk.frame, chunk.order);
        for (let i = 0; i < 2 ** chunk.order; i++) taken.delete(chunk.frame + i);
        owned[chunk.owner]! -= 2 ** chunk.order;
      } else {
        try {
          const frame = what === "backed" ? frames.takeBacked(owner, order) : frames.takeBare(owner, order);
          expect(frame % 2 ** order).toBe(0);
          const [start, end] = what === "backed" ? [0, BACKED] : [BACKED, TOTAL];
          expect(frame >= start && frame + 2 ** order <= end).toBe(true);
          for (let i = 0; i < 2 ** order; i++) {
            expect(taken.has(frame + i)).toBe(false);
            taken.add(frame + i);
          }
          held.push({ frame, order, owner });
          owned[owner]! += 2 ** order;
          peak[owner] = Math.max(peak[owner]!, owned[owner]!);
        } catch (error) {
          if (!(error instanceof UnsupportedError)) throw error;
          exhausted++;
        }
      }
      expect([...frames.owned]).toEqual(owned);
      expect([...frames.peak]).toEqual(peak);
    }
    // Single frames can be had until every one is taken.
    for (const [take, count] of [
      [() => frames.takeBacked(0), BACKED],
      [() => frames.takeBare(0), TOTAL - BACKED],
    ] as const) {
      const isBacked = count === BACKED;
      const inZone = [...taken].filter((frame) => frame < BACKED === isBacked).length;
      for (let i = inZone; i < count; i++) {
        const frame = take();
        expect(taken.has(frame)).toBe(false);
        taken.add(frame);
      }
      expect(take).toThrow(UnsupportedError);
    }
    expect(taken.size).toBe(TOTAL);
  });
  fc.assert(property, { seed: 7, numRuns: 15 });
  expect(exhausted).toBeGreaterThan(0);
});

it("is deterministic: the frame given back last goes out first", () => {
  const frames = new Frames(8, 16);
  const [a, b] = [frames.takeBacked(0), frames.takeBacked(0)];
  frames.give(0, a);
  frames.give(0, b);
  expect([frames.takeBacked(1), frames.takeBacked(1)]).toEqual([b, a]);
});

it("says what is exhausted", () => {
  const frames = new Frames(4, 4);
  expect(() => frames.takeBare(0)).toThrow(/no 1 frames left of 4/);
  expect(() => frames.takeBacked(0, 3)).toThrow(/no 8 frames with contents left/);
});
