/** Flags by what is noted of them in the state (../flags.ts), and noting them. */
import { STATE } from "../../../cpu/state.js";
import {
  and,
  type Code,
  call,
  eq,
  get,
  giveBack,
  ifElse,
  int,
  select,
  set,
  shrUnsigned,
} from "../../../wasm/code.js";
import { extendUnsigned, I64 } from "../../../wasm/integers.js";
import { allOf, carryOf, FLAG_OPERATIONS, type FlagOperation, type FlagSource } from "../flags.js";
import { isBelow, type RuntimeParts } from "./parts.js";

/** Flags from their state: one case for each kind. */
export function defineFlags(parts: RuntimeParts): void {
  const define = (name: string, compute: (source: FlagSource) => Code): void => {
    const byKind = FLAG_OPERATIONS.flatMap((operation) =>
      [1, 2, 4, 8].map((size) =>
        parts.module.define([], true, () => compute(sourceInState(parts, operation, size))),
      ),
    );
    parts.module.define(
      [],
      true,
      (builder) => {
        const kind = builder.local();
        const search = (first: number, count: number): Code => {
          if (count === 1) return giveBack(call(byKind[first]!));
          const half = count >> 1;
          return ifElse(
            isBelow(get(kind), int(first + half)),
            search(first, half),
            search(first + half, count - half),
          );
        };
        return [set(kind, parts.word(STATE.flagKind)), search(0, byKind.length), int(0)];
      },
      name,
    );
  };
  define("flags", allOf);
  define("carry", carryOf);
}

/** Carried flags are operands alone (translate/block-flags.ts): the result is computed from them. */
export function defineNoteFlags(parts: RuntimeParts): void {
  parts.module.define(
    ["i32", "i64", "i64", "i32"],
    false,
    (builder, kind, first, second, extra) => {
      const operation = builder.local();
      const isOf = (name: FlagOperation): Code => eq(get(operation), int(FLAG_OPERATIONS.indexOf(name)));
      const results: [FlagOperation, Code][] = [
        ["add", I64.add(get(first), get(second))],
        ["sub", I64.sub(get(first), get(second))],
        ["inc", I64.add(get(first), I64.constant(1))],
        ["dec", I64.sub(get(first), I64.constant(1))],
      ];
      const result = results.reduce<Code>(
        (otherwise, [name, value]) => select(isOf(name), value, otherwise),
        get(first),
      );
      // 64 less the bits of the size.
      const above = I64.sub(
        I64.constant(64),
        I64.shl(I64.constant(8), extendUnsigned(and(get(kind), int(3)))),
      );
      return [
        set(operation, shrUnsigned(get(kind), int(2))),
        parts.setWord(STATE.flagKind, get(kind)),
        parts.setLong(STATE.flagLeft, get(first)),
        parts.setLong(STATE.flagRight, get(second)),
        parts.setWord(STATE.flagExtra, get(extra)),
        parts.setLong(STATE.flagResult, I64.shrU(I64.shl(result, above), above)),
      ];
    },
    "noteFlags",
  );
}

export function sourceInState(parts: RuntimeParts, operation: FlagOperation, size: number): FlagSource {
  const value = (offset: number): Code => (size === 8 ? parts.long(offset) : parts.word(offset));
  return {
    operation,
    size,
    left: value(STATE.flagLeft),
    right: value(STATE.flagRight),
    result: value(STATE.flagResult),
    extra: parts.word(STATE.flagExtra),
  };
}
