/** What an engine is connected to: the CPU's system side, the world around the CPU, and who translates hot code. */
import type { Instruction } from "../../x86/instruction.js";
import type { Block } from "./code-cache.js";

/** The system side, as the engine uses it (cpu/system-unit.ts). */
export interface SystemSide {
  /** Executes a whole instruction at RIP; afterwards RIP is the next one, or the handler of its exception. */
  execute(instruction: Instruction): void;
  /** Delivers an exception of the instruction at RIP; a page fault's address is in the state. */
  raise(vector: number, errorCode: number): void;
  /** After an instruction that was executed in single steps: the debug trap, if TF was set or a breakpoint was met. */
  trap(hadTrapFlag: boolean): void;
  /** In single steps, before an instruction: whether a breakpoint on it or on what came before made an exception. */
  meetsBreakpoint(): boolean;
  /** The next instruction is the last one that the shadow covers. */
  endsShadow: boolean;
  /** Delivers a waiting interrupt if the CPU takes it now. Returns whether it did. */
  interrupt(): boolean;
  /** The last instruction keeps interrupts away from the next one's start. */
  readonly hasShadow: boolean;
  clearShadow(): void;
  readonly isHalted: boolean;
  readonly isShutDown: boolean;
  /** Something left the guest for its monitor (cpu/interception.ts). */
  readonly hasExited: boolean;
}

/** What surrounds the CPU. */
export interface Surroundings {
  /** Time of the next deadline, cycles; Infinity if none. */
  nextDeadline(): number;
  /** Lets everything due at a time happen. */
  runDue(now: number): void;
  /** An interrupt waits for this CPU. */
  hasInterrupt(): boolean;
  readMemory(address: number, size: 1 | 2 | 4): number;
  writeMemory(address: number, size: 1 | 2 | 4, value: number): void;
}

/** Makes translations of hot blocks (translate/). */
export interface Translator {
  /** A block has become hot: gives it a translation or does not. @param executed instructions so far. */
  translate(block: Block, executed: number): void;
  /** A block is no more. */
  drop(block: Block): void;
}
