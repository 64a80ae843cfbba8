/** String instructions and ports (Intel SDM vol. 1, 5.1.8, 5.1.9; vol. 2 by name). */
import type { Group } from "../group.js";

export const STRING: readonly Group[] = [
  { mnemonic: "MOVS", cost: "string", flags: "r:D", repeat: "rep", rows: [
    ["A4", "MOVSB m8(ES:DI), m8(DS:SI)"],
    ["A5", "MOVSW|MOVSD|MOVSQ m16(ES:DI)|m32(ES:DI)|m64(ES:DI), m16(DS:SI)|m32(DS:SI)|m64(DS:SI)"],
  ] },
  { mnemonic: "STOS", cost: "string", flags: "r:D", repeat: "rep", rows: [
    ["AA", "STOSB m8(ES:DI), AL"],
    ["AB", "STOSW|STOSD|STOSQ m16(ES:DI)|m32(ES:DI)|m64(ES:DI), AX|EAX|RAX"],
  ] },
  { mnemonic: "LODS", cost: "string", flags: "r:D", repeat: "rep", rows: [
    ["AC", "LODSB AL, m8(DS:SI)"],
    ["AD", "LODSW|LODSD|LODSQ AX|EAX|RAX, m16(DS:SI)|m32(DS:SI)|m64(DS:SI)"],
  ] },
  { mnemonic: "CMPS", cost: "string", flags: "r:D w:OSZAPC c:OSZAPC", repeat: "repz", rows: [
    ["A6", "CMPSB m8(DS:SI), m8(ES:DI)"],
    ["A7", "CMPSW|CMPSD|CMPSQ m16(DS:SI)|m32(DS:SI)|m64(DS:SI), m16(ES:DI)|m32(ES:DI)|m64(ES:DI)"],
  ] },
  { mnemonic: "SCAS", cost: "string", flags: "r:D w:OSZAPC c:OSZAPC", repeat: "repz", rows: [
    ["AE", "SCASB AL, m8(ES:DI)"],
    ["AF", "SCASW|SCASD|SCASQ AX|EAX|RAX, m16(ES:DI)|m32(ES:DI)|m64(ES:DI)"],
  ] },

  // Ports: CPL ≤ IOPL, or else the I/O permission bitmap of the TSS decides.
  { mnemonic: "INS", cost: "port", flags: "r:D", repeat: "rep", privilege: "iopl", ends: true, event: "port", rows: [
    ["6C", "INSB m8(ES:DI), DX"],
    ["6D", "INSW|INSD m16(ES:DI)|m32(ES:DI), DX"],
  ] },
  { mnemonic: "OUTS", cost: "port", flags: "r:D", repeat: "rep", privilege: "iopl", ends: true, event: "port", rows: [
    ["6E", "OUTSB DX, m8(DS:SI)"],
    ["6F", "OUTSW|OUTSD DX, m16(DS:SI)|m32(DS:SI)"],
  ] },
  { cost: "port", privilege: "iopl", ends: true, event: "port", rows: [
    ["E4 ib", "IN AL, imm8"],
    ["E5 ib", "IN AX|EAX, imm8"],
    ["EC", "IN AL, DX"],
    ["ED", "IN AX|EAX, DX"],
    ["E6 ib", "OUT imm8, AL"],
    ["E7 ib", "OUT imm8, AX|EAX"],
    ["EE", "OUT DX, AL"],
    ["EF", "OUT DX, AX|EAX"],
  ] },
];
