/**
 * Random code: bytes of which each sequence is an instruction that the table knows, whatever its operands then do. The
 * opcode is a row's; prefixes, ModRM and what follows are random, and the decoder says how long it became.
 */

import { decode } from "../../machine/x86/decode.js";
import type { CodeMode, Row } from "../../machine/x86/instruction.js";
import { ROWS } from "../../machine/x86/table.js";
import type { Random } from "../../util/random.js";

const MAPS = { "": [], "0F": [0x0f], "0F38": [0x0f, 0x38], "0F3A": [0x0f, 0x3a] } as const;
const MANDATORY = { "": [], NP: [], NFx: [], "66": [0x66], F2: [0xf2], F3: [0xf3] } as const;
const VEX_MAPS = { "": 0, "0F": 1, "0F38": 2, "0F3A": 3 } as const;
const VEX_PREFIXES = { "": 0, NP: 0, NFx: 0, "66": 1, F3: 2, F2: 3 } as const;
/** Operand and address size, segments, LOCK, REPNE, REP. */
const PREFIXES = [0x66, 0x66, 0x67, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0xf0, 0xf2, 0xf3];
const REX = 0x40;
const VEX = 0xc4;
/** ModRM, SIB, displacement and immediate at most. */
const REST_BYTES = 14;
/** Rows tried before NOP stands for the instruction. */
const ATTEMPTS = 8;
const NOP = 0x90;

export const pick = <T>(random: Random, choices: readonly T[]): T => choices[random.below(choices.length)]!;

const rowsOf = (mode: CodeMode): readonly Row[] =>
  ROWS.filter((row) => (mode === 64 ? row.long : row.legacy));
const ROWS_BY_MODE = { 16: rowsOf(16), 32: rowsOf(32), 64: rowsOf(64) } as const;
/** Rows that neither transfer control nor need privilege: guests of these alone get far. */
const quiet = (row: Row): boolean => !row.ends && row.privilege === 3;
const QUIET_BY_MODE = {
  16: ROWS_BY_MODE[16].filter(quiet),
  32: ROWS_BY_MODE[32].filter(quiet),
  64: ROWS_BY_MODE[64].filter(quiet),
};

export function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** @param quietly of the rows that neither transfer control nor need privilege, mostly */
export function randomInstruction(random: Random, mode: CodeMode, quietly: boolean): readonly number[] {
  const rows = (quietly && random.below(16) !== 0 ? QUIET_BY_MODE : ROWS_BY_MODE)[mode];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const bytes = bytesOf(random, mode, pick(random, rows));
    const instruction = decode(Uint8Array.from(bytes), 0, mode);
    if (typeof instruction !== "string") return bytes.slice(0, instruction.length);
  }
  return [NOP];
}

function bytesOf(random: Random, mode: CodeMode, row: Row): number[] {
  const { encoding } = row;
  const bytes: number[] = [];
  if (encoding.vex) {
    const w = encoding.w === -1 ? random.below(2) : encoding.w;
    const extensions = mode === 64 ? random.below(8) << 5 : 0xe0;
    bytes.push(VEX, extensions | VEX_MAPS[encoding.map]);
    bytes.push((w << 7) | (random.below(16) << 3) | VEX_PREFIXES[encoding.prefix]);
  } else {
    while (random.below(5) === 0) bytes.push(pick(random, PREFIXES));
    bytes.push(...MANDATORY[encoding.prefix]);
    const w = encoding.w === 1 ? 8 : 0;
    if (mode === 64 && (w !== 0 || random.below(2) === 0)) bytes.push(REX | random.below(16) | w);
    bytes.push(...MAPS[encoding.map]);
  }
  bytes.push(encoding.opcode | (encoding.opcodeRegister ? random.below(8) : 0));
  if (encoding.hasModRm) bytes.push(randomModRm(random, row));
  // Displacements and immediates: small, negative, or anything.
  for (let at = 0; at < REST_BYTES; at++) bytes.push(pick(random, [0, 0, 0xff, random.below(256)]));
  return bytes;
}

function randomModRm(random: Random, { encoding }: Row): number {
  const mod = encoding.mod === "register" ? 3 : encoding.mod === "memory" ? random.below(3) : random.below(4);
  const reg = encoding.digit >= 0 ? encoding.digit : random.below(8);
  return (mod << 6) | (reg << 3) | (encoding.rm >= 0 ? encoding.rm : random.below(8));
}
