/**
 * What do the paging-structure caches and the nested TLB spare? Hits at the levels where lists in order of use hit, for
 * random addresses; gone after INVLPG and CR3 loads; under nested paging a hit spares the second dimension too.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EVENT } from "../../events/events.js";
import type { CpuProfile, WalkCacheGeometry } from "../../events/profile.js";
import { type Gva, highHalf, lowHalf } from "../address.js";
import type { Machine } from "../machine.js";
import { makeTestMachine, TEST_PROFILE } from "../testing/machines.js";
import { mapNested, nestedFlags, newNestedTable } from "../testing/nested-tables.js";
import { mapPage, newTable } from "../testing/tables.js";
import { A, D, P, RW, US } from "./entry.js";

const FLAGS = P | RW | US | A | D;
const GIB = 2 ** 30;
const MIB = 2 ** 20;

function sized(entries: number, ways: number): WalkCacheGeometry {
  return { entries, ways, source: "test" };
}

function profileWith(walkCaches: CpuProfile["walkCaches"]): CpuProfile {
  return { ...TEST_PROFILE, walkCaches };
}

/** Pages in three 512 GiB regions, three GiB in each, three 2 MiB in each of those, two pages in each. */
const PAGES: readonly Gva[] = [0, 1, 5].flatMap((region) =>
  [0, 1, 2].flatMap((gib) =>
    [0, 1, 7].flatMap((part) =>
      [0, 3].map((page) => region * 512 * GIB + gib * GIB + part * 2 * MIB + page * 4096),
    ),
  ),
);

function makeMachine(profile: CpuProfile, nested: boolean): Machine {
  const machine = makeTestMachine({
    profile,
    walkCaches: true,
    ...(nested ? { nested: { levels: 4, accessedDirty: false } } : {}),
  });
  const root = newTable(machine);
  for (const va of PAGES) mapPage(machine, root, va, 1000, FLAGS);
  if (nested) {
    const nestedRoot = newNestedTable(machine);
    machine.mmu.walker.host!.root = nestedRoot;
    for (let gfn = 0; gfn < 1024; gfn++) mapNested(machine, nestedRoot, 4, gfn, gfn, nestedFlags(machine));
  }
  machine.mmu.loadCr3(root, 0, false);
  return machine;
}

/** References of one walk. */
function refer(machine: Machine, va: Gva): number {
  const { events } = machine.counters;
  const before = events[EVENT.walk_refs]!;
  expect(machine.driver.once(highHalf(va), lowHalf(va), 0, true)).toBe(true);
  return events[EVENT.walk_refs]! - before;
}

/** One cache as sets of prefixes, the latest first. */
class NaiveCache {
  private readonly sets: number[][];

  constructor(private readonly geometry: WalkCacheGeometry) {
    this.sets = Array.from({ length: geometry.entries / geometry.ways }, () => []);
  }

  find(prefix: number): boolean {
    const set = this.sets[prefix % this.sets.length]!;
    const at = set.indexOf(prefix);
    if (at >= 0) set.unshift(...set.splice(at, 1));
    return at >= 0;
  }

  fill(prefix: number): void {
    if (this.find(prefix)) return;
    const set = this.sets[prefix % this.sets.length]!;
    set.unshift(prefix);
    if (set.length > this.geometry.ways) set.pop();
  }
}

const GUEST = { level1: sized(8, 2), level2: sized(4, 4), level3: sized(2, 2) };

