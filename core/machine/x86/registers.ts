/**
 * Every register an operand can name, each one object for the whole program, with its name in Intel syntax
 * (Intel SDM vol. 1, 3.4; vol. 2, table 2-8 for REX and byte registers).
 */
import { BASE_RIP, type RegisterFile, type RegisterOperand } from "./instruction.js";

const registers = (
  file: RegisterFile,
  size: number,
  count: number,
  high = false,
): readonly RegisterOperand[] =>
  Array.from({ length: count }, (_, number) => ({ kind: "register", file, number, size, high }));

/** General registers by size. Byte registers 4 to 7 are SPL, BPL, SIL, DIL here, as with a REX prefix. */
export const GENERAL: Readonly<Record<1 | 2 | 4 | 8, readonly RegisterOperand[]>> = {
  1: registers("general", 1, 16),
  2: registers("general", 2, 16),
  4: registers("general", 4, 16),
  8: registers("general", 8, 16),
};
/** AH, CH, DH, BH: what byte registers 4 to 7 are without a REX prefix. */
export const HIGH_BYTES = registers("general", 1, 4, true);
/** ES, CS, SS, DS, FS, GS. */
export const SEGMENTS = registers("segment", 2, 6);
/** Control and debug registers by size: 4 bytes, in 64-bit code 8. */
export const CONTROLS: Readonly<Record<4 | 8, readonly RegisterOperand[]>> = {
  4: registers("control", 4, 16),
  8: registers("control", 8, 16),
};
export const DEBUGS: Readonly<Record<4 | 8, readonly RegisterOperand[]>> = {
  4: registers("debug", 4, 16),
  8: registers("debug", 8, 16),
};
export const XMMS = registers("xmm", 16, 16);
export const MMS = registers("mm", 8, 8);
export const STS = registers("st", 10, 8);
const RIP: RegisterOperand = { kind: "register", file: "general", number: BASE_RIP, size: 8, high: false };

const BYTES = [
  ...["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"],
  ...["r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"],
];
const WORDS = [
  ...["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"],
  ...["r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"],
];
const DOUBLEWORDS = [
  ...["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"],
  ...["r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"],
];
const QUADWORDS = [
  ...["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"],
  ...["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"],
];
const HIGH_NAMES = ["ah", "ch", "dh", "bh"];
const GENERAL_NAMES: Readonly<Record<number, readonly string[]>> = {
  1: BYTES,
  2: WORDS,
  4: DOUBLEWORDS,
  8: QUADWORDS,
};

/** Segment registers by number. */
export const SEGMENT_NAMES = ["es", "cs", "ss", "ds", "fs", "gs"];

/** Name of a general register of a size: 4, 8 is "rsp". */
export const generalName = (number: number, size: number): string => GENERAL_NAMES[size]![number]!;

/** Name in Intel syntax, lower case: "eax", "ah", "r8d", "xmm3", "cr0", "st(1)". */
export function registerName(register: RegisterOperand): string {
  const { number } = register;
  switch (register.file) {
    case "general":
      if (number === BASE_RIP) return "rip";
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

type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
type HighNumber = 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15;
type Word = "ax" | "cx" | "dx" | "bx" | "sp" | "bp" | "si" | "di";
type Byte = "al" | "cl" | "dl" | "bl" | "spl" | "bpl" | "sil" | "dil" | "ah" | "ch" | "dh" | "bh";
export type RegisterName =
  | Byte
  | Word
  | `e${Word}`
  | `r${Word}`
  | `r${HighNumber}${"" | "b" | "w" | "d"}`
  | "rip"
  | "es"
  | "cs"
  | "ss"
  | "ds"
  | "fs"
  | "gs"
  | `cr${0 | 2 | 3 | 4 | 8}`
  | `dr${Digit}`
  | `mm${Digit}`
  | `st${Digit}`
  | `xmm${Digit | HighNumber}`;

function named(): Record<RegisterName, RegisterOperand> {
  const all = [
    ...Object.values(GENERAL).flat(),
    ...HIGH_BYTES,
    ...SEGMENTS,
    ...CONTROLS[8],
    ...DEBUGS[8],
    ...XMMS,
    ...MMS,
    ...STS,
    RIP,
  ];
  const entries = all.map((register) => [registerName(register).replace(/[()]/g, ""), register]);
  return Object.fromEntries(entries) as Record<RegisterName, RegisterOperand>;
}

/** By name, for programs: `const { rax, ecx, xmm0, cr3, st0 } = REGISTERS`. */
export const REGISTERS: Readonly<Record<RegisterName, RegisterOperand>> = named();
