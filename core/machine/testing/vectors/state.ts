/**
 * The state that a vector starts from and ends in: what ring-3 code can see of a CPU, and three windows of memory.
 *
 * Registers lie in one buffer, whose layout the native recorder (scripts/vectors/recorder.c) shares.
 */

/** Byte offsets in the registers' buffer. */
export const REGISTERS = {
  /** RAX RCX RDX RBX RSP RBP RSI RDI R8-R15, 8 bytes each; upper halves are 0 outside 64-bit code. */
  general: 0,
  /** Offset in CS. */
  rip: 128,
  flags: 136,
  /** Bases of FS and GS in 64-bit code; elsewhere they follow from the selectors. */
  fsBase: 144,
  gsBase: 152,
  /** ES CS SS DS FS GS, 2 bytes each. */
  selectors: 160,
  mxcsr: 172,
  /** Control and status word, and abridged tags: bit i is 1 when physical register i is in use (SDM vol. 1, 10.5.1.1). */
  x87Control: 176,
  x87Status: 178,
  x87Tags: 180,
  /** Physical registers R0-R7, 16 bytes each of which 10 are used; MM0-MM7 are their low 8. */
  x87: 192,
  xmm: 320,
} as const;

export const REGISTER_BYTES = 576;

/** A stretch of linear memory that is there; all else below 4 GiB is not present. */
export interface MemoryWindow {
  readonly name: "code" | "data" | "stack";
  readonly address: number;
  readonly bytes: number;
}

/** One page of code, readable and writable too; two pages of data; one of stack. User pages all. */
export const CODE_WINDOW: MemoryWindow = { name: "code", address: 0x20_0000, bytes: 0x1000 };
export const DATA_WINDOW: MemoryWindow = { name: "data", address: 0x40_0000, bytes: 0x2000 };
export const STACK_WINDOW: MemoryWindow = { name: "stack", address: 0x60_0000, bytes: 0x1000 };
export const MEMORY_WINDOWS: readonly MemoryWindow[] = [CODE_WINDOW, DATA_WINDOW, STACK_WINDOW];

/** Where the instruction, the operands and the stack's top lie in their windows. */
export const WINDOW_MIDDLE = 0x800;

/** INT3: fills the code window, so that wherever an instruction goes on, a breakpoint follows. */
export const BREAKPOINT = 0xcc;

export class MachineState {
  readonly registers = new ArrayBuffer(REGISTER_BYTES);
  readonly general = new BigUint64Array(this.registers, REGISTERS.general, 16);
  readonly selectors = new Uint16Array(this.registers, REGISTERS.selectors, 6);
  /** XMM0-XMM15, two quadwords each. */
  readonly xmm = new BigUint64Array(this.registers, REGISTERS.xmm, 32);
  /** Everything, for whole copies and for fields of odd sizes. */
  readonly view = new DataView(this.registers);
  readonly memory = {
    code: new Uint8Array(CODE_WINDOW.bytes),
    data: new Uint8Array(DATA_WINDOW.bytes),
    stack: new Uint8Array(STACK_WINDOW.bytes),
  };

  get rip(): bigint {
    return this.view.getBigUint64(REGISTERS.rip, true);
  }
  set rip(value: bigint) {
    this.view.setBigUint64(REGISTERS.rip, value, true);
  }

  get flags(): number {
    return this.view.getUint32(REGISTERS.flags, true);
  }
  set flags(value: number) {
    this.view.setUint32(REGISTERS.flags, value, true);
  }

  get mxcsr(): number {
    return this.view.getUint32(REGISTERS.mxcsr, true);
  }
  set mxcsr(value: number) {
    this.view.setUint32(REGISTERS.mxcsr, value, true);
  }

  /** Takes over everything of another state. */
  copy(other: MachineState): void {
    new Uint8Array(this.registers).set(new Uint8Array(other.registers));
    for (const { name } of MEMORY_WINDOWS) this.memory[name].set(other.memory[name]);
  }
}
