/**
 * How the tables in rows/ are written. A group holds rows that share what is not in the opcode or instruction column.
 * A row is the SDM's line: opcode column, instruction column, and the superscripts of SDM vol. 2, appendix A:
 *
 *      i64  invalid in 64-bit code            d64  operand size defaults to 64 in 64-bit code
 *      o64  valid only in 64-bit code         f64  operand size is forced to 64 in 64-bit code
 *
 * and o16, o32, a16, a32, a64 where operand or address size chooses the row, and B0 where REX.B must be 0 (NOP against
 * XCHG R8D, EAX).
 *
 * Lines that differ by operand size alone are one: `["01 /r", "ADD r/m16|32|64, r16|32|64"]` is three of the SDM's, the
 * last one with "REX.W +". With two alternatives there is none for 64 bits, and REX.W leaves the second.
 * "cc" in a name stands for the sixteen conditions.
 */
import type { CostClass } from "./cost-class.js";
import type { InstructionEvent, Sensitivity } from "./instruction.js";

export type RowText =
  | readonly [opcode: string, instruction: string]
  | readonly [opcode: string, instruction: string, superscripts: string];

export interface Group {
  /** The mnemonic, where it is not the first name of the row: MOVS for MOVSB. */
  readonly mnemonic?: string;
  /** The rows' names get " far", as assemblers tell far transfers from near ones. */
  readonly far?: true;
  readonly cost: CostClass;
  /** Letters of the flags read (r:), written (w:), undefined (u:); c: those written or undefined only sometimes. */
  readonly flags?: string;
  /** LOCK is allowed on rows whose first operand may be memory. */
  readonly lock?: true;
  readonly repeat?: "rep" | "repz";
  readonly privilege?: 0 | "iopl";
  /** Left out: privileged where there is a privilege, else innocuous. */
  readonly sensitivity?: Sensitivity;
  readonly ends?: true;
  readonly event?: InstructionEvent;
  readonly feature?: string;
  readonly rows: readonly RowText[];
}
