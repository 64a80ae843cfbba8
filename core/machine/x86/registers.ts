/**
 * Every register an operand can name, each one object for the whole program, with its name in Intel syntax
 * (Intel SDM vol. 1, 3.4; vol. 2, table 2-8 for REX and byte registers).
 */
import type { RegisterFile, RegisterOperand } from "./instruction.js";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

const file = (name: RegisterFile, size: number, count: number): readonly RegisterOperand[] =>
  numbers(count).map((number) => ({ kind: "register", file: name, number, size, high: false }));

const general = (size: number): readonly RegisterOperand[] => file("general", size, 16);

/** General registers by size. Byte registers 4 to 7 are SPL, BPL, SIL, DIL here, as with a REX prefix. */
export const GENERAL: Readonly<Record<1 | 2 | 4 | 8, readonly RegisterOperand[]>> = {
  1: general(1),
  2: general(2),
  4: general(4),
  8: general(8),
};
/** AH, CH, DH, BH: what byte registers 4 to 7 are without a REX prefix. */
export const HIGH_BYTES: readonly RegisterOperand[] = numbers(4).map((number) => ({
  kind: "register",
  file: "general",
  number,
  size: 1,
  high: true,
}));
/** ES, CS, SS, DS, FS, GS. */
export const SEGMENTS = file("segment", 2, 6);
/** Control and debug registers by size: 4 bytes, in 64-bit code 8. */
export const CONTROLS: Readonly<Record<4 | 8, readonly RegisterOperand[]>> = {
  4: file("control", 4, 16),
  8: file("control", 8, 16),
};
export const DEBUGS: Readonly<Record<4 | 8, readonly RegisterOperand[]>> = {
  4: file("debug", 4, 16),
  8: file("debug", 8, 16),
};
export const XMMS = file("xmm", 16, 16);
export const MMS = file("mm", 8, 8);
export const STS = file("st", 10, 8);

const WORDS = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const EXTENDED = numbers(8).map((number) => `r${number + 8}`);
const GENERAL_NAMES: Readonly<Record<number, readonly string[]>> = {
  1: ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", ...EXTENDED.map((name) => `${name}b`)],
  2: [...WORDS, ...EXTENDED.map((name) => `${name}w`)],
  4: [...WORDS.map((name) => `e${name}`), ...EXTENDED.map((name) => `${name}d`)],
  8: [...WORDS.map((name) => `r${name}`), ...EXTENDED],
};
const HIGH_NAMES = ["ah", "ch", "dh", "bh"];

/** Segment registers by number. */
export const SEGMENT_NAMES = ["es", "cs", "ss", "ds", "fs", "gs"];

/** Name of a general register of a size: 4, 8 is "rsp". */
export const generalName = (number: number, size: number): string => GENERAL_NAMES[size]![number]!;

/** Name in Intel syntax, lower case: "eax", "ah", "r8d", "xmm3", "cr0", "st(1)". */
export function registerName(register: RegisterOperand): string {
  const { number } = register;
  switch (register.file) {
    case "general":
      return register.high ? HIGH_NAMES[number]! : generalName(number, register.size);
    case "segment":
      return SEGMENT_NAMES[number]!;
    case "control":
      return `cr${number}`;
    case "debug":
      return `dr${number}`;
    case "st":
      return `st(${number})`;
    default:
      return `${register.file}${number}`;
  }
}
