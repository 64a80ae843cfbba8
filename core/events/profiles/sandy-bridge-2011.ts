/** Intel Sandy Bridge (Core i7-2600, Xeon E3), 2011: 1 GiB entries in the first-level data TLB. */
import type { CpuProfile } from "../profile.js";
import { cache, fitted, published } from "./constants.js";
import { SANDY_BRIDGE_EXTENSIONS } from "./extensions.js";
import { instructionCostsOf } from "./instructions.js";
import { SOURCES } from "./sources.js";
import { splitRoundTrip } from "./transitions.js";
import { WESTMERE_2010 } from "./westmere-2010.js";

const MANUAL = `${SOURCES.intelOptimizationAsCited}, Sandy Bridge`;
const DUMP = `${SOURCES.instLatX64}, GenuineIntel00206A7_SandyBridge2_MemLatX64.txt`;

export const SANDY_BRIDGE_2011: CpuProfile = {
  ...WESTMERE_2010,
  name: "sandy-bridge-2011",
  title: "Intel Sandy Bridge (Core i7-2600, Xeon E3-1200)",
  year: 2011,
  frequencyMHz: 3_400,
  physicalAddressBits: 46,
  identity: { signature: 0x2_06a7, extensions: SANDY_BRIDGE_EXTENSIONS, source: `${DUMP}: 206A7; extensions.ts` },
  tlb: {
    l1i: [
      { entries: 128, ways: 4, pages: ["4K"], policy: "lru", source: MANUAL },
      { entries: 8, ways: 8, pages: ["2M", "4M"], policy: "lru", source: `${MANUAL}: 8 per thread, fully associative` },
    ],
    l1d: [
      { entries: 64, ways: 4, pages: ["4K"], policy: "tree-plru", source: MANUAL },
      { entries: 32, ways: 4, pages: ["2M", "4M"], policy: "tree-plru", source: MANUAL },
      { entries: 4, ways: 4, pages: ["1G"], policy: "tree-plru", source: MANUAL },
    ],
    l2: [{ entries: 512, ways: 4, pages: ["4K"], policy: "tree-plru", source: MANUAL }],
  },
  caches: {
    l1d: cache(32_768, 8, published(4, `${DUMP}, last lines`), `${DUMP}: L1D 32KB, 8 way`),
    l2: cache(262_144, 8, published(12, `${DUMP}, last lines`), `${DUMP}: L2 256KB, 8 way`),
    l3: cache(8_388_608, 16, published(30, `${DUMP}, Linear 2048K, stride 256 to 512`, [26, 35]), `${DUMP}: L3 8192KB, 16 way`),
    dram: published(215, `${DUMP}, BlockRandom 64M, block 4K (3.392 GHz; 63 ns)`, [184, 256]),
  },
  costs: {
    ...WESTMERE_2010.costs,
    tlb_l2_hit: published(7, `${MANUAL}: penalty of 7 cycles; ${DUMP}, Linear 1024K: 37 at stride 4K against 30`),
    walk_start: fitted(12, `fitted to ${DUMP}, Linear 4096K: 46 cycles at stride 4K against 30, less one reference that hits the L1`, [5, 15]),
    ...splitRoundTrip(784, "agesen12-rt-sandy-bridge", "core"),
  },
  instructions: instructionCostsOf("sandyBridge"),
  notes: [
    `Replacement: ${SOURCES.tlbDr}.`,
    "CR3, INVLPG and exception prices are Westmere's.",
    "MAXPHYADDR is that of the Xeon E5 (as cited), so that large memories can be studied; the client's is 36 bits.",
  ],
};
