/**
 * A page fault of an instruction, from the way out of code to its handler: what the engine does for EXIT.fault (engine.ts) and
 * the system side then (cpu/interrupts/raise.ts), where the fault was delivered so before. What an interrupt or a deadline
 * might come before is left to TypeScript, and so are single steps.
 */
import { CODE_16, EXCEPTION, MODE, RFLAGS, STATE } from "../../../cpu/state.js";
import {
  and,
  call,
  type FunctionReference,
  float,
  floatAdd,
  get,
  giveBack,
  ifElse,
  ifThen,
  int,
  isZero,
  lessThan,
  loadFloat,
  ne,
  or,
  set,
  store,
  storeFloat,
} from "../../../wasm/code.js";
import { F64 } from "../../../wasm/floats.js";
import { extendUnsigned, I32, I64 } from "../../../wasm/integers.js";
import { RECORD } from "../record.js";
import { KIND } from "./deliver.js";
import { ENTRY, entryAt } from "./memory.js";
import type { CrossingParts } from "./parts.js";

/** More cycles than the delivery and its walks take: with fewer left the deadline may be next. */
const MOST_CYCLES = 1 << 16;

/** () → whether the fault that code left with was delivered: code goes on at its handler. */
export function definePageFault(parts: CrossingParts, deliver: FunctionReference): void {
  const { base } = parts;
  const left = loadFloat(int(0), base + STATE.left);
  parts.module.define(
    [],
    true,
    (builder) => {
      const record = builder.local();
      const isUser = builder.local();
      const ip = builder.local("i64");
      const isUnusual = or(
        or(
          ne(parts.word(STATE.faultVector), int(EXCEPTION.PF)),
          or(isZero(get(record)), parts.word(STATE.interruptRequest)),
        ),
        or(
          or(and(parts.word(STATE.mode), int(MODE.singleStep)), parts.isCodeSize(CODE_16)),
          or(lessThan(parts.word(STATE.instructionLimit), int(0)), F64.lt(left, float(MOST_CYCLES))),
        ),
      );
      const place = I64.add(
        parts.long(STATE.codeOffset),
        extendUnsigned(I32.load(2)(get(record), RECORD.pageOffset)),
      );
      const code = parts.word(STATE.faultCode);
      return [
        set(record, parts.word(STATE.exitRecord)),
        ifThen(isUnusual, giveBack(int(0))),
        set(isUser, and(parts.word(STATE.mode), int(MODE.user))),
        set(ip, ifElse(parts.isLongCode, place, I64.and(place, I64.constant(0xffff_ffff)), "i64")),
        ifThen(
          isZero(call(deliver, int(EXCEPTION.PF), int(KIND.hardware), code, int(1), int(RFLAGS.RF), get(ip))),
          // Forgotten, so that TypeScript does not try the same once more: a look-up that fails would be counted again.
          [store(int(0), int(0), entryAt(parts.memory, EXCEPTION.PF) + ENTRY.generation), giveBack(int(0))],
        ),
        parts.setLong(STATE.cr2, parts.long(STATE.faultAddress)),
        // The instruction and those after it in the block were not executed.
        storeFloat(int(0), floatAdd(left, loadFloat(get(record), RECORD.costLeft)), base + STATE.left),
        parts.setLong(
          STATE.counts,
          I64.sub(parts.long(STATE.counts), I64.load(8)(get(record), RECORD.countsLeft)),
        ),
        parts.attribute(builder, isUser),
        parts.emitter.charge("guest_fault", float(parts.costs.interrupt_delivery)),
        parts.emitter.count("exceptions"),
        parts.emitter.count("guest_page_faults"),
        parts.mark(),
        parts.setWord(STATE.codeChanged, int(0)),
        parts.setWord(STATE.linkFrom, int(0)),
        int(1),
      ];
    },
    "pageFault",
  );
}
