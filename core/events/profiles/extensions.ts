/**
 * Which extensions of the instruction set a generation has, by the names of the CPUID tables in the Intel SDM (vol. 2,
 * CPUID) and the AMD APM (vol. 3, appendix E). Those that `CpuFeatures` has (PCID, 1 GiB pages, …) are not repeated, nor
 * those that this machine does not know at all (AVX, AES and so on).
 *
 * Sources: the GCC manual's list of what each -march enables ("x86 Options"), for user-mode extensions; CPUID dumps of
 * InstLatx64 (as cited) for the rest.
 */

/** What every processor with long mode has (APM vol. 3, appendix D; AMD64 baseline). */
const BASELINE = [
  "FPU", "VME", "DE", "PSE", "TSC", "MSR", "PAE", "MCE", "CX8", "APIC", "SEP", "MTRR", "PGE", "MCA", "CMOV", "PAT", "PSE36",
  "CLFSH", "MMX", "FXSR", "SSE", "SSE2", "SYSCALL",
] as const;

/** Extensions since then. */
const LATER = [
  "CMPXCHG16B", "SSE3", "LAHF", "MONITOR", "SSSE3", "SSE4.1", "SSE4.2", "POPCNT", "LZCNT", "RDTSCP", "INVARIANT-TSC",
  "XSAVE", "X2APIC", "TSC-DEADLINE", "RDRAND", "FSGSBASE", "MOVBE", "BMI1", "BMI2", "SMEP", "SMAP", "RDSEED", "ADX", "PREFETCHW",
  "CLFLUSHOPT", "CLWB", "RDPID", "UMIP", "TSC-ADJUST", "CRYSTAL-LEAF", "FREQUENCY-LEAF",
] as const;

export type Extension = (typeof BASELINE)[number] | (typeof LATER)[number];

/** SYSCALL came with long mode. */
export const NORTHWOOD_EXTENSIONS: readonly Extension[] = BASELINE.filter((name) => name !== "SYSCALL");
export const PRESCOTT_EXTENSIONS: readonly Extension[] = [...BASELINE, "SSE3", "MONITOR", "CMPXCHG16B"];
export const MEROM_EXTENSIONS: readonly Extension[] = [...PRESCOTT_EXTENSIONS, "SSSE3", "LAHF"];
export const PENRYN_EXTENSIONS: readonly Extension[] = [...MEROM_EXTENSIONS, "SSE4.1"];
export const NEHALEM_EXTENSIONS: readonly Extension[] = [...PENRYN_EXTENSIONS, "SSE4.2", "POPCNT", "RDTSCP", "INVARIANT-TSC"];
export const SANDY_BRIDGE_EXTENSIONS: readonly Extension[] = [...NEHALEM_EXTENSIONS, "XSAVE", "X2APIC", "TSC-DEADLINE"];
/** RDRAND and FSGSBASE came with Ivy Bridge, which is between. */
export const HASWELL_EXTENSIONS: readonly Extension[] = [
  ...SANDY_BRIDGE_EXTENSIONS, "RDRAND", "FSGSBASE", "SMEP", "MOVBE", "BMI1", "BMI2", "LZCNT", "TSC-ADJUST",
];
/** RDSEED, ADX, PREFETCHW and SMAP came with Broadwell, which is between. */
export const SKYLAKE_EXTENSIONS: readonly Extension[] = [
  ...HASWELL_EXTENSIONS, "RDSEED", "ADX", "PREFETCHW", "SMAP", "CLFLUSHOPT", "CRYSTAL-LEAF", "FREQUENCY-LEAF",
];
export const ICE_LAKE_EXTENSIONS: readonly Extension[] = [...SKYLAKE_EXTENSIONS, "UMIP", "RDPID", "CLWB"];

export const BARCELONA_EXTENSIONS: readonly Extension[] = [
  ...BASELINE, "SSE3", "MONITOR", "CMPXCHG16B", "LAHF", "POPCNT", "LZCNT", "PREFETCHW", "RDTSCP", "INVARIANT-TSC",
];
export const ZEN_2_EXTENSIONS: readonly Extension[] = [
  ...BARCELONA_EXTENSIONS, "SSSE3", "SSE4.1", "SSE4.2", "XSAVE", "RDRAND", "RDSEED", "FSGSBASE", "SMEP", "SMAP", "MOVBE",
  "BMI1", "BMI2", "ADX", "CLFLUSHOPT", "CLWB", "RDPID", "UMIP",
];
