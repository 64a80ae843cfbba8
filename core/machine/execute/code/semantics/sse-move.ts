/** SSE and SSE2: moves without change, between registers and memory and between register files (SDM vol. 2 by name). */
import { type Code, get } from "../../../wasm/code.js";
import { extendUnsigned, I32, wrap } from "../../../wasm/integers.js";
import { bitSelect, F64X2, I8X16, I32X4, I64X2, vectorZero } from "../../../wasm/vectors.js";
import type { RegisterFile } from "../../../x86/instruction.js";
import type { Scope, Semantic } from "../scope.js";
import { mmx, mmxOrSse, sse, usesMmx } from "./sse-guard.js";
import {
  DOUBLE,
  type Format,
  isMemory,
  readPacked,
  readVector,
  SINGLE,
  writeVector,
} from "./sse-operands.js";

function fileOf(scope: Scope, number: number): RegisterFile | undefined {
  const operand = scope.instruction.operands[number]!;
  return operand.kind === "register" ? operand.file : undefined;
}

/** MOVAPS, MOVAPD, MOVDQA and the stores that bypass the caches; any 16 bytes. */
const moveAligned = sse((scope) => writeVector(scope, 0, readVector(scope, 1)));
/** MOVUPS, MOVUPD, MOVDQU. */
const moveUnaligned = sse((scope) => scope.write(0, scope.read(1, 16), 16));

/** MOVSS, MOVSD: a load clears the rest of the register, a move between registers keeps it. */
const moveScalar = ({ lanes, size }: Format): Semantic =>
  sse((scope) => {
    const integers = size === 4 ? I32X4 : I64X2;
    if (isMemory(scope, 0)) return scope.write(0, integers.extract(0)(readVector(scope, 1)), size);
    if (isMemory(scope, 1))
      return writeVector(scope, 0, integers.replace(0)(vectorZero, scope.read(1, size)));
    return writeVector(
      scope,
      0,
      lanes.replace(0)(readVector(scope, 0), lanes.extract(0)(readVector(scope, 1))),
    );
  });

/** MOVLPS, MOVLPD (half 0), MOVHPS, MOVHPD (half 1): half a register, from or to memory. */
const moveHalf = (half: 0 | 1): Semantic =>
  sse((scope) =>
    isMemory(scope, 0)
      ? scope.write(0, I64X2.extract(half)(readVector(scope, 1)), 8)
      : writeVector(scope, 0, I64X2.replace(half)(readVector(scope, 0), scope.read(1, 8))),
  );

/** MOVHLPS and MOVLHPS: one half of the source into the other half of the destination. */
const moveAcross = (half: 0 | 1): Semantic =>
  sse((scope) =>
    writeVector(
      scope,
      0,
      F64X2.replace(half)(readVector(scope, 0), F64X2.extract(half === 0 ? 1 : 0)(readVector(scope, 1))),
    ),
  );

/** The low bytes of an operand of any kind. */
function lowOf(scope: Scope, operand: number, size: 4 | 8): Code {
  const file = fileOf(scope, operand);
  if (file === "xmm") return (size === 4 ? I32X4 : I64X2).extract(0)(readVector(scope, operand));
  if (file === "mm" && size === 4) return wrap(scope.read(operand, 8));
  return scope.read(operand, size);
}

/** MOVD, MOVQ, MOVDQ2Q, MOVQ2DQ: an XMM or MM register as destination is zero above the bytes moved. */
const moveLow =
  (size: 4 | 8): Semantic =>
  (scope) => {
    const source = lowOf(scope, 1, size);
    const file = fileOf(scope, 0);
    if (file === "xmm")
      return writeVector(scope, 0, (size === 4 ? I32X4 : I64X2).replace(0)(vectorZero, source));
    if (file === "mm") return scope.write(0, size === 4 ? extendUnsigned(source) : source, 8);
    return scope.write(0, source, size);
  };

/** MASKMOVDQU and MASKMOVQ: bytes whose mask byte has its sign set. All bytes are read and written. */
const moveMasked: Semantic = mmxOrSse((scope) => {
  const mask = I8X16.shrS(readPacked(scope, 1), I32.constant(7));
  const source = readPacked(scope, 0);
  return scope.modify(2, (old) =>
    old.type === "v128"
      ? bitSelect(mask, source, get(old))
      : I64X2.extract(0)(bitSelect(mask, source, I64X2.splat(get(old)))),
  );
});

/** MOVMSKPS, MOVMSKPD, PMOVMSKB: the lanes' sign bits. */
const moveSigns = (signs: (vector: Code) => Code): Semantic =>
  mmxOrSse((scope) => {
    const mask = signs(readPacked(scope, 1));
    return scope.write(0, usesMmx(scope) ? I32.and(mask, I32.constant(0xff)) : mask, 4);
  });

export const SSE_MOVES: Readonly<Record<string, Semantic>> = {
  MOVAPS: moveAligned,
  MOVAPD: moveAligned,
  MOVDQA: moveAligned,
  MOVNTPS: moveAligned,
  MOVNTPD: moveAligned,
  MOVNTDQ: moveAligned,
  MOVUPS: moveUnaligned,
  MOVUPD: moveUnaligned,
  MOVDQU: moveUnaligned,
  MOVSS: moveScalar(SINGLE),
  MOVSD: moveScalar(DOUBLE),
  MOVLPS: moveHalf(0),
  MOVLPD: moveHalf(0),
  MOVHPS: moveHalf(1),
  MOVHPD: moveHalf(1),
  MOVHLPS: moveAcross(0),
  MOVLHPS: moveAcross(1),
  MOVD: mmxOrSse(moveLow(4)),
  MOVQ: mmxOrSse(moveLow(8)),
  MOVQ2DQ: sse(mmx(moveLow(8))),
  MOVDQ2Q: sse(mmx(moveLow(8))),
  // A store of a general register, which needs nothing of CR0 and CR4.
  MOVNTI: (scope) => scope.write(0, scope.read(1)),
  MOVNTQ: mmx((scope) => scope.write(0, scope.read(1, 8), 8)),
  MASKMOVDQU: moveMasked,
  MASKMOVQ: moveMasked,
  MOVMSKPS: moveSigns(I32X4.bitmask),
  MOVMSKPD: moveSigns(I64X2.bitmask),
  PMOVMSKB: moveSigns(I8X16.bitmask),
};
