/** The entry of a cold block: deadlines, limits and heat are looked at here, and the whole block is charged. */
import { STATE } from "../../../cpu/state.js";
import { USE_STEP } from "../../../mmu/translations.js";
import {
  add,
  type Code,
  call,
  eq,
  type FunctionReference,
  float,
  floatAtMost,
  floatSubtract,
  get,
  giveBack,
  ifElse,
  ifThen,
  int,
  lessThan,
  load,
  loadFloat,
  ne,
  or,
  set,
  store,
  storeFloat,
  tailCallIndirect,
} from "../../../wasm/code.js";
import { extendUnsigned, I32, I64 } from "../../../wasm/integers.js";
import { EXIT } from "../exits.js";
import { HEADER, RECORD, RECORD_BYTES } from "../record.js";
import { HOT, TEPID, WARM } from "./contract.js";
import { decodeOnEntry } from "./decoded-lines.js";
import type { RuntimeParts } from "./parts.js";

/** Entries of a cold block: the header's handler until it is translated. */
export function defineEnter(parts: RuntimeParts, decodeLines: FunctionReference | undefined): void {
  const define = (name: string, crosses: boolean): void => {
    parts.module.define(
      ["i32"],
      true,
      (builder, header) => {
        const second = builder.local();
        const ip = I64.add(
          parts.long(STATE.codeOffset),
          extendUnsigned(I32.load(2)(get(header), HEADER.pageOffset)),
        );
        // Outside 64-bit code IP wraps around at 4 GiB, which a page of code may contain.
        const isLong = parts.isLongCode;
        const setRip = parts.setLong(
          STATE.rip,
          ifElse(isLong, ip, I64.and(ip, I64.constant(0xffff_ffff)), "i64"),
        );
        const leave = (exit: number): Code => [
          setRip,
          parts.setWord(STATE.exitRecord, get(header)),
          giveBack(int(exit)),
        ];
        return [
          ifThen(
            or(
              floatAtMost(loadFloat(int(0), parts.base + STATE.left), float(0)),
              I32.gtS(parts.word(STATE.counts), parts.word(STATE.instructionLimit)),
            ),
            leave(EXIT.deadline),
          ),
          crosses
            ? [
                set(second, call(parts.fetchPage, I64.add(parts.long(STATE.codePage), I64.constant(4096)))),
                ifThen(lessThan(get(second), int(0)), [
                  setRip,
                  parts.setWord(STATE.exitRecord, int(0)),
                  giveBack(int(EXIT.fault)),
                ]),
                // Another page than the one it was decoded from: decode again. Then this look-up happens again, as if at this time.
                ifThen(ne(get(second), load(get(header), HEADER.secondFrame)), [
                  parts.setWord(STATE.pendingFrame2, get(second)),
                  storeFloat(
                    int(0),
                    floatSubtract(loadFloat(int(0), parts.places.now), float(USE_STEP)),
                    parts.places.now,
                  ),
                  leave(EXIT.decode),
                ]),
              ]
            : [
                store(get(header), add(load(get(header), HEADER.heat), int(1)), HEADER.heat),
                set(second, load(get(header), HEADER.heat)),
                ifThen(
                  or(eq(get(second), int(TEPID)), or(eq(get(second), int(WARM)), eq(get(second), int(HOT)))),
                  leave(EXIT.hot),
                ),
              ],
          decodeOnEntry(parts, decodeLines, header),
          storeFloat(
            int(0),
            floatSubtract(
              loadFloat(int(0), parts.base + STATE.left),
              loadFloat(get(header), RECORD.costLeft),
            ),
            parts.base + STATE.left,
          ),
          parts.setLong(
            STATE.counts,
            I64.add(parts.long(STATE.counts), I64.load(8)(get(header), RECORD.countsLeft)),
          ),
          tailCallIndirect(
            parts.handlerType,
            load(get(header), RECORD_BYTES),
            add(get(header), int(RECORD_BYTES)),
          ),
        ];
      },
      name,
    );
  };
  define("enter", false);
  define("enterCrossing", true);
}
