/** Look-up and fill of one level of the TLB, compiled: what Tlb does (mmu/tlb.ts), over the arrays of arrays.ts. */
import type { Tlb } from "../../mmu/tlb.js";
import {
  and,
  type Code,
  call,
  eq,
  type FunctionReference,
  get,
  giveBack,
  ifThen,
  int,
  load,
  ne,
  or,
  set,
  shl,
  shrUnsigned,
  store,
  sub,
} from "../../wasm/code.js";
import { defineFill, defineFind, FIELD } from "./arrays.js";
import type { Emitter } from "./emitter.js";

export interface CompiledTlb {
  /** (page number, tag, global tag) → entry or 0. */
  readonly find: FunctionReference;
  /** (known, page number, tag, order, guest order, frame, flags) → entry or 0. */
  readonly fill: FunctionReference;
}

/** @param beforeReplacing code that runs before an entry is overwritten or given up. */
export function defineTlb(
  emitter: Emitter,
  tlb: Tlb,
  beforeReplacing: (entry: Code) => Code = () => [],
): CompiledTlb {
  const { module } = emitter;
  const current = emitter.timeAddress("current");
  const arrays = new Map(
    tlb.arrays.map((array) => [
      array,
      { find: defineFind(emitter, array), fill: defineFill(emitter, array, current, beforeReplacing) },
    ]),
  );
  const find = module.define(["i32", "i32", "i32"], true, (builder, pageLo, tag, globalTag) => {
    const entry = builder.local();
    return [
      tlb.probes.map((probe) =>
        ifThen(and(emitter.register("usedSizes"), int(probe.usedBit)), [
          set(
            entry,
            arrays.get(probe.array)!.find(builder, {
              set: shrUnsigned(get(pageLo), int(probe.order)),
              key: and(get(pageLo), int(probe.mask)),
              mask: int(probe.mask),
              tag: get(tag),
              globalTag: get(globalTag),
            }),
          ),
          ifThen(get(entry), giveBack(get(entry))),
        ]),
      ),
      int(0),
    ];
  });
  const fill = module.define(
    ["i32", "i32", "i32", "i32", "i32", "i32", "i32"],
    true,
    (builder, known, pageLo, tag, order, guestOrder, frame, flags) => {
      const entry = builder.local();
      return [
        [0, 9, 10, 18].map((size) => {
          const probe = tlb.holderOf(size);
          if (probe === undefined) return [];
          const hold = call(
            arrays.get(probe.array)!.fill,
            get(entry),
            shrUnsigned(get(pageLo), int(probe.order)),
            and(get(pageLo), int(probe.mask)),
            get(tag),
            int(probe.mask),
            sub(get(frame), and(get(pageLo), int(~probe.mask))),
            get(flags),
            shl(int(-1), get(guestOrder)),
          );
          return ifThen(eq(get(order), int(size)), [
            emitter.setRegister("usedSizes", or(emitter.register("usedSizes"), int(probe.usedBit))),
            set(entry, get(known)),
            ifThen(
              get(entry),
              ifThen(ne(load(get(entry), FIELD.mask), int(probe.mask)), [
                beforeReplacing(get(entry)),
                store(get(entry), int(-1), FIELD.tagHi),
                set(entry, int(0)),
              ]),
            ),
            giveBack(hold),
          ]);
        }),
        int(0),
      ];
    },
  );
  return { find, fill };
}
