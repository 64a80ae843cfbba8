/**
 * The shape of x86 as data: a row of the instruction table, and an instruction as decoded.
 *
 * Rows are made by table.ts from the tables in rows/, which are in the Intel SDM's own notation; decode.ts, disassemble.ts
 * and assemble.ts read the same rows, and the engines are tested against them row by row.
 */
import type { CostClass } from "./cost-class.js";
import type { Encoding } from "./encoding.js";
import type { OperandForm } from "./operand-form.js";

/** Width of code: CS.D and EFER.LMA with CS.L (SDM vol. 1, 3.6). */
export type CodeMode = 16 | 32 | 64;

/**
 * How an instruction stands to Popek and Goldberg (1974), for processors of this family (Robin and Irvine, 2000).
 *
 * - privileged: outside its privilege it traps, always.
 * - control-sensitive: changes resources or mode without a trap (POPF, far transfers, SYSCALL).
 * - behaviour-sensitive: does or tells what depends on mode, privilege or the real configuration, without a trap (SGDT).
 */
export type Sensitivity = "innocuous" | "privileged" | "control-sensitive" | "behaviour-sensitive";

/** What an instruction is counted as, besides being executed. */
export type InstructionEvent =
  | "system-call" // SYSCALL, SYSENTER
  | "system-return" // SYSRET, SYSEXIT
  | "software-interrupt" // INT n, INT3, INTO, INT1
  | "interrupt-return" // IRET
  | "far-transfer" // far CALL, JMP, RET
  | "segment-load"
  | "port" // IN, OUT, INS, OUTS
  | "control-register"
  | "debug-register"
  | "descriptor-table"
  | "msr"
  | "cpuid"
  | "time-stamp"
  | "tlb-flush" // INVLPG, INVPCID
  | "cache-flush" // WBINVD, INVD
  | "halt"
  | "hypercall"; // VMCALL, VMMCALL

/** One encoding of one instruction: a line of the SDM's instruction pages. */
export interface Row {
  /** Place in the table; stable within one version of the program only. */
  readonly index: number;
  /** The instruction, as the first name of its page: "ADD", "JCC", "MOVS", "CBW" (for CWDE and CDQE too), "POPF". */
  readonly mnemonic: string;
  /** What an assembler calls this row, lower case: "add", "jne", "movsd", "cdqe", "popfq", "jmp far". */
  readonly name: string;
  /** Condition code 0..15 of Jcc, SETcc and CMOVcc (SDM vol. 2, B.1.4.7), else -1. */
  readonly condition: number;
  /** Opcode column: "REX.W + 0F AF /r". */
  readonly opcode: string;
  /** Operands of the instruction column: ["r64", "r/m64"]. */
  readonly syntax: readonly string[];
  readonly encoding: Encoding;
  readonly forms: readonly OperandForm[];
  /** Valid in 16- and 32-bit code. */
  readonly legacy: boolean;
  /** Valid in 64-bit code. */
  readonly long: boolean;
  /** Operand size in 64-bit code: 4 without prefixes, 8 without prefixes, or 8 whatever the prefixes. */
  readonly longSize: "default-32" | "default-64" | "forced-64";
  /** Operand sizes it is for: the sum of their bytes, 2, 4 and 8; 14 where it does not matter. */
  readonly operandSizes: number;
  /** Address sizes it is for: the sum of their bytes; 14 where it does not matter. */
  readonly addressSizes: number;
  /** Only without REX.B: NOP, of which XCHG R8D, EAX is the neighbour. */
  readonly withoutRexB: boolean;
  /** Masks over FLAG (flags.ts): what it reads, sets to a defined value, and leaves undefined. */
  readonly flagsRead: number;
  readonly flagsWritten: number;
  readonly flagsUndefined: number;
  /** Of the written and undefined: those that keep their value sometimes (a shift by 0, a REP that does nothing). */
  readonly flagsConditional: number;
  /** Highest CPL that may execute it: 0, 3, or "iopl" (CPL ≤ IOPL, or else refined by the TSS or VME). */
  readonly privilege: 0 | "iopl" | 3;
  readonly sensitivity: Sensitivity;
  /** LOCK allowed, when the destination is memory. */
  readonly lockable: boolean;
  /** Repeat prefixes: F3 and F2 by count alone ("rep"), or by count and ZF ("repz"). */
  readonly repeat: "" | "rep" | "repz";
  readonly costClass: CostClass;
  /** Ends a block of straight-line code: a control transfer, or a system instruction that changes mode or flow. */
  readonly ends: boolean;
  readonly event: InstructionEvent | "";
  /** CPUID feature that must be there (names of SDM vol. 2, CPUID), "" for the base set. */
  readonly feature: string;
}

