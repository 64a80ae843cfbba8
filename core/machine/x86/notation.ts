/**
 * The Intel SDM's notation (vol. 2, 3.1.1) taken apart: the opcode column and the operands of the instruction column.
 *
 *      REX.W + 0F AF /r           prefix, map, opcode, ModRM with register and r/m
 *      66 0F 73 /7 ib             mandatory prefix, ModRM.reg is part of the opcode, immediate byte
 *      B8+rd id                   register in the low three bits of the opcode
 *      D8 C0+i, 0F 01 F8          the byte after the opcode is a ModRM byte (of register form) in part or whole
 *      VEX.LZ.F2.0F38.W1 F7 /r    VEX: vector length, prefix, map, W
 */
/** Mandatory prefix: "" any, "NP" none allowed, or the byte. */
export type MandatoryPrefix = "" | "NP" | "66" | "F2" | "F3";
export type OpcodeMap = "" | "0F" | "0F38" | "0F3A";

export interface Encoding {
  readonly vex: boolean;
  readonly prefix: MandatoryPrefix;
  readonly map: OpcodeMap;
  readonly opcode: number;
}

/** One operand of the instruction column. */
export interface OperandForm {
  readonly text: string;
}
