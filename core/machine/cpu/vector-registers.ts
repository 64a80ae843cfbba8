/**
 * XMM and MM registers, and memory operands of 4 to 16 bytes, as unsigned integers of their length: for instructions on
 * them that TypeScript executes.
 */
import type { Instruction } from "../x86/instruction.js";
import type { Core } from "./core.js";
import { generalProtection } from "./fault.js";
import { linearOf, loadFrom } from "./linear.js";
import { effectiveAddress } from "./operands.js";
import { STATE } from "./state.js";

const LONG_BITS = 64n;
const XMM_BYTES = 16;
const MM_BYTES = 8;
const REGISTER_LONGS = XMM_BYTES / 8;
const XMM = STATE.xmm / 8;
const MM = STATE.x87 / 8;
/** Sign and exponent of the x87 register whose significand an MM register is, once that is written. */
const MM_EXPONENT = 0xffffn;

const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
const joined = (low: number, high: number): bigint => BigInt(low >>> 0) | (BigInt(high >>> 0) << 32n);

export function readXmm(core: Core, number: number): bigint {
  const { longs } = core.state;
  const at = XMM + number * REGISTER_LONGS;
  return unsigned(longs[at]!) | (unsigned(longs[at + 1]!) << LONG_BITS);
}

export function writeXmm(core: Core, number: number, value: bigint): void {
  const { longs } = core.state;
  const at = XMM + number * REGISTER_LONGS;
  longs[at] = BigInt.asIntN(64, value);
  longs[at + 1] = BigInt.asIntN(64, value >> LONG_BITS);
}

export function writeMm(core: Core, number: number, value: bigint): void {
  const { longs } = core.state;
  const at = MM + number * REGISTER_LONGS;
  longs[at] = BigInt.asIntN(64, value);
  longs[at + 1] = MM_EXPONENT;
}

/** Value of an XMM, MM or general register, or of memory: `bytes` of it. Memory of 16 bytes must be aligned. */
export function readVectorOperand(
  core: Core,
  instruction: Instruction,
  index: number,
  bytes: number,
): bigint {
  const operand = instruction.operands[index]!;
  if (operand.kind === "register") {
    if (operand.file === "xmm") return BigInt.asUintN(bytes * 8, readXmm(core, operand.number));
    if (operand.file === "mm") return unsigned(core.state.longs[MM + operand.number * REGISTER_LONGS]!);
    const low = core.register(operand.number, bytes);
    return joined(low, core.high);
  }
  if (operand.kind !== "memory") throw new Error(`an operand of ${instruction.row.name} is no vector`);
  const low = effectiveAddress(core, instruction, operand);
  const high = core.high;
  if (bytes < XMM_BYTES) {
    const value = loadFrom(core, operand.segment, low, high, bytes);
    return joined(value, bytes === MM_BYTES ? core.high : 0);
  }
  const linear = linearOf(core, operand.segment, low, high, XMM_BYTES, false);
  if ((linear & (XMM_BYTES - 1)) !== 0) throw generalProtection();
  const upper = core.high;
  const { memory, isUser } = core;
  const first = memory.read64(upper, linear, isUser);
  const lower = joined(first, memory.high);
  const second = memory.read64(upper, linear + MM_BYTES, isUser);
  return lower | (joined(second, memory.high) << LONG_BITS);
}
