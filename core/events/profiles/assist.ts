/**
 * Parts of VT-x and AMD-V that came with later generations, by names near those of the manuals (Intel SDM vol. 3, appendix A;
 * AMD APM vol. 3, CPUID 8000000AH). Nested paging, its pages and tags are `CpuFeatures`' own.
 *
 * Sources: the "vmx flags" and "svm" lines that Linux prints of processors of each generation (as cited); where a line was not
 * seen the list follows the neighbouring generation.
 */

const INTEL_FIRST = ["TPR-SHADOW"] as const;
const INTEL_LATER = [
  "VIRTUAL-NMI", "MSR-BITMAPS", "VIRTUAL-APIC", "PREEMPTION-TIMER", "WBINVD-EXITING", "DESCRIPTOR-EXITING",
  "UNRESTRICTED-GUEST", "PAUSE-LOOP", "APIC-REGISTERS", "VIRTUAL-INTERRUPTS", "POSTED-INTERRUPTS", "TSC-SCALING",
] as const;
const AMD = [
  "LBR-VIRTUALIZATION", "NEXT-RIP", "FLUSH-BY-ASID", "DECODE-ASSISTS", "PAUSE-FILTER", "PAUSE-FILTER-THRESHOLD", "AVIC", "VIRTUAL-GIF",
] as const;

export type AssistFeature = (typeof INTEL_FIRST)[number] | (typeof INTEL_LATER)[number] | (typeof AMD)[number];

export const PRESCOTT_ASSIST: readonly AssistFeature[] = INTEL_FIRST;
export const MEROM_ASSIST: readonly AssistFeature[] = [...PRESCOTT_ASSIST, "VIRTUAL-NMI", "MSR-BITMAPS"];
/** FlexPriority: virtualized APIC accesses. */
export const PENRYN_ASSIST: readonly AssistFeature[] = [...MEROM_ASSIST, "VIRTUAL-APIC"];
/** The preemption timer counts wrong there (erratum AAK139): it is told, and monitors do not use it. */
export const NEHALEM_ASSIST: readonly AssistFeature[] = [
  ...PENRYN_ASSIST, "PREEMPTION-TIMER", "WBINVD-EXITING", "DESCRIPTOR-EXITING",
];
export const WESTMERE_ASSIST: readonly AssistFeature[] = [...NEHALEM_ASSIST, "UNRESTRICTED-GUEST", "PAUSE-LOOP"];
export const SKYLAKE_ASSIST: readonly AssistFeature[] = [...WESTMERE_ASSIST, "TSC-SCALING"];
/** Server processors have had APICv since Ivy Bridge-EP, client ones since Ice Lake. */
export const ICE_LAKE_ASSIST: readonly AssistFeature[] = [
  ...SKYLAKE_ASSIST, "APIC-REGISTERS", "VIRTUAL-INTERRUPTS", "POSTED-INTERRUPTS",
];

/** CPUID 8000000A EDX = 7: nested paging, LBR virtualization, SVM lock. */
export const BARCELONA_ASSIST: readonly AssistFeature[] = ["LBR-VIRTUALIZATION"];
export const ZEN_ASSIST: readonly AssistFeature[] = AMD;