/** Segment registers as the hardware numbers them (Sreg field). */
export const SEGMENT = { ES: 0, CS: 1, SS: 2, DS: 3, FS: 4, GS: 5 } as const;

/** `base` of a memory operand: none, and the address of the next instruction. */
export const NO_REGISTER = -1;
export const BASE_RIP = 16;

export type RegisterFile = "general" | "segment" | "control" | "debug" | "xmm" | "mm" | "st";

export interface RegisterOperand {
  readonly kind: "register";
  readonly file: RegisterFile;
  readonly number: number;
  /** Bytes. */
  readonly size: number;
  /** AH CH DH BH: number 0..3 with high = true. */
  readonly high: boolean;
}

export interface MemoryOperand {
  readonly kind: "memory";
  /** ES CS SS DS FS GS = 0..5, default applied; in 64-bit code only FS and GS have a base. */
  readonly segment: number;
  /** 0..15, NO_REGISTER, or BASE_RIP: the displacement counts from the next instruction. */
  readonly base: number;
  /** 0..15 or NO_REGISTER. */
  readonly index: number;
  readonly scale: 1 | 2 | 4 | 8;
  /** Low 32 bits, signed. The address is truncated to the instruction's address size. */
  readonly displacement: number;
  /** High 32 bits: the sign, except for moffs64. */
  readonly displacementHigh: number;
  /** Bytes referred to; 0 where none (LEA, INVLPG). */
  readonly size: number;
}

export interface ImmediateOperand {
  readonly kind: "immediate";
  /** Low 32 bits as int32, sign- or zero-extended as the row says (simm8 against imm8). */
  readonly value: number;
  /** High 32 bits as int32. */
  readonly high: number;
  /** Bytes in the instruction. 1 for the fixed operand of "SHL r/m8, 1". */
  readonly size: number;
}

/** Target: address of the next instruction + displacement, truncated to the operand size. */
export interface RelativeOperand {
  readonly kind: "relative";
  readonly displacement: number;
  /** Bytes in the instruction. */
  readonly size: number;
}

export interface FarOperand {
  readonly kind: "far";
  readonly selector: number;
  /** Unsigned. */
  readonly offset: number;
  /** Bytes of the offset: 2 or 4. */
  readonly size: number;
}

export type Operand = RegisterOperand | MemoryOperand | ImmediateOperand | RelativeOperand | FarOperand;

export interface Instruction {
  readonly row: Row;
  /** Bytes, 1..15. */
  readonly length: number;
  /** Effective operand size, bytes. The operands of byte instructions say 1 themselves. */
  readonly operandSize: 2 | 4 | 8;
  /** Effective address size, bytes: of memory operands, and of the counter of LOOP, JCXZ and REP. */
  readonly addressSize: 2 | 4 | 8;
  readonly lock: boolean;
  /** F3 / F2 as repeat prefix, where the row allows it; on a "rep" row both mean the same. */
  readonly repeat: "" | "rep" | "repne";
  /** Explicit operands, and implicit ones of the manual's syntax, in its order. */
  readonly operands: readonly Operand[];
}

/**
 * Why bytes are no instruction: "undefined" raises #UD, "too-long" (more than 15 bytes) #GP(0), "truncated" wants more
 * bytes than were given, so that the fetch of the next page decides.
 */
export type DecodeFailure = "undefined" | "too-long" | "truncated";
