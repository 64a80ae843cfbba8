/**
 * Near transfers of control (SDM vol. 1, 6.4 and 7.3.8; vol. 2 by name). The instruction pointer is cut to the operand
 * size. Far transfers belong to the system.
 */
import { CR4 } from "../../../cpu/control-bits.js";
import { CS, EXCEPTION, SEGMENT, STATE, segmentOffset } from "../../../cpu/state.js";
import { type Code, get, ifThen, int, type Local } from "../../../wasm/code.js";
import { extendUnsigned, I32, I64 } from "../../../wasm/integers.js";
import { asLong, integersOf, signExtended } from "../flags.js";
import type { Scope, Semantic } from "../scope.js";
import { push, release, top } from "./stack.js";
import { counted, fromLong, keepSized, RCX, truncated, wrappedAddress } from "./values.js";

/**
 * #GP unless an indirect target can be: canonical in 64-bit mode, else within CS.limit. Relative branches are not checked:
 * where one goes too far, the fetch there faults, after the branch.
 */
function check(scope: Scope, target: Local): Code {
  const raise = scope.raise(EXCEPTION.GP, int(0));
  if (scope.bits !== 64) {
    const highest = extendUnsigned(scope.getState(segmentOffset(CS) + SEGMENT.highest, "i32"));
    return ifThen(I64.gtU(get(target), highest), raise);
  }
  const isCanonical = (bits: number): Code => {
    const unused = I64.constant(64 - bits);
    return I64.eq(I64.shrS(I64.shl(get(target), unused), unused), get(target));
  };
  const is57 = I32.and(scope.getState(STATE.cr4, "i32"), int(CR4.LA57));
  return ifThen(
    I32.isZero(isCanonical(48)),
    ifThen(I32.isZero(I32.and(I32.ne(is57, int(0)), isCanonical(57))), raise),
  );
}

const isRelative = (scope: Scope): boolean => scope.instruction.operands[0]!.kind === "relative";

const jumpIf: Semantic = (scope) => scope.branchIf(scope.flags.condition(scope.instruction.row.condition), 0);

/** Target of an indirect transfer (i64), checked. */
function target(scope: Scope): { code: Code; value: Code } {
  const size = scope.instruction.operandSize;
  const { code, local } = scope.keep("i64", asLong(size, scope.read(0, size)));
  return { code: [code, check(scope, local)], value: get(local) };
}

const jump: Semantic = (scope) => {
  if (isRelative(scope)) return scope.branch(0);
  const { code, value } = target(scope);
  return [code, scope.jump(value)];
};

/** CALL: the target is read before the return address is pushed, with SP as it was. */
const call: Semantic = (scope) => {
  const size = scope.instruction.operandSize;
  const next = keepSized(scope, size, fromLong(size, scope.nextIp()));
  const pushNext = [next.code, push(scope, size, next.local)];
  if (isRelative(scope)) return [pushNext, scope.branch(0)];
  const { code, value } = target(scope);
  return [code, pushNext, scope.jump(value)];
};

/** RET, and RET imm16, which takes that many bytes of parameters off the stack. */
const giveBack: Semantic = (scope) => {
  const size = scope.instruction.operandSize;
  const n = integersOf(scope.stackSize);
  const address = scope.keep("i64", asLong(size, top(scope, size)));
  const hasParameters = scope.instruction.operands.length > 0;
  const bytes = hasParameters ? n.add(counted(scope.stackSize, scope.read(0, 2)), n.constant(size)) : size;
  return [address.code, check(scope, address.local), release(scope, bytes), scope.jump(get(address.local))];
};

/** LOOP, LOOPE and LOOPNE count CX, of the address size, down, and jump while it is not 0 and the condition holds. */
const countDown =
  (condition?: number): Semantic =>
  (scope) => {
    const size = scope.instruction.addressSize;
    const n = integersOf(size);
    const less = n.sub(scope.register(RCX, size), n.constant(1));
    const count = keepSized(scope, size, truncated(size, less));
    const remains = n.ne(get(count.local), n.constant(0));
    const isTaken = condition === undefined ? remains : I32.and(remains, scope.flags.condition(condition));
    return [count.code, scope.setRegister(RCX, size, get(count.local)), scope.branchIf(isTaken, 0)];
  };
const EQUAL = 4;
const NOT_EQUAL = 5;

/** JCXZ, JECXZ, JRCXZ. */
const jumpIfNoCount: Semantic = (scope) => {
  const size = scope.instruction.addressSize;
  return scope.branchIf(integersOf(size).isZero(scope.register(RCX, size)), 0);
};

/** BOUND: #BR unless the signed index is within two bounds in memory, one after the other. */
const bound: Semantic = (scope) => {
  const size = scope.instruction.operandSize;
  const value = (code: Code): Code => signExtended(size, code);
  const index = scope.keep("i32", value(scope.read(0, size)));
  const address = scope.keep("i64", scope.address(1));
  const segment = scope.segment(1);
  const second = wrappedAddress(scope, I64.add(get(address.local), I64.constant(size)));
  const lower = scope.keep("i32", value(scope.load(segment, get(address.local), size)));
  const upper = scope.keep("i32", value(scope.load(segment, second, size)));
  const isOutside = I32.or(
    I32.ltS(get(index.local), get(lower.local)),
    I32.gtS(get(index.local), get(upper.local)),
  );
  return [index.code, address.code, lower.code, upper.code, ifThen(isOutside, scope.raise(EXCEPTION.BR))];
};

export const CONTROL: Readonly<Record<string, Semantic>> = {
  JCC: jumpIf,
  JMP: jump,
  CALL: call,
  RET: giveBack,
  LOOP: countDown(),
  LOOPE: countDown(EQUAL),
  LOOPNE: countDown(NOT_EQUAL),
  JCXZ: jumpIfNoCount,
  JECXZ: jumpIfNoCount,
  JRCXZ: jumpIfNoCount,
  BOUND: bound,
};
