/** Intel Nehalem (Core i7-900, Xeon 5500), 2008: the first Intel core with EPT and VPID. */
import type { CpuProfile } from "../profile.js";
import { SOFTWARE_COSTS } from "./software.js";

export const NEHALEM_2008: CpuProfile = {
  name: "nehalem-2008",
  title: "Intel Nehalem (Core i7-920, Xeon 5500)",
  vendor: "intel",
  year: 2008,
  frequencyMHz: 2_667,
  physicalAddressBits: 40,
  features: {
    longMode: true, nx: true, page1G: false, pcid: false, invpcid: false, la57: false,
    hardwareAssist: true, nestedPaging: true, nestedPages: ["4K", "2M"], nestedAccessedDirty: false, vpid: true,
  },
  featuresSource: "Intel SDM vol. 3 ch. 28; PCID came with Westmere",
  tlb: {
    l1i: [
      { entries: 128, ways: 4, pages: ["4K"], policy: "lru", source: "Intel Optimization Reference Manual, Nehalem" },
      { entries: 7, ways: 7, pages: ["2M", "4M"], policy: "lru", source: "Intel Optimization Reference Manual, Nehalem" },
    ],
    l1d: [
      { entries: 64, ways: 4, pages: ["4K"], policy: "lru", source: "Intel Optimization Reference Manual, Nehalem" },
      { entries: 32, ways: 4, pages: ["2M", "4M"], policy: "lru", source: "Intel Optimization Reference Manual, Nehalem" },
    ],
    l2: [{ entries: 512, ways: 4, pages: ["4K"], policy: "lru", source: "Intel Optimization Reference Manual, Nehalem" }],
  },
  walkCaches: {
    guest: {
      level1: { entries: 32, ways: 4, source: "placeholder", assumed: true },
      level2: { entries: 4, ways: 4, source: "placeholder", assumed: true },
      level3: { entries: 2, ways: 2, source: "placeholder", assumed: true },
    },
    host: {
      level1: { entries: 32, ways: 4, source: "placeholder", assumed: true },
      level2: { entries: 4, ways: 4, source: "placeholder", assumed: true },
      level3: { entries: 2, ways: 2, source: "placeholder", assumed: true },
    },
    nestedTlb: { entries: 32, ways: 4, source: "placeholder", assumed: true },
  },
  caches: {
    l1d: { sizeBytes: 32_768, ways: 8, latency: { value: 4, source: "Intel Optimization Reference Manual" }, source: "same" },
    l2: { sizeBytes: 262_144, ways: 8, latency: { value: 10, source: "Intel Optimization Reference Manual" }, source: "same" },
    l3: { sizeBytes: 8_388_608, ways: 16, latency: { value: 38, source: "Intel Optimization Reference Manual" }, source: "same" },
    dram: { value: 180, source: "about 65 ns" , range: [150, 240] },
  },
  costs: {
    ...SOFTWARE_COSTS,
    reference: { value: 1, source: "placeholder", assumed: true, range: [1, 4] },
    tlb_l2_hit: { value: 7, source: "Intel Optimization Reference Manual" },
    walk_start: { value: 5, source: "placeholder", assumed: true, range: [0, 20] },
    entry_bits: { value: 20, source: "placeholder", assumed: true, range: [10, 60] },
    exception: { value: 700, source: "placeholder", assumed: true, range: [350, 1_400] },
    syscall: { value: 120, source: "placeholder", assumed: true, range: [60, 240] },
    cr3_load: { value: 150, source: "placeholder", assumed: true, range: [75, 300] },
    invlpg: { value: 120, source: "placeholder", assumed: true, range: [60, 240] },
    invpcid: { value: 200, source: "placeholder", assumed: true, range: [100, 400] },
    vm_exit: { value: 600, source: "Agesen 2012: round trip 1009", range: [500, 700] },
    vm_entry: { value: 409, source: "Agesen 2012: round trip 1009", range: [300, 500] },
    ring_transition: { value: 300, source: "placeholder", assumed: true, range: [150, 600] },
  },
  notes: [],
};
