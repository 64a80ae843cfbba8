/**
 * Intel Xeon 2.4 GHz (NetBurst, Prestonia: the Northwood core, 2002): the processor of "Xen and the Art of Virtualization"
 * (2003). As Prescott, which it is the predecessor of, but for clock, caches and what it lacks: long mode, NX, VT-x.
 */
import type { CpuProfile } from "../profile.js";
import { assumed, cache, cyclesOf, published } from "./constants.js";
import { NORTHWOOD_EXTENSIONS } from "./extensions.js";
import { lineDecoding } from "./netburst.js";
import { PRESCOTT_2005 } from "./prescott-2005.js";
import { SOURCES } from "./sources.js";

const MHZ = 2_400;
const MANUAL = `${SOURCES.intelOptimizationAsCited} (2.4 GHz Xeon, 512 KB L2)`;
const NO_ASSIST = "no VT-x: never charged";

export const NORTHWOOD_2002: CpuProfile = {
  ...PRESCOTT_2005,
  name: "northwood-2002",
  title: "Intel Northwood (Xeon 2.4 GHz)",
  year: 2002,
  frequencyMHz: MHZ,
  features: { ...PRESCOTT_2005.features, longMode: false, nx: false, hardwareAssist: false, assist: [] },
  featuresSource: "long mode and NX came to Intel's with Prescott (Nocona), VT-x with the Pentium 4 672",
  identity: { signature: 0xf27, extensions: NORTHWOOD_EXTENSIONS, source: "family 15, model 2; extensions.ts" },
  caches: {
    l1d: cache(8_192, 4, published(2, `${MANUAL}: 2 cycles for integers`), `${MANUAL}: 8 KB, 4 way`),
    l2: cache(524_288, 8, published(18, `${MANUAL}: 18 cycles`), `${MANUAL}: 512 KB, 8 way`),
    dram: assumed(cyclesOf(130, MHZ), "registered DDR-266 behind a server's chipset: 110 to 160 ns", [260, 390]),
  },
  costs: {
    ...PRESCOTT_2005.costs,
    decode_line: lineDecoding(18, `L2 latency: ${MANUAL}`),
    vm_exit: published(0, NO_ASSIST),
    vm_entry: published(0, NO_ASSIST),
  },
  notes: [
    "Prices of software and of the system are Prescott's, in cycles: the same family with a longer pipeline.",
    "No second thread of the core (Hyper-Threading) and no branch prediction are modelled; of the trace cache, what a flush of it costs.",
  ],
};
