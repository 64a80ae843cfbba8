/**
 * Random kernels with their programs, faults, page tables, interrupts, ports, segments and system calls end under each monitor as
 * natively, on both engines. More of them: node scripts/fuzz.mjs --kind timeless. A monitor that is broken on purpose is
 * caught by the same guests.
 */
import { describe, expect, it, vi } from "vitest";
import { timelessGuest } from "../guest/fuzz/timeless-guests.js";
import { DeprivilegedMonitor } from "./deprivileged/monitor.js";
import { differenceOf } from "./lockstep.js";
import { ShadowTables } from "./memory/shadow/shadow-tables.js";
import { ShadowedPaging } from "./memory/shadow/shadowed-paging.js";

/** Of 32 bits with each of the formats, and of 64; with and without what shows privilege. */
const SEEDS = [1, 2, 3, 4];

it.each(SEEDS)("seed %i", (seed) => {
  const guest = timelessGuest(seed);
  expect(differenceOf(guest, ["nehalem-2008"]), guest.description).toBeUndefined();
});

/** Of 64 bits, without what shows privilege and with it. */
const LONG_SEEDS = [4, 2];

it.each(LONG_SEEDS)("seed %i where 64-bit kernels are translated", (seed) => {
  const guest = timelessGuest(seed);
  expect(differenceOf(guest, ["barcelona-2007"]), guest.description).toBeUndefined();
});

it.each([
  [1, "ice-lake-2019"],
  [4, "zen-3-2020"],
])("seed %i on %s, with the local APIC in hardware", (seed, profile) => {
  const guest = timelessGuest(seed);
  expect(differenceOf(guest, [profile]), guest.description).toBeUndefined();
});

it("the same seed gives the same guest", () => {
  expect(timelessGuest(5)).toEqual(timelessGuest(5));
});

describe("a monitor that is broken on purpose is caught when", () => {
  it.each<[string, () => void]>([
    [
      "a kernel at CPL 3 has its programs' rights",
      () => vi.spyOn(ShadowedPaging.prototype, "setRole").mockReturnValue(),
    ],
    [
      "page tables are not guarded",
      () => vi.spyOn(ShadowTables.prototype, "isGuarded").mockReturnValue(false),
    ],
    [
      "interrupts do not come",
      () => vi.spyOn(DeprivilegedMonitor.prototype, "hasInterrupt").mockReturnValue(false),
    ],
  ])("%s", (_name, breakIt) => {
    breakIt();
    try {
      const guests = SEEDS.map(timelessGuest);
      expect(guests.some((guest) => differenceOf(guest, ["nehalem-2008"]) !== undefined)).toBe(true);
    } finally {
      vi.restoreAllMocks();
    }
  });
});
