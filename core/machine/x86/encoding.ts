/**
 * The opcode column of the Intel SDM (vol. 2, 3.1.1.1) taken apart.
 *
 *      REX.W + 0F AF /r           prefix, map, opcode, ModRM with a register and r/m
 *      66 0F 73 /7 ib             mandatory prefix; ModRM.reg is part of the opcode; an immediate byte
 *      B8+rd id                   register in the low three bits of the opcode
 *      D8 C0+i, 0F 01 F8          the byte after the opcode is a ModRM byte (of register form) in part or whole
 *      VEX.LZ.F2.0F38.W1 F7 /r    VEX: vector length, mandatory prefix, map, W
 */
import { invariant } from "../../util/errors.js";
import type { ModConstraint } from "./operand-form.js";

/** Mandatory prefix. "": 66, F2, F3 keep their ordinary meaning; NP: none may be there; NFx: neither F2 nor F3. */
export type MandatoryPrefix = "" | "NP" | "NFx" | "66" | "F2" | "F3";
export type OpcodeMap = "" | "0F" | "0F38" | "0F3A";

export interface Encoding {
  readonly vex: boolean;
  readonly prefix: MandatoryPrefix;
  readonly map: OpcodeMap;
  readonly opcode: number;
  /** REX.W or VEX.W: must be 0 or 1; -1 ignored. */
  readonly w: 0 | 1 | -1;
  /** The low three bits of the opcode are a register. */
  readonly opcodeRegister: boolean;
  readonly hasModRm: boolean;
  /** ModRM.reg as part of the opcode, or -1. */
  readonly digit: number;
  /** ModRM.rm as part of the opcode, or -1. */
  readonly rm: number;
  readonly mod: ModConstraint;
  /** Bytes of immediates by the opcode column (ib, iw, …), for the table's test; moffs is not noted there. */
  readonly immediateBytes: number;
}

const PREFIXES: Readonly<Record<string, MandatoryPrefix>> = {
  NP: "NP",
  NFx: "NFx",
  "66": "66",
  F2: "F2",
  F3: "F3",
};
const MAPS: Readonly<Record<string, OpcodeMap>> = { "0F": "0F", "0F38": "0F38", "0F3A": "0F3A" };

/** Bytes of immediates (i), and of code offsets (c): rel8, rel16, rel32 or ptr16:16, ptr16:32. */
const IMMEDIATE_BYTES: Readonly<Record<string, number>> = {
  ib: 1,
  iw: 2,
  id: 4,
  io: 8,
  cb: 1,
  cw: 2,
  cd: 4,
  cp: 6,
};

const hexadecimal = (text: string): number => Number.parseInt(text, 16);

/** Parses the opcode column; `mod` follows from the operands (operand-form.ts). */
export function parseOpcode(text: string, mod: ModConstraint): Encoding {
  const tokens = text.split(" ");
  let at = 0;
  const vex = text.startsWith("VEX.");
  let prefix: MandatoryPrefix = vex ? "NP" : "";
  let map: OpcodeMap = "";
  let w: Encoding["w"] = -1;
  if (vex) {
    // "VEX.LZ" says the vector length bit is 0, as it is in every VEX row here.
    for (const field of tokens[at++]!.split(".")) {
      prefix = PREFIXES[field] ?? prefix;
      map = MAPS[field] ?? map;
      if (field === "W0") w = 0;
      if (field === "W1") w = 1;
    }
  } else {
    // F3 is the opcode of no row: a row that begins with it has it as prefix, and so with the others.
    const first = PREFIXES[tokens[at]!];
    if (first !== undefined) {
      prefix = first;
      at++;
    }
    if (tokens[at] === "REX.W") {
      w = 1;
      at += 2;
    }
    if (tokens[at] === "0F") {
      at++;
      map = MAPS[`0F${tokens[at]}`] ?? "0F";
      if (map !== "0F") at++;
    }
  }
  const opcodeToken = tokens[at++]!;
  let digit = -1;
  let rm = -1;
  let hasModRm = false;
  let immediateBytes = 0;
  for (; at < tokens.length; at++) {
    const token = tokens[at]!;
    const bytes = IMMEDIATE_BYTES[token];
    if (bytes !== undefined) {
      immediateBytes += bytes;
      continue;
    }
    hasModRm = true;
    if (token === "/r") continue;
    if (token.startsWith("/")) digit = Number(token.slice(1));
    else {
      const byte = hexadecimal(token);
      digit = (byte >> 3) & 7;
      if (!token.endsWith("+i")) rm = byte & 7;
    }
    invariant(digit >= 0, `"${token}" in "${text}" is not of the opcode column's notation`);
  }
  const opcodeRegister = opcodeToken.includes("+r");
  const opcode = hexadecimal(opcodeToken);
  return { vex, prefix, map, opcode, w, opcodeRegister, hasModRm, digit, rm, mod, immediateBytes };
}
