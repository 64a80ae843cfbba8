/**
 * What every unprivileged instruction means, by the mnemonic of its row (x86/rows/). A mnemonic without an entry is executed
 * in TypeScript (cpu/); so are the forms for which a semantic says `scope.system()`.
 *
 * Where the manual leaves a flag undefined, it is what current processors make of it where that is cheap: mostly what a Zen
 * processor was seen to do, for multiplication what Intel's do. Each file says which.
 */
import type { Semantic } from "../scope.js";
import { ARITHMETIC } from "./arithmetic.js";
import { ATOMICS } from "./atomics.js";
import { BITS } from "./bits.js";
import { BMI } from "./bmi.js";
import { CONTROL } from "./control.js";
import { DECIMAL } from "./decimal.js";
import { DIVIDE } from "./divide.js";
import { FLAG_CONTROL } from "./flag-control.js";
import { HINTS } from "./hints.js";
import { LOGIC } from "./logic.js";
import { MOVES } from "./moves.js";
import { MULTIPLY } from "./multiply.js";
import { SHIFTS } from "./shifts.js";
import { SSE_SEMANTICS } from "./sse.js";
import { STACK } from "./stack.js";
import { STRINGS } from "./strings.js";

export const SEMANTICS: Readonly<Record<string, Semantic>> = {
  ...ARITHMETIC,
  ...LOGIC,
  ...SHIFTS,
  ...MULTIPLY,
  ...DIVIDE,
  ...BITS,
  ...BMI,
  ...MOVES,
  ...ATOMICS,
  ...STACK,
  ...CONTROL,
  ...STRINGS,
  ...FLAG_CONTROL,
  ...DECIMAL,
  ...HINTS,
  ...SSE_SEMANTICS,
};
