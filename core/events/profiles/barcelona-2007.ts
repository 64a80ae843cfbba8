/**
 * AMD K10 (Barcelona, Agena), 2007: the first nested paging (NPT, "Rapid Virtualization Indexing"), ASIDs,
 * 1 GiB pages.
 */
import type { CpuProfile, WalkCacheGeometry } from "../profile.js";
import { BARCELONA_ASSIST } from "./assist.js";
import { assumed, cache, fitted, published } from "./constants.js";
import { BARCELONA_EXTENSIONS } from "./extensions.js";
import { instructionCostsOf } from "./instructions.js";
import { SOFTWARE_COSTS } from "./software.js";
import { SOURCES } from "./sources.js";
import { exceptionParts, SYSTEM_COSTS } from "./system.js";
import { assumedRoundTrip } from "./transitions.js";

const CPUID = `${SOURCES.instLatX64}, AuthenticAMD0100F21_K10_Barcelona_CPUID.txt`;
/** A 2.6 GHz Phenom sample with the same caches. */
const DUMP = `${SOURCES.instLatX64}, AuthenticAMD0100F22_K10_Agena_MemLatX64.txt`;
/** A later K10 with the same TLBs, measured page-randomly. */
const THUBAN = `${SOURCES.instLatX64}, AuthenticAMD0100FA0_K10_Thuban_NewMemLat.txt`;

const PWC = `one page walk cache of 24 entries for all levels: ${SOURCES.revAnC}; ${SOURCES.bhargava2008}. Its split is assumed`;

function share(entries: number): WalkCacheGeometry {
  return { entries, ways: entries, source: PWC, assumed: true, range: [Math.ceil(entries / 2), 24] };
}

export const BARCELONA_2007: CpuProfile = {
  name: "barcelona-2007",
  title: "AMD Barcelona (Opteron 2300, Phenom X4)",
  vendor: "amd",
  year: 2007,
  frequencyMHz: 2_600,
  physicalAddressBits: 48,
  features: {
    longMode: true, nx: true, page1G: true, pcid: false, invpcid: false, la57: false, longModeLimits: true,
    hardwareAssist: true, nestedPaging: true, nestedPages: ["4K", "2M", "1G"], nestedAccessedDirty: true, vpid: true,
    assist: BARCELONA_ASSIST,
  },
  featuresSource: `${CPUID}: 8000000A EDX=7 (nested paging), EBX=40h (64 ASIDs); 80000001 EDX bit 26 (1 GiB pages); 80000008: 48 bits, EBX bit 20 clear (EFER.LMSLE); NPT sets A/D always: ${SOURCES.amdManual}, 15.25`,
  identity: { signature: 0x10_0f22, extensions: BARCELONA_EXTENSIONS, source: `${DUMP}: 100F22; extensions.ts` },
  tlb: {
    l1i: [
      { entries: 32, ways: 32, pages: ["4K"], policy: "lru", source: `${CPUID}: 80000005 EBX` },
      { entries: 16, ways: 16, pages: ["2M", "4M"], policy: "lru", source: `${CPUID}: 80000005 EAX` },
    ],
    l1d: [
      { entries: 48, ways: 48, pages: ["4K", "2M", "4M", "1G"], policy: "lru", source: `${CPUID}: 80000005, 80000019 EAX: 48 entries, fully associative, each page size` },
    ],
    l2: [
      { entries: 512, ways: 4, pages: ["4K"], policy: "lru", source: `${CPUID}: 80000006 EBX` },
      { entries: 128, ways: 2, pages: ["2M", "4M"], policy: "lru", source: `${CPUID}: 80000006 EAX` },
    ],
  },
  walkCaches: {
    guest: { level1: share(16), level2: share(4), level3: share(4) },
    host: { level1: share(16), level2: share(4), level3: share(4) },
    nestedTlb: { entries: 16, ways: 16, source: `nested TLB of 16 entries: ${SOURCES.bhargava2008}`, assumed: true, range: [8, 32] },
  },
  caches: {
    l1d: cache(65_536, 2, published(3, `${DUMP}, last lines`), `${DUMP}: L1D 64KB, 2 way`),
    l2: cache(524_288, 16, published(15, `${DUMP}, Random 512K`, [12, 16]), `${DUMP}: L2 512KB, 16 way`),
    l3: cache(2_097_152, 32, published(67, `${DUMP}, Random 1024K`, [63, 68]), `${DUMP}: L3 2048KB, 32 way`),
    dram: published(177, `${DUMP}, BlockRandom 32M, block 16K (2.607 GHz; 68 ns)`, [142, 216]),
  },
  costs: {
    ...SOFTWARE_COSTS,
    ...SYSTEM_COSTS,
    ...exceptionParts(800),
    time_stamp: assumed(65, "A. Fog, Instruction tables (as cited), K10", [40, 80]),
    kernel_fault: published(680, `${SOURCES.torvalds2014}: measured on a Core Duo, of about the same age`, [400, 1_500]),
    reference: assumed(1, "throughput of independent L1 hits; dependent ones wait for the L1's latency", [1, 3]),
    tlb_l2_hit: published(4, `${DUMP}, Random 512K: 20 cycles at stride 4K against 16; ${THUBAN}: 3`, [2, 6]),
    walk_start: fitted(24, `fitted to ${THUBAN}, Page_Random 4096 KB: 80 cycles at stride 4K against 53, less one reference that hits the L1`, [10, 30]),
    entry_bits: assumed(60, "a locked update", [20, 300]),
    exception: assumed(800, "below Intel's 940 to 1,093 of the time; no figure found for K10", [400, 1_100]),
    syscall: assumed(130, "SYSCALL and SYSRET with SWAPGS", [70, 260]),
    cr3_load: assumed(130, `order of ${SOURCES.linuxPti}`, [70, 350]),
    invlpg: assumed(200, `Intel cores take 216 to 260 (${SOURCES.hansen2015}); K10 not measured`, [80, 500]),
    invpcid: assumed(200, "INVLPGA, as INVLPG", [80, 500]),
    ...assumedRoundTrip(1_500, "no published VMRUN and #VMEXIT round trip for K10; as Core 2 of the time (1,579 and 1,266)", [1_000, 2_500]),
    ring_transition: assumed(300, "SYSCALL into the hypervisor, full register save, and IRET or SYSRET back", [150, 600]),
  },
  instructions: instructionCostsOf("k10"),
  notes: [
    "The second-level TLB is two: 512 entries for data and 512 for instructions (80000006 EBX). The model has the data one and lets fetches use it.",
    "The page walk cache is tagged by system physical address and shared by both dimensions; the model gives each dimension its own of the full size.",
    "Instruction TLBs hold no 1 GiB pages: they are held as 2 MiB pieces.",
    "The caches are exclusive; the model's are not.",
  ],
};
