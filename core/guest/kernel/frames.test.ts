import { describe, expect, it } from "vitest";
import { DataFrames, TableFrames } from "./frames.js";

const PAGES = [0, 1, 512, 262_144];

describe("DataFrames", () => {
  it("gives aligned pages that never overlap, until every frame is used", () => {
    const base = 700;
    const frames = new DataFrames(base, base + 3 * 512, PAGES);
    const large = [frames.allocate(2), frames.allocate(2)];
    expect(large).toEqual([1024, 1536]);
    const small = new Set<number>();
    while (frames.inUse < 3 * 512) small.add(frames.allocate(1));
    expect(small.size).toBe(512);
    for (const frame of small) expect(frame < 1024 || frame >= 2048).toBe(true);
    expect(() => frames.allocate(1)).toThrow(/guest out of memory: 1536 of 1536/);
  });

  it("splits larger chunks when smaller ones run out", () => {
    const frames = new DataFrames(262_144, 2 * 262_144, PAGES);
    expect(frames.allocate(1)).toBe(262_144);
    expect(frames.allocate(2)).toBe(262_144 + 512);
    expect(() => frames.allocate(3)).toThrow(/no page of 262144/);
  });

  it("takes fresh memory in order of address, wherever its first frame lies", () => {
    for (const base of [512, 262_144 - 1024, 3 * 512]) {
      const frames = new DataFrames(base, base + 2 * 262_144, PAGES);
      for (let i = 0; i < 300_000; i++) if (frames.allocate(1) !== base + i) throw new Error(`frame ${i}`);
    }
  });

  it("hands out the frame freed last", () => {
    const frames = new DataFrames(512, 1024, PAGES);
    const [a, b] = [frames.allocate(1), frames.allocate(1)];
    frames.drop(a, 1);
    frames.drop(b, 1);
    expect([frames.allocate(1), frames.allocate(1)]).toEqual([b, a]);
  });

  it("frees a shared page with its last mapping", () => {
    const frames = new DataFrames(512, 1024, PAGES);
    const frame = frames.allocate(1);
    frames.share(frame);
    frames.drop(frame, 1);
    expect([frames.inUse, frames.isShared(frame)]).toEqual([1, false]);
    frames.drop(frame, 1);
    expect(frames.inUse).toBe(0);
  });
});

describe("TableFrames", () => {
  it("never gives frame 0, and says when none is left", () => {
    const tables = new TableFrames(4);
    expect([tables.allocate(), tables.allocate(), tables.allocate()]).toEqual([1, 2, 3]);
    expect(() => tables.allocate()).toThrow(/page tables are in use/);
    tables.release(2);
    expect(tables.allocate()).toBe(2);
  });
});
