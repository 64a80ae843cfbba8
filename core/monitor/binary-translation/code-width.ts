/**
 * What translations of 32-bit and of 64-bit code differ in: registers by name, and where they find their own data. In 64-bit
 * mode addresses of the translation cache have their sign extended, so that 32 bits say one there too.
 */
import { SIZES, type Size } from "../../machine/x86/assembler-operands.js";
import type { RegisterOperand } from "../../machine/x86/instruction.js";
import { REGISTERS } from "../../machine/x86/registers.js";

export interface CodeWidth {
  readonly bits: 32 | 64;
  /** Of an address, a register and an item of the stack. */
  readonly bytes: 4 | 8;
  readonly size: Size;
  /** Registers that sequences use, and the stack's. */
  readonly ax: RegisterOperand;
  readonly cx: RegisterOperand;
  readonly sp: RegisterOperand;
  readonly pushFlags: string;
  readonly popFlags: string;
  /** The branch that changes and reads no flag. */
  readonly branchIfZero: string;
  /** Offsets in the data pages, bytes, of what is as wide as an address. */
  readonly data: {
    readonly ax: number;
    readonly cx: number;
    /** Guest address of an indirect branch, and the translated one where it goes on. */
    readonly target: number;
    readonly jump: number;
    /** Where indirect branches go, by the low byte of the guest address and by the next (branch-tables.ts). */
    readonly branches: readonly [BranchTable, BranchTable];
  };
}

/** Guest addresses, each as wide as an address, and their translations, of 4 bytes always: offsets in the data pages. */
export interface BranchTable {
  readonly tags: number;
  readonly translations: number;
}

const { eax, ecx, esp, rax, rcx, rsp } = REGISTERS;

export const WIDTH_32: CodeWidth = {
  ...{ bits: 32, bytes: 4, size: SIZES.dword, ax: eax, cx: ecx, sp: esp },
  ...{ pushFlags: "pushfd", popFlags: "popfd", branchIfZero: "jecxz" },
  data: {
    ...{ ax: 8, cx: 12, target: 16, jump: 20 },
    branches: [
      { tags: 0x400, translations: 0x800 },
      { tags: 0x1000, translations: 0x1400 },
    ],
  },
};

export const WIDTH_64: CodeWidth = {
  ...{ bits: 64, bytes: 8, size: SIZES.qword, ax: rax, cx: rcx, sp: rsp },
  ...{ pushFlags: "pushfq", popFlags: "popfq", branchIfZero: "jrcxz" },
  data: {
    ...{ ax: 32, cx: 40, target: 48, jump: 56 },
    branches: [
      { tags: 0x400, translations: 0xc00 },
      { tags: 0x1000, translations: 0x1800 },
    ],
  },
};

/** An address as code of a width has it: 32 bits, or 64 with the sign extended. */
export const addressIn = ({ bits }: CodeWidth, address: number): number =>
  bits === 64 ? address : address >>> 0;

/** An address of the monitor's window, which is known by its low 32 bits, as code of a width has it. */
export const windowAddressIn = ({ bits }: CodeWidth, address: number): number =>
  bits === 64 ? address - 2 ** 32 : address;
