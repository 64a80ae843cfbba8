/** AMD Zen 2 (Ryzen 3000, EPYC 7002), 2019: large TLBs that also hold page-directory entries; no PCID yet. */
import type { CpuProfile, WalkCacheGeometry } from "../profile.js";
import { ZEN_ASSIST } from "./assist.js";
import { assumed, cache, fitted, published } from "./constants.js";
import { ZEN_2_EXTENSIONS } from "./extensions.js";
import { instructionCostsOf } from "./instructions.js";
import { SOFTWARE_COSTS } from "./software.js";
import { SOURCES } from "./sources.js";
import { exceptionParts, SYSTEM_COSTS } from "./system.js";
import { assumedRoundTrip } from "./transitions.js";

const CPUID = `${SOURCES.instLatX64}, AuthenticAMD0870F10_K17_Matisse_CPUID.txt`;
const GUIDE = SOURCES.amdFamily17h;

/** Entries of the second-level TLB that hold PDEs, of the 2048 it has for pages and PDEs together. */
const PDE_IN_TLB: WalkCacheGeometry = {
  entries: 512,
  ways: 8,
  source: `PDEs are held in the L2 data TLB: ${SOURCES.wikiChip}, amd/microarchitectures/zen_2; how many of its entries is assumed`,
  assumed: true,
  range: [64, 1_024],
};

/** The page-directory cache, halved between PDPEs and PML4Es. */
const PAGE_DIRECTORY_CACHE: WalkCacheGeometry = {
  entries: 32,
  ways: 32,
  source: `page-directory cache of 64 entries for PDPEs and PML4Es: ${GUIDE}; its split is assumed`,
  assumed: true,
  range: [16, 64],
};

const DIMENSION = { level1: PDE_IN_TLB, level2: PAGE_DIRECTORY_CACHE, level3: PAGE_DIRECTORY_CACHE };

export const ZEN_2_2019: CpuProfile = {
  name: "zen-2-2019",
  title: "AMD Zen 2 (Ryzen 7 3800X, EPYC 7002)",
  vendor: "amd",
  year: 2019,
  frequencyMHz: 3_900,
  physicalAddressBits: 48,
  features: {
    longMode: true, nx: true, page1G: true, pcid: false, invpcid: false, la57: false, longModeLimits: true,
    hardwareAssist: true, nestedPaging: true, nestedPages: ["4K", "2M", "1G"], nestedAccessedDirty: true, vpid: true,
    assist: ZEN_ASSIST,
  },
  featuresSource: `${CPUID}: 1 ECX bit 17 clear (no PCID), 7 EBX bit 10 clear (no INVPCID), 8000000A (nested paging, 32768 ASIDs), 80000008 (48 bits; EBX=010EB757h: bit 20 clear, so EFER.LMSLE)`,
  identity: { signature: 0x87_0f10, extensions: ZEN_2_EXTENSIONS, source: `${CPUID}: 870F10; extensions.ts` },
  tlb: {
    l1i: [{ entries: 64, ways: 64, pages: ["4K", "2M", "4M", "1G"], policy: "lru", source: `${CPUID}: 80000005, 80000019; ${SOURCES.sevenCpu}/cpu/Zen2.html` }],
    l1d: [{ entries: 64, ways: 64, pages: ["4K", "2M", "4M", "1G"], policy: "lru", source: `${CPUID}: 80000005, 80000019; ${SOURCES.wikiChip}, zen_2` }],
    l2: [{ entries: 2_048, ways: 8, pages: ["4K", "2M", "4M"], policy: "lru", source: `${CPUID}: 80000006 EBX, data TLB: 2048 entries, 8-way` }],
  },
  walkCaches: {
    guest: DIMENSION,
    host: DIMENSION,
    nestedTlb: { entries: 64, ways: 8, source: "no published size; four times Barcelona's 16", assumed: true, range: [16, 256] },
  },
  caches: {
    l1d: cache(32_768, 8, published(4, GUIDE), `${CPUID}: 32 KB, 8-way`),
    l2: cache(524_288, 8, published(12, GUIDE, [12, 14]), `${CPUID}: 512 KB, 8-way`),
    l3: cache(16_777_216, 16, published(39, `${GUIDE}: average load-to-use latency`, [38, 46]), `${CPUID}: 16 MB, 16-way, of one core complex`),
    dram: assumed(290, "about 74 ns of DDR4-3200 at 3.9 GHz; EPYC is above 100 ns", [250, 420]),
  },
  costs: {
    ...SOFTWARE_COSTS,
    ...SYSTEM_COSTS,
    ...exceptionParts(800),
    time_stamp: assumed(38, "A. Fog, Instruction tables (as cited), Zen 2", [30, 45]),
    reference: assumed(1, "throughput of independent L1 hits; dependent ones wait for the L1's latency", [1, 4]),
    tlb_l2_hit: assumed(7, "as on Intel cores; K10 takes 3 to 4", [4, 9]),
    walk_start: assumed(15, "between Intel's 12 and K10's 24", [5, 30]),
    entry_bits: assumed(40, "a locked update", [15, 300]),
    exception: assumed(800, "below Intel's 1,050; no figure found for Zen", [400, 1_100]),
    syscall: assumed(100, "SYSCALL and SYSRET with SWAPGS", [60, 220]),
    cr3_load: assumed(150, `order of ${SOURCES.linuxPti}`, [90, 350]),
    invlpg: assumed(150, `Intel cores take 216 to 260 (${SOURCES.hansen2015}); Zen not measured`, [80, 400]),
    invpcid: assumed(150, "INVLPGA, as INVLPG", [80, 400]),
    exit_mitigations: assumed(1_700, "as on Zen 3, at 16 cycles a misprediction (AMD, Software Optimization Guide for Family 17h (as cited): common case)", [400, 3_000]),
    ...assumedRoundTrip(1_250, "upper end: VMRUN to #VMEXIT with VMLOAD, VMSAVE and the guest's instruction, 1,344 to 1,376 cycles on an AMD core not named (kvm-svm20-vmrun)", [800, 1_376]),
    ring_transition: assumed(260, "SYSCALL into the hypervisor, full register save, and IRET or SYSRET back", [140, 550]),
  },
  instructions: {
    ...instructionCostsOf("zen"),
    "control-read": fitted(7, "fitted to vbox-read-cr4-amdv (Zen 1): 8.3 cycles of a loop of MOV from CR4, which does not leave", [4, 20]),
  },
  notes: [
    "The second-level TLB is two: 2048 entries for data, 1024 for instructions (80000006 EBX). The model has the data one and lets fetches use it.",
    "The second-level TLB is skewed, its ways divided among page sizes; the model takes CPUID's 8 ways for all. 1 GiB pages are not held there.",
    "Core complexes do not share their third-level caches: one core sees 16 MB.",
  ],
};
