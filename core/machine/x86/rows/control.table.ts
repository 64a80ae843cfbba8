/** Control transfer (Intel SDM vol. 1, 5.1.7 and 6; vol. 2 by name). Each ends a block of straight-line code. */
import type { Group } from "../group.js";

export const CONTROL: readonly Group[] = [
  { cost: "branch", ends: true, rows: [
    ["70+cc cb", "Jcc rel8", "f64"],
    ["0F 80+cc cw|cd|cd", "Jcc rel16|32|32", "f64"],
    ["EB cb", "JMP rel8", "f64"],
    ["E9 cw|cd|cd", "JMP rel16|32|32", "f64"],
    ["FF /4", "JMP r/m16|32|64", "f64"],
    ["E3 cb", "JCXZ rel8", "a16 f64"],
    ["E3 cb", "JECXZ rel8", "a32 f64"],
    ["E3 cb", "JRCXZ rel8", "a64 f64"],
    ["E2 cb", "LOOP rel8", "f64"],
  ] },
  { cost: "branch", flags: "r:Z", ends: true, rows: [
    ["E1 cb", "LOOPE rel8", "f64"],
    ["E0 cb", "LOOPNE rel8", "f64"],
  ] },
  { cost: "call", ends: true, rows: [
    ["E8 cw|cd|cd", "CALL rel16|32|32", "f64"],
    ["FF /2", "CALL r/m16|32|64", "f64"],
  ] },
  { cost: "return", ends: true, rows: [
    ["C3", "RET", "f64"],
    ["C2 iw", "RET imm16", "f64"],
  ] },

  // Far transfers change CS and perhaps privilege: the manual names them with the near ones.
  { mnemonic: "JMPF", far: true, cost: "far-transfer", sensitivity: "control-sensitive", ends: true, event: "far-transfer", rows: [
    ["EA cd|cp", "JMP ptr16:16|ptr16:32", "i64"],
    ["FF /5", "JMP m16:16|m16:32|m16:64"],
  ] },
  { mnemonic: "CALLF", far: true, cost: "far-transfer", sensitivity: "control-sensitive", ends: true, event: "far-transfer", rows: [
    ["9A cd|cp", "CALL ptr16:16|ptr16:32", "i64"],
    ["FF /3", "CALL m16:16|m16:32|m16:64"],
  ] },
  { cost: "far-transfer", sensitivity: "control-sensitive", ends: true, event: "far-transfer", rows: [
    ["CB", "RETF|RETFD|RETFQ"],
    ["CA iw", "RETF|RETFD|RETFQ imm16"],
  ] },

  // Interrupts and returns from them. IRET leaves IF and IOPL alone outside its privilege, silently.
  { cost: "far-transfer", flags: "r:OSZAPCTIDX w:TI", sensitivity: "control-sensitive", ends: true, event: "software-interrupt", rows: [
    ["CC", "INT3"],
    ["CD ib", "INT imm8"],
    ["CE", "INTO", "i64"],
    ["F1", "INT1"],
  ] },
  { cost: "far-transfer", flags: "w:OSZAPCTIDX", sensitivity: "control-sensitive", ends: true, event: "interrupt-return", rows: [
    ["CF", "IRET|IRETD|IRETQ"],
  ] },
  { cost: "legacy", rows: [["62 /r", "BOUND r16|32, m16&16|m32&32", "i64"]] },
];
