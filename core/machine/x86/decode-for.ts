/**
 * Decoding as a given processor does it: what code executes itself and is of an extension that the processor lacks is
 * undefined, but where the same bytes mean an older instruction. The system's instructions are asked about when they are
 * performed, for a monitor may have to see them first.
 */
import { invariant } from "../../util/errors.js";
import { decode } from "./decode.js";
import type { CodeMode, DecodeFailure, Instruction, Row } from "./instruction.js";
import { ROWS } from "./table.js";

export type Decode = (code: Uint8Array, start: number, mode: CodeMode) => Instruction | DecodeFailure;

/** By mnemonic, what is executed instead: F3 before BSF and BSR means nothing (SDM vol. 2, LZCNT and TZCNT). */
const OLDER: ReadonlyMap<string, Row> = new Map([
  ["TZCNT", rowOf("BSF")],
  ["LZCNT", rowOf("BSR")],
]);

/** LAHF and SAHF are an extension of 64-bit code alone. */
const LONG_ONLY = "LAHF";

/**
 * @param features of the processor, by the names that rows have. @param isCode whether code executes an instruction itself.
 */
export function decoderFor(features: ReadonlySet<string>, isCode: (row: Row) => boolean): Decode {
  return (code, start, mode) => {
    const instruction = decode(code, start, mode);
    if (typeof instruction === "string") return instruction;
    const { feature, mnemonic } = instruction.row;
    if (feature === "" || features.has(feature) || (feature === LONG_ONLY && mode !== 64)) return instruction;
    const row = OLDER.get(mnemonic);
    if (row !== undefined) return { ...instruction, row };
    return isCode(instruction.row) ? "undefined" : instruction;
  };
}

function rowOf(mnemonic: string): Row {
  const row = ROWS.find((one) => one.mnemonic === mnemonic);
  invariant(row !== undefined, "an older instruction has a row", () => mnemonic);
  return row;
}
