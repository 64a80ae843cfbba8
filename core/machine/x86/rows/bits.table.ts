/** Shifts, rotates and bits (Intel SDM vol. 1, 5.1.5, 5.1.6, 5.1.16: BMI1 and BMI2; vol. 2 by name). */
import type { Group } from "../group.js";

/** Shifts and rotates share opcodes C0, C1 and D0 to D3 and differ in ModRM.reg. A count of 0 leaves the flags. */
function shift(name: string, code: number, byOne: string, byCount: string): Group[] {
  return [
    { cost: "shift", flags: byOne, rows: [
      [`D0 /${code}`, `${name} r/m8, 1`],
      [`D1 /${code}`, `${name} r/m16|32|64, 1`],
    ] },
    { cost: "shift", flags: `${byCount} c:OSZAPC`, rows: [
      [`D2 /${code}`, `${name} r/m8, CL`],
      [`D3 /${code}`, `${name} r/m16|32|64, CL`],
      [`C0 /${code} ib`, `${name} r/m8, imm8`],
      [`C1 /${code} ib`, `${name} r/m16|32|64, imm8`],
    ] },
  ];
}

/** BT and its three that write share the forms; those that only read take no LOCK. */
function bitTest(name: string, opcode: string, digit: number, lock: boolean): Group {
  return {
    cost: "alu", flags: "w:C u:OSAP", ...(lock ? { lock } : {}),
    rows: [
      [`0F ${opcode} /r`, `${name} r/m16|32|64, r16|32|64`],
      [`0F BA /${digit} ib`, `${name} r/m16|32|64, imm8`],
    ],
  };
}

