/**
 * MMX, SSE and SSE2: arithmetic on packed integers, in registers of either file (Intel SDM vol. 1, 5.4.3 and after; vol. 2
 * by name). An MM register is the lower half of a vector whose upper half nobody looks at.
 */
import { type Code, get } from "../../../wasm/code.js";
import { I32 } from "../../../wasm/integers.js";
import {
  I8X16,
  I16X8,
  I32X4,
  I64X2,
  shuffle,
  vectorAnd,
  vectorAndNot,
  vectorConstant,
  vectorOr,
  vectorXor,
} from "../../../wasm/vectors.js";
import type { Scope, Semantic } from "../scope.js";
import { mmxOrSse } from "./sse-guard.js";
import { readPacked, writePacked } from "./sse-operands.js";

type Operation = (left: Code, right: Code) => Code;

/** Both operands may be evaluated once only. */
const packed = (operation: Operation): Semantic =>
  mmxOrSse((scope) => writePacked(scope, 0, operation(readPacked(scope, 0), readPacked(scope, 1))));

/** The same for an operation that wants its operands more than once. */
const packedKept = (operation: (scope: Scope, left: Code, right: Code) => Code): Semantic =>
  mmxOrSse((scope) => {
    const right = scope.keep("v128", readPacked(scope, 1));
    const left = scope.keep("v128", readPacked(scope, 0));
    const result = operation(scope, get(left.local), get(right.local));
    return [right.code, left.code, writePacked(scope, 0, result)];
  });

/** The upper 16 bits of each lane of 32, of two vectors. */
const UPPER_WORDS = [2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31];
/** The even lanes of 32 bits as the lower two. */
const EVEN_LANES = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11];

const multiplyHighSigned = packedKept((_, left, right) =>
  shuffle(I32X4.mulLowS(left, right), I32X4.mulHighS(left, right), UPPER_WORDS),
);
const multiplyHighUnsigned = packedKept((_, left, right) =>
  shuffle(I32X4.mulLowU(left, right), I32X4.mulHighU(left, right), UPPER_WORDS),
);

/** PMULUDQ: 64-bit products of the even lanes. */
const multiplyEven = packedKept((_, left, right) =>
  I64X2.mulLowU(shuffle(left, left, EVEN_LANES), shuffle(right, right, EVEN_LANES)),
);

/** PSADBW: for each 8 bytes, the sum of the absolute differences. */
const sumDifferences = packedKept((scope, left, right) => {
  const differences = I8X16.sub(I8X16.maxU(left, right), I8X16.minU(left, right));
  const sums = scope.keep("v128", I32X4.addPairsU(I16X8.addPairsU(differences)));
  const lower = vectorAnd(get(sums.local), vectorConstant(8, [0xffff_ffff, 0xffff_ffff]));
  return [sums.code, I64X2.add(lower, I64X2.shrU(get(sums.local), I32.constant(32)))];
});

export const SSE_INTEGERS: Readonly<Record<string, Semantic>> = {
  PADDB: packed(I8X16.add),
  PADDW: packed(I16X8.add),
  PADDD: packed(I32X4.add),
  PADDQ: packed(I64X2.add),
  PADDSB: packed(I8X16.addSaturateS),
  PADDSW: packed(I16X8.addSaturateS),
  PADDUSB: packed(I8X16.addSaturateU),
  PADDUSW: packed(I16X8.addSaturateU),
  PSUBB: packed(I8X16.sub),
  PSUBW: packed(I16X8.sub),
  PSUBD: packed(I32X4.sub),
  PSUBQ: packed(I64X2.sub),
  PSUBSB: packed(I8X16.subSaturateS),
  PSUBSW: packed(I16X8.subSaturateS),
  PSUBUSB: packed(I8X16.subSaturateU),
  PSUBUSW: packed(I16X8.subSaturateU),
  PMULLW: packed(I16X8.mul),
  PMULHW: multiplyHighSigned,
  PMULHUW: multiplyHighUnsigned,
  PMULUDQ: multiplyEven,
  PMADDWD: packed(I32X4.dotS),
  PSADBW: sumDifferences,
  PAVGB: packed(I8X16.averageU),
  PAVGW: packed(I16X8.averageU),
  PMINUB: packed(I8X16.minU),
  PMAXUB: packed(I8X16.maxU),
  PMINSW: packed(I16X8.minS),
  PMAXSW: packed(I16X8.maxS),
  PCMPEQB: packed(I8X16.eq),
  PCMPEQW: packed(I16X8.eq),
  PCMPEQD: packed(I32X4.eq),
  PCMPGTB: packed(I8X16.gtS),
  PCMPGTW: packed(I16X8.gtS),
  PCMPGTD: packed(I32X4.gtS),
  PAND: packed(vectorAnd),
  PANDN: packed((left, right) => vectorAndNot(right, left)),
  POR: packed(vectorOr),
  PXOR: packed(vectorXor),
  ANDPS: packed(vectorAnd),
  ANDPD: packed(vectorAnd),
  ANDNPS: packed((left, right) => vectorAndNot(right, left)),
  ANDNPD: packed((left, right) => vectorAndNot(right, left)),
  ORPS: packed(vectorOr),
  ORPD: packed(vectorOr),
  XORPS: packed(vectorXor),
  XORPD: packed(vectorXor),
};
