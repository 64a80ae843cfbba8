/**
 * String instructions (SDM vol. 1, 7.3.9; vol. 2 by name): source DS:SI, where DS may be overridden, destination ES:DI, the
 * pointers and the count CX of the address size; DF says which way. An iteration changes registers when nothing of it can
 * fault any more, so that a fault or an interrupt between two leaves the instruction to be taken up again.
 */
import { ES, RFLAGS } from "../../../cpu/state.js";
import { branch, type Code, get, ifThen, Label, type Local, loop } from "../../../wasm/code.js";
import { I32 } from "../../../wasm/integers.js";
import { asLong, integersOf } from "../flags.js";
import type { Scope, Semantic } from "../scope.js";
import { counted, keepSized, RAX, RCX, RDI, RSI, sizeOf, truncated } from "./values.js";

/** One iteration, as `repeated` needs it. */
interface Iteration {
  readonly code: Code;
  /** Sets the flags by it, if it does. */
  readonly setFlags?: () => Code;
  /** Whether another one may follow (i32), for REPE and REPNE. */
  readonly goesOn?: Code;
}

/** Distance from one element to the next, of the address size's type: minus its size if DF is set. */
function stride(scope: Scope, size: number): { code: Code; local: Local } {
  const { addressSize } = scope.instruction;
  const n = integersOf(addressSize);
  // DF moved down to twice the size.
  const places = Math.log2(RFLAGS.DF) - Math.log2(size) - 1;
  const twice = I32.shrU(I32.and(scope.flags.system(), I32.constant(RFLAGS.DF)), I32.constant(places));
  return keepSized(scope, addressSize, n.sub(n.constant(size), counted(addressSize, twice)));
}

const pointer = (scope: Scope, number: number): Code =>
  asLong(scope.instruction.addressSize, scope.register(number, scope.instruction.addressSize));

/** Adds to a register of the address size. */
function advance(scope: Scope, number: number, by: Code): Code {
  const { addressSize } = scope.instruction;
  const sum = integersOf(addressSize).add(scope.register(number, addressSize), by);
  return scope.setRegister(number, addressSize, truncated(addressSize, sum));
}

/** Segment of the source operand. */
function sourceSegment(scope: Scope): number {
  return scope.segment(scope.instruction.row.forms.findIndex(({ segment }) => segment === "DS"));
}
const loadSource = (scope: Scope, size: number): Code =>
  scope.load(sourceSegment(scope), pointer(scope, RSI), size);
const loadDestination = (scope: Scope, size: number): Code => scope.load(ES, pointer(scope, RDI), size);
const storeDestination = (scope: Scope, size: number, value: Code): Code =>
  scope.store(ES, pointer(scope, RDI), size, value);

/**
 * An iteration, or with a repeat prefix as many as CX says. Its code is made after the flags are settled: where it leaves,
 * they are as the iteration before left them.
 */
function repeated(scope: Scope, setsFlags: boolean, iteration: () => Iteration): Code {
  const { repeat, addressSize } = scope.instruction;
  if (repeat === "") {
    const { code, setFlags } = iteration();
    return [code, setFlags?.() ?? []];
  }
  const n = integersOf(addressSize);
  const isCounting = n.ne(scope.register(RCX, addressSize), n.constant(0));
  const start = new Label();
  const settle = (): Code => (setsFlags ? scope.flags.settle() : []);
  const settled = settle();
  const { code, setFlags, goesOn } = iteration();
  const another = goesOn === undefined ? isCounting : I32.and(isCounting, goesOn);
  const body = [
    code,
    setFlags?.() ?? [],
    settle(),
    advance(scope, RCX, n.constant(-1)),
    ifThen(another, [scope.iteration(), branch(start)]),
  ];
  return [settled, ifThen(isCounting, loop(start, body))];
}

/** A string instruction with elements of the size of operand 0. */
const string =
  (iteration: (scope: Scope, size: number, step: Code) => Iteration, setsFlags = false): Semantic =>
  (scope) => {
    const size = sizeOf(scope, 0);
    const step = stride(scope, size);
    return [step.code, repeated(scope, setsFlags, () => iteration(scope, size, get(step.local)))];
  };
const SETS_FLAGS = true;

const move = string((scope, size, step) => {
  const value = keepSized(scope, size, loadSource(scope, size));
  const code = [
    value.code,
    storeDestination(scope, size, get(value.local)),
    advance(scope, RSI, step),
    advance(scope, RDI, step),
  ];
  return { code };
});

const store = string((scope, size, step) => ({
  code: [storeDestination(scope, size, scope.register(RAX, size)), advance(scope, RDI, step)],
}));

const load = string((scope, size, step) => {
  const value = keepSized(scope, size, loadSource(scope, size));
  return { code: [value.code, scope.setRegister(RAX, size, get(value.local)), advance(scope, RSI, step)] };
});

/**
 * Iterations that compare two values: REPE goes on while they are equal, REPNE while they are not. Each sets the flags, so
 * that a fault in a later one finds them as a Zen processor leaves them (Intel's restore those of before).
 */
function comparison(
  scope: Scope,
  size: number,
  left: { code: Code; local: Local },
  right: { code: Code; local: Local },
  advances: Code,
): Iteration {
  const n = integersOf(size);
  const continues = scope.instruction.repeat === "repne" ? n.ne : n.eq;
  const result = keepSized(scope, size, truncated(size, n.sub(get(left.local), get(right.local))));
  return {
    code: [left.code, right.code, advances, result.code],
    setFlags: () => scope.flags.setSub(size, left.local, right.local, result.local),
    goesOn: continues(get(left.local), get(right.local)),
  };
}

const compare = string((scope, size, step) => {
  const source = keepSized(scope, size, loadSource(scope, size));
  const destination = keepSized(scope, size, loadDestination(scope, size));
  const advances = [advance(scope, RSI, step), advance(scope, RDI, step)];
  return comparison(scope, size, source, destination, advances);
}, SETS_FLAGS);

const scan = string((scope, size, step) => {
  const accumulator = keepSized(scope, size, scope.register(RAX, size));
  const destination = keepSized(scope, size, loadDestination(scope, size));
  return comparison(scope, size, accumulator, destination, advance(scope, RDI, step));
}, SETS_FLAGS);

export const STRINGS: Readonly<Record<string, Semantic>> = {
  MOVS: move,
  STOS: store,
  LODS: load,
  CMPS: compare,
  SCAS: scan,
};
