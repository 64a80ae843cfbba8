/**
 * A guest instruction by instruction: what was executed, where, which registers it changed, what it cost and counted.
 * Stepping leaves the guest's time and events as they are without it (execute/code/stepper.ts).
 */
import { EVENTS } from "../../events/events.js";
import { addressOf } from "../../machine/address.js";
import type { Computer, Outcome } from "../../machine/computer.js";
import { disassemble } from "../../machine/x86/disassemble.js";
import type { SymbolTable } from "../images/symbols.js";
import { changesBetween, readRegisters } from "./registers.js";

export interface TracedInstruction {
  /** Instructions completed before it. */
  readonly number: number;
  /** Instruction pointer, signed and canonical; its symbol with offset, where there is one. */
  readonly address: number;
  readonly symbol: string | undefined;
  readonly text: string;
  /** "rax 0x1 → 0x2", RIP left out. */
  readonly changes: readonly string[];
  /** What was counted: "tlb_misses 1". */
  readonly events: readonly string[];
  /** Cycles that it took, those of an interrupt before it and of its fetch included. */
  readonly cycles: number;
}

export interface Traced {
  readonly instructions: readonly TracedInstruction[];
  /** Why it ended before `count`, if it did. */
  readonly end: Outcome | undefined;
  /** Instructions completed since the guest's first, those before `from` included. */
  readonly total: number;
}

/** Runs to an instruction and follows as many as asked for. */
export function traceInstructions(
  computer: Computer,
  symbols: SymbolTable,
  from: number,
  count: number,
): Traced {
  const reached = computer.run(from);
  if (reached.kind !== "limit")
    return { instructions: [], end: reached, total: computer.engine.instructions };
  const instructions: TracedInstruction[] = [];
  for (let i = 0; i < count; i++) {
    const number = computer.engine.instructions;
    const before = readRegisters(computer);
    const events = computer.machine.counters.events.slice();
    const time = computer.engine.nowExecuted();
    const outcome = computer.run(number + 1);
    if (computer.engine.instructions > number) {
      const { instruction, low, high } = computer.engine.stepped;
      const address = addressOf(high, low);
      instructions.push({
        number,
        address,
        symbol: symbolText(symbols, address),
        text: instruction === undefined ? "?" : disassemble(instruction, { address: BigInt(address) }),
        changes: changesBetween(before, readRegisters(computer), ["rip"]),
        events: countedSince(events, computer.machine.counters.events),
        cycles: computer.engine.nowExecuted() - time,
      });
    }
    if (outcome.kind !== "limit") return { instructions, end: outcome, total: computer.engine.instructions };
  }
  return { instructions, end: undefined, total: computer.engine.instructions };
}

/** "memcpy+0x12", or undefined. */
export function symbolText(symbols: SymbolTable, address: number): string | undefined {
  const match = symbols.find(address);
  if (match === undefined) return undefined;
  return match.offset === 0 ? match.name : `${match.name}+0x${match.offset.toString(16)}`;
}

function countedSince(before: Float64Array, after: Float64Array): string[] {
  return EVENTS.flatMap(({ name }, index) => {
    const difference = after[index]! - before[index]!;
    return difference === 0 ? [] : [`${name} ${difference}`];
  });
}
