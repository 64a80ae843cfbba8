/** Operands of SSE and MMX instructions: whole registers as v128, lowest lanes as floats, immediates that may be unknown. */
import { block, branch, branchTable, type Code, get, Label, type Local, set } from "../../../wasm/code.js";
import { F32, F64, type Floats } from "../../../wasm/floats.js";
import { I32 } from "../../../wasm/integers.js";
import { F32X4, F64X2, type FloatLanes, I32X4, I64X2 } from "../../../wasm/vectors.js";
import type { Scope } from "../scope.js";
import { usesMmx } from "./sse-guard.js";

/** The floating-point formats: "single" (PS, SS) and "double" (PD, SD). */
export interface Format {
  readonly floats: Floats;
  readonly lanes: FloatLanes;
  readonly size: 4 | 8;
}
export const SINGLE: Format = { floats: F32, lanes: F32X4, size: 4 };
export const DOUBLE: Format = { floats: F64, lanes: F64X2, size: 8 };

const XMM_BYTES = 16;
const MM_BYTES = 8;
const ALIGNED = { aligned: true } as const;

export const isMemory = (scope: Scope, operand: number): boolean =>
  scope.instruction.operands[operand]!.kind === "memory";

/** 16 bytes of an XMM register or of memory, which must be aligned (SDM vol. 1, 11.5 and table 2-21 of vol. 2). */
export const readVector = (scope: Scope, operand: number): Code => scope.read(operand, XMM_BYTES, ALIGNED);
export const writeVector = (scope: Scope, operand: number, value: Code): Code =>
  scope.write(operand, value, XMM_BYTES, ALIGNED);

/** A packed operand of either register file; of an MM register, or its memory, both halves are that. */
export function readPacked(scope: Scope, operand: number): Code {
  const { size } = scope.instruction.operands[operand]!;
  if (!usesMmx(scope)) return readVector(scope, operand);
  if (size === 4) return I32X4.splat(scope.read(operand, 4));
  return I64X2.splat(scope.read(operand, MM_BYTES));
}

/** Sets a register of either file; an MM register from the lower half. */
export const writePacked = (scope: Scope, operand: number, value: Code): Code =>
  usesMmx(scope)
    ? scope.write(operand, I64X2.extract(0)(value), MM_BYTES)
    : writeVector(scope, operand, value);

/** The lowest float of an XMM register, or a float in memory. */
export function readScalar(scope: Scope, operand: number, { floats, lanes, size }: Format): Code {
  if (isMemory(scope, operand)) return floats.fromBits(scope.read(operand, size));
  return lanes.extract(0)(readVector(scope, operand));
}

/** The same as the lowest lane of a vector; what the others are is left open. */
export function readScalarLane(scope: Scope, operand: number, { size }: Format): Code {
  if (!isMemory(scope, operand)) return readVector(scope, operand);
  return (size === 4 ? I32X4 : I64X2).splat(scope.read(operand, size));
}

/** Sets the lowest float of operand 0 and keeps the rest of the register, whose value is in a local. */
export const writeScalar = (scope: Scope, register: Local, { lanes }: Format, value: Code): Code =>
  writeVector(scope, 0, lanes.replace(0)(get(register), value));

/** An immediate byte, zero-extended (i32). */
export const immediateByte = (scope: Scope, operand: number): Code =>
  I32.and(scope.read(operand, 4), I32.constant(0xff));

/**
 * A v128 that depends on the low `bits` of an immediate: the one of that number where it is known, else a switch over
 * all.
 */
export function byImmediate(
  scope: Scope,
  operand: number,
  bits: number,
  emit: (value: number) => Code,
): Code {
  const mask = (1 << bits) - 1;
  const constant = scope.constant(operand);
  if (constant !== undefined) return emit(constant & mask);
  const result = scope.local("v128");
  const end = new Label();
  const labels = Array.from({ length: mask + 1 }, () => new Label());
  const choice = branchTable(
    I32.and(scope.read(operand, 4), I32.constant(mask)),
    labels.slice(0, -1),
    labels[mask]!,
  );
  const code = labels.reduce<Code>(
    (inner, label, value) => [block(label, inner), set(result, emit(value)), branch(end)],
    choice,
  );
  return [block(end, code), get(result)];
}
