/** The groups of vectors, each a file for every width of code in which it has codes; and their codes. */
import { addresses, prefixed } from "./cases/addressing.mjs";
import { stackAndFlags, transfers } from "./cases/control.mjs";
import { fetchAndTrap, memoryFaults, undefinedInstructions } from "./cases/faults.mjs";
import { arithmetic, bitManipulation, data, multiplyAndShift } from "./cases/integer.mjs";
import {
  floatingPoint,
  floatingPointControl,
  multimedia,
  packedIntegers,
  stateImages,
  vectorMoves,
} from "./cases/sse.mjs";
import { strings } from "./cases/string.mjs";
import { decimalAdjust, privilege, segmentation } from "./cases/system.mjs";
import { x87, x87Control } from "./cases/x87.mjs";
import { codesOf } from "./rows.mjs";
import { Random } from "./shared.mjs";

export const GROUPS = {
  arithmetic,
  data,
  "multiply-shift": multiplyAndShift,
  "bit-manipulation": bitManipulation,
  strings,
  stack: stackAndFlags,
  transfers,
  "floating-point": floatingPoint,
  "floating-point-control": floatingPointControl,
  "vector-moves": vectorMoves,
  "packed-integers": packedIntegers,
  mmx: multimedia,
  "state-images": stateImages,
  x87,
  "x87-control": x87Control,
  segments: segmentation,
  privilege,
  "decimal-adjust": decimalAdjust,
  addresses,
  prefixes: prefixed,
  "memory-faults": memoryFaults,
  undefined: undefinedInstructions,
  "fetch-trap": fetchAndTrap,
};

export const MODES = [64, 32, 16];

const DEFAULT_KINDS = { memory: "integer", x87: "empty" };

/**
 * Codes of a group in a mode: { title, bytes, setup, cases, kinds, ignored }. Each row has a stream of random numbers of its own,
 * so that a new row leaves the others' vectors as they are.
 */
export function codesOfGroup(name, mode, seed, scale = 1) {
  const root = new Random(seed).fork(`${name} ${mode}`);
  const seen = new Map();
  return GROUPS[name].flatMap((row) => {
    const label = `${row.title} ${row.opcode ?? ""}`;
    const number = seen.get(label) ?? 0; // rows that differ in their immediates alone
    seen.set(label, number + 1);
    return codesOf(row, root.fork(`${label} ${number}`), mode, scale).map((code) => ({
      ...code,
      kinds: row.kinds ?? DEFAULT_KINDS,
      ignored: code.ignored ?? [],
    }));
  });
}
