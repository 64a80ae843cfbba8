/**
 * The stack (SDM vol. 1, 6.2; vol. 2 by name): SS:SP, where SP has the stack's address size. SP changes last, so that a
 * fault leaves it. POP to a segment register belongs to the system.
 */
import { SS } from "../../../cpu/state.js";
import { type Code, get, ifThen, int, type Local, set, whileLoop } from "../../../wasm/code.js";
import { I32 } from "../../../wasm/integers.js";
import { asLong, integersOf } from "../flags.js";
import type { Scope, Semantic } from "../scope.js";
import {
  counted,
  fileOf,
  isMemory,
  keepSized,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
  resized,
  truncated,
} from "./values.js";

/** A stack address `bytes` (a number, or code of the pointer's type) above a pointer, which is SP if not given. */
function above(
  scope: Scope,
  bytes: number | Code,
  pointer: Code = scope.register(RSP, scope.stackSize),
): Code {
  const n = integersOf(scope.stackSize);
  const offset = typeof bytes === "number" ? n.constant(bytes) : bytes;
  return truncated(scope.stackSize, n.add(pointer, offset));
}

const setPointer = (scope: Scope, value: Code): Code => scope.setRegister(RSP, scope.stackSize, value);

/** Value at a stack address of the pointer's type. */
const loadAt = (scope: Scope, pointer: Code, size: number): Code =>
  scope.load(SS, asLong(scope.stackSize, pointer), size);
const storeAt = (scope: Scope, pointer: Code, size: number, value: Code): Code =>
  scope.store(SS, asLong(scope.stackSize, pointer), size, value);

/** Pushes a local. */
export function push(scope: Scope, size: number, value: Local): Code {
  const place = keepSized(scope, scope.stackSize, above(scope, -size));
  return [
    place.code,
    storeAt(scope, get(place.local), size, get(value)),
    setPointer(scope, get(place.local)),
  ];
}

/** Value at the top of the stack. */
export const top = (scope: Scope, size: number): Code =>
  loadAt(scope, scope.register(RSP, scope.stackSize), size);

/** Moves SP up. */
export const release = (scope: Scope, bytes: number | Code): Code => setPointer(scope, above(scope, bytes));

/** PUSH. A selector is zero-extended to the operand size. */
const pushOperand: Semantic = (scope) => {
  const size = scope.instruction.operandSize;
  const isSelector = fileOf(scope, 0) === "segment";
  const value = keepSized(scope, size, isSelector ? counted(size, scope.read(0, 2)) : scope.read(0, size));
  return [value.code, push(scope, size, value.local)];
};

const popOperand: Semantic = (scope) => {
  if (fileOf(scope, 0) === "segment") return scope.system();
  const size = scope.instruction.operandSize;
  const value = keepSized(scope, size, top(scope, size));
  if (!isMemory(scope, 0)) {
    // The value wins over SP's change.
    return [value.code, release(scope, size), scope.write(0, get(value.local), size)];
  }
  // An address that SP is part of is computed after SP changed; but then the write may fault.
  const before = keepSized(scope, scope.stackSize, scope.register(RSP, scope.stackSize));
  const after = keepSized(scope, scope.stackSize, above(scope, size));
  const address = scope.local("i64");
  return [
    value.code,
    before.code,
    after.code,
    setPointer(scope, get(after.local)),
    set(address, scope.address(0)),
    setPointer(scope, get(before.local)),
    scope.store(scope.segment(0), get(address), size, get(value.local)),
    setPointer(scope, get(after.local)),
  ];
};

/** The order of PUSHA; POPA takes them back in the opposite one. */
const ALL_REGISTERS = [RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI];

const pushAll: Semantic = (scope) => {
  const size = scope.instruction.operandSize;
  const places = ALL_REGISTERS.map((register, index) => {
    const pointer = above(scope, -size * (index + 1));
    return storeAt(scope, pointer, size, scope.register(register, size));
  });
  return [places, release(scope, -size * ALL_REGISTERS.length)];
};

const popAll: Semantic = (scope) => {
  const size = scope.instruction.operandSize;
  const count = ALL_REGISTERS.length;
  // The value of SP is thrown away.
  const values = ALL_REGISTERS.map((register, index) => ({
    register,
    value: keepSized(scope, size, loadAt(scope, above(scope, size * (count - 1 - index)), size)),
  })).reverse();
  return [
    values.map(({ value }) => value.code),
    values.map(({ register, value }) =>
      register === RSP ? [] : scope.setRegister(register, size, get(value.local)),
    ),
    release(scope, size * count),
  ];
};

/** LEAVE: SP := BP, and BP popped. */
const leave: Semantic = (scope) => {
  const size = scope.instruction.operandSize;
  const frame = keepSized(scope, scope.stackSize, scope.register(RBP, scope.stackSize));
  const value = keepSized(scope, size, loadAt(scope, get(frame.local), size));
  return [
    frame.code,
    value.code,
    setPointer(scope, above(scope, size, get(frame.local))),
    scope.setRegister(RBP, size, get(value.local)),
  ];
};

/**
 * ENTER: pushes BP; with a nesting level (modulo 32) copies that many frame pointers less one from the old frame and pushes
 * the new one; BP := the new frame, SP some bytes further down, where a write must be possible.
 */
const enter: Semantic = (scope) => {
  const { stackSize } = scope;
  const size = scope.instruction.operandSize;
  const n = integersOf(stackSize);
  const bytes = keepSized(scope, stackSize, counted(stackSize, scope.read(0, 2)));
  const level = scope.keep("i32", I32.and(scope.read(1, 1), int(31)));
  const old = keepSized(scope, size, scope.register(RBP, size));
  const frame = keepSized(scope, stackSize, above(scope, -size));
  // Where the old frame is read, and where the new one is written.
  const source = keepSized(scope, stackSize, scope.register(RBP, stackSize));
  const pointer = keepSized(scope, stackSize, get(frame.local));
  const moveDown = (local: Local): Code => set(local, above(scope, -size, get(local)));
  const pushValue = (value: Code): Code => [
    moveDown(pointer.local),
    storeAt(scope, get(pointer.local), size, value),
  ];
  const copied = keepSized(scope, size, loadAt(scope, get(source.local), size));
  const newFrame = resized(stackSize, size, get(frame.local));
  const lowered = keepSized(
    scope,
    stackSize,
    truncated(stackSize, n.sub(get(pointer.local), get(bytes.local))),
  );
  return [
    bytes.code,
    level.code,
    old.code,
    frame.code,
    storeAt(scope, get(frame.local), size, get(old.local)),
    pointer.code,
    ifThen(get(level.local), [
      source.code,
      whileLoop(I32.gtU(get(level.local), int(1)), [
        moveDown(source.local),
        copied.code,
        pushValue(get(copied.local)),
        set(level.local, I32.sub(get(level.local), int(1))),
      ]),
      pushValue(newFrame),
    ]),
    lowered.code,
    scope.update(SS, asLong(stackSize, get(lowered.local)), size, (value) => get(value)),
    scope.setRegister(RBP, size, newFrame),
    setPointer(scope, get(lowered.local)),
  ];
};

export const STACK: Readonly<Record<string, Semantic>> = {
  PUSH: pushOperand,
  POP: popOperand,
  PUSHA: pushAll,
  POPA: popAll,
  ENTER: enter,
  LEAVE: leave,
};
