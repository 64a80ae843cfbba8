/**
 * The documents that several profiles lean on, named once, and how each was used:
 *
 * - read: the figure was taken from the document's own text;
 * - `as cited`: the figure is widely quoted from the document, whose page was not read again for this
 *   profile.
 *
 * A profile adds the table, row or line to the name. Short ids in brackets, such as (agesen12-rt-nehalem),
 * are the project's names for published figures.
 */

const asCited = (document: string): string => `${document} (as cited)`;

export const SOURCES = {
  /** Latency by footprint and stride, and CPUID, of many CPUs: one text file a CPU. Read. */
  instLatX64: "InstLatx64 (github.com/InstLatx64/InstLatx64)",
  /** Read: the Core 2 pages, and the Skylake client table in a translation. The other chapters as cited. */
  intelOptimization: "Intel 64 and IA-32 Architectures Optimization Reference Manual",
  intelOptimizationAsCited: asCited("Intel 64 and IA-32 Architectures Optimization Reference Manual, ch. 2"),
  /** NetBurst's decoder and instruction fetcher. Read. */
  netBurstOptimization: "IA-32 Intel Architecture Optimization Reference Manual (2003 to 2006), ch. 1, front end",
  /** Measures switches of address spaces on a Pentium 4. */
  uhlig2002: asCited("Uhlig et al., Performance of Address-Space Multiplexing on the Pentium, Karlsruhe TR 2002-1"),
  intelSdm: asCited("Intel SDM vol. 3"),
  amdManual: asCited("AMD64 Architecture Programmer's Manual vol. 2"),
  /** Read: Westmere, Zen 2 (TLBs). Skylake's latencies read where others quote them. */
  sevenCpu: "7-cpu.com",
  wikiChip: "WikiChip",
  /**
   * "On my Haswell CPU": fault 715 + IRET 330 cycles; Core Duo 700 + 240; software share. Read in
   * quotation.
   */
  torvalds2014: 'L. Torvalds, "page fault cost", Google+, 30 April 2014 (quoted at d.hatena.ne.jp/yohei-a/20160509)',
  /** CR3 write and INVLPG on a Haswell and a Westmere Xeon. Read. */
  hansen2015: 'D. Hansen, linux-mm, 9 June 2015, "Re: [PATCH 0/3] TLB flush multiple pages per IPI v5"',
  /** The same on two more Intel systems: CR3 96 and 251, INVLPG 260 and 237. Read. */
  molnar2015: "I. Molnar, linux-mm, 8 June 2015, same thread",
  linuxPti: 'Linux Documentation/arch/x86/pti.rst: "moves to CR3 are on the order of a hundred cycles"',
  adams2006: "Adams & Agesen, ASPLOS 2006",
  adams2006AsCited: asCited("Adams & Agesen, ASPLOS 2006"),
  agesen2012: asCited("Agesen et al., USENIX ATC 2012, Table 1, bare hardware round trip"),
  /**
   * Sizes found by timing: README read (4 PDPTE entries to Ivy Bridge; 24 entries on several AMD cores);
   * the paper's table as cited.
   */
  revAnC: "van Schaik et al., RevAnC (VU Amsterdam 2017; github.com/vusec/revanc README)",
  bhargava2008: asCited("Bhargava et al., ASPLOS 2008"),
  tlbDr: asCited('Tatar et al., "TLB;DR", USENIX Security 2022: Intel L1 data TLBs are tree-PLRU'),
  amdFamily17h: asCited("AMD, Software Optimization Guide for Family 17h Models 30h and Greater (56305)"),
  xen2003: "Barham et al., SOSP 2003, 2.4 GHz Xeon (NetBurst)",
} as const;
