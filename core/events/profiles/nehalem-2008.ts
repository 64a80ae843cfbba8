/** Intel Nehalem (Core i7-900, Xeon 5500), 2008: Intel's first EPT, VPID and unified second-level TLB. */
import type { CpuProfile } from "../profile.js";
import { NEHALEM_ASSIST } from "./assist.js";
import { assumed, cache, fitted, published } from "./constants.js";
import { NEHALEM_EXTENSIONS } from "./extensions.js";
import { instructionCostsOf } from "./instructions.js";
import { SOFTWARE_COSTS } from "./software.js";
import { SOURCES } from "./sources.js";
import { exceptionParts, SYSTEM_COSTS } from "./system.js";
import { splitRoundTrip } from "./transitions.js";
import { intelWalkCaches } from "./walk-caches.js";

const MANUAL = `${SOURCES.intelOptimizationAsCited}, Nehalem`;
const DUMP = `${SOURCES.instLatX64}, GenuineIntel00106A2_Nehalem-EP_MemLatX86.txt`;

export const NEHALEM_2008: CpuProfile = {
  name: "nehalem-2008",
  title: "Intel Nehalem (Core i7-920, Xeon X5550)",
  vendor: "intel",
  year: 2008,
  frequencyMHz: 2_667,
  physicalAddressBits: 40,
  features: {
    longMode: true, nx: true, page1G: false, pcid: false, invpcid: false, la57: false, longModeLimits: false,
    hardwareAssist: true, nestedPaging: true, nestedPages: ["4K", "2M"], nestedAccessedDirty: false, vpid: true,
    assist: NEHALEM_ASSIST,
  },
  featuresSource: `first EPT and VPID; PCID and 1 GiB pages came with Westmere, INVPCID and EPT A/D with Haswell: ${SOURCES.intelSdm}, ch. 4 and 28`,
  identity: { signature: 0x1_06a5, extensions: NEHALEM_EXTENSIONS, source: "CPUID 106A5: Core i7-920 of stepping D0 (as cited); extensions.ts" },
  tlb: {
    l1i: [
      { entries: 128, ways: 4, pages: ["4K"], policy: "lru", source: MANUAL },
      { entries: 7, ways: 7, pages: ["2M", "4M"], policy: "lru", source: `${MANUAL}: 7 per thread, fully associative` },
    ],
    l1d: [
      { entries: 64, ways: 4, pages: ["4K"], policy: "tree-plru", source: MANUAL },
      { entries: 32, ways: 4, pages: ["2M", "4M"], policy: "tree-plru", source: MANUAL },
    ],
    l2: [{ entries: 512, ways: 4, pages: ["4K"], policy: "tree-plru", source: MANUAL }],
  },
  walkCaches: intelWalkCaches(true),
  caches: {
    l1d: cache(32_768, 8, published(4, `${DUMP}, last lines`), `${DUMP}: L1D 32KB, 8 way`),
    l2: cache(262_144, 8, published(10, `${DUMP}, last lines`), `${DUMP}: L2 256KB, 8 way`),
    l3: cache(8_388_608, 16, published(38, `${DUMP}, Linear 2048K, stride 256 to 512`, [37, 42]), `${DUMP}: L3 8192KB, 16 way`),
    dram: published(178, `${DUMP}, BlockRandom 64M, block 4K (2.673 GHz; 67 ns)`, [174, 219]),
  },
  costs: {
    ...SOFTWARE_COSTS,
    ...SYSTEM_COSTS,
    ...exceptionParts(1_000),
    reference: assumed(1, "throughput of independent L1 hits; dependent ones wait for the L1's latency", [1, 4]),
    tlb_l2_hit: published(7, `${MANUAL}: penalty of 7 cycles; ${DUMP}, Linear 1024K: 45 at stride 4K against 37`, [7, 8]),
    walk_start: fitted(12, `fitted to ${DUMP}, Linear 4096K: 54 cycles at stride 4K against 38, less one reference that hits the L1`, [5, 15]),
    entry_bits: assumed(100, "a microcode assist and a locked update", [20, 500]),
    exception: assumed(1_000, `between Core Duo's 940 and Haswell's 1,050: ${SOURCES.torvalds2014}`, [700, 1_150]),
    syscall: assumed(120, "SYSCALL and SYSRET with SWAPGS", [60, 240]),
    cr3_load: assumed(110, `Westmere takes 108: ${SOURCES.hansen2015}`, [90, 260]),
    invlpg: assumed(235, `Westmere takes 232: ${SOURCES.hansen2015}`, [150, 400]),
    invpcid: assumed(235, "INVVPID, as INVLPG", [150, 600]),
    ...splitRoundTrip(1_009, "agesen12-rt-nehalem", "core"),
    ring_transition: assumed(300, "SYSCALL into the hypervisor, full register save, and IRET or SYSRET back", [150, 600]),
  },
  instructions: instructionCostsOf("nehalem"),
  notes: [
    `Replacement: ${SOURCES.tlbDr}, measured on later cores.`,
    "With hyper-threading the L1 instruction TLB is divided between two threads; the model runs one.",
  ],
};
