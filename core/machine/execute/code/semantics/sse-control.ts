/** MXCSR, and EMMS. */
import { MXCSR_DEFINED, MXCSR_FLAGS, MXCSR_RESET } from "../../../cpu/mxcsr.js";
import { EXCEPTION, MODE, STATE } from "../../../cpu/state.js";
import { type Code, get, ifThen } from "../../../wasm/code.js";
import { I32 } from "../../../wasm/integers.js";
import type { Semantic } from "../scope.js";
import { ALL_EMPTY, mmx, sse } from "./sse-guard.js";

/** LDMXCSR: where the mode word depends on what changes, TypeScript does it. */
const loadMxcsr: Semantic = sse((scope) => {
  const value = scope.keep("i32", scope.read(0, 4));
  const masked = (bits: number): Code => I32.and(get(value.local), I32.constant(bits));
  const isReset = I32.eq(masked(MXCSR_DEFINED & ~MXCSR_FLAGS), I32.constant(MXCSR_RESET));
  const isNow = (scope.mode & MODE.exactSse) === 0;
  return [
    value.code,
    ifThen(masked(~MXCSR_DEFINED), scope.raise(EXCEPTION.GP)),
    ifThen(isNow ? I32.isZero(isReset) : isReset, scope.system()),
    scope.setState(STATE.mxcsr, "i32", get(value.local)),
  ];
});

export const SSE_CONTROL: Readonly<Record<string, Semantic>> = {
  LDMXCSR: loadMxcsr,
  STMXCSR: sse((scope) => scope.write(0, scope.getState(STATE.mxcsr, "i32"), 4)),
  EMMS: mmx(() => [], ALL_EMPTY),
};