export const BITS: readonly Group[] = [
  ...shift("ROL", 0, "w:OC", "w:C u:O"),
  ...shift("ROR", 1, "w:OC", "w:C u:O"),
  ...shift("RCL", 2, "r:C w:OC", "r:C w:C u:O"),
  ...shift("RCR", 3, "r:C w:OC", "r:C w:C u:O"),
  ...shift("SHL", 4, "w:OSZPC u:A", "w:SZPC u:OA"),
  ...shift("SHR", 5, "w:OSZPC u:A", "w:SZPC u:OA"),
  ...shift("SHL", 6, "w:OSZPC u:A", "w:SZPC u:OA"),
  ...shift("SAR", 7, "w:OSZPC u:A", "w:SZPC u:OA"),
  { cost: "shift", flags: "w:SZPC u:OA c:OSZAPC", rows: [
    ["0F A4 /r ib", "SHLD r/m16|32|64, r16|32|64, imm8"],
    ["0F A5 /r", "SHLD r/m16|32|64, r16|32|64, CL"],
    ["0F AC /r ib", "SHRD r/m16|32|64, r16|32|64, imm8"],
    ["0F AD /r", "SHRD r/m16|32|64, r16|32|64, CL"],
  ] },

  bitTest("BT", "A3", 4, false),
  bitTest("BTS", "AB", 5, true),
  bitTest("BTR", "B3", 6, true),
  bitTest("BTC", "BB", 7, true),
  { cost: "bit-scan", flags: "w:Z u:OSAPC", rows: [
    ["0F BC /r", "BSF r16|32|64, r/m16|32|64"],
    ["0F BD /r", "BSR r16|32|64, r/m16|32|64"],
  ] },
  { cost: "bit-scan", flags: "w:ZC u:OSAP", feature: "BMI1", rows: [["F3 0F BC /r", "TZCNT r16|32|64, r/m16|32|64"]] },
  { cost: "bit-scan", flags: "w:ZC u:OSAP", feature: "LZCNT", rows: [["F3 0F BD /r", "LZCNT r16|32|64, r/m16|32|64"]] },
  { cost: "bit-scan", flags: "w:OSZAPC", feature: "POPCNT", rows: [["F3 0F B8 /r", "POPCNT r16|32|64, r/m16|32|64"]] },
  { cost: "bit-scan", feature: "SSE4.2", rows: [
    ["F2 0F 38 F0 /r", "CRC32 r32, r/m8"],
    ["F2 REX.W + 0F 38 F0 /r", "CRC32 r64, r/m8"],
    ["F2 0F 38 F1 /r", "CRC32 r32|32|64, r/m16|32|64"],
  ] },

  { cost: "alu", flags: "w:OSZC u:AP", feature: "BMI1", rows: [
    ["VEX.LZ.0F38.W0 F2 /r", "ANDN r32a, r32b, r/m32"],
    ["VEX.LZ.0F38.W1 F2 /r", "ANDN r64a, r64b, r/m64"],
    ["VEX.LZ.0F38.W0 F3 /1", "BLSR r32, r/m32"],
    ["VEX.LZ.0F38.W1 F3 /1", "BLSR r64, r/m64"],
    ["VEX.LZ.0F38.W0 F3 /3", "BLSI r32, r/m32"],
    ["VEX.LZ.0F38.W1 F3 /3", "BLSI r64, r/m64"],
  ] },
  { cost: "alu", flags: "w:OSZC u:AP", feature: "BMI1", rows: [
    ["VEX.LZ.0F38.W0 F3 /2", "BLSMSK r32, r/m32"],
    ["VEX.LZ.0F38.W1 F3 /2", "BLSMSK r64, r/m64"],
  ] },
  { cost: "alu", flags: "w:OZC u:SAP", feature: "BMI1", rows: [
    ["VEX.LZ.0F38.W0 F7 /r", "BEXTR r32a, r/m32, r32b"],
    ["VEX.LZ.0F38.W1 F7 /r", "BEXTR r64a, r/m64, r64b"],
  ] },
  { cost: "alu", flags: "w:OSZC u:AP", feature: "BMI2", rows: [
    ["VEX.LZ.0F38.W0 F5 /r", "BZHI r32a, r/m32, r32b"],
    ["VEX.LZ.0F38.W1 F5 /r", "BZHI r64a, r/m64, r64b"],
  ] },
  { cost: "bit-scan", feature: "BMI2", rows: [
    ["VEX.LZ.F2.0F38.W0 F5 /r", "PDEP r32a, r32b, r/m32"],
    ["VEX.LZ.F2.0F38.W1 F5 /r", "PDEP r64a, r64b, r/m64"],
    ["VEX.LZ.F3.0F38.W0 F5 /r", "PEXT r32a, r32b, r/m32"],
    ["VEX.LZ.F3.0F38.W1 F5 /r", "PEXT r64a, r64b, r/m64"],
  ] },
  { cost: "multiply32", feature: "BMI2", rows: [["VEX.LZ.F2.0F38.W0 F6 /r", "MULX r32a, r32b, r/m32"]] },
  { cost: "multiply64", feature: "BMI2", rows: [["VEX.LZ.F2.0F38.W1 F6 /r", "MULX r64a, r64b, r/m64"]] },
  { cost: "shift", feature: "BMI2", rows: [
    ["VEX.LZ.F2.0F3A.W0 F0 /r ib", "RORX r32, r/m32, imm8"],
    ["VEX.LZ.F2.0F3A.W1 F0 /r ib", "RORX r64, r/m64, imm8"],
    ["VEX.LZ.F3.0F38.W0 F7 /r", "SARX r32a, r/m32, r32b"],
    ["VEX.LZ.F3.0F38.W1 F7 /r", "SARX r64a, r/m64, r64b"],
    ["VEX.LZ.66.0F38.W0 F7 /r", "SHLX r32a, r/m32, r32b"],
    ["VEX.LZ.66.0F38.W1 F7 /r", "SHLX r64a, r/m64, r64b"],
    ["VEX.LZ.F2.0F38.W0 F7 /r", "SHRX r32a, r/m32, r32b"],
    ["VEX.LZ.F2.0F38.W1 F7 /r", "SHRX r64a, r/m64, r64b"],
  ] },
];
