/**
 * The CPU's architectural state and what its engines keep beside it, in linear memory where interpreter, translated code
 * and TypeScript all reach it. The offsets are declared here and nowhere else; they are bytes from the state's first.
 *
 * Registers are 64 bits wide in every mode; writing 32 bits clears the upper half as in 64-bit mode, which no other mode
 * can see. Vol. and section numbers are those of the Intel SDM.
 */
import type { Allocation } from "../memory.js";

/** Where each part lies. */
export const STATE = {
  /** RAX RCX RDX RBX RSP RBP RSI RDI R8-R15, 8 bytes each. */
  general: 0,
  /** Always 0: stands for a base or index register that an address does not have. */
  zero: 128,
  /** RIP (EIP, IP), an offset in CS; true whenever the CPU is between blocks, and after every exit. */
  rip: 136,

  /** RFLAGS but for CF PF AF ZF SF OF, which are what the five fields after it say (execute/code/flags.ts). */
  flags: 144,
  flagKind: 148,
  flagExtra: 152,
  flagResult: 160,
  flagLeft: 168,
  flagRight: 176,

  /** What a block of decoded code depends on besides its bytes: MODE bits. */
  mode: 184,
  /** CPL, vol. 3, 5.5. */
  privilege: 188,
  /** Linear address of the page from which code is fetched, or -1: the next fetch asks the TLB. */
  codePage: 192,
  /** Offset in CS of that page's first byte: codePage less CS.base. */
  codeOffset: 200,
  /** Physical frame of that page. */
  codeFrame: 208,
  /** Host-speed look-up of the present privilege (execute/code/fast-slots.ts): address of its first slot. */
  fastSlots: 212,

  /** Record of the instruction that left the engine, and why it did. */
  exitRecord: 216,
  /** Vector, error code and address of a fault. */
  faultVector: 220,
  faultCode: 224,
  /** Bytes of a write that is to be completed after the instruction (a bounce), its kind; 0 none. */
  pendingBytes: 228,
  faultAddress: 232,
  pendingAddress: 240,
  /** Physical frame of a pending write's first and second page. */
  pendingFrame: 248,
  pendingFrame2: 252,

  /** Cycles until the next deadline, f64; negative once it has passed. */
  left: 256,
  /** Counted since the last exit: instructions in bits 31..0, i64. */
  counts: 264,
  /** The engine stops at the first block entry at which counted instructions exceed this, i32. */
  instructionLimit: 272,
  /** An interrupt waits: instructions that set IF leave the engine, i32. */
  interruptRequest: 276,
  /** Record whose `link` field the next look-up of a block fills, 0 none. */
  linkFrom: 280,
  /** Nonzero: leave the engine after this instruction; a page with decoded code was written. */
  codeChanged: 284,
  /** Changes whenever what crossings depend on besides tables and the mode word does (execute/code/crossings/memory.ts). */
  generation: 288,
  /** Nonzero from the delivery of an NMI to the next IRET (vol. 3, 6.7.1). */
  nmiBlocked: 292,
  /** `left`, and cycles charged by the MMU, when the instructions began whose own cycles are not attributed yet; f64. */
  markLeft: 296,
  markTranslation: 304,
  /** Time of the deadline to which `left` counts, cycles since the machine was made, f64. */
  target: 312,

  /** ES CS SS DS FS GS LDTR TR, SEGMENT_BYTES each. */
  segments: 320,
  gdtrBase: 640,
  idtrBase: 648,
  gdtrLimit: 656,
  idtrLimit: 660,
  cr0: 664,
  cr4: 668,
  cr2: 672,
  cr3: 680,
  efer: 688,
  cr8: 692,
  /** DR0 DR1 DR2 DR3, then DR6 and DR7, 8 bytes each. */
  debug: 696,

  /** XMM0-15. */
  xmm: 768,
  mxcsr: 1024,
  /** x87: control, status (TOP in bits 13..11), abridged tags (bit i: ST physical register i is in use), 4 bytes each. */
  x87Control: 1028,
  x87Status: 1032,
  x87Tags: 1036,
  x87Opcode: 1040,
  x87Pointer: 1048,
  x87Data: 1056,
  /** Physical x87 registers R0-R7 (MM0-7 are their low 64 bits), 16 bytes each of which 10 are used. */
  x87: 1072,
  /** MSRs that instructions use, 8 bytes each: MSR_STATE says which. */
  fastMsrs: 1200,
  /** Where an access goes that cannot go to memory directly: page-crossing, MMIO, writes to code. */
  bounce: 1280,
  /** A segment without base and limit, for the segments that 64-bit code ignores; laid out as the others. */
  flatSegment: 1344,
  /** The same for the stack, whose faults are #SS. */
  flatStack: 1384,
  /** Breakpoints on data and ports that were met and not told yet: bits of DR6. */
  breakpointsMet: 1424,
} as const;

export const STATE_BYTES = 1472;

