/**
 * Classes of instructions by base cost: what an instruction costs besides its memory references, walks and system events,
 * which are charged where they happen. A profile gives each class cycles (profiles/instructions.ts). The names follow the
 * groups in Agner Fog's "Instruction tables" and the chapter titles of the Intel SDM vol. 1, 5. Which class an instruction has, its row in the
 * table and its operands say (machine/x86/cost-class.ts).
 */
export const INSTRUCTION_CLASSES = [
  "alu", // integer arithmetic and logic, LEA, flags
  "move", // register to register, immediate, CMOVcc, SETcc, extension
  "load", // a move from memory
  "store", // a move to memory
  "push", // PUSH, POP, ENTER, LEAVE: stack pointer and one reference
  "shift", // shifts and rotates
  "bit-scan", // BSF, LZCNT, POPCNT, PDEP, CRC32: the three-cycle integer unit
  "multiply32", // 8 to 32 bits
  "multiply64",
  "divide8",
  "divide16",
  "divide32",
  "divide64",
  "branch", // JMP near, Jcc, LOOP
  "call",
  "return",
  "string", // one element of a string instruction
  "atomic", // XCHG with memory, and whatever LOCK makes of an instruction
  "legacy", // microcoded leftovers: AAA, DAA, BOUND, XLAT, PUSHA
  "fence",
  "flush", // CLFLUSH, CLFLUSHOPT, CLWB
  "prefetch",
  "no-operation",
  "control-read", // a MOV from a control register: nothing is serialized
  "system", // descriptor tables, control registers, MSRs, CPUID
  "segment-load", // a segment register with its descriptor
  "far-transfer", // far CALL, JMP, RET, INT, IRET, SYSCALL
  "port", // IN, OUT
  "time-stamp", // RDTSC, RDTSCP, RDPMC
  "random", // RDRAND, RDSEED
  "sse-move",
  "sse-alu", // logic, integer arithmetic, shuffles, compares
  "sse-add", // floating-point add, compare, minimum
  "sse-multiply",
  "sse-divide",
  "sse-sqrt",
  "sse-convert",
  "x87",
  "x87-divide", // FDIV, FSQRT
  "x87-transcendental",
  "x87-state", // environment, FXSAVE, XSAVE and their inverses
] as const;

export type InstructionClass = (typeof INSTRUCTION_CLASSES)[number];
