/** Loads and stores of a size that is known where code is emitted, and of fields of the CPU's state by type. */
import { type Code, int, loadFloat, loadVector, storeFloat, storeVector } from "../../wasm/code.js";
import { I32, I64 } from "../../wasm/integers.js";

/** Load of a size from a host address: zero-extended. */
export const loadOf = (size: number, address: Code, offset = 0): Code =>
  size === 16
    ? loadVector(address, offset)
    : size === 8
      ? I64.load(8)(address, offset)
      : I32.load(size)(address, offset);

export const storeOf = (size: number, address: Code, value: Code, offset = 0): Code =>
  size === 16
    ? storeVector(address, value, offset)
    : size === 8
      ? I64.store(8)(address, value, offset)
      : I32.store(size)(address, value, offset);

/** Type of a field of the state as semantics see it. */
export type StateType = "i32" | "i64" | "f64" | "v128";

const BYTES = { i32: 4, i64: 8, v128: 16 } as const;

/** @param place address in linear memory. */
export function loadState(place: number, type: StateType): Code {
  return type === "f64" ? loadFloat(int(0), place) : loadOf(BYTES[type], int(0), place);
}

export function storeState(place: number, type: StateType, value: Code): Code {
  return type === "f64" ? storeFloat(int(0), value, place) : storeOf(BYTES[type], int(0), value, place);
}
