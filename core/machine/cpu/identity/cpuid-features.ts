/** Where CPUID tells of each extension (SDM vol. 2, CPUID, tables 3-10, 3-11 and 3-8; APM vol. 3, appendix E). */
import type { FeatureName } from "../processor.js";

/** Registers of a leaf's answer, in order. */
export const EAX = 0;
export const EBX = 1;
export const ECX = 2;
export const EDX = 3;

export const LEAF = {
  features: 1,
  structured: 7,
  extended: 0x8000_0001,
  power: 0x8000_0007,
} as const;

type Place = readonly [name: FeatureName, leaf: number, register: number, bit: number];

const { features, structured, extended, power } = LEAF;

// biome-ignore format: a table
export const FEATURE_PLACES: readonly Place[] = [
  ["SSE3", features, ECX, 0], ["MONITOR", features, ECX, 3], ["SSSE3", features, ECX, 9], ["CMPXCHG16B", features, ECX, 13],
  ["PCID", features, ECX, 17], ["SSE4.1", features, ECX, 19], ["SSE4.2", features, ECX, 20], ["X2APIC", features, ECX, 21],
  ["MOVBE", features, ECX, 22], ["POPCNT", features, ECX, 23], ["TSC-DEADLINE", features, ECX, 24], ["XSAVE", features, ECX, 26],
  ["RDRAND", features, ECX, 30],
  ["FPU", features, EDX, 0], ["VME", features, EDX, 1], ["DE", features, EDX, 2], ["PSE", features, EDX, 3],
  ["TSC", features, EDX, 4], ["MSR", features, EDX, 5], ["PAE", features, EDX, 6], ["MCE", features, EDX, 7],
  ["CX8", features, EDX, 8], ["APIC", features, EDX, 9], ["SEP", features, EDX, 11], ["MTRR", features, EDX, 12],
  ["PGE", features, EDX, 13], ["MCA", features, EDX, 14], ["CMOV", features, EDX, 15], ["PAT", features, EDX, 16],
  ["PSE36", features, EDX, 17], ["CLFSH", features, EDX, 19], ["MMX", features, EDX, 23], ["FXSR", features, EDX, 24],
  ["SSE", features, EDX, 25], ["SSE2", features, EDX, 26],
  ["FSGSBASE", structured, EBX, 0], ["TSC-ADJUST", structured, EBX, 1], ["BMI1", structured, EBX, 3], ["SMEP", structured, EBX, 7],
  ["BMI2", structured, EBX, 8], ["INVPCID", structured, EBX, 10], ["RDSEED", structured, EBX, 18], ["ADX", structured, EBX, 19],
  ["SMAP", structured, EBX, 20], ["CLFLUSHOPT", structured, EBX, 23], ["CLWB", structured, EBX, 24],
  ["UMIP", structured, ECX, 2], ["LA57", structured, ECX, 16], ["RDPID", structured, ECX, 22],
  ["LAHF", extended, ECX, 0], ["LZCNT", extended, ECX, 5], ["PREFETCHW", extended, ECX, 8],
  ["SYSCALL", extended, EDX, 11], ["NX", extended, EDX, 20], ["PAGE1G", extended, EDX, 26], ["RDTSCP", extended, EDX, 27],
  ["LM", extended, EDX, 29],
  ["INVARIANT-TSC", power, EDX, 8],
];

/** Bits of leaf 1's EDX that AMD's processors repeat in leaf 80000001H's. */
export const AMD_REPEATED = 0x0183_f3ff;
