/** System instructions (Intel SDM vol. 1, 5.20; vol. 3, 2.8; vol. 2 by name). */
import type { Group } from "../group.js";

export const SYSTEM: readonly Group[] = [
  // Interrupt flag: CPL ≤ IOPL, or else VME or PVI may keep a virtual one.
  { cost: "system", flags: "w:I", privilege: "iopl", ends: true, rows: [["FA", "CLI"], ["FB", "STI"]] },
  { cost: "system", privilege: 0, ends: true, event: "halt", rows: [["F4", "HLT"]] },

  // Descriptor tables. The four that store tell the truth to any privilege (unless UMIP).
  { cost: "system", sensitivity: "behaviour-sensitive", event: "descriptor-table", rows: [
    ["0F 01 /0", "SGDT m16&32", "i64"],
    ["0F 01 /0", "SGDT m16&64", "o64 f64"],
    ["0F 01 /1", "SIDT m16&32", "i64"],
    ["0F 01 /1", "SIDT m16&64", "o64 f64"],
    ["0F 00 /0", "SLDT r16/m16|r32/m16|r64/m16"],
    ["0F 00 /1", "STR r16/m16|r32/m16|r64/m16"],
  ] },
  { cost: "system", privilege: 0, ends: true, event: "descriptor-table", rows: [
    ["0F 01 /2", "LGDT m16&32", "i64"],
    ["0F 01 /2", "LGDT m16&64", "o64 f64"],
    ["0F 01 /3", "LIDT m16&32", "i64"],
    ["0F 01 /3", "LIDT m16&64", "o64 f64"],
    ["0F 00 /2", "LLDT r16/m16|r32/m16|r64/m16"],
    ["0F 00 /3", "LTR r16/m16|r32/m16|r64/m16"],
  ] },
  { cost: "system", flags: "w:Z", sensitivity: "behaviour-sensitive", rows: [
    ["0F 00 /4", "VERR r16/m16|r32/m16|r64/m16"],
    ["0F 00 /5", "VERW r16/m16|r32/m16|r64/m16"],
    ["0F 02 /r", "LAR r16|32|64, r16/m16|r32/m16|r64/m16"],
    ["0F 03 /r", "LSL r16|32|64, r16/m16|r32/m16|r64/m16"],
  ] },
  { cost: "system", flags: "w:Z", sensitivity: "behaviour-sensitive", rows: [["63 /r", "ARPL r/m16, r16", "i64"]] },

  // Control and debug registers. "CR0–CR7" in the manual; CR8 by REX.R.
  { cost: "system", sensitivity: "behaviour-sensitive", event: "control-register", rows: [
    ["0F 01 /4", "SMSW r16/m16|r32/m16|r64/m16"],
  ] },
  { cost: "system", privilege: 0, ends: true, event: "control-register", rows: [
    ["0F 01 /6", "LMSW r16/m16|r32/m16|r64/m16"],
    ["0F 06", "CLTS"],
  ] },
  { cost: "system", flags: "u:OSZAPC", privilege: 0, ends: true, event: "control-register", rows: [
    ["0F 22 /r", "MOV CR0-CR7, r32", "i64"],
    ["0F 22 /r", "MOV CR0-CR7, r64", "o64 f64"],
  ] },
  { cost: "control-read", flags: "u:OSZAPC", privilege: 0, event: "control-register", rows: [
    ["0F 20 /r", "MOV r32, CR0-CR7", "i64"],
    ["0F 20 /r", "MOV r64, CR0-CR7", "o64 f64"],
  ] },
  { cost: "system", flags: "u:OSZAPC", privilege: 0, event: "debug-register", rows: [
    ["0F 21 /r", "MOV r32, DR0-DR7", "i64"],
    ["0F 21 /r", "MOV r64, DR0-DR7", "o64 f64"],
  ] },
  { cost: "system", flags: "u:OSZAPC", privilege: 0, ends: true, event: "debug-register", rows: [
    ["0F 23 /r", "MOV DR0-DR7, r32", "i64"],
    ["0F 23 /r", "MOV DR0-DR7, r64", "o64 f64"],
  ] },
  { cost: "system", sensitivity: "behaviour-sensitive", event: "control-register", feature: "XSAVE", rows: [
    ["NP 0F 01 D0", "XGETBV"],
  ] },
  { cost: "system", privilege: 0, ends: true, event: "control-register", feature: "XSAVE", rows: [["NP 0F 01 D1", "XSETBV"]] },
  { cost: "system", flags: "w:X", privilege: 0, ends: true, feature: "SMAP", rows: [
    ["NP 0F 01 CA", "CLAC"],
    ["NP 0F 01 CB", "STAC"],
  ] },
  { cost: "system", sensitivity: "behaviour-sensitive", feature: "PKU", rows: [["NP 0F 01 EE", "RDPKRU"]] },
  { cost: "system", sensitivity: "control-sensitive", ends: true, feature: "PKU", rows: [["NP 0F 01 EF", "WRPKRU"]] },

  // Model-specific registers, counters, identification.
  { cost: "system", privilege: 0, event: "msr", feature: "MSR", rows: [["0F 32", "RDMSR"]] },
  { cost: "system", privilege: 0, ends: true, event: "msr", feature: "MSR", rows: [["0F 30", "WRMSR"]] },
  { cost: "system", sensitivity: "behaviour-sensitive", ends: true, event: "cpuid", rows: [["0F A2", "CPUID"]] },
  { cost: "time-stamp", sensitivity: "behaviour-sensitive", event: "time-stamp", rows: [
    ["0F 31", "RDTSC"],
    ["0F 33", "RDPMC"],
  ] },
  { cost: "time-stamp", sensitivity: "behaviour-sensitive", event: "time-stamp", feature: "RDTSCP", rows: [["0F 01 F9", "RDTSCP"]] },
  { cost: "system", sensitivity: "behaviour-sensitive", feature: "RDPID", rows: [
    ["F3 0F C7 /7", "RDPID r32", "i64"],
    ["F3 0F C7 /7", "RDPID r64", "o64 f64"],
  ] },
  { cost: "random", flags: "w:OSZAPC", feature: "RDRAND", rows: [["NFx 0F C7 /6", "RDRAND r16|32|64"]] },
  { cost: "random", flags: "w:OSZAPC", feature: "RDSEED", rows: [["NFx 0F C7 /7", "RDSEED r16|32|64"]] },

  // TLBs and caches.
  { cost: "system", privilege: 0, ends: true, event: "tlb-flush", rows: [["0F 01 /7", "INVLPG m"]] },
  { cost: "system", privilege: 0, ends: true, event: "tlb-flush", feature: "INVPCID", rows: [
    ["66 0F 38 82 /r", "INVPCID r32, m128", "i64"],
    ["66 0F 38 82 /r", "INVPCID r64, m128", "o64 f64"],
  ] },
  { cost: "system", privilege: 0, ends: true, event: "cache-flush", rows: [
    ["0F 08", "INVD"],
    ["0F 09", "WBINVD"],
  ] },

  // System calls. SYSENTER exists in every mode; SYSCALL outside 64-bit code on AMD's processors only.
  { cost: "far-transfer", flags: "r:OSZAPCTIDX w:OSZAPCTIDX", sensitivity: "control-sensitive", ends: true, event: "system-call", feature: "SYSCALL", rows: [
    ["0F 05", "SYSCALL"],
  ] },
  { cost: "far-transfer", flags: "w:OSZAPCTIDX", privilege: 0, ends: true, event: "system-return", feature: "SYSCALL", rows: [
    ["0F 07", "SYSRET"],
    ["REX.W + 0F 07", "SYSRETQ"],
  ] },
  { cost: "far-transfer", flags: "w:I", sensitivity: "control-sensitive", ends: true, event: "system-call", feature: "SEP", rows: [
    ["0F 34", "SYSENTER"],
  ] },
  { cost: "far-transfer", privilege: 0, ends: true, event: "system-return", feature: "SEP", rows: [
    ["0F 35", "SYSEXIT"],
    ["REX.W + 0F 35", "SYSEXITQ"],
  ] },
  { cost: "system", privilege: 0, ends: true, rows: [["0F 01 F8", "SWAPGS", "o64"]] },
  { cost: "system", feature: "FSGSBASE", rows: [
    ["F3 0F AE /0", "RDFSBASE r32", "o64"],
    ["F3 REX.W + 0F AE /0", "RDFSBASE r64"],
    ["F3 0F AE /1", "RDGSBASE r32", "o64"],
    ["F3 REX.W + 0F AE /1", "RDGSBASE r64"],
  ] },
  { cost: "system", ends: true, feature: "FSGSBASE", rows: [
    ["F3 0F AE /2", "WRFSBASE r32", "o64"],
    ["F3 REX.W + 0F AE /2", "WRFSBASE r64"],
    ["F3 0F AE /3", "WRGSBASE r32", "o64"],
    ["F3 REX.W + 0F AE /3", "WRGSBASE r64"],
  ] },
  { cost: "system", privilege: 0, ends: true, feature: "MONITOR", rows: [
    ["NP 0F 01 C8", "MONITOR"],
    ["NP 0F 01 C9", "MWAIT"],
  ] },
  { cost: "far-transfer", flags: "w:OSZAPCTIDX", privilege: 0, ends: true, rows: [["0F AA", "RSM"]] },
];
