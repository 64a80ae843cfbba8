/**
 * Intel Skylake (client: Core i7-6700), 2015: a second-level TLB of 1536 entries, and one for 1 GiB pages.
 */
import type { CpuProfile } from "../profile.js";
import { SKYLAKE_ASSIST } from "./assist.js";
import { assumed, cache, cyclesOf, published } from "./constants.js";
import { SKYLAKE_EXTENSIONS } from "./extensions.js";
import { HASWELL_2013 } from "./haswell-2013.js";
import { instructionCostsOf } from "./instructions.js";
import { SOURCES } from "./sources.js";
import { assumedRoundTrip } from "./transitions.js";

const MHZ = 4_000;
const MANUAL = `${SOURCES.intelOptimization}, Skylake client: cache and TLB tables`;
const TLB_AS_CITED = `${SOURCES.intelOptimizationAsCited}, Skylake client: TLB table`;
const PAGE = `${SOURCES.sevenCpu}/cpu/Skylake.html (i7-6700 at 4.0 GHz), as quoted`;

export const SKYLAKE_2015: CpuProfile = {
  ...HASWELL_2013,
  name: "skylake-2015",
  title: "Intel Skylake (Core i7-6700)",
  year: 2015,
  frequencyMHz: MHZ,
  physicalAddressBits: 39,
  features: { ...HASWELL_2013.features, assist: SKYLAKE_ASSIST },
  featuresSource: `as Haswell: ${SOURCES.intelSdm}, ch. 4 and 28; physical width as cited`,
  identity: { signature: 0x5_06e3, extensions: SKYLAKE_EXTENSIONS, source: "CPUID 506E3: Skylake-S, stepping R0 (as cited); extensions.ts" },
  tlb: {
    l1i: [
      { entries: 128, ways: 8, pages: ["4K"], policy: "lru", source: `${MANUAL}: 128 entries, 8 ways` },
      { entries: 8, ways: 8, pages: ["2M", "4M"], policy: "lru", source: `${MANUAL}: 8 per thread, fully associative` },
    ],
    l1d: [
      { entries: 64, ways: 4, pages: ["4K"], policy: "tree-plru", source: TLB_AS_CITED },
      { entries: 32, ways: 4, pages: ["2M", "4M"], policy: "tree-plru", source: TLB_AS_CITED },
      { entries: 4, ways: 4, pages: ["1G"], policy: "tree-plru", source: TLB_AS_CITED },
    ],
    l2: [
      { entries: 1_536, ways: 12, pages: ["4K", "2M", "4M"], policy: "lru", source: TLB_AS_CITED },
      { entries: 16, ways: 4, pages: ["1G"], policy: "lru", source: TLB_AS_CITED },
    ],
  },
  caches: {
    l1d: cache(32_768, 8, published(4, MANUAL, [4, 5]), MANUAL),
    l2: cache(262_144, 4, published(12, MANUAL), MANUAL),
    l3: cache(8_388_608, 16, published(42, `${PAGE}; ${MANUAL}: 44`, [42, 44]), `${MANUAL}: up to 2 MB a core, up to 16 ways`),
    dram: published(42 + cyclesOf(51, MHZ), `${PAGE}: 42 cycles + 51 ns`, [220, 300]),
  },
  costs: {
    ...HASWELL_2013.costs,
    tlb_l2_hit: published(9, `${PAGE}: L1 TLB miss 9 cycles`, [7, 9]),
    walk_start: assumed(12, "as measured on Haswell", [5, 20]),
    exception: assumed(1_050, "as measured on Haswell", [700, 1_150]),
    cr3_load: assumed(124, `as measured on Haswell; ${SOURCES.linuxPti}`, [96, 260]),
    invlpg: assumed(216, "as measured on Haswell", [100, 300]),
    invpcid: assumed(216, "as INVLPG", [150, 600]),
    ...assumedRoundTrip(700, "no published bare round trip; KVM's whole VMCALL of 2017 is 1,181 (kvm-luto17-vmcall-after)", [450, 835]),
  },
  instructions: instructionCostsOf("skylake"),
  notes: [
    `L1 replacement: ${SOURCES.tlbDr}. The second level's policy is not plain tree-PLRU (12 ways); LRU stands for it.`,
    "Two page walks may be in flight on this core; the model does one at a time.",
    "Prices are those before the mitigations of 2018.",
  ],
};
