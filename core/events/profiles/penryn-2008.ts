/** Intel Penryn (Core 2 at 45 nm), 2008: Merom's translation hardware with faster exits. */
import type { CpuProfile } from "../profile.js";
import { PENRYN_ASSIST } from "./assist.js";
import { cache, published } from "./constants.js";
import { PENRYN_EXTENSIONS } from "./extensions.js";
import { MEROM_2006 } from "./merom-2006.js";
import { SOURCES } from "./sources.js";
import { splitRoundTrip } from "./transitions.js";

const REVIEW = "xbitlabs.com, Core 2 Extreme QX9650, p. 4: 15 cycles by CPU-Z, one more than Conroe";

export const PENRYN_2008: CpuProfile = {
  ...MEROM_2006,
  name: "penryn-2008",
  title: "Intel Penryn (Core 2 Duo E8000, 6 MB)",
  year: 2008,
  frequencyMHz: 3_000,
  physicalAddressBits: 36,
  features: { ...MEROM_2006.features, assist: PENRYN_ASSIST },
  featuresSource: MEROM_2006.featuresSource,
  identity: { signature: 0x1_0676, extensions: PENRYN_EXTENSIONS, source: "CPUID 10676: Penryn and Wolfdale, stepping 6 (as cited); extensions.ts" },
  caches: {
    l1d: MEROM_2006.caches.l1d,
    l2: cache(6_291_456, 24, published(15, REVIEW), "xbitlabs.com, same page: 6 MB a core pair, 24-way"),
    dram: published(241, "as merom-2006: 80.4 ns, at 3000 MHz", [200, 280]),
  },
  costs: { ...MEROM_2006.costs, ...splitRoundTrip(1_266, "agesen12-rt-penryn", "core") },
  notes: [
    "DTLB1 serves data only; the model lets instruction fetches use it as well.",
    `Everything but the L2 cache and the round trip is taken over from merom-2006 (${SOURCES.intelOptimization}: no change named).`,
  ],
};