describe("one dimension", () => {
  it("spares the levels above the lowest table it knows", () => {
    const machine = makeMachine(profileWith({ guest: GUEST, host: {} }), false);
    expect(refer(machine, PAGES[0]!)).toBe(4);
    expect(refer(machine, PAGES[0]! + 3 * 4096)).toBe(1);
    expect(refer(machine, PAGES[0]! + 2 * MIB)).toBe(2);
    expect(refer(machine, PAGES[0]! + GIB)).toBe(3);
    expect(refer(machine, PAGES[0]! + 512 * GIB)).toBe(4);
    expect(machine.counters.events[EVENT.walk_cache_guest_hits]).toBe(3);
  });

  it("knows nothing after INVLPG of any page, or a CR3 load; keeps it where CR3 keeps the PCID", () => {
    const machine = makeMachine(profileWith({ guest: GUEST, host: {} }), false);
    const { mmu } = machine;
    const root = mmu.walker.root;
    refer(machine, PAGES[0]!);
    mmu.invalidatePage(PAGES[9]!);
    expect(refer(machine, PAGES[0]!)).toBe(4);
    mmu.loadCr3(root, 0, true);
    expect(refer(machine, PAGES[0]!)).toBe(1);
    mmu.loadCr3(root, 0, false);
    expect(refer(machine, PAGES[0]!)).toBe(4);
    mmu.loadCr3(root, 5, true);
    expect(refer(machine, PAGES[0]!)).toBe(4);
    mmu.invalidatePageOf(0, PAGES[0]!);
    expect(refer(machine, PAGES[0]!)).toBe(1);
    mmu.loadCr3(root, 0, true);
    expect(refer(machine, PAGES[0]!)).toBe(4);
    mmu.flushAll(true);
    expect(refer(machine, PAGES[0]!)).toBe(4);
  });

  it("hits where lists in order of use hit", () => {
    const property = fc.property(
      fc.array(fc.constantFrom(...PAGES), { maxLength: 400, size: "max" }),
      (addresses) => {
        const machine = makeMachine(profileWith({ guest: GUEST, host: {} }), false);
        const naive = [GUEST.level1, GUEST.level2, GUEST.level3].map((geometry) => new NaiveCache(geometry));
        for (const va of addresses) {
          const prefixes = [2 * MIB, GIB, 512 * GIB].map((span) => Math.floor(va / span));
          const hit = naive.findIndex((cache, level) => cache.find(prefixes[level]!));
          const known = hit < 0 ? 3 : hit;
          for (let level = known - 1; level >= 0; level--) naive[level]!.fill(prefixes[level]!);
          const references = refer(machine, va);
          if (references !== known + 1) expect(references).toBe(known + 1);
        }
      },
    );
    fc.assert(property, { seed: 9, numRuns: 15 });
  });
});

describe("two dimensions", () => {
  it("a guest's table that is known needs no nested walk", () => {
    const machine = makeMachine(profileWith({ guest: GUEST, host: {} }), true);
    expect(refer(machine, PAGES[0]!)).toBe(24);
    expect(refer(machine, PAGES[0]! + 3 * 4096)).toBe(1 + 4);
    expect(refer(machine, PAGES[0]! + 2 * MIB)).toBe(2 + 2 * 4);
    expect(refer(machine, PAGES[0]! + GIB)).toBe(3 + 3 * 4);
  });

  it("nested caches spare the levels of each nested walk, and INVEPT empties them", () => {
    const host = { level1: sized(8, 2), level2: sized(4, 4), level3: sized(2, 2) };
    const machine = makeMachine(profileWith({ guest: {}, host }), true);
    // All guest frames are within 2 MiB, but for the data page: the first nested walk fills, the others read one entry.
    expect(refer(machine, PAGES[0]!)).toBe(4 + 4 + 3 * 1 + 2);
    expect(refer(machine, PAGES[0]!)).toBe(4 + 5);
    machine.mmu.loadCr3(machine.mmu.walker.root, 0, false);
    expect(refer(machine, PAGES[0]!)).toBe(4 + 5);
    machine.mmu.invalidateNested();
    expect(refer(machine, PAGES[0]!)).toBe(4 + 4 + 3 * 1 + 2);
  });

  it.each([4, 8, 16])("a nested TLB of %i entries forgets the frame used longest ago", (entries) => {
    const property = fc.property(
      fc.array(fc.constantFrom(...PAGES), { maxLength: 300, size: "max" }),
      (addresses) => {
        const machine = makeMachine(
          profileWith({ guest: {}, host: {}, nestedTlb: sized(entries, entries) }),
          true,
        );
        const { ram, counters } = machine;
        const naive = new NaiveCache(sized(entries, entries));
        let hits = 0;
        for (const va of addresses) {
          // The frames that a walk translates, in its order: the root, a table a level, the page.
          let frame = machine.mmu.walker.root;
          for (let level = 4; level >= 0; level--) {
            if (naive.find(frame)) hits++;
            else naive.fill(frame);
            const index = Math.floor(va / 2 ** (12 + 9 * (level - 1))) % 512;
            if (level > 0) frame = ram[frame * 1024 + index * 2]! >>> 12;
          }
          refer(machine, va);
          const found = counters.events[EVENT.nested_tlb_hits]!;
          if (found !== hits) expect({ found, va }).toEqual({ found: hits, va });
        }
      },
    );
    fc.assert(property, { seed: 10, numRuns: 10 });
  });
});
