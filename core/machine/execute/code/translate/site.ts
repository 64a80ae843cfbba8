/**
 * An instruction in its place, as code that is translated asks for what is its own: of one place, where everything is a
 * constant (a region), or of all places with the same shape (shapes.ts), where immediates, displacements and places are read
 * from the record of the block that is being executed.
 */
import { type Code, get, int, type Local, load } from "../../../wasm/code.js";
import { extendUnsigned, I32, I64 } from "../../../wasm/integers.js";
import { BASE_RIP, type Instruction, type MemoryOperand } from "../../../x86/instruction.js";
import { HEADER, immediatePlace, RECORD } from "../record.js";
import { loadOf } from "../sized-access.js";

export interface Site {
  readonly instruction: Instruction;
  /** Address of its record (i32). */
  readonly record: Code;
  /** LINKABLE bits. */
  readonly linkable: number;
  /** A word of its record (i32). */
  field(offset: number): Code;
  /** The place so many bytes after its first, counted from the first byte of its page (i64). */
  placeAfter(bytes: number): Code;
  /** Where a relative operand leads, counted likewise. */
  target(operand: number): Code;
  /** What is added to a memory operand's registers (i64); undefined where that is 0. With base RIP, to the page's first byte. */
  displacement(operand: number): Code | undefined;
  /** Value of an immediate operand in so many bytes. */
  immediate(operand: number, bytes: number): Code;
  /** The same where it is known while code is emitted. */
  constant(operand: number): number | undefined;
}

export class RegionSite implements Site {
  readonly record: Code;

  /** @param address of the record; @param place of the first byte in its page. */
  constructor(
    readonly instruction: Instruction,
    private readonly address: number,
    private readonly place: number,
    readonly linkable: number,
  ) {
    this.record = int(address);
  }

  field(offset: number): Code {
    return load(int(0), this.address + offset);
  }

  placeAfter(bytes: number): Code {
    return I64.constant(this.place + bytes);
  }

  target(number: number): Code {
    const operand = this.instruction.operands[number]!;
    if (operand.kind !== "relative") throw new Error("only relative operands are branched to");
    return I64.constant(this.place + this.instruction.length + operand.displacement);
  }

  displacement(number: number): Code | undefined {
    const operand = this.instruction.operands[number] as MemoryOperand;
    const own = (BigInt(operand.displacementHigh) << 32n) | BigInt(operand.displacement >>> 0);
    if (operand.base === BASE_RIP) return I64.constant(BigInt(this.place + this.instruction.length) + own);
    return own === 0n ? undefined : I64.constant(own);
  }

  immediate(number: number, bytes: number): Code {
    const operand = this.instruction.operands[number]!;
    if (operand.kind !== "immediate") throw new Error("the operand is no immediate");
    const { value, high } = operand;
    if (bytes === 8) return I64.constant((BigInt(high) << 32n) | BigInt(value >>> 0));
    return int(bytes === 4 ? value : value & (bytes === 1 ? 0xff : 0xffff));
  }

  constant(number: number): number | undefined {
    const operand = this.instruction.operands[number]!;
    return operand.kind === "immediate" ? operand.value : undefined;
  }
}

export class SharedSite implements Site {
  readonly record: Code;

  /**
   * @param header local with the address of the block's header; @param recordOffset bytes from there to the record.
   * @param distance bytes from the block's first to the instruction's first.
   */
  constructor(
    readonly instruction: Instruction,
    private readonly header: Local,
    private readonly recordOffset: number,
    private readonly distance: number,
    readonly linkable: number,
  ) {
    this.record = I32.add(get(header), int(recordOffset));
  }

  field(offset: number): Code {
    return load(get(this.header), this.recordOffset + offset);
  }

  placeAfter(bytes: number): Code {
    const first = extendUnsigned(I32.load(2)(get(this.header), HEADER.pageOffset));
    return I64.add(first, I64.constant(this.distance + bytes));
  }

  target(): Code {
    return this.long(RECORD.displacement);
  }

  displacement(): Code {
    return this.long(RECORD.displacement);
  }

  immediate(number: number, bytes: number): Code {
    const place = this.recordOffset + immediatePlace(this.instruction, number);
    return loadOf(bytes, get(this.header), place);
  }

  constant(): undefined {
    return undefined;
  }

  private long(field: number): Code {
    return I64.load(8)(get(this.header), this.recordOffset + field);
  }
}
