/**
 * Two computers side by side, to find the first instruction after which they differ: two engines, or one engine before and
 * after a change. They are compared at checkpoints, and from the last one at which they agreed run anew step by step.
 */
import { CYCLE_CATEGORIES } from "../../events/categories.js";
import { EVENTS } from "../../events/events.js";
import type { Computer, Outcome } from "../../machine/computer.js";
import type { SymbolTable } from "../images/symbols.js";
import { type TracedInstruction, traceInstructions } from "./instruction-trace.js";
import { hex, readRegisters } from "./registers.js";

/** Instructions shown before the one at which two computers part. */
const CONTEXT = 12;

export interface LockstepOptions {
  /** Instructions at most, and between two comparisons. */
  readonly budget: number;
  readonly checkpoint: number;
}

export interface Divergence {
  /** Number of the first instruction after which they differ. */
  readonly instruction: number;
  /** "rax: 0x1 | 0x2". */
  readonly differences: readonly string[];
  /** As the first computer executed it and those before it. */
  readonly context: readonly TracedInstruction[];
}

export interface LockstepResult {
  readonly instructions: number;
  readonly end: Outcome;
  readonly divergence: Divergence | undefined;
}

/** @param make makes and loads each computer; called twice for each when they differ. */
export function lockstep(
  make: readonly [() => Computer, () => Computer],
  symbols: SymbolTable,
  { budget, checkpoint }: LockstepOptions,
): LockstepResult {
  const computers = make.map((makeOne) => makeOne());
  const [first, second] = computers as [Computer, Computer];
  for (let agreed = 0; ; ) {
    const next = Math.min(agreed + checkpoint, budget);
    const end = first.run(next);
    const other = second.run(next);
    if (differencesOf(first, second).length > 0 || JSON.stringify(end) !== JSON.stringify(other)) {
      const divergence = findFirst(make, symbols, agreed, next);
      return { instructions: divergence.instruction, end, divergence };
    }
    if (end.kind !== "limit" || next >= budget) {
      return { instructions: first.engine.instructions, end, divergence: undefined };
    }
    agreed = next;
  }
}

function findFirst(
  make: readonly [() => Computer, () => Computer],
  symbols: SymbolTable,
  agreed: number,
  until: number,
): Divergence {
  const [first, second] = make.map((makeOne) => makeOne()) as [Computer, Computer];
  for (let number = agreed; number <= until; number++) {
    first.run(number);
    second.run(number);
    const differences = differencesOf(first, second);
    if (differences.length === 0) continue;
    const from = Math.max(0, number - CONTEXT);
    const { instructions } = traceInstructions(make[0](), symbols, from, number - from);
    return { instruction: number - 1, differences, context: instructions };
  }
  // They agree when stepped: what they do in one go is the difference.
  return {
    instruction: until,
    differences: ["only when run without steps"],
    context: [],
  };
}

/** What two computers disagree on: registers, events, cycles, console. */
export function differencesOf(first: Computer, second: Computer): string[] {
  const [a, b] = [readRegisters(first), readRegisters(second)];
  const registers = Object.keys(a)
    .filter((name) => a[name] !== b[name])
    .map((name) => `${name}: ${hex(a[name]!)} | ${hex(b[name]!)}`);
  const numbers = (names: readonly { readonly name: string }[], left: Float64Array, right: Float64Array) =>
    names.flatMap(({ name }, index) =>
      left[index] === right[index] ? [] : [`${name}: ${left[index]} | ${right[index]}`],
    );
  const [left, right] = [first.machine.counters, second.machine.counters];
  return [
    ...registers,
    ...numbers(EVENTS, left.events, right.events),
    ...numbers(CYCLE_CATEGORIES, left.cycles, right.cycles),
    ...(first.console === second.console ? [] : ["console"]),
  ];
}
