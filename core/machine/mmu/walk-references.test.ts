/**
 * How many references does a cold walk make? The closed form: one for each level in one dimension, (g + 1)(h + 1) - 1
 * in two, for g levels of the guest down to its page and h of the host (Bhargava et al., ASPLOS 2008); for every format
 * and page size, each reference at the level and in the dimension where it belongs, at the price of the L2 cache.
 */
import { describe, expect, it } from "vitest";
import { CYCLES } from "../../events/categories.js";
import { EVENT } from "../../events/events.js";
import { PAGE_SIZES, type PageSizeName } from "../../util/units.js";
import type { Machine } from "../machine.js";
import { makeTestMachine, TEST_AMD_PROFILE, TEST_PROFILE } from "../testing/machines.js";
import { mapNested, nestedFlags, newNestedTable } from "../testing/nested-tables.js";
import { mapPage, newTable } from "../testing/tables.js";
import { A, D, P, RW, US } from "./entry.js";
import type { PagingName } from "./format.js";
import { READ } from "./permissions.js";
import { WALK_DONE } from "./walker.js";

const VA = 0x4567_8000;
/** First frame of the data page, aligned to its size. */
const dataFrame = (page: PageSizeName): number => 2 ** 18 + (page === "1G" ? 0 : 3 * 2 ** 10);
const LATENCY = TEST_PROFILE.caches.l2.latency.value;
/** log2 of the frames of a host page, by size. */
const HOST_ORDERS = { "4K": 0, "2M": 9, "1G": 18 } as const;

/** Every guest format with each of its page sizes, and the levels of memory that a walk reads. */
const GUESTS: [PagingName, PageSizeName, number][] = [
  ["32-bit", "4K", 2],
  ["32-bit", "4M", 1],
  ["pae", "4K", 2],
  ["pae", "2M", 1],
  ["4-level", "4K", 4],
  ["4-level", "2M", 3],
  ["4-level", "1G", 2],
  ["5-level", "4K", 5],
  ["5-level", "2M", 4],
  ["5-level", "1G", 3],
];

/** Maps VA to a data page; CR3 is loaded. Returns the level of the leaf. */
function mapGuest(machine: Machine, page: PageSizeName): number {
  const { walker } = machine.mmu;
  const leaf = machine.paging.leafLevel[page]!;
  walker.root = newTable(machine);
  mapPage(machine, walker.root, VA, dataFrame(page), RW | US | A | D | P, leaf);
  if (machine.paging.name === "pae") walker.loadPdptes(0);
  return leaf;
}

/** Walks twice (the first may set A and D bits) and counts the second. */
function walk(machine: Machine): Float64Array {
  for (let round = 0; round < 2; round++) {
    machine.counters.reset();
    expect(machine.mmu.walker.walk(0, VA, READ, true, 0, 1)).toBe(WALK_DONE);
  }
  return machine.counters.events;
}

describe("one dimension", () => {
  it.each(GUESTS)("%s, %s page: %i", (paging, page, references) => {
    const machine = makeTestMachine({ paging });
    const leaf = mapGuest(machine, page);
    const events = walk(machine);
    expect(events[EVENT.walk_refs]).toBe(references);
    for (let level = 1; level <= 5; level++) {
      const isRead = level >= leaf && level < leaf + references;
      expect(events[EVENT.walk_refs_guest_l1 + level - 1]).toBe(isRead ? 1 : 0);
    }
    expect(machine.counters.totalCycles).toBe(references * LATENCY);
    expect(machine.counters.cycles[CYCLES.walk_guest]).toBe(references * LATENCY);
  });
});

const PROFILES = { ept: TEST_PROFILE, npt: TEST_AMD_PROFILE };
type HostPage = keyof typeof HOST_ORDERS;

/** A cold walk in two dimensions, over an identity map: guest tables lie in the first frames, data far above. */
function walkNested(
  paging: PagingName,
  page: PageSizeName,
  hostPage: HostPage,
  levels: 4 | 5,
  format: "ept" | "npt",
): Machine {
  const profile = PROFILES[format];
  const machine = makeTestMachine({
    paging,
    profile,
    nested: { levels, accessedDirty: true },
    backedFrames: 2048,
  });
  const root = newNestedTable(machine);
  machine.mmu.walker.host!.root = root;
  const order = HOST_ORDERS[hostPage];
  const map = (gfn: number): void => {
    const first = gfn - (gfn % 2 ** order);
    mapNested(machine, root, levels, first, first, nestedFlags(machine), 1 + order / 9);
  };
  for (let gfn = 0; gfn < 64; gfn += 2 ** order) map(gfn);
  const pageFrames = PAGE_SIZES[page] / 4096;
  map(dataFrame(page) + (Math.floor(VA / 4096) % pageFrames));
  mapGuest(machine, page);
  walk(machine);
  return machine;
}

describe.each(GUESTS)("two dimensions: %s guest, %s page", (paging, page, guestLevels) => {
  const hosts = (["4K", "2M", "1G"] as const).flatMap((hostPage) =>
    ([4, 5] as const).flatMap((levels) =>
      (["ept", "npt"] as const).map((format) => [hostPage, levels, format] as const),
    ),
  );

  it.each(hosts)("%s host page, %i levels of %s", (hostPage, levels, format) => {
    const { counters } = walkNested(paging, page, hostPage, levels, format);
    const { events, cycles } = counters;
    const hostLeaf = 1 + HOST_ORDERS[hostPage] / 9;
    const wanted = (guestLevels + 1) * (levels - hostLeaf + 2) - 1;
    expect(events[EVENT.walk_refs]).toBe(wanted);
    expect(events[EVENT.walk_refs_max]).toBe(wanted);
    for (let level = 1; level <= 5; level++) {
      const isRead = level >= hostLeaf && level <= levels;
      expect(events[EVENT.walk_refs_host_l1 + level - 1]).toBe(isRead ? guestLevels + 1 : 0);
    }
    expect(cycles[CYCLES.walk_guest]).toBe(guestLevels * LATENCY);
    expect(cycles[CYCLES.walk_host]).toBe((wanted - guestLevels) * LATENCY);
    expect(counters.totalCycles).toBe(wanted * LATENCY);
  });
});

it.each([
  ["4-level", "4K", "4K", 4, 24],
  ["4-level", "2M", "2M", 4, 15],
  ["4-level", "4K", "2M", 4, 19],
  ["4-level", "2M", "4K", 4, 19],
  ["4-level", "4K", "4K", 5, 29],
  ["5-level", "4K", "4K", 5, 35],
] as const)(
  "the literature's number: %s, %s on %s, %i levels: %i",
  (paging, page, hostPage, levels, number) => {
    const { events } = walkNested(paging, page, hostPage, levels, "ept").counters;
    expect(events[EVENT.walk_refs]).toBe(number);
  },
);
