/**
 * Intel Ice Lake (Sunny Cove), 2019: a second-level TLB of 2048 entries and 57-bit addresses. Caches and
 * TLBs are those of the client (Core i7-1065G7, whose CPUID was read); 5-level paging and the 52-bit
 * physical address are those of the server with the same core (Xeon 8300), so that 5-level walks can be
 * studied.
 */
import type { CpuProfile } from "../profile.js";
import { ICE_LAKE_ASSIST } from "./assist.js";
import { assumed, cache, published } from "./constants.js";
import { ICE_LAKE_EXTENSIONS } from "./extensions.js";
import { instructionCostsOf } from "./instructions.js";
import { SKYLAKE_2015 } from "./skylake-2015.js";
import { SOURCES } from "./sources.js";
import { assumedRoundTrip } from "./transitions.js";
import { intelWalkCaches, withFifthLevel } from "./walk-caches.js";

const CPUID = `${SOURCES.instLatX64}, GenuineIntel00706E5_IceLakeY_CPUID.txt`;
const LATENCIES = `${SOURCES.intelOptimizationAsCited}, Ice Lake client`;

export const ICE_LAKE_2019: CpuProfile = {
  ...SKYLAKE_2015,
  name: "ice-lake-2019",
  title: "Intel Ice Lake (Sunny Cove)",
  year: 2019,
  frequencyMHz: 3_500,
  physicalAddressBits: 52,
  features: { ...SKYLAKE_2015.features, la57: true, assist: ICE_LAKE_ASSIST },
  featuresSource: `5-level paging and 52 physical bits (46 where memory encryption keeps six for keys): Xeon 8300 (Ice Lake-SP), as cited; the client has 48 and 39 (${CPUID}: 80000008 EAX=3027h)`,
  identity: { signature: 0x7_06e5, extensions: ICE_LAKE_EXTENSIONS, source: `${CPUID}: 706E5; extensions.ts; CLWB is the server's` },
  tlb: {
    l1i: [
      { entries: 128, ways: 8, pages: ["4K"], policy: "lru", source: `${LATENCIES}: as Skylake` },
      { entries: 8, ways: 8, pages: ["2M", "4M"], policy: "lru", source: `${CPUID}: leaf 18h.1, fully associative` },
    ],
    l1d: [
      { entries: 64, ways: 4, pages: ["4K"], policy: "tree-plru", source: `${CPUID}: leaf 18h.3` },
      { entries: 32, ways: 4, pages: ["2M", "4M"], policy: "tree-plru", source: `${CPUID}: leaf 18h.4` },
      { entries: 8, ways: 8, pages: ["1G"], policy: "tree-plru", source: `${CPUID}: leaf 18h.5, fully associative` },
    ],
    l2: [
      { entries: 2_048, ways: 16, pages: ["4K", "2M", "4M", "1G"], policy: "tree-plru", source: `${CPUID}: leaves 18h.6 and 18h.7, 8 ways of 128 sets each, joined` },
    ],
  },
  walkCaches: withFifthLevel(intelWalkCaches(true)),
  caches: {
    l1d: cache(49_152, 12, published(5, LATENCIES), `${CPUID}: 48 KB, 12-way`),
    l2: cache(524_288, 8, published(13, LATENCIES, [13, 14]), `${CPUID}: 512 KB, 8-way`),
    l3: cache(8_388_608, 16, assumed(42, "as Skylake's ring", [36, 60]), `${CPUID}: 8 MB, 16-way`),
    dram: assumed(350, "about 100 ns of LPDDR4X at 3.5 GHz (turbo of four cores); servers are nearer 75 ns", [260, 420]),
  },
  costs: {
    ...SKYLAKE_2015.costs,
    tlb_l2_hit: assumed(8, "7 documented for Skylake's predecessors, 9 measured on Skylake", [7, 9]),
    exit_mitigations: published(18, "enhanced IBRS needs neither retpolines nor a refill: 2,026 cycles of kvm-unit-tests' outl_to_kernel with what is left, 2,008 without (LKML, October 2022, x86/speculation: PBRSB mitigation by WRMSR)", [0, 300]),
    ...assumedRoundTrip(700, "no published bare round trip; as Skylake", [450, 1_000]),
  },
  instructions: instructionCostsOf("iceLake"),
  notes: [
    "Half of the second-level TLB takes 4K and 2M pages, the other half 4K and 1G (leaf 18h); the model lets all of it take all sizes.",
    "Stores have an L1 TLB of their own (16 entries, leaf 18h.2); the model has one for loads and stores.",
    `Replacement: ${SOURCES.tlbDr}.`,
  ],
};
