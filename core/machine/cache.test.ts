/** Data caches: the same hits as lists kept in order of use, for any geometry; a miss fills every level. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CpuProfile } from "../events/profile.js";
import { PROFILES } from "../events/profiles/index.js";
import { allocateCaches, Caches } from "./cache.js";
import { Allocation } from "./memory.js";
import { TEST_PROFILE } from "./testing/machines.js";

/** One level as lists of line numbers, the latest first. */
class NaiveCache {
  private readonly sets: number[][];

  constructor(
    sizeBytes: number,
    private readonly ways: number,
  ) {
    this.sets = Array.from({ length: sizeBytes / 64 / ways }, () => []);
  }

  use(line: number): boolean {
    const set = this.sets[line % this.sets.length]!;
    const at = set.indexOf(line);
    if (at >= 0) set.splice(at, 1);
    set.unshift(line);
    if (set.length > this.ways) set.pop();
    return at >= 0;
  }
}

function makeCaches(profile: CpuProfile): Caches {
  const measure = new Allocation(undefined);
  allocateCaches(measure, profile);
  return new Caches(allocateCaches(new Allocation(new ArrayBuffer(measure.bytes)), profile), profile);
}

function profileWith(l1: [number, number], l2: [number, number], l3?: [number, number]): CpuProfile {
  const { l3: _, ...caches } = TEST_PROFILE.caches;
  const level = ([sizeBytes, ways]: [number, number], value: number) => ({
    ...caches.l1d,
    sizeBytes,
    ways,
    latency: { ...caches.l1d.latency, value },
  });
  return {
    ...TEST_PROFILE,
    caches: {
      ...caches,
      l1d: level(l1, 4),
      l2: level(l2, 12),
      ...(l3 === undefined ? {} : { l3: level(l3, 40) }),
    },
  };
}

const GEOMETRIES: [string, CpuProfile][] = [
  ["64 sets", profileWith([32_768, 8], [65_536, 4], [131_072, 16])],
  ["16 and 32 sets: the line's upper bits are in the tag", profileWith([2_048, 2], [8_192, 4])],
  ["one way", profileWith([4_096, 1], [16_384, 1])],
  ["12 ways", profileWith([49_152, 12], [131_072, 8])],
];

describe.each(GEOMETRIES)("%s", (_, profile) => {
  it("hits where lists in order of use hit", () => {
    const { l1d, l2, l3 } = profile.caches;
    const geometries = [l1d, l2, ...(l3 === undefined ? [] : [l3])];
    const latencies = [...geometries.map(({ latency }) => latency.value)];
    // Frames near each other, and far ones that share their sets.
    const frame = fc.oneof(
      fc.nat(12),
      fc.nat(60).map((n) => n * 64),
      fc.nat(20).map((n) => n * 4096),
    );
    const lines = fc.array(fc.tuple(frame, fc.nat(63)), { maxLength: 4000, size: "max" });
    const levels = new Set<number>();
    const property = fc.property(lines, (accesses) => {
      const caches = makeCaches(profile);
      const naive = geometries.map(({ sizeBytes, ways }) => new NaiveCache(sizeBytes, ways));
      for (const [frame, line] of accesses) {
        // A level is looked up, and filled, only when those before it missed.
        const found = naive.findIndex((cache) => cache.use(frame * 64 + line));
        const latency = caches.access(frame, line);
        const wanted = found < 0 ? 4 : found + 1;
        if (caches.level !== wanted) expect(caches.level).toBe(wanted);
        if (latency !== (latencies[found] ?? profile.caches.dram.value))
          expect(latency).toBe(latencies[found]);
        levels.add(wanted);
      }
    });
    fc.assert(property, { seed: 5, numRuns: 12 });
    expect(levels.size).toBe(geometries.length + 1);
  });
});

it("fits the caches of every profile", () => {
  for (const profile of PROFILES) {
    const caches = makeCaches(profile);
    const lines = profile.caches.l1d.sizeBytes / 64;
    for (let round = 0; round < 2; round++) {
      for (let line = 0; line < lines; line++) {
        caches.access(line >> 6, line & 63);
        expect(caches.level).toBe(round === 0 ? 4 : 1);
      }
    }
  }
});
