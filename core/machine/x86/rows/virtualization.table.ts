/** Virtualization: VMX (Intel SDM vol. 3, 31) and SVM (AMD APM vol. 3, 4; vol. 2, 15), for monitors inside the machine. */
import type { Group } from "../group.js";

export const VIRTUALIZATION: readonly Group[] = [
  { cost: "system", flags: "w:OSZAPC", privilege: 0, ends: true, feature: "VMX", rows: [
    ["NP 0F 01 C2", "VMLAUNCH"],
    ["NP 0F 01 C3", "VMRESUME"],
    ["NP 0F 01 C4", "VMXOFF"],
    ["NP 0F C7 /6", "VMPTRLD m64"],
    ["NP 0F C7 /7", "VMPTRST m64"],
    ["66 0F C7 /6", "VMCLEAR m64"],
    ["F3 0F C7 /6", "VMXON m64"],
    ["NP 0F 78 /r", "VMREAD r/m32, r32", "i64"],
    ["NP 0F 78 /r", "VMREAD r/m64, r64", "o64 f64"],
    ["NP 0F 79 /r", "VMWRITE r32, r/m32", "i64"],
    ["NP 0F 79 /r", "VMWRITE r64, r/m64", "o64 f64"],
    ["66 0F 38 80 /r", "INVEPT r32, m128", "i64"],
    ["66 0F 38 80 /r", "INVEPT r64, m128", "o64 f64"],
    ["66 0F 38 81 /r", "INVVPID r32, m128", "i64"],
    ["66 0F 38 81 /r", "INVVPID r64, m128", "o64 f64"],
  ] },
  { cost: "system", flags: "w:OSZAPC", sensitivity: "control-sensitive", ends: true, event: "hypercall", feature: "VMX", rows: [
    ["NP 0F 01 C1", "VMCALL"],
  ] },
  { cost: "system", sensitivity: "control-sensitive", ends: true, feature: "VMX", rows: [["NP 0F 01 D4", "VMFUNC"]] },
  { cost: "system", privilege: 0, ends: true, feature: "SVM", rows: [
    ["0F 01 D8", "VMRUN"],
    ["0F 01 DA", "VMLOAD"],
    ["0F 01 DB", "VMSAVE"],
    ["0F 01 DC", "STGI"],
    ["0F 01 DD", "CLGI"],
    ["0F 01 DE", "SKINIT"],
    ["0F 01 DF", "INVLPGA"],
  ] },
  { cost: "system", sensitivity: "control-sensitive", ends: true, event: "hypercall", feature: "SVM", rows: [
    ["0F 01 D9", "VMMCALL"],
  ] },
];
