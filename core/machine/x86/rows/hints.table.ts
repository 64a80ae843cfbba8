/** Hints, fences, cache lines, and the opcodes that are defined to be undefined (Intel SDM vol. 1, 5.1.13, 5.4.4; vol. 2). */
import type { Group } from "../group.js";

export const HINTS: readonly Group[] = [
  { cost: "no-operation", rows: [
    ["90", "NOP", "B0"],
    ["F3 90", "PAUSE"],
    ["0F 1F /0", "NOP r/m16|32|64"],
    ["F3 0F 1E FA", "ENDBR64"],
    ["F3 0F 1E FB", "ENDBR32"],
    // The rest of the hint space (SDM vol. 2, A.4, opcodes 0F 18 to 0F 1F) does nothing.
    ["0F 18 /r", "NOP r/m16|32|64, r16|32|64"],
    ["0F 19 /r", "NOP r/m16|32|64, r16|32|64"],
    ["0F 1A /r", "NOP r/m16|32|64, r16|32|64"],
    ["0F 1B /r", "NOP r/m16|32|64, r16|32|64"],
    ["0F 1C /r", "NOP r/m16|32|64, r16|32|64"],
    ["0F 1D /r", "NOP r/m16|32|64, r16|32|64"],
    ["0F 1E /r", "NOP r/m16|32|64, r16|32|64"],
    ["0F 1F /r", "NOP r/m16|32|64, r16|32|64"],
    ["0F 0D /r", "NOP r/m16|32|64, r16|32|64"],
  ] },
  { cost: "prefetch", rows: [
    ["0F 18 /0", "PREFETCHNTA m8"],
    ["0F 18 /1", "PREFETCHT0 m8"],
    ["0F 18 /2", "PREFETCHT1 m8"],
    ["0F 18 /3", "PREFETCHT2 m8"],
    ["0F 0D /0", "PREFETCH m8"],
    ["0F 0D /1", "PREFETCHW m8"],
    ["0F 0D /2", "PREFETCHWT1 m8"],
    // Reserved, and as PREFETCH (AMD APM vol. 3, PREFETCH).
    ["0F 0D /3", "PREFETCHW m8"],
    ["0F 0D /4", "PREFETCH m8"],
    ["0F 0D /5", "PREFETCH m8"],
    ["0F 0D /6", "PREFETCH m8"],
    ["0F 0D /7", "PREFETCH m8"],
  ] },
  { cost: "fence", feature: "SSE2", rows: [
    ["NP 0F AE /5", "LFENCE"],
    ["NP 0F AE /6", "MFENCE"],
  ] },
  { cost: "fence", feature: "SSE", rows: [["NP 0F AE /7", "SFENCE"]] },
  { cost: "flush", feature: "CLFSH", rows: [["NP 0F AE /7", "CLFLUSH m8"]] },
  { cost: "flush", feature: "CLFLUSHOPT", rows: [["66 0F AE /7", "CLFLUSHOPT m8"]] },
  { cost: "flush", feature: "CLWB", rows: [["66 0F AE /6", "CLWB m8"]] },
  { cost: "system", ends: true, rows: [
    ["0F FF /r", "UD0 r16|32|64, r/m16|32|64"],
    ["0F B9 /r", "UD1 r16|32|64, r/m16|32|64"],
    ["0F 0B", "UD2"],
  ] },
];
