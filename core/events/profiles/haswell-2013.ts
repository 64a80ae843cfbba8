/**
 * Intel Haswell (Core i7-4770, Xeon E3 v3), 2013: INVPCID, EPT accessed and dirty bits, a second-level TLB
 * that holds 2 MiB pages.
 */
import type { CpuProfile } from "../profile.js";
import { assumed, cache, fitted, published } from "./constants.js";
import { HASWELL_EXTENSIONS } from "./extensions.js";
import { instructionCostsOf } from "./instructions.js";
import { SANDY_BRIDGE_2011 } from "./sandy-bridge-2011.js";
import { SOURCES } from "./sources.js";
import { assumedRoundTrip } from "./transitions.js";

const MANUAL = `${SOURCES.intelOptimizationAsCited}, Haswell`;
const DUMP = `${SOURCES.instLatX64}, GenuineIntel00306C3_HaswellXeon_NewMemLat.txt`;

export const HASWELL_2013: CpuProfile = {
  ...SANDY_BRIDGE_2011,
  name: "haswell-2013",
  title: "Intel Haswell (Core i7-4770, Xeon E3-1200 v3)",
  year: 2013,
  frequencyMHz: 3_400,
  physicalAddressBits: 39,
  features: { ...SANDY_BRIDGE_2011.features, invpcid: true, nestedAccessedDirty: true },
  featuresSource: `INVPCID and EPT A/D bits came with Haswell: ${SOURCES.intelSdm}, ch. 4 and 28; physical width as cited`,
  identity: { signature: 0x3_06c3, extensions: HASWELL_EXTENSIONS, source: `${DUMP}: 306C3; extensions.ts` },
  tlb: {
    l1i: [
      { entries: 128, ways: 4, pages: ["4K"], policy: "lru", source: `${MANUAL}; CPUID reports 64 entries, 8-way (${DUMP})` },
      { entries: 8, ways: 8, pages: ["2M", "4M"], policy: "lru", source: `${DUMP}: L1I 2M TLB, 8 entries, full` },
    ],
    l1d: [
      { entries: 64, ways: 4, pages: ["4K"], policy: "tree-plru", source: `${DUMP}: L1D 4K TLB, 64 entries, 4 way` },
      { entries: 32, ways: 4, pages: ["2M", "4M"], policy: "tree-plru", source: MANUAL },
      { entries: 4, ways: 4, pages: ["1G"], policy: "tree-plru", source: `${DUMP}: L1D 1G TLB, 4 entries, 4 way` },
    ],
    l2: [{ entries: 1_024, ways: 8, pages: ["4K", "2M", "4M"], policy: "tree-plru", source: `${DUMP}: L2I+D 4K+2M TLB, 1024 entries, 8 way` }],
  },
  caches: {
    l1d: cache(32_768, 8, published(4, `${DUMP}, Page_Random to 32 KB`), `${DUMP}: L1D 32KB, 8 way`),
    l2: cache(262_144, 8, published(12, `${DUMP}, Page_Random 64 KB`), `${DUMP}: L2 256KB, 8 way`),
    l3: cache(8_388_608, 16, published(37, `${DUMP}, Linear_Forward 1024 KB, stride 256 to 512`, [34, 41]), `${DUMP}: L3 8192KB, 16 way, hashed`),
    dram: published(228, `${DUMP}, Page_Random 128 MB, stride 64 to 256 (3.396 GHz; 67 ns)`, [188, 243]),
  },
  costs: {
    ...SANDY_BRIDGE_2011.costs,
    kernel_fault: published(250, `${SOURCES.torvalds2014}: 1,050 cycles of hardware are 80.7% of the whole`, [250, 1_500]),
    tlb_l2_hit: published(7, `${MANUAL}: penalty of 7 cycles; ${DUMP}, Linear_Forward 512 KB: 44 at stride 4K against 37`, [7, 8]),
    walk_start: fitted(12, `fitted to ${DUMP}, Page_Random 6144 KB: 53 cycles at stride 4K against 44 of an L2 TLB hit, which costs 7; less one reference that hits the L1`, [5, 15]),
    exception: published(1_050, `${SOURCES.torvalds2014}: fault 715 and IRET 330, on a Haswell`, [1_040, 1_150]),
    interrupt_delivery: published(715, `${SOURCES.torvalds2014}: a page fault on a Haswell, without IRET`, [700, 800]),
    interrupt_return: published(330, `${SOURCES.torvalds2014}: IRET on a Haswell`, [300, 350]),
    software_interrupt: assumed(350, "the same gate without the fault's flush of the pipeline"),
    cr3_load: published(124, `${SOURCES.hansen2015}: __flush_tlb() on a Haswell Xeon`, [96, 251]),
    invlpg: published(216, `${SOURCES.hansen2015}: __flush_tlb_single() on a Haswell Xeon`, [216, 260]),
    invpcid: assumed(216, "as INVLPG", [150, 600]),
    ...assumedRoundTrip(700, "no published bare round trip after Sandy Bridge (784); below the whole hypercall of 835 (amit17-hypercall-b)", [450, 800]),
    ring_transition: assumed(280, "SYSCALL into the hypervisor, full register save, and IRET or SYSRET back", [150, 600]),
  },
  instructions: instructionCostsOf("haswell"),
  notes: [`Replacement: ${SOURCES.tlbDr}.`, "Prices are those before the mitigations of 2018."],
};
