/**
 * Intel Pentium 4 672 (NetBurst, Prescott-2M, November 2005): the first processor with VT-x, and the one
 * on which Adams & Agesen (2006) found binary translation to beat it.
 */
import type { CpuProfile } from "../profile.js";
import { PRESCOTT_ASSIST } from "./assist.js";
import { assumed, cache, cyclesOf, fitted, published } from "./constants.js";
import { PRESCOTT_EXTENSIONS } from "./extensions.js";
import { instructionCostsOf } from "./instructions.js";
import { lineDecoding, NETBURST_SOFTWARE_COSTS } from "./netburst.js";
import { SOFTWARE_COSTS } from "./software.js";
import { SOURCES } from "./sources.js";
import { NETBURST_SYSTEM_COSTS, PAGE_FAULT, SYSTEM_COSTS } from "./system.js";
import { splitRoundTrip } from "./transitions.js";

const MHZ = 3_800;
/** A 3.2 GHz Pentium 4 640: the same core at a lower clock. */
const DUMP = `${SOURCES.instLatX64}, GenuineIntel0000F43_P4_Prescott_NewMemLat.txt`;

const HALF_OF_PAIR = published(5.5, `half of CALL and RET together: ${SOURCES.adams2006}, nanobenchmark call/ret, native (adams06-nano-callret-native)`, [2, 8]);

const ONE_STORE = published(1, `${SOURCES.adams2006}, nanobenchmark ptemod, native: "single cycle store" (adams06-nano-ptemod-native)`, [1, 2]);

export const PRESCOTT_2005: CpuProfile = {
  name: "prescott-2005",
  title: "Intel Prescott (Pentium 4 672)",
  vendor: "intel",
  year: 2005,
  frequencyMHz: MHZ,
  physicalAddressBits: 36,
  features: {
    longMode: true, nx: true, page1G: false, pcid: false, invpcid: false, la57: false, longModeLimits: false,
    hardwareAssist: true, nestedPaging: false, nestedPages: [], nestedAccessedDirty: false, vpid: false,
    assist: PRESCOTT_ASSIST,
  },
  featuresSource: `first VT-x: ${SOURCES.adams2006}, Sec. 1; no EPT or VPID before Nehalem: ${SOURCES.intelSdm}, ch. 28; physical width as cited from the 600-series datasheet`,
  identity: { signature: 0xf43, extensions: PRESCOTT_EXTENSIONS, source: `${DUMP}: 0F43; extensions.ts` },
  tlb: {
    l1i: [{ entries: 64, ways: 64, pages: ["4K", "2M", "4M"], policy: "lru", source: `${DUMP}: L1I 4K+2M TLB, 64 entries, full` }],
    l1d: [{ entries: 64, ways: 64, pages: ["4K", "2M", "4M"], policy: "lru", source: `${DUMP}: L1D 4K+2M TLB, 64 entries, full` }],
    l2: [],
  },
  walkCaches: { guest: {}, host: {} },
  caches: {
    l1d: cache(16_384, 8, published(4, `${DUMP}, Page_Random to 16 KB`), `${DUMP}: L1D 16KB, 8 way`),
    l2: cache(2_097_152, 8, published(28, `${DUMP}, Page_Random 256 KB`), `${DUMP}: L2 2048KB, 8 way`),
    dram: published(cyclesOf(109, MHZ), `${DUMP}, Page_Random 64 MB, stride 256: 349 cycles at 3.2 GHz = 109 ns, at ${MHZ} MHz`, [380, 480]),
  },
  costs: {
    ...SOFTWARE_COSTS,
    ...NETBURST_SOFTWARE_COSTS,
    ...SYSTEM_COSTS,
    ...NETBURST_SYSTEM_COSTS,
    port_access: published(3_209, `${SOURCES.adams2006}, nanobenchmark in, native: port 0x80 (adams06-nano-in-native)`, [1_500, 5_000]),
    reference: assumed(1, "throughput of independent L1 hits; dependent ones wait for the L1's latency", [1, 4]),
    tlb_l2_hit: published(0, "no second level: never charged"),
    walk_start: fitted(21, `fitted to ${DUMP}, Page_Random 512 KB: 65 cycles at stride 4K against 28, less four references that hit the L1`, [5, 37]),
    entry_bits: assumed(250, "a microcode assist and a locked update (LOCK on NetBurst costs about 100)", [50, 1_000]),
    exception: published(1_093, `${SOURCES.adams2006}, nanobenchmark pgfault, native (adams06-nano-pgfault-native)`, [1_000, 1_200]),
    page_fault: published(PAGE_FAULT, `${SOURCES.adams2006}, nanobenchmarks pgfault less divzero, native (adams06-nano-pgfault-native, -divzero-native)`, [100, 377]),
    syscall: assumed(400, "SYSENTER and SYSEXIT; the INT 80h of Linux 2.4 is about twice that", [200, 800]),
    cr3_load: assumed(400, "serializing, and drains a deep pipeline; below the 1,848 cycles of a whole switch (xen03-4-2p-0k-l-up)", [150, 900]),
    decode_line: lineDecoding(28, `L2 latency: ${DUMP}, Page_Random 256 KB`),
    invlpg: assumed(600, "microcoded; no figure found for this core", [200, 1_500]),
    invpcid: published(0, "not implemented: never charged"),
    ...splitRoundTrip(3_963, "agesen12-rt-prescott", "netburst"),
    ring_transition: fitted(900, "fitted to xen03-4-2p-0k-xen less -l-up: 1.2 us = 2,880 cycles more a switch, as hypercall_dispatch; INT and IRET are 719 of it (adams06, RDTSC three ways)", [500, 1_400]),
  },
  instructions: { ...instructionCostsOf("netburst"), call: HALF_OF_PAIR, return: HALF_OF_PAIR, store: ONE_STORE },
  notes: [
    "Figures of the Xen paper are cycles of a 2.4 GHz Xeon of the older Northwood core: same family, shorter pipeline.",
    "No paging-structure cache is documented for NetBurst; with one, walk_start would be near 9.",
    `${SOURCES.adams2006} gives 2,409 for an entry and 1,931 for a page-fault exit; the round trip here is Agesen's 3,963, with 204 of a page fault on top.`,
  ],
};
