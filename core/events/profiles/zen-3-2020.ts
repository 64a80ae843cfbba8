/**
 * AMD Zen 3 (Ryzen 5000, EPYC 7003), 2020: Zen 2's translation hardware with PCID and INVPCID, and one
 * third-level cache for eight cores.
 */
import type { CpuProfile } from "../profile.js";
import { assumed, cache, fitted, published } from "./constants.js";
import { ZEN_2_EXTENSIONS } from "./extensions.js";
import { SOURCES } from "./sources.js";
import { ZEN_2_2019 } from "./zen-2-2019.js";

const GUIDE = "AMD, Software Optimization Guide for Family 19h (56665) (as cited)";

export const ZEN_3_2020: CpuProfile = {
  ...ZEN_2_2019,
  name: "zen-3-2020",
  title: "AMD Zen 3 (Ryzen 7 5800X, EPYC 7003)",
  year: 2020,
  frequencyMHz: 3_800,
  features: { ...ZEN_2_2019.features, pcid: true, invpcid: true, longModeLimits: false },
  featuresSource: "PCID and INVPCID new beside Zen 2: CPU model EPYC-Milan (avocado-framework/avocado-vt pull request 2959); no EFER.LMSLE: CPUID 80000008 EBX=111EF657h of a Ryzen 5000 (A20F12), bit 20; the rest as Zen 2",
  identity: { signature: 0xa2_0f10, extensions: ZEN_2_EXTENSIONS, source: "CPUID A20F10: Vermeer (as cited); extensions as Zen 2's" },
  tlb: {
    ...ZEN_2_2019.tlb,
    l2: [{ entries: 2_048, ways: 16, pages: ["4K", "2M", "4M"], policy: "lru", source: `${GUIDE}: L2 data TLB` }],
  },
  caches: {
    l1d: cache(32_768, 8, published(4, GUIDE), GUIDE),
    l2: cache(524_288, 8, published(12, GUIDE), GUIDE),
    l3: cache(33_554_432, 16, published(46, `${GUIDE}: average load-to-use latency`), GUIDE),
    dram: assumed(280, "about 74 ns of DDR4-3200 at 3.8 GHz; EPYC is above 100 ns", [240, 420]),
  },
  costs: {
    ...ZEN_2_2019.costs,
    invpcid: assumed(150, `as INVLPG; ${SOURCES.hansen2015} has INVLPG on Intel only`, [80, 500]),
    exit_mitigations: fitted(1_500, `fitted to cvm-hypercall-vm: Safe RET has every return of the kernel mispredicted (Linux commit fb3bd914b3ec): as many on the way through KVM as the figure asks for, 80, at 13 cycles (${GUIDE}: common case) and 4 of the thunk; five retpolines, and a return stack refilled`, [400, 3_000]),
  },
  notes: [...ZEN_2_2019.notes.slice(0, 2), "All prices but INVPCID's and those of mitigations are Zen 2's."],
};
