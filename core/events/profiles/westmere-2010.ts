/** Intel Westmere (Xeon 5600), 2010: Nehalem at 32 nm with PCID, 1 GiB pages and cheaper exits. */
import type { CpuProfile } from "../profile.js";
import { WESTMERE_ASSIST } from "./assist.js";
import { cache, cyclesOf, published } from "./constants.js";
import { NEHALEM_EXTENSIONS } from "./extensions.js";
import { NEHALEM_2008 } from "./nehalem-2008.js";
import { SOURCES } from "./sources.js";
import { splitRoundTrip } from "./transitions.js";

const MHZ = 2_667;
const PAGE = `${SOURCES.sevenCpu}/cpu/Westmere.html (Xeon X5650)`;

export const WESTMERE_2010: CpuProfile = {
  ...NEHALEM_2008,
  name: "westmere-2010",
  title: "Intel Westmere (Xeon 5600)",
  year: 2010,
  frequencyMHz: MHZ,
  features: { ...NEHALEM_2008.features, page1G: true, pcid: true, nestedPages: ["4K", "2M", "1G"], assist: WESTMERE_ASSIST },
  featuresSource: `PCID and 1 GiB pages, also in EPT, came with Westmere; INVPCID and EPT A/D with Haswell: ${SOURCES.intelSdm}, ch. 4 and 28`,
  identity: { signature: 0x2_06c2, extensions: NEHALEM_EXTENSIONS, source: "CPUID 206C2: Westmere-EP (as cited); extensions as Nehalem's, but for AES and PCLMULQDQ" },
  caches: {
    l1d: cache(32_768, 8, published(4, PAGE), PAGE),
    l2: cache(262_144, 8, published(10, PAGE), PAGE),
    l3: cache(8_388_608, 16, published(42, PAGE, [40, 46]), "8 MB, 16-way: Xeon E5607, as cited; the X5650's 12 MB have no power of two of sets"),
    dram: published(40 + cyclesOf(67, MHZ), `${PAGE}: 40 cycles + 67 ns, memory of its own socket`, [200, 260]),
  },
  costs: {
    ...NEHALEM_2008.costs,
    cr3_load: published(108, `${SOURCES.hansen2015}: __flush_tlb() on a Westmere Xeon`, [96, 251]),
    invlpg: published(232, `${SOURCES.hansen2015}: __flush_tlb_single() on a Westmere Xeon`, [232, 284]),
    ...splitRoundTrip(761, "agesen12-rt-westmere", "core"),
  },
  notes: [
    ...NEHALEM_2008.notes,
    "No TLB entry covers a 1 GiB page (7-cpu.com): such pages are held as 2 MiB pieces, in the array of 32.",
    "TLB and walk prices are Nehalem's.",
  ],
};
