/** Breakpoints on data (cpu/registers/breakpoints.ts has DR7's layout): which of them an access meets. Only under MODE.breakpoints. */
import { DR7_WORD } from "../../../cpu/places.js";
import {
  BREAK_ON,
  BREAKPOINTS,
  FIRST_KIND,
  FIRST_LENGTH,
  KIND_BITS,
} from "../../../cpu/registers/breakpoints.js";
import { STATE } from "../../../cpu/state.js";
import {
  add,
  and,
  type Code,
  eq,
  type FunctionReference,
  get,
  ifThen,
  int,
  or,
  select,
  set,
  shrUnsigned,
} from "../../../wasm/code.js";
import { extendUnsigned, I64 } from "../../../wasm/integers.js";
import type { RuntimeParts } from "./parts.js";

/** LEN that means 8 bytes; the others are one less than the length. */
const EIGHT_BYTES = 2;

/** (linear, size, whether it writes) → : what is met is noted in STATE.breakpointsMet. A fault of the instruction forgets it. */
export function defineBreakpoints(parts: RuntimeParts): FunctionReference {
  return parts.module.define(["i64", "i32", "i32"], false, (builder, linear, size, writes) => {
    const dr7 = builder.local();
    const length = builder.local();
    const first = builder.local("i64");
    const field = (shift: number): Code => and(shrUnsigned(get(dr7), int(shift)), int(3));
    const end = I64.add(get(linear), extendUnsigned(get(size)));
    const check = (number: number): Code => {
      const kind = field(FIRST_KIND + KIND_BITS * number);
      const isData = or(eq(kind, int(BREAK_ON.access)), and(eq(kind, int(BREAK_ON.write)), get(writes)));
      return ifThen(
        field(2 * number),
        ifThen(isData, [
          set(length, field(FIRST_LENGTH + KIND_BITS * number)),
          set(length, select(eq(get(length), int(EIGHT_BYTES)), int(8), add(get(length), int(1)))),
          set(
            first,
            I64.and(
              parts.long(STATE.debug + 8 * number),
              I64.sub(I64.constant(0), extendUnsigned(get(length))),
            ),
          ),
          ifThen(
            and(
              I64.ltU(get(first), end),
              I64.ltU(get(linear), I64.add(get(first), extendUnsigned(get(length)))),
            ),
            parts.setWord(STATE.breakpointsMet, or(parts.word(STATE.breakpointsMet), int(1 << number))),
          ),
        ]),
      );
    };
    return [
      set(dr7, parts.word(DR7_WORD * 4)),
      Array.from({ length: BREAKPOINTS }, (_, number) => check(number)),
    ];
  });
}
