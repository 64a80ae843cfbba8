/**
 * What a CPU profile is: one generation's translation geometry, caches, features and prices, each with its
 * source. The profiles themselves are in profiles/, one file each. A number that nobody published is
 * marked `assumed` and carries the range over which conclusions must be tested.
 */
import type { PageSizeName } from "../util/units.js";
import type { CostName, Costs } from "./costs.js";
import type { InstructionClass } from "./instruction-classes.js";
import type { AssistFeature } from "./profiles/assist.js";
import type { Extension } from "./profiles/extensions.js";

/** One number with its source. `value` is in cycles unless `unit` says otherwise. */
export interface Constant {
  readonly value: number;
  /** Where it is published (document, table or section), or why this value is assumed. */
  readonly source: string;
  /** Least and greatest plausible value; required when assumed. */
  readonly range?: readonly [number, number];
  /** True when no source gives the number. */
  readonly assumed?: boolean;
}

/** How a full set chooses its victim. tree-plru is derived exactly from last-use order. */
export type ReplacementPolicy = "lru" | "tree-plru" | "fifo" | "random";

/** One set-associative array of translations; a level has one or more, each for some page sizes. */
export interface TlbGeometry {
  readonly entries: number;
  /**
   * Ways of each set; equal to `entries` when fully associative. Sets (entries / ways) are a power of two.
   */
  readonly ways: number;
  /**
   * Page sizes this array may hold. 4M pages of the 32-bit format are held as 4M where listed, else as 2M
   * pairs.
   */
  readonly pages: readonly PageSizeName[];
  readonly policy: ReplacementPolicy;
  readonly source: string;
  /** True when no source gives the geometry; `range` then says how many entries are plausible. */
  readonly assumed?: boolean;
  readonly range?: readonly [number, number];
}

/** A paging-structure cache: entries that hold, for a prefix of the address, where the next table is. */
export interface WalkCacheGeometry {
  readonly entries: number;
  readonly ways: number;
  readonly source: string;
  /** True when no source gives the geometry; `range` then says how many entries are plausible. */
  readonly assumed?: boolean;
  readonly range?: readonly [number, number];
}

/** One level of the cache hierarchy; 64-byte lines. */
export interface CacheGeometry {
  readonly sizeBytes: number;
  readonly ways: number;
  /** Load-to-use latency. */
  readonly latency: Constant;
  readonly source: string;
}

export interface CpuFeatures {
  readonly longMode: boolean;
  readonly nx: boolean;
  /** 1 GiB pages in ordinary page tables. */
  readonly page1G: boolean;
  readonly pcid: boolean;
  readonly invpcid: boolean;
  /** 57-bit linear addresses (5-level paging). */
  readonly la57: boolean;
  /** Limits of data segments in 64-bit mode (EFER.LMSLE): AMD's revision D of 2005 to Zen 2. */
  readonly longModeLimits: boolean;
  /** VT-x or AMD-V. */
  readonly hardwareAssist: boolean;
  /** EPT or NPT. */
  readonly nestedPaging: boolean;
  /** Largest page of the nested table. */
  readonly nestedPages: readonly PageSizeName[];
  /** Accessed and dirty bits in the nested table (always with NPT). */
  readonly nestedAccessedDirty: boolean;
  /** VPID or ASID tags. */
  readonly vpid: boolean;
  /** What else of VT-x or AMD-V this generation has (profiles/assist.ts). */
  readonly assist: readonly AssistFeature[];
}

/** What CPUID says of a generation besides what its geometry and its `features` say. */
export interface CpuIdentity {
  /** Leaf 1, EAX: family, model, stepping (Intel SDM vol. 2, CPUID, "Version information"). */
  readonly signature: number;
  /** Extensions by the names of the SDM's CPUID tables; a machine offers those of them that it implements. */
  readonly extensions: readonly Extension[];
  readonly source: string;
}

export interface CpuProfile {
  /** kebab-case, generation and year: `nehalem-2008`. */
  readonly name: string;
  readonly title: string;
  readonly vendor: "intel" | "amd";
  readonly year: number;
  readonly frequencyMHz: number;
  /** Width of a physical address, bits (MAXPHYADDR). */
  readonly physicalAddressBits: number;
  readonly features: CpuFeatures;
  readonly featuresSource: string;
  readonly identity: CpuIdentity;
  readonly tlb: {
    readonly l1i: readonly TlbGeometry[];
    readonly l1d: readonly TlbGeometry[];
    /** Empty where there is no second level. */
    readonly l2: readonly TlbGeometry[];
  };
  readonly walkCaches: {
    /**
     * By the level of the table the entry points to: `level1` is Intel's PDE cache, `level2` PDPTE,
     * `level3` PML4, `level4` PML5.
     */
    readonly guest: Readonly<Partial<Record<WalkCacheLevel, WalkCacheGeometry>>>;
    /** The same for the EPT or NPT. */
    readonly host: Readonly<Partial<Record<WalkCacheLevel, WalkCacheGeometry>>>;
    /** Guest-physical to host-physical, used for the addresses of guest tables and of data. */
    readonly nestedTlb?: WalkCacheGeometry;
  };
  readonly caches: {
    readonly l1d: CacheGeometry;
    readonly l2: CacheGeometry;
    readonly l3?: CacheGeometry;
    readonly dram: Constant;
  };
  readonly costs: Readonly<Record<CostName, Constant>>;
  /** Base cycles of each class of instructions. */
  readonly instructions: Readonly<Record<InstructionClass, Constant>>;
  /** What is special, doubtful or left out. */
  readonly notes: readonly string[];
}

export type WalkCacheLevel = "level1" | "level2" | "level3" | "level4";

/** The prices as plain numbers, with overrides by name. */
export function pricesOf(profile: CpuProfile, overrides: Partial<Record<CostName, number>> = {}): Costs {
  const prices: Partial<Record<CostName, number>> = {};
  for (const [name, constant] of Object.entries(profile.costs) as [CostName, Constant][]) {
    prices[name] = overrides[name] ?? constant.value;
  }
  return prices as Costs;
}

/** The profile with prices replaced by name, cycles: for parts that take all their prices from it. The same object where none is. */
export function withPrices(profile: CpuProfile, overrides: Partial<Record<CostName, number>>): CpuProfile {
  const replaced = Object.entries(overrides) as [CostName, number][];
  if (replaced.length === 0) return profile;
  const costs = replaced.map(([name, value]) => [name, { ...profile.costs[name], value }] as const);
  return { ...profile, costs: { ...profile.costs, ...Object.fromEntries(costs) } };
}
