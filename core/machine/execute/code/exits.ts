/** Why WebAssembly code returns to TypeScript (engine.ts). */
export const EXIT = {
  /** The instruction of `exitRecord` raised `faultVector`; nothing of it was done. */
  fault: 1,
  /** TypeScript is to execute the instruction of `exitRecord`. */
  system: 2,
  /** No block is known at RIP. */
  decode: 3,
  /** A deadline passed, or the instruction limit was reached; RIP is the next instruction, a block's first. */
  deadline: 4,
  /** The block of the header in `exitRecord` has become hot. */
  hot: 5,
  /** The instruction of `exitRecord` completed and something changed: code, or a device. RIP is true. */
  changed: 6,
  /** A repeated string instruction is to be taken up again at `exitRecord`. */
  again: 7,
  /** A single step came to the record after its instruction. */
  stepped: 8,
} as const;