/** A segment register and its hidden part, bytes from its first. */
export const SEGMENT = {
  base: 0,
  /** Valid offsets are lowest..highest, unsigned: the limit with G applied, expand-down resolved; none if lowest > highest. */
  lowest: 8,
  highest: 12,
  selector: 16,
  /** Bits 23..8 of the descriptor's second word in their places: type, S, DPL, P, AVL, L, D/B, G; 0 when unusable. */
  attributes: 20,
  /** What the segment allows: SEGMENT_READABLE, SEGMENT_WRITABLE. */
  rights: 24,
  /** The limit as loaded, with G applied. */
  limit: 28,
  /** MODE.flatCode: base 0 and no limit; MODE.flatData: and may be read and written. For the mode word. */
  flat: 32,
} as const;
export const SEGMENT_BYTES = 40;
export const SEGMENT_READABLE = 1;
export const SEGMENT_WRITABLE = 2;

export const ES = 0;
export const CS = 1;
export const SS = 2;
export const DS = 3;
export const FS = 4;
export const GS = 5;
export const LDTR = 6;
export const TR = 7;

/** Byte offset of a segment register in the state. */
export const segmentOffset = (segment: number): number => STATE.segments + segment * SEGMENT_BYTES;

/** Registers kept as MSRs in the state because instructions in engines read them; the order of `fastMsrs`. */
export const MSR_STATE = {
  star: 0,
  lstar: 8,
  cstar: 16,
  fmask: 24,
  kernelGsBase: 32,
  sysenterCs: 40,
  sysenterEsp: 48,
  sysenterEip: 56,
  /** What is added to cycles since the machine was made (IA32_TSC_ADJUST), i64. */
  timeStampOffset: 64,
} as const;

/**
 * Bits of the mode word. Code decoded under one mode is not run under another, so an engine may take them as constants.
 */
export const MODE = {
  /** Bits 1..0: CODE_16, CODE_32 or CODE_64. */
  codeSize: 3,
  /** SS.B, or 64-bit mode. */
  wideStack: 4,
  /** CPL is 3. */
  user: 8,
  /** ES, DS and SS have base 0, no limit, and may be read and written: always so in 64-bit mode. */
  flatData: 16,
  /** CS has base 0 and no limit. */
  flatCode: 32,
  /** EFLAGS.TF or a breakpoint is enabled: each instruction is a block, followed by what may be a debug trap. */
  singleStep: 64,
  /** CR0.TS or CR0.EM: x87 and SSE instructions fault. */
  noFpu: 128,
  /** CR4.OSFXSR is clear: SSE instructions are undefined. */
  noSse: 256,
  /** Virtual-8086 mode. */
  virtual8086: 512,
  /** Protected mode (CR0.PE). */
  protected: 1024,
  /** EFLAGS.AC with CR0.AM at CPL 3: unaligned accesses fault. */
  alignmentCheck: 2048,
  /** MXCSR's masks, rounding, DAZ and FTZ are not those of reset: SSE arithmetic is done in TypeScript (cpu/sse.ts). */
  exactSse: 4096,
  /** CPL is 1 or 2: neither what is privileged nor a user's. */
  inner: 8192,
  /** 64-bit code above CPL 0 under EFER.LMSLE: data segments but GS have limits (long-limits.ts). */
  longLimits: 16_384,
  /** DR7 enables a breakpoint: every access is compared with the debug registers. */
  breakpoints: 32_768,
} as const;
export const CODE_16 = 0;
export const CODE_32 = 1;
export const CODE_64 = 2;

/** RFLAGS, vol. 1, 3.4.3. */
export const RFLAGS = {
  CF: 1,
  reserved1: 2,
  PF: 4,
  AF: 0x10,
  ZF: 0x40,
  SF: 0x80,
  TF: 0x100,
  IF: 0x200,
  DF: 0x400,
  OF: 0x800,
  IOPL: 0x3000,
  NT: 0x4000,
  RF: 0x1_0000,
  VM: 0x2_0000,
  AC: 0x4_0000,
  VIF: 0x8_0000,
  VIP: 0x10_0000,
  ID: 0x20_0000,
} as const;
/** The six flags that arithmetic sets. */
export const ARITHMETIC_FLAGS = 0x8d5;

/** Vectors of exceptions, vol. 3, 6.3.1. */
export const EXCEPTION = {
  DE: 0,
  DB: 1,
  NMI: 2,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  MC: 18,
  XM: 19,
} as const;

/** The state in linear memory, and views on it. */
export interface CpuState {
  /** Byte address of the state in linear memory. */
  readonly base: number;
  /** The whole state as 32-bit words, 64-bit integers, floats and bytes; index with an offset divided by the size. */
  readonly words: Int32Array;
  readonly longs: BigInt64Array;
  readonly floats: Float64Array;
  readonly bytes: Uint8Array;
}

export function allocateCpuState(allocation: Allocation): CpuState {
  const bytes = allocation.uint8(STATE_BYTES);
  const { buffer, byteOffset: base } = bytes;
  // While the layout is measured there is no memory yet.
  const length = buffer.byteLength === 0 ? 0 : STATE_BYTES;
  return {
    base,
    bytes,
    words: new Int32Array(buffer, base, length / 4),
    longs: new BigInt64Array(buffer, base, length / 8),
    floats: new Float64Array(buffer, base, length / 8),
  };
}
