/**
 * Do the profiles say what is well known of each core, and do their prices add up to the published
 * figures?
 */
import { describe, expect, it } from "vitest";
import type { CostName } from "../costs.js";
import type { CpuProfile } from "../profile.js";
import { pricesOf } from "../profile.js";
import { findProfile, PROFILES } from "./index.js";

function profile(name: string): CpuProfile {
  const found = findProfile(name);
  if (found === undefined) throw new Error(`no profile ${name}`);
  return found;
}

function sum(name: string, ...costs: CostName[]): number {
  return costs.reduce((total, cost) => total + profile(name).costs[cost].value, 0);
}

/** "entries/ways" of the array of a level that holds a page size. */
function array(name: string, level: "l1i" | "l1d" | "l2", page: "4K" | "2M" | "1G"): string | undefined {
  const found = profile(name).tlb[level].find((one) => one.pages.includes(page));
  return found === undefined ? undefined : `${found.entries}/${found.ways}`;
}

/** Names of the profiles that have a feature. */
function having(
  feature:
    | "pcid"
    | "invpcid"
    | "vpid"
    | "nestedPaging"
    | "nestedAccessedDirty"
    | "page1G"
    | "la57"
    | "longModeLimits",
): string[] {
  return PROFILES.filter(({ features }) => features[feature]).map(({ name }) => name);
}

describe("the list of profiles", () => {
  it("is oldest first, each name once", () => {
    const years = PROFILES.map(({ year }) => year);
    expect(years).toEqual([...years].sort((a, b) => a - b));
    expect(new Set(PROFILES.map(({ name }) => name)).size).toBe(PROFILES.length);
  });

  it("has an Intel and an AMD core after 2017", () => {
    expect(new Set(PROFILES.filter(({ year }) => year > 2017).map(({ vendor }) => vendor))).toEqual(
      new Set(["intel", "amd"]),
    );
  });

  it("does not know a profile that is not there", () => {
    expect(findProfile("nehalem")).toBeUndefined();
  });
});

describe("features by generation", () => {
  it("has nested paging from Barcelona and Nehalem on", () => {
    expect(PROFILES.filter(({ features }) => !features.nestedPaging).map(({ name }) => name)).toEqual([
      "northwood-2002",
      "prescott-2005",
      "merom-2006",
      "penryn-2008",
    ]);
    expect(having("vpid")).toEqual(having("nestedPaging"));
  });

  it("has PCID from Westmere and Zen 3 on", () => {
    expect(having("pcid")).toEqual([
      "westmere-2010",
      "sandy-bridge-2011",
      "haswell-2013",
      "skylake-2015",
      "ice-lake-2019",
      "zen-3-2020",
    ]);
  });

  it("has INVPCID from Haswell and Zen 3 on; EPT A/D bits from Haswell on, NPT always", () => {
    expect(having("invpcid")).toEqual(["haswell-2013", "skylake-2015", "ice-lake-2019", "zen-3-2020"]);
    expect(having("nestedAccessedDirty")).toEqual([
      "barcelona-2007",
      "haswell-2013",
      "skylake-2015",
      "zen-2-2019",
      "ice-lake-2019",
      "zen-3-2020",
    ]);
  });

  it("has 1 GiB pages from Barcelona and Westmere on, 5-level paging on Ice Lake alone", () => {
    expect(having("page1G")).not.toContain("nehalem-2008");
    expect(having("page1G")).toEqual(expect.arrayContaining(["barcelona-2007", "westmere-2010"]));
    expect(having("la57")).toEqual(["ice-lake-2019"]);
  });

  it("has segment limits in 64-bit mode on AMD's alone, and not from Zen 3 on", () => {
    expect(having("longModeLimits")).toEqual(["barcelona-2007", "zen-2-2019"]);
  });
});

