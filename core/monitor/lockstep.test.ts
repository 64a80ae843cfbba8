/**
 * Random kernels with their programs, faults, page tables, interrupts, ports, segments and system calls end under each monitor as
 * natively, in every byte of their memory. More of them, on both engines: node scripts/fuzz.mjs --kind timeless. That such guests
 * catch a monitor that is broken on purpose is planted-faults.test.ts.
 */
import { expect, it } from "vitest";
import { timelessGuest } from "../guest/fuzz/timeless-guests.js";
import { differenceOf, TECHNIQUES } from "./lockstep.js";

/** Of 32 bits with each of the formats, and of 64; with and without what shows privilege. */
const SEEDS = [1, 2, 3, 4];

/** Each technique on one engine, now this and now that: that the engines agree is engines' tests. */
it.each(SEEDS)("seed %i", (seed) => {
  const guest = timelessGuest(seed);
  const engines = (technique: string) =>
    (seed + (TECHNIQUES as readonly string[]).indexOf(technique)) % 2 === 0
      ? (["interpreter"] as const)
      : (["translator"] as const);
  const found = differenceOf(guest, { profiles: ["nehalem-2008"], engines });
  expect(found, guest.description).toBeUndefined();
});

/** Their segments end where the monitor begins, and programs' code is loaded as data. */
it.each([7, 12])("seed %i where segments are cut short", (seed) => {
  const guest = timelessGuest(seed);
  const techniques = ["trap-and-emulate", "binary translation"] as const;
  const choice = { profiles: ["nehalem-2008"], techniques, engines: () => ["translator"] as const };
  expect(differenceOf(guest, choice), guest.description).toBeUndefined();
});

/** Of 64 bits, without what shows privilege and with it. */
const LONG_SEEDS = [4, 2];

it.each(LONG_SEEDS)("seed %i where 64-bit kernels are translated", (seed) => {
  const guest = timelessGuest(seed);
  const choice = { profiles: ["barcelona-2007"], techniques: ["binary translation"] as const };
  expect(differenceOf(guest, choice), guest.description).toBeUndefined();
});

it.each([
  [1, "ice-lake-2019"],
  [4, "zen-3-2020"],
])("seed %i on %s, with the local APIC in hardware", (seed, profile) => {
  const guest = timelessGuest(seed);
  const choice = { profiles: [profile], techniques: ["hardware/nested with all assistance"] as const };
  expect(differenceOf(guest, choice), guest.description).toBeUndefined();
});

it("the same seed gives the same guest", () => {
  expect(timelessGuest(5)).toEqual(timelessGuest(5));
});
