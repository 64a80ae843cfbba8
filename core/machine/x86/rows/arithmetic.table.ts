/** Integer arithmetic (Intel SDM vol. 1, 5.1.2, 5.1.3 and 7.3.2 to 7.3.5; vol. 2 by name). */
import type { Group } from "../group.js";

const ALL = "w:OSZAPC";

/** The eight instructions of opcodes 00 to 3F have the same forms, `code` of opcode bits 5..3 or ModRM.reg. */
function binary(name: string, code: number, flags: string, lock: boolean): Group {
  const at = (offset: number): string => (code * 8 + offset).toString(16).toUpperCase().padStart(2, "0");
  return {
    cost: "alu", flags, ...(lock ? { lock } : {}),
    rows: [
      [`${at(0)} /r`, `${name} r/m8, r8`],
      [`${at(1)} /r`, `${name} r/m16|32|64, r16|32|64`],
      [`${at(2)} /r`, `${name} r8, r/m8`],
      [`${at(3)} /r`, `${name} r16|32|64, r/m16|32|64`],
      [`${at(4)} ib`, `${name} AL, imm8`],
      [`${at(5)} iw|id|id`, `${name} AX|EAX|RAX, imm16|imm32|simm32`],
      [`80 /${code} ib`, `${name} r/m8, imm8`],
      [`81 /${code} iw|id|id`, `${name} r/m16|32|64, imm16|imm32|simm32`],
      [`82 /${code} ib`, `${name} r/m8, imm8`, "i64"],
      [`83 /${code} ib`, `${name} r/m16|32|64, simm8`],
    ],
  };
}

export const ARITHMETIC: readonly Group[] = [
  binary("ADD", 0, ALL, true),
  binary("OR", 1, "w:OSZPC u:A", true),
  binary("ADC", 2, `r:C ${ALL}`, true),
  binary("SBB", 3, `r:C ${ALL}`, true),
  binary("AND", 4, "w:OSZPC u:A", true),
  binary("SUB", 5, ALL, true),
  binary("XOR", 6, "w:OSZPC u:A", true),
  binary("CMP", 7, ALL, false),

  { cost: "alu", flags: "w:OSZAP", lock: true, rows: [
    ["40+rw|rd", "INC r16|32", "i64"],
    ["FE /0", "INC r/m8"],
    ["FF /0", "INC r/m16|32|64"],
    ["48+rw|rd", "DEC r16|32", "i64"],
    ["FE /1", "DEC r/m8"],
    ["FF /1", "DEC r/m16|32|64"],
  ] },
  { cost: "alu", flags: ALL, lock: true, rows: [
    ["F6 /3", "NEG r/m8"],
    ["F7 /3", "NEG r/m16|32|64"],
  ] },
  { cost: "alu", lock: true, rows: [
    ["F6 /2", "NOT r/m8"],
    ["F7 /2", "NOT r/m16|32|64"],
  ] },
  { cost: "alu", flags: "w:OSZPC u:A", rows: [
    ["A8 ib", "TEST AL, imm8"],
    ["A9 iw|id|id", "TEST AX|EAX|RAX, imm16|imm32|simm32"],
    ["F6 /0 ib", "TEST r/m8, imm8"],
    ["F7 /0 iw|id|id", "TEST r/m16|32|64, imm16|imm32|simm32"],
    ["F6 /1 ib", "TEST r/m8, imm8"],
    ["F7 /1 iw|id|id", "TEST r/m16|32|64, imm16|imm32|simm32"],
    ["84 /r", "TEST r/m8, r8"],
    ["85 /r", "TEST r/m16|32|64, r16|32|64"],
  ] },
  { cost: "alu", flags: ALL, lock: true, rows: [
    ["0F C0 /r", "XADD r/m8, r8"],
    ["0F C1 /r", "XADD r/m16|32|64, r16|32|64"],
  ] },
  { cost: "atomic", flags: ALL, lock: true, rows: [
    ["0F B0 /r", "CMPXCHG r/m8, r8"],
    ["0F B1 /r", "CMPXCHG r/m16|32|64, r16|32|64"],
  ] },
  { cost: "atomic", flags: "w:Z", lock: true, feature: "CX8", rows: [["0F C7 /1", "CMPXCHG8B m64"]] },
  { cost: "atomic", flags: "w:Z", lock: true, feature: "CMPXCHG16B", rows: [["REX.W + 0F C7 /1", "CMPXCHG16B m128"]] },

  { cost: "multiply32", flags: "w:OC u:SZAP", rows: [
    ["F6 /4", "MUL r/m8"],
    ["F7 /4", "MUL r/m16|32"],
    ["F6 /5", "IMUL r/m8"],
    ["F7 /5", "IMUL r/m16|32"],
    ["0F AF /r", "IMUL r16|32, r/m16|32"],
    ["6B /r ib", "IMUL r16|32, r/m16|32, simm8"],
    ["69 /r iw|id", "IMUL r16|32, r/m16|32, imm16|32"],
  ] },
  { cost: "multiply64", flags: "w:OC u:SZAP", rows: [
    ["REX.W + F7 /4", "MUL r/m64"],
    ["REX.W + F7 /5", "IMUL r/m64"],
    ["REX.W + 0F AF /r", "IMUL r64, r/m64"],
    ["REX.W + 6B /r ib", "IMUL r64, r/m64, simm8"],
    ["REX.W + 69 /r id", "IMUL r64, r/m64, simm32"],
  ] },
  { cost: "divide8", flags: "u:OSZAPC", rows: [["F6 /6", "DIV r/m8"], ["F6 /7", "IDIV r/m8"]] },
  { cost: "divide16", flags: "u:OSZAPC", rows: [["F7 /6", "DIV r/m16", "o16"], ["F7 /7", "IDIV r/m16", "o16"]] },
  { cost: "divide32", flags: "u:OSZAPC", rows: [["F7 /6", "DIV r/m32", "o32"], ["F7 /7", "IDIV r/m32", "o32"]] },
  { cost: "divide64", flags: "u:OSZAPC", rows: [["REX.W + F7 /6", "DIV r/m64"], ["REX.W + F7 /7", "IDIV r/m64"]] },

  { cost: "alu", rows: [
    ["98", "CBW|CWDE|CDQE"],
    ["99", "CWD|CDQ|CQO"],
  ] },

  // Decimal adjustment.
  { cost: "legacy", flags: "r:AC w:SZAPC u:O", rows: [["27", "DAA", "i64"], ["2F", "DAS", "i64"]] },
  { cost: "legacy", flags: "r:A w:AC u:OSZP", rows: [["37", "AAA", "i64"], ["3F", "AAS", "i64"]] },
  { cost: "legacy", flags: "w:SZP u:OAC", rows: [["D4 ib", "AAM imm8", "i64"], ["D5 ib", "AAD imm8", "i64"]] },

  // ADX (SDM vol. 1, 5.1.16).
  { cost: "alu", flags: "r:C w:C", feature: "ADX", rows: [
    ["66 0F 38 F6 /r", "ADCX r32, r/m32"],
    ["66 REX.W + 0F 38 F6 /r", "ADCX r64, r/m64"],
  ] },
  { cost: "alu", flags: "r:O w:O", feature: "ADX", rows: [
    ["F3 0F 38 F6 /r", "ADOX r32, r/m32"],
    ["F3 REX.W + 0F 38 F6 /r", "ADOX r64, r/m64"],
  ] },
];