describe("TLB geometry", () => {
  it.each([
    ["prescott-2005", "l1d", "4K", "64/64"],
    ["merom-2006", "l1d", "4K", "16/4"],
    ["merom-2006", "l2", "4K", "256/4"],
    ["barcelona-2007", "l1d", "1G", "48/48"],
    ["barcelona-2007", "l2", "2M", "128/2"],
    ["nehalem-2008", "l1d", "4K", "64/4"],
    ["nehalem-2008", "l1d", "2M", "32/4"],
    ["nehalem-2008", "l1i", "2M", "7/7"],
    ["nehalem-2008", "l2", "4K", "512/4"],
    ["nehalem-2008", "l2", "2M", undefined],
    ["sandy-bridge-2011", "l1d", "1G", "4/4"],
    ["haswell-2013", "l2", "2M", "1024/8"],
    ["skylake-2015", "l2", "4K", "1536/12"],
    ["skylake-2015", "l2", "1G", "16/4"],
    ["zen-2-2019", "l2", "4K", "2048/8"],
    ["ice-lake-2019", "l2", "4K", "2048/16"],
  ] as const)("%s %s %s is %s", (name, level, page, expected) => {
    expect(array(name, level, page)).toBe(expected);
  });

  it("has no second level on the Pentium 4", () => {
    expect(profile("prescott-2005").tlb.l2).toEqual([]);
  });
});

describe("prices against published figures", () => {
  it.each([
    ["prescott-2005", 3_963],
    ["merom-2006", 1_579],
    ["penryn-2008", 1_266],
    ["nehalem-2008", 1_009],
    ["westmere-2010", 761],
    ["sandy-bridge-2011", 784],
  ])("%s: exit and entry make Agesen's round trip of %i cycles", (name, cycles) => {
    expect(sum(name, "vm_exit", "vm_entry")).toBe(cycles);
  });

  it("has the Pentium 4's native page fault of 1093 cycles (adams06-nano-pgfault-native)", () => {
    expect(profile("prescott-2005").costs.exception.value).toBe(1_093);
  });

  it("gives a true fault under hardware/shadow on the Pentium 4 its 11,242 cycles (adams06-nano-pgfault-hw-vmm)", () => {
    expect(
      sum(
        "prescott-2005",
        ...(["vm_exit", "vm_entry", "page_fault", "monitor_dispatch", "shadow_true_fault", "exception"] as const),
      ),
    ).toBe(11_242);
  });

  it("gives a page-table write there its 12,733 cycles, less the store's own (adams06-nano-ptemod-hw-vmm)", () => {
    expect(
      sum("prescott-2005", "vm_exit", "vm_entry", "page_fault", "monitor_dispatch", "shadow_emulate_write"),
    ).toBe(12_733 - 1);
  });

  it("keeps a hypercall of KVM near 1181 cycles on Skylake (kvm-luto17-vmcall-after); its core is not named: within 5%", () => {
    const cycles = sum("skylake-2015", "vm_exit", "vm_entry", "monitor_dispatch");
    expect(Math.abs(cycles - 1_181) / 1_181).toBeLessThan(0.05);
  });

  it("has Haswell's page fault and return of 1050 cycles", () => {
    expect(profile("haswell-2013").costs.exception.value).toBe(1_050);
  });

  it("makes exits cheaper with every Intel generation to Westmere", () => {
    const trips = ["prescott-2005", "merom-2006", "penryn-2008", "nehalem-2008", "westmere-2010"].map(
      (name) => sum(name, "vm_exit", "vm_entry"),
    );
    expect(trips).toEqual([...trips].sort((a, b) => b - a));
  });
});

describe("pricesOf", () => {
  it("takes the profile's values, and an override by name", () => {
    const prices = pricesOf(profile("nehalem-2008"), { invlpg: 7 });
    expect(prices.invlpg).toBe(7);
    expect(prices.tlb_l2_hit).toBe(7);
    expect(prices.cr3_load).toBe(110);
  });
});
