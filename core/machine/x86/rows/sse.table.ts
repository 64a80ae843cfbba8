/** SSE and SSE2 on floating point, their state, and stores around the caches (Intel SDM vol. 1, 5.5, 5.6; vol. 2 by name). */
import type { CostClass } from "../cost-class.js";
import type { Group } from "../group.js";

/** One opcode, four instructions: packed single (no prefix), packed double (66), scalar single (F3), scalar double (F2). */
function arithmetic(name: string, opcode: string, cost: CostClass, immediate = false): Group[] {
  const row = (prefix: string, suffix: string, source: string): readonly [string, string] => [
    `${prefix} 0F ${opcode} /r${immediate ? " ib" : ""}`,
    `${name}${suffix} xmm1, ${source}${immediate ? ", imm8" : ""}`,
  ];
  return [
    { cost, feature: "SSE", rows: [row("NP", "PS", "xmm2/m128"), row("F3", "SS", "xmm2/m32")] },
    { cost, feature: "SSE2", rows: [row("66", "PD", "xmm2/m128"), row("F2", "SD", "xmm2/m64")] },
  ];
}

/** One opcode, packed single and packed double. */
function packed(name: string, opcode: string, immediate = false): Group[] {
  const row = (prefix: string, suffix: string): readonly [string, string] => [
    `${prefix} 0F ${opcode} /r${immediate ? " ib" : ""}`,
    `${name}${suffix} xmm1, xmm2/m128${immediate ? ", imm8" : ""}`,
  ];
  return [
    { cost: "sse-alu", feature: "SSE", rows: [row("NP", "PS")] },
    { cost: "sse-alu", feature: "SSE2", rows: [row("66", "PD")] },
  ];
}

