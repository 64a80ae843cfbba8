/**
 * MMX, SSE and SSE2, by mnemonic. Absent: SSE3 and all after it, and the XSAVE family. FXSAVE and FXRSTOR are system
 * instructions (cpu/fxsave.ts); fences and prefetches are with the hints. What is exact and what is not: sse-guard.ts.
 */
import type { Semantic } from "../scope.js";
import { SSE_ARITHMETIC } from "./sse-arithmetic.js";
import { SSE_COMPARES } from "./sse-compare.js";
import { SSE_CONTROL } from "./sse-control.js";
import { SSE_CONVERSIONS } from "./sse-convert.js";
import { SSE_INTEGERS } from "./sse-integer.js";
import { SSE_MOVES } from "./sse-move.js";
import { SSE_SHIFTS } from "./sse-shift.js";
import { SSE_SHUFFLES } from "./sse-shuffle.js";

export const SSE_SEMANTICS: Readonly<Record<string, Semantic>> = {
  ...SSE_MOVES,
  ...SSE_ARITHMETIC,
  ...SSE_COMPARES,
  ...SSE_CONVERSIONS,
  ...SSE_INTEGERS,
  ...SSE_SHIFTS,
  ...SSE_SHUFFLES,
  ...SSE_CONTROL,
};
