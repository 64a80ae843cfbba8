/** Memory operands of x87 instructions, of 2 to 10 bytes and whole areas. Addresses are checked before the first access. */
import type { Instruction } from "../../x86/instruction.js";
import type { Core } from "../core.js";
import type { AccessBytes } from "../host.js";
import { linearOf, loadFrom, storeTo } from "../linear.js";
import { effectiveAddress, memoryOperand } from "../operands.js";

/** 2, 4 or 8 bytes, unsigned. */
export function loadOperand(core: Core, instruction: Instruction, index: number): bigint {
  const operand = memoryOperand(instruction, index);
  const low = effectiveAddress(core, instruction, operand);
  const value = loadFrom(core, operand.segment, low, core.high, operand.size);
  const upper = operand.size === 8 ? BigInt(core.high >>> 0) << 32n : 0n;
  return BigInt(value >>> 0) | upper;
}

export function storeOperand(core: Core, instruction: Instruction, index: number, value: bigint): void {
  const operand = memoryOperand(instruction, index);
  const low = effectiveAddress(core, instruction, operand);
  const lower = Number(BigInt.asIntN(32, value));
  const upper = Number(BigInt.asIntN(32, value >> 32n));
  storeTo(core, operand.segment, low, core.high, operand.size, lower, upper);
}

/** A stretch of memory that operand 0 names. */
export class Area {
  /** Linear address. */
  readonly high: number;
  readonly low: number;

  /**
   * @param bytes of which each may be read, or written.
   * @param alignment that #AC asks for.
   * @throws GuestFault where that is not so.
   */
  constructor(
    private readonly core: Core,
    instruction: Instruction,
    bytes: number,
    alignment: number,
    isWrite: boolean,
  ) {
    const operand = memoryOperand(instruction, 0);
    const low = effectiveAddress(core, instruction, operand);
    const high = core.high;
    // A segment that holds the last byte and the first holds what is between.
    const lastLow = instruction.addressSize === 2 ? (low + bytes - 1) & 0xffff : (low + bytes - 1) | 0;
    const carry = instruction.addressSize === 8 && lastLow >>> 0 < low >>> 0 ? 1 : 0;
    linearOf(core, operand.segment, lastLow, high + carry, 1, isWrite);
    this.low = linearOf(core, operand.segment, low, high, alignment, isWrite);
    this.high = core.high;
    if (isWrite) core.memory.checkWrite(this.high, this.low, bytes, core.isUser);
  }

  load(offset: number, bytes: AccessBytes): number {
    return this.core.memory.read(this.upper(offset), (this.low + offset) | 0, bytes, this.core.isUser);
  }

  store(offset: number, bytes: AccessBytes, value: number): void {
    this.core.memory.write(this.upper(offset), (this.low + offset) | 0, bytes, value, this.core.isUser);
  }

  load64(offset: number): bigint {
    const low = this.load(offset, 4);
    return BigInt(low >>> 0) | (BigInt(this.load(offset + 4, 4) >>> 0) << 32n);
  }

  store64(offset: number, value: bigint): void {
    this.store(offset, 4, Number(BigInt.asIntN(32, value)));
    this.store(offset + 4, 4, Number(BigInt.asIntN(32, value >> 32n)));
  }

  private upper(offset: number): number {
    return ((this.low + offset) | 0) >>> 0 < this.low >>> 0 ? (this.high + 1) | 0 : this.high;
  }
}