export const SSE: readonly Group[] = [
  { cost: "sse-move", feature: "SSE", rows: [
    ["NP 0F 10 /r", "MOVUPS xmm1, xmm2/m128"],
    ["NP 0F 11 /r", "MOVUPS xmm2/m128, xmm1"],
    ["F3 0F 10 /r", "MOVSS xmm1, xmm2"],
    ["F3 0F 10 /r", "MOVSS xmm1, m32"],
    ["F3 0F 11 /r", "MOVSS xmm2/m32, xmm1"],
    ["NP 0F 12 /r", "MOVHLPS xmm1, xmm2"],
    ["NP 0F 12 /r", "MOVLPS xmm1, m64"],
    ["NP 0F 13 /r", "MOVLPS m64, xmm1"],
    ["NP 0F 16 /r", "MOVLHPS xmm1, xmm2"],
    ["NP 0F 16 /r", "MOVHPS xmm1, m64"],
    ["NP 0F 17 /r", "MOVHPS m64, xmm1"],
    ["NP 0F 28 /r", "MOVAPS xmm1, xmm2/m128"],
    ["NP 0F 29 /r", "MOVAPS xmm2/m128, xmm1"],
    ["NP 0F 2B /r", "MOVNTPS m128, xmm1"],
    ["NP 0F 50 /r", "MOVMSKPS r32, xmm"],
  ] },
  { cost: "sse-move", feature: "SSE2", rows: [
    ["66 0F 10 /r", "MOVUPD xmm1, xmm2/m128"],
    ["66 0F 11 /r", "MOVUPD xmm2/m128, xmm1"],
    ["F2 0F 10 /r", "MOVSD xmm1, xmm2"],
    ["F2 0F 10 /r", "MOVSD xmm1, m64"],
    ["F2 0F 11 /r", "MOVSD xmm2/m64, xmm1"],
    ["66 0F 12 /r", "MOVLPD xmm1, m64"],
    ["66 0F 13 /r", "MOVLPD m64, xmm1"],
    ["66 0F 16 /r", "MOVHPD xmm1, m64"],
    ["66 0F 17 /r", "MOVHPD m64, xmm1"],
    ["66 0F 28 /r", "MOVAPD xmm1, xmm2/m128"],
    ["66 0F 29 /r", "MOVAPD xmm2/m128, xmm1"],
    ["66 0F 2B /r", "MOVNTPD m128, xmm1"],
    ["66 0F 50 /r", "MOVMSKPD r32, xmm"],
    ["NP 0F C3 /r", "MOVNTI m32, r32"],
    ["NP REX.W + 0F C3 /r", "MOVNTI m64, r64"],
  ] },

  ...packed("UNPCKL", "14"),
  ...packed("UNPCKH", "15"),
  ...packed("SHUF", "C6", true),
  ...packed("AND", "54"),
  ...packed("ANDN", "55"),
  ...packed("OR", "56"),
  ...packed("XOR", "57"),
  ...arithmetic("ADD", "58", "sse-add"),
  ...arithmetic("MUL", "59", "sse-multiply"),
  ...arithmetic("SUB", "5C", "sse-add"),
  ...arithmetic("MIN", "5D", "sse-add"),
  ...arithmetic("DIV", "5E", "sse-divide"),
  ...arithmetic("MAX", "5F", "sse-add"),
  ...arithmetic("SQRT", "51", "sse-sqrt"),
  ...arithmetic("CMP", "C2", "sse-add", true),
  { cost: "sse-multiply", feature: "SSE", rows: [
    ["NP 0F 52 /r", "RSQRTPS xmm1, xmm2/m128"],
    ["F3 0F 52 /r", "RSQRTSS xmm1, xmm2/m32"],
    ["NP 0F 53 /r", "RCPPS xmm1, xmm2/m128"],
    ["F3 0F 53 /r", "RCPSS xmm1, xmm2/m32"],
  ] },
  { cost: "sse-add", flags: "w:OSZAPC", feature: "SSE", rows: [
    ["NP 0F 2E /r", "UCOMISS xmm1, xmm2/m32"],
    ["NP 0F 2F /r", "COMISS xmm1, xmm2/m32"],
  ] },
  { cost: "sse-add", flags: "w:OSZAPC", feature: "SSE2", rows: [
    ["66 0F 2E /r", "UCOMISD xmm1, xmm2/m64"],
    ["66 0F 2F /r", "COMISD xmm1, xmm2/m64"],
  ] },

  { cost: "sse-convert", feature: "SSE", rows: [
    ["NP 0F 2A /r", "CVTPI2PS xmm, mm/m64"],
    ["F3 0F 2A /r", "CVTSI2SS xmm1, r/m32"],
    ["F3 REX.W + 0F 2A /r", "CVTSI2SS xmm1, r/m64"],
    ["NP 0F 2C /r", "CVTTPS2PI mm, xmm/m64"],
    ["F3 0F 2C /r", "CVTTSS2SI r32, xmm1/m32"],
    ["F3 REX.W + 0F 2C /r", "CVTTSS2SI r64, xmm1/m32"],
    ["NP 0F 2D /r", "CVTPS2PI mm, xmm/m64"],
    ["F3 0F 2D /r", "CVTSS2SI r32, xmm1/m32"],
    ["F3 REX.W + 0F 2D /r", "CVTSS2SI r64, xmm1/m32"],
  ] },
  { cost: "sse-convert", feature: "SSE2", rows: [
    ["66 0F 2A /r", "CVTPI2PD xmm, mm/m64"],
    ["F2 0F 2A /r", "CVTSI2SD xmm1, r/m32"],
    ["F2 REX.W + 0F 2A /r", "CVTSI2SD xmm1, r/m64"],
    ["66 0F 2C /r", "CVTTPD2PI mm, xmm/m128"],
    ["F2 0F 2C /r", "CVTTSD2SI r32, xmm1/m64"],
    ["F2 REX.W + 0F 2C /r", "CVTTSD2SI r64, xmm1/m64"],
    ["66 0F 2D /r", "CVTPD2PI mm, xmm/m128"],
    ["F2 0F 2D /r", "CVTSD2SI r32, xmm1/m64"],
    ["F2 REX.W + 0F 2D /r", "CVTSD2SI r64, xmm1/m64"],
    ["NP 0F 5A /r", "CVTPS2PD xmm1, xmm2/m64"],
    ["66 0F 5A /r", "CVTPD2PS xmm1, xmm2/m128"],
    ["F3 0F 5A /r", "CVTSS2SD xmm1, xmm2/m32"],
    ["F2 0F 5A /r", "CVTSD2SS xmm1, xmm2/m64"],
    ["NP 0F 5B /r", "CVTDQ2PS xmm1, xmm2/m128"],
    ["66 0F 5B /r", "CVTPS2DQ xmm1, xmm2/m128"],
    ["F3 0F 5B /r", "CVTTPS2DQ xmm1, xmm2/m128"],
    ["66 0F E6 /r", "CVTTPD2DQ xmm1, xmm2/m128"],
    ["F3 0F E6 /r", "CVTDQ2PD xmm1, xmm2/m64"],
    ["F2 0F E6 /r", "CVTPD2DQ xmm1, xmm2/m128"],
  ] },

  // State. FXSAVE and XSAVE save in the order of their own (SDM vol. 1, 10.5 and 13).
  { cost: "sse-move", feature: "SSE", rows: [
    ["NP 0F AE /2", "LDMXCSR m32"],
    ["NP 0F AE /3", "STMXCSR m32"],
  ] },
  { cost: "x87-state", feature: "FXSR", rows: [
    ["NP 0F AE /0", "FXSAVE m512byte"],
    ["NP REX.W + 0F AE /0", "FXSAVE64 m512byte"],
    ["NP 0F AE /1", "FXRSTOR m512byte"],
    ["NP REX.W + 0F AE /1", "FXRSTOR64 m512byte"],
  ] },
  { cost: "x87-state", feature: "XSAVE", rows: [
    ["NP 0F AE /4", "XSAVE m"],
    ["NP REX.W + 0F AE /4", "XSAVE64 m"],
    ["NP 0F AE /5", "XRSTOR m"],
    ["NP REX.W + 0F AE /5", "XRSTOR64 m"],
  ] },
  { cost: "x87-state", feature: "XSAVEOPT", rows: [
    ["NP 0F AE /6", "XSAVEOPT m"],
    ["NP REX.W + 0F AE /6", "XSAVEOPT64 m"],
  ] },
  { cost: "x87-state", feature: "XSAVEC", rows: [
    ["NP 0F C7 /4", "XSAVEC m"],
    ["NP REX.W + 0F C7 /4", "XSAVEC64 m"],
  ] },
  { cost: "x87-state", privilege: 0, feature: "XSAVES", rows: [
    ["NP 0F C7 /3", "XRSTORS m"],
    ["NP REX.W + 0F C7 /3", "XRSTORS64 m"],
    ["NP 0F C7 /5", "XSAVES m"],
    ["NP REX.W + 0F C7 /5", "XSAVES64 m"],
  ] },
];
