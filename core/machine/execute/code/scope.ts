/**
 * What the meaning of an instruction is written against. A semantic is a function that emits WebAssembly for one
 * instruction through a Scope, and a scope says where operands, registers and flags live. Two scopes exist: the
 * interpreter's (handler-scope.ts: everything in linear memory, operands named by a decoded record) and the translator's
 * (registers in locals, operands constant). Nothing about an instruction is described twice.
 *
 * Values: 1, 2 and 4 bytes are i32 (1 and 2 zero-extended), 8 bytes i64, 16 bytes v128. Addresses are offsets in a segment,
 * i64. Code given to a method may be evaluated once only unless the method says otherwise; use `keep` for what is needed
 * twice.
 *
 * Precise exceptions: whatever can fault (reads, writes, checks) must come before the first change of a register or of the
 * flags. `modify` and `write` to memory count as able to fault until they are done, so they come first, flags last.
 *
 * What methods emit may stand in an arm of a conditional or in a loop, and registers may be set there. Of flags a scope
 * may know what set them last while it emits: they are set there only by `flags.setIf`, or between two `flags.settle`.
 */
import type { Code, Local, ValueType } from "../../wasm/code.js";
import type { Instruction } from "../../x86/instruction.js";
import type { FlagScope } from "./flags.js";
import type { StateType } from "./sized-access.js";

/** Meaning of an instruction. Ends by falling through to the next instruction unless it jumped, left or raised. */
export type Semantic = (scope: Scope) => Code;

/** A memory access may ask for the alignment that SSE demands (#GP otherwise). */
export interface AccessOptions {
  readonly aligned?: boolean;
}

export interface Scope {
  /**
   * The instruction. The interpreter's handlers serve every instruction of a shape, so a semantic may depend on row, operand
   * and address sizes, prefixes, and kinds and sizes of operands, but not on register numbers, displacements and immediates.
   */
  readonly instruction: Instruction;
  /** Width of the code, and bytes of the stack pointer. */
  readonly bits: 16 | 32 | 64;
  readonly stackSize: 2 | 4 | 8;
  /** The mode word (MODE) under which the code runs; a handler serves one setting of noFpu, noSse and exactSse. */
  readonly mode: number;
  readonly flags: FlagScope;

  local(type: ValueType): Local;
  /** Evaluates a value once: emits the assignment, and gives the local. */
  keep(type: ValueType, value: Code): { readonly code: Code; readonly local: Local };

  // Operands, by their number in the instruction.

  /** Value of a register, memory or immediate operand. Immediates have the size asked for, sign-extended. */
  read(operand: number, size?: number, options?: AccessOptions): Code;
  /**
   * Sets a register or memory operand. 4 bytes of a general register clear its upper half; XMM keeps what is above `size`;
   * an MM register is set as a whole, and the two bytes above it (the x87 register's sign and exponent) become all ones.
   */
  write(operand: number, value: Code, size?: number, options?: AccessOptions): Code;
  /**
   * Reads an operand into a local, lets `compute` emit code that leaves the new value, and writes that. One access.
   * `compute` is called once, and the local keeps the old value to the end of the instruction.
   */
  modify(operand: number, compute: (value: Local) => Code, options?: AccessOptions): Code;
  /** Effective address of a memory operand: an offset in its segment, of the address size, zero-extended (i64). */
  address(operand: number): Code;
  /** The immediate's value where it is known while code is emitted (translator), else undefined. */
  constant(operand: number): number | undefined;
  /** Whether two register operands are the same register; false where it is not known. */
  isSame(first: number, second: number): boolean;

  // General registers by number (implicit operands). Sizes 1 (low byte), 2, 4, 8.

  register(number: number, size: number): Code;
  setRegister(number: number, size: number, value: Code): Code;

  // Memory, by segment number (state.ts) and effective address (i64).

  load(segment: number, address: Code, size: number, options?: AccessOptions): Code;
  store(segment: number, address: Code, size: number, value: Code, options?: AccessOptions): Code;
  /** Like `modify`, at an address. */
  update(segment: number, address: Code, size: number, compute: (value: Local) => Code): Code;
  /** Segment of a memory operand (it may have an override prefix), for string instructions; a number for `load`. */
  segment(operand: number): number;

  // Other state (STATE offsets). Types by WebAssembly value.

  getState(offset: number, type: StateType): Code;
  setState(offset: number, type: StateType, value: Code): Code;

  // Control.

  /** Offset in CS of the next instruction (i64). */
  nextIp(): Code;
  /** Continues at an offset in CS (i64, already truncated as the instruction says). Nothing may follow. */
  jump(target: Code): Code;
  /** Continues at the target of a relative operand. Nothing may follow. */
  branch(operand: number): Code;
  /** Continues at the target of a relative operand if the condition (i32) holds, else at the next instruction. */
  branchIf(condition: Code, operand: number): Code;
  /** Raises an exception at this instruction; with an error code where the vector has one. Nothing may follow. */
  raise(vector: number, errorCode?: Code): Code;
  /** Leaves the engine to have this whole instruction done in TypeScript (cpu/system/). Nothing may follow. */
  system(): Code;
  /**
   * Between two iterations of a repeated string instruction: charges an iteration, and if a deadline has passed leaves the
   * engine so that the instruction is taken up again where it is. Registers must say where that is.
   */
  iteration(): Code;
}
