/**
 * Intel Core 2 (Merom, Conroe), 2006: a second-level data TLB and paging-structure caches; VT-x at a third
 * of NetBurst's price.
 */
import type { CpuProfile } from "../profile.js";
import { MEROM_ASSIST } from "./assist.js";
import { assumed, cache, cyclesOf, fitted, published } from "./constants.js";
import { MEROM_EXTENSIONS } from "./extensions.js";
import { instructionCostsOf } from "./instructions.js";
import { SOFTWARE_COSTS } from "./software.js";
import { SOURCES } from "./sources.js";
import { pageFaultPart, SYSTEM_COSTS } from "./system.js";
import { splitRoundTrip } from "./transitions.js";
import { intelWalkCaches } from "./walk-caches.js";

const MHZ = 2_667;
const MANUAL = `${SOURCES.intelOptimization} (2.1.4, Core microarchitecture)`;
/** A 2.93 GHz Core 2 Extreme X6800: the same core at a higher clock. */
const DUMP = `${SOURCES.instLatX64}, GenuineIntel00006F6_Conroe_NewMemLat.txt`;

export const MEROM_2006: CpuProfile = {
  name: "merom-2006",
  title: "Intel Merom (Core 2 Duo E6700)",
  vendor: "intel",
  year: 2006,
  frequencyMHz: MHZ,
  physicalAddressBits: 36,
  features: {
    longMode: true, nx: true, page1G: false, pcid: false, invpcid: false, la57: false, longModeLimits: false,
    hardwareAssist: true, nestedPaging: false, nestedPages: [], nestedAccessedDirty: false, vpid: false,
    assist: MEROM_ASSIST,
  },
  featuresSource: `no EPT or VPID before Nehalem: ${SOURCES.intelSdm}, ch. 28; physical width as cited from the datasheet`,
  identity: { signature: 0x6f6, extensions: MEROM_EXTENSIONS, source: `${DUMP}: 06F6; extensions.ts` },
  tlb: {
    l1i: [
      { entries: 128, ways: 4, pages: ["4K"], policy: "lru", source: `${DUMP}: L1I 4K TLB` },
      { entries: 8, ways: 4, pages: ["2M", "4M"], policy: "lru", source: `${DUMP}: L1I 2M TLB` },
    ],
    l1d: [
      { entries: 16, ways: 4, pages: ["4K"], policy: "lru", source: `${MANUAL}: DTLB0, 4-KByte pages` },
      { entries: 16, ways: 4, pages: ["2M", "4M"], policy: "lru", source: `${MANUAL}: DTLB0, large pages` },
    ],
    l2: [
      { entries: 256, ways: 4, pages: ["4K"], policy: "lru", source: `${MANUAL}: DTLB1, 4-KByte pages; ${DUMP}` },
      { entries: 32, ways: 4, pages: ["2M", "4M"], policy: "lru", source: `${MANUAL}: DTLB1, large pages` },
    ],
  },
  walkCaches: intelWalkCaches(false),
  caches: {
    l1d: cache(32_768, 8, published(3, `${DUMP}, Page_Random to 32 KB`), `${DUMP}: L1D 32KB, 8 way`),
    l2: cache(4_194_304, 16, published(14, `${DUMP}, Page_Random 64 KB`), `${DUMP}: L2 4096KB, 16 way`),
    dram: published(cyclesOf(80.4, MHZ), `${DUMP}, Page_Random 64 MB, stride 256: 236 cycles at 2.937 GHz = 80.4 ns, at ${MHZ} MHz`, [185, 250]),
  },
  costs: {
    ...SOFTWARE_COSTS,
    ...SYSTEM_COSTS,
    interrupt_delivery: published(700, `${SOURCES.torvalds2014}, on a Core Duo`, [500, 900]),
    interrupt_return: published(240, `${SOURCES.torvalds2014}, on a Core Duo`, [150, 350]),
    software_interrupt: assumed(350, "the same gate without the fault's flush of the pipeline"),
    time_stamp: assumed(64, "A. Fog, Instruction tables (as cited), Merom", [24, 70]),
    kernel_fault: published(680, `${SOURCES.torvalds2014}: 42% software beside 940 cycles of hardware, on a Core Duo`, [400, 1_500]),
    reference: assumed(1, "throughput of independent L1 hits; dependent ones wait for the L1's latency", [1, 3]),
    tlb_l2_hit: published(2, `${MANUAL}: DTLB0 miss and DTLB1 hit, penalty of 2 cycles; ${DUMP}: 16 against 14`),
    walk_start: fitted(4, `fitted to ${DUMP}, Page_Random 2 MB: 23 cycles at stride 4K against 16, less one reference that hits the L1`, [0, 10]),
    entry_bits: assumed(150, "a microcode assist and a locked update", [25, 600]),
    exception: published(940, `${SOURCES.torvalds2014}: fault 700 and IRET 240, on a Core Duo, the core before`, [700, 1_100]),
    syscall: assumed(150, "SYSCALL and SYSRET with SWAPGS", [80, 300]),
    cr3_load: assumed(150, `order of ${SOURCES.linuxPti}; older cores are slower`, [90, 400]),
    invlpg: assumed(250, `later cores take 216 to 260: ${SOURCES.hansen2015}; ${SOURCES.molnar2015}`, [120, 600]),
    invpcid: published(0, "not implemented: never charged"),
    page_fault: pageFaultPart(940),
    ...splitRoundTrip(1_579, "agesen12-rt-merom", "core"),
    ring_transition: assumed(350, "SYSCALL into the hypervisor, full register save, and IRET or SYSRET back", [180, 700]),
  },
  instructions: instructionCostsOf("core2"),
  notes: [
    "DTLB1 serves data only; the model lets instruction fetches use it as well.",
    `${SOURCES.adams2006} gives 937 for an entry and 1,186 for a page-fault exit; the round trip here is Agesen's 1,579.`,
    "The L2 cache is shared by two cores; one core sees all of it.",
  ],
};
