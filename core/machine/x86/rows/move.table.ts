/** Data transfer, stack and flag control (Intel SDM vol. 1, 5.1.1, 5.1.10 to 5.1.13; vol. 2 by name). */
import type { Group } from "../group.js";

export const MOVE: readonly Group[] = [
  { cost: "move", rows: [
    ["88 /r", "MOV r/m8, r8"],
    ["89 /r", "MOV r/m16|32|64, r16|32|64"],
    ["8A /r", "MOV r8, r/m8"],
    ["8B /r", "MOV r16|32|64, r/m16|32|64"],
    ["A0", "MOV AL, moffs8"],
    ["A1", "MOV AX|EAX|RAX, moffs16|32|64"],
    ["A2", "MOV moffs8, AL"],
    ["A3", "MOV moffs16|32|64, AX|EAX|RAX"],
    ["B0+rb ib", "MOV r8, imm8"],
    ["B8+rw|rd|rd iw|id|io", "MOV r16|32|64, imm16|32|64"],
    ["C6 /0 ib", "MOV r/m8, imm8"],
    ["C7 /0 iw|id|id", "MOV r/m16|32|64, imm16|imm32|simm32"],
  ] },
  { cost: "move", sensitivity: "behaviour-sensitive", rows: [
    ["8C /r", "MOV r16/m16|r32/m16|r64/m16, Sreg"],
  ] },
  { cost: "segment-load", sensitivity: "behaviour-sensitive", ends: true, event: "segment-load", rows: [
    ["8E /r", "MOV Sreg, r16/m16|r32/m16|r64/m16"],
  ] },
  { cost: "move", rows: [
    ["0F B6 /r", "MOVZX r16|32|64, r/m8"],
    ["0F B7 /r", "MOVZX r16|32|64, r/m16"],
    ["0F BE /r", "MOVSX r16|32|64, r/m8"],
    ["0F BF /r", "MOVSX r16|32|64, r/m16"],
    ["63 /r", "MOVSXD r16|32|64, r/m16|32|32", "o64"],
  ] },
  { cost: "move", rows: [
    ["0F 40+cc /r", "CMOVcc r16|32|64, r/m16|32|64"],
    ["0F 90+cc /r", "SETcc r/m8"],
  ] },
  { cost: "move", lock: true, rows: [
    ["90+rw|rd|rd", "XCHG r16|32|64, AX|EAX|RAX"],
    ["86 /r", "XCHG r/m8, r8"],
    ["87 /r", "XCHG r/m16|32|64, r16|32|64"],
  ] },
  { cost: "alu", rows: [
    ["8D /r", "LEA r16|32|64, m"],
    ["0F C8+rw|rd|rd", "BSWAP r16|32|64"],
  ] },
  { cost: "move", feature: "MOVBE", rows: [
    ["NFx 0F 38 F0 /r", "MOVBE r16|32|64, m16|32|64"],
    ["NFx 0F 38 F1 /r", "MOVBE m16|32|64, r16|32|64"],
  ] },
  { cost: "legacy", rows: [["D7", "XLAT m8(DS:BX)"]] },

  // Stack.
  { cost: "push", rows: [
    ["50+rw|rd|rd", "PUSH r16|32|64", "d64"],
    ["FF /6", "PUSH r/m16|32|64", "d64"],
    ["6A ib", "PUSH simm8", "d64"],
    ["68 iw|id|id", "PUSH imm16|imm32|simm32", "d64"],
    ["58+rw|rd|rd", "POP r16|32|64", "d64"],
    ["8F /0", "POP r/m16|32|64", "d64"],
  ] },
  { cost: "push", sensitivity: "behaviour-sensitive", rows: [
    ["06", "PUSH ES", "i64"],
    ["0E", "PUSH CS", "i64"],
    ["16", "PUSH SS", "i64"],
    ["1E", "PUSH DS", "i64"],
    ["0F A0", "PUSH FS", "d64"],
    ["0F A8", "PUSH GS", "d64"],
  ] },
  { cost: "segment-load", sensitivity: "behaviour-sensitive", ends: true, event: "segment-load", rows: [
    ["07", "POP ES", "i64"],
    ["17", "POP SS", "i64"],
    ["1F", "POP DS", "i64"],
    ["0F A1", "POP FS", "d64"],
    ["0F A9", "POP GS", "d64"],
    ["C4 /r", "LES r16|32, m16:16|m16:32", "i64"],
    ["C5 /r", "LDS r16|32, m16:16|m16:32", "i64"],
    ["0F B2 /r", "LSS r16|32|64, m16:16|m16:32|m16:64"],
    ["0F B4 /r", "LFS r16|32|64, m16:16|m16:32|m16:64"],
    ["0F B5 /r", "LGS r16|32|64, m16:16|m16:32|m16:64"],
  ] },
  { cost: "legacy", rows: [
    ["60", "PUSHA|PUSHAD", "i64"],
    ["61", "POPA|POPAD", "i64"],
  ] },
  { cost: "push", rows: [
    ["C8 iw ib", "ENTER imm16, imm8", "d64"],
    ["C9", "LEAVE", "d64"],
  ] },

  // Flags. PUSHF shows IF and IOPL as they are; POPF changes neither outside its privilege, silently.
  { cost: "legacy", flags: "r:OSZAPCTIDX", sensitivity: "behaviour-sensitive", rows: [
    ["9C", "PUSHF|PUSHFD|PUSHFQ", "d64"],
  ] },
  { cost: "legacy", flags: "w:OSZAPCTIDX", sensitivity: "control-sensitive", ends: true, rows: [
    ["9D", "POPF|POPFD|POPFQ", "d64"],
  ] },
  { cost: "alu", flags: "r:SZAPC", feature: "LAHF", rows: [["9F", "LAHF"]] },
  { cost: "alu", flags: "w:SZAPC", feature: "LAHF", rows: [["9E", "SAHF"]] },
  { cost: "alu", flags: "w:C", rows: [["F8", "CLC"], ["F9", "STC"]] },
  { cost: "alu", flags: "r:C w:C", rows: [["F5", "CMC"]] },
  { cost: "alu", flags: "w:D", rows: [["FC", "CLD"], ["FD", "STD"]] },
  { cost: "alu", flags: "r:C", rows: [["D6", "SALC", "i64"]] },
];
