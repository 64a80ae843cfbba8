/** Does the check find each kind of problem, and nothing in the profiles we ship? */
import { describe, expect, it } from "vitest";
import type { CpuProfile } from "../profile.js";
import { checkProfile } from "./check.js";
import { PROFILES } from "./index.js";
import { NEHALEM_2008 } from "./nehalem-2008.js";

const { tlb, features, caches, costs, walkCaches } = NEHALEM_2008;
const [l1d4K] = tlb.l1d;

/** Nehalem with one thing wrong, and what the check must say of it. */
const BROKEN: [string, Partial<CpuProfile>, RegExp][] = [
  ["a name without its year", { name: "nehalem-2007" }, /^name: does not end with the year 2008/],
  ["an impossible physical address", { physicalAddressBits: 64 }, /^physicalAddressBits: 64/],
  ["nested paging without VT-x", { features: { ...features, hardwareAssist: false } }, /nestedPaging requires hardwareAssist/],
  ["INVPCID without PCID", { features: { ...features, invpcid: true } }, /invpcid requires pcid/],
  ["nested paging of no page size", { features: { ...features, nestedPages: [] } }, /requires 4K in nestedPages/],
  ["sets that are no power of two", { tlb: { ...tlb, l1d: [{ ...l1d4K!, entries: 48 }] } }, /^tlb\.l1d\[0\]: 48 entries of 4 ways give 12 sets/],
  ["tree-PLRU over twelve ways", { tlb: { ...tlb, l2: [{ ...l1d4K!, entries: 1_536, ways: 12 }] } }, /tree-plru over 12 ways/],
  ["a first level without 4K pages", { tlb: { ...tlb, l1d: tlb.l1d.slice(1) } }, /^tlb\.l1d: cannot hold 4K/],
  ["one page size in two arrays", { tlb: { ...tlb, l1d: [l1d4K!, l1d4K!] } }, /^tlb\.l1d: holds a page size in two arrays/],
  ["1G entries without 1G pages", { tlb: { ...tlb, l2: [{ ...l1d4K!, pages: ["1G"] }] } }, /holds 1G pages/],
  ["an assumed size without a range", { walkCaches: { ...walkCaches, host: { level1: { entries: 4, ways: 4, source: "guess", assumed: true } } } }, /^walkCaches\.host\.level1: is assumed without a range/],
  ["a PML5 cache without 5-level paging", { walkCaches: { ...walkCaches, guest: { level4: { entries: 2, ways: 2, source: "x" } } } }, /level4: requires la57/],
  ["a cache of 12288 sets", { caches: { ...caches, l3: { ...caches.l3!, sizeBytes: 12_582_912 } } }, /^caches\.l3: 12288 sets/],
  ["memory faster than the cache", { caches: { ...caches, dram: { value: 30, source: "x" } } }, /latencies do not increase: 4, 10, 38, 30/],
  ["a value outside its range", { costs: { ...costs, invlpg: { value: 9, source: "x", range: [10, 20] } } }, /^costs\.invlpg: 9 is outside its range 10 to 20/],
  ["a fit without a range", { costs: { ...costs, invlpg: { value: 9, source: "fitted to x" } } }, /^costs\.invlpg: is fitted without a range/],
  ["an empty source", { costs: { ...costs, syscall: { value: 9, source: " " } } }, /^costs\.syscall: has no source/],
  ["a negative price", { costs: { ...costs, syscall: { value: -9, source: "x" } } }, /^costs\.syscall: -9 is not a price/],
  ["a free VM exit", { costs: { ...costs, vm_exit: { value: 0, source: "x" } } }, /^costs\.vm_exit: is free/],
];

describe("checkProfile", () => {
  it.each(PROFILES.map((profile) => [profile.name, profile] as const))("finds nothing wrong with %s", (_name, profile) => {
    expect(checkProfile(profile)).toEqual([]);
  });

  it.each(BROKEN)("finds %s", (_what, change, problem) => {
    const problems = checkProfile({ ...NEHALEM_2008, ...change });
    expect(problems.filter((text) => problem.test(text))).toHaveLength(1);
  });

  it("finds a missing price", () => {
    const { invlpg: _missing, ...rest } = costs;
    expect(checkProfile({ ...NEHALEM_2008, costs: rest as CpuProfile["costs"] })).toEqual(["costs.invlpg: is missing"]);
  });
});
