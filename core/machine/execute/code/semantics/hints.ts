/**
 * Instructions that do nothing here, or nothing but fault (SDM vol. 1, 5.1.13, 5.4.4; vol. 2 by name). Memory is in order
 * and branches go where they will without being told, so fences and hints are nothing; a prefetch refers to no memory.
 */
import { EXCEPTION } from "../../../cpu/state.js";
import { drop } from "../../../wasm/code.js";
import type { Semantic } from "../scope.js";

const nothing: Semantic = () => [];

const undefinedOpcode: Semantic = (scope) => scope.raise(EXCEPTION.UD);

/** CLFLUSH, CLFLUSHOPT and CLWB are checked, and counted, as a load of a byte of the line. */
const touchLine: Semantic = (scope) => drop(scope.read(0, 1));

const NOTHING = [
  "NOP",
  "PAUSE",
  "ENDBR32",
  "ENDBR64",
  "LFENCE",
  "MFENCE",
  "SFENCE",
  "PREFETCH",
  "PREFETCHW",
  "PREFETCHWT1",
  "PREFETCHNTA",
  "PREFETCHT0",
  "PREFETCHT1",
  "PREFETCHT2",
];

export const HINTS: Readonly<Record<string, Semantic>> = {
  ...Object.fromEntries(NOTHING.map((mnemonic) => [mnemonic, nothing])),
  CLFLUSH: touchLine,
  CLFLUSHOPT: touchLine,
  CLWB: touchLine,
  UD0: undefinedOpcode,
  UD1: undefinedOpcode,
  UD2: undefinedOpcode,
};
