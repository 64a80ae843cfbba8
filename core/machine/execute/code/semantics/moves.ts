/** Data transfer: MOV and its extensions, CMOVcc, SETcc, LEA, bytes turned round (SDM vol. 1, 5.1.1; vol. 2 by name). */
import { type Code, get, select } from "../../../wasm/code.js";
import { I64 } from "../../../wasm/integers.js";
import { asLong, integersOf, signExtended } from "../flags.js";
import type { Semantic } from "../scope.js";
import {
  byteSwapped,
  fileOf,
  fromLong,
  keepSized,
  RAX,
  RDX,
  resized,
  signedLong,
  sizeOf,
  truncated,
  wrappedAddress,
} from "./values.js";

const SYSTEM_FILES: readonly string[] = ["control", "debug"];

/** MOV. To segment registers, and to and from control and debug registers, it belongs to the system. */
const move: Semantic = (scope) => {
  const [to, from] = [fileOf(scope, 0), fileOf(scope, 1)];
  if (to === "segment" || SYSTEM_FILES.includes(to) || SYSTEM_FILES.includes(from)) return scope.system();
  const size = sizeOf(scope, 0);
  if (from === "segment") return scope.write(0, resized(2, size, scope.read(1, 2)), size);
  return scope.write(0, scope.read(1, size), size);
};

const signExtendedTo = (from: number, to: number, value: Code): Code =>
  to === 8 ? signedLong(from, value) : truncated(to, signExtended(from, value));

/** MOVZX, MOVSX and MOVSXD. */
const extended =
  (extend: (from: number, to: number, value: Code) => Code): Semantic =>
  (scope) => {
    const [to, from] = [sizeOf(scope, 0), sizeOf(scope, 1)];
    return scope.write(0, extend(from, to, scope.read(1, from)), to);
  };

/** CMOVcc reads its source and writes its destination whatever the condition: 4 bytes clear the upper half. */
const moveIf: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  const source = keepSized(scope, size, scope.read(1, size));
  const condition = scope.flags.condition(scope.instruction.row.condition);
  return [source.code, scope.write(0, select(condition, get(source.local), scope.read(0, size)), size)];
};

const setIf: Semantic = (scope) => scope.write(0, scope.flags.condition(scope.instruction.row.condition), 1);

const loadAddress: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  return scope.write(0, fromLong(size, scope.address(1)), size);
};

/** BSWAP. Of 2 bytes, which is undefined, all current processors make 0. */
const swapBytes: Semantic = (scope) =>
  scope.modify(0, (old) =>
    sizeOf(scope, 0) === 2 ? integersOf(2).constant(0) : byteSwapped(sizeOf(scope, 0), old),
  );

const moveSwapped: Semantic = (scope) => {
  const size = sizeOf(scope, 0);
  const source = keepSized(scope, size, scope.read(1, size));
  return [source.code, scope.write(0, byteSwapped(size, source.local), size)];
};

/** XLAT: AL := the byte at BX + AL, BX of the address size. */
const translate: Semantic = (scope) => {
  const index = asLong(1, scope.register(RAX, 1));
  const address = wrappedAddress(scope, I64.add(scope.address(0), index));
  return scope.setRegister(RAX, 1, scope.load(scope.segment(0), address, 1));
};

/** CBW, CWDE, CDQE: the accumulator's lower half sign-extended. */
const widenAccumulator: Semantic = (scope) => {
  const size = scope.instruction.operandSize;
  const half = size / 2;
  return scope.setRegister(RAX, size, signExtendedTo(half, size, scope.register(RAX, half)));
};

/** CWD, CDQ, CQO: the data register := copies of the accumulator's sign. */
const spreadSign: Semantic = (scope) => {
  const size = scope.instruction.operandSize;
  const n = integersOf(size);
  const value = signExtended(size, scope.register(RAX, size));
  return scope.setRegister(RDX, size, truncated(size, n.shrS(value, n.constant(n.bits - 1))));
};

export const MOVES: Readonly<Record<string, Semantic>> = {
  MOV: move,
  MOVZX: extended(resized),
  MOVSX: extended(signExtendedTo),
  MOVSXD: extended(signExtendedTo),
  CMOVCC: moveIf,
  SETCC: setIf,
  LEA: loadAddress,
  BSWAP: swapBytes,
  MOVBE: moveSwapped,
  XLAT: translate,
  CBW: widenAccumulator,
  CWD: spreadSign,
};
