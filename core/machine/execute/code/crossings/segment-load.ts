/** MOV and POP of DS, ES, FS and GS outside 64-bit mode as remembered (cpu/segment-load.ts). */
import { CODE_64, MODE, SEGMENT, SEGMENT_BYTES, SS, STATE, segmentOffset } from "../../../cpu/state.js";
import {
  add,
  and,
  branchIf,
  type Code,
  type FunctionReference,
  get,
  giveBack,
  ifThen,
  int,
  isZero,
  Label,
  type Local,
  load,
  mul,
  ne,
  or,
  set,
  shrUnsigned,
  xor,
} from "../../../wasm/code.js";
import { extendUnsigned, I32, I64 } from "../../../wasm/integers.js";
import { ACCESS } from "../runtime/contract.js";
import { CROSSING_BYTES, LOAD, SELECTORS } from "./memory.js";
import type { CrossingParts } from "./parts.js";

const RSP = STATE.general + 8 * 4;

/**
 * (address of the segment register, selector, pops) → whether it was loaded.
 * @returns a function; `pops`: the selector is on the stack, and the pointer moves by 4.
 */
export function defineSegmentLoad(parts: CrossingParts): FunctionReference {
  return parts.module.define(["i32", "i32", "i32"], true, (builder, segment, given, pops) => {
    const memory = builder.local();
    const selector = builder.local();
    const giveUp = new Label();
    const slots = builder.local();
    const userSlots = (host: Local): Code =>
      // The stack is read at the privilege of the program.
      [
        parts.setWord(STATE.fastSlots, get(slots)),
        parts.findAtPrivilege(host, extendUnsigned(parts.word(RSP)), ACCESS.read, 4, giveUp),
        set(selector, I32.load(2)(get(host))),
        parts.setSupervisorSlots(),
      ];
    return [
      ifThen(parts.isCodeSize(CODE_64), giveBack(int(0))),
      set(selector, get(given)),
      set(slots, parts.word(STATE.fastSlots)),
      parts.attempt(builder, giveUp, (host) => [
        ifThen(get(pops), [
          branchIf(
            or(isZero(parts.word(segmentOffset(SS) + SEGMENT.flat)), and(parts.word(RSP), int(3))),
            giveUp,
          ),
          userSlots(host),
        ]),
        set(
          memory,
          add(
            mul(and(shrUnsigned(get(selector), int(3)), int(SELECTORS - 1)), int(CROSSING_BYTES.load)),
            int(parts.memory.loads),
          ),
        ),
        branchIf(
          or(isZero(parts.isOfPrivilege(memory)), ne(load(get(memory), LOAD.selector), get(selector))),
          giveUp,
        ),
        parts.same(host, memory, LOAD.descriptor, LOAD.words, giveUp),
        copyHidden(segment, memory),
        ifThen(get(pops), parts.setLong(RSP, extendUnsigned(add(parts.word(RSP), int(4))))),
        parts.setMode(and(parts.word(STATE.mode), xor(int(MODE.flatData), int(-1)))),
        parts.setWord(STATE.fastSlots, get(slots)),
      ]),
    ];
  });
}

function copyHidden(segment: Local, memory: Local): Code {
  const parts: Code[] = [];
  for (let at = 0; at < SEGMENT_BYTES; at += 8)
    parts.push(I64.store(8)(get(segment), I64.load(8)(get(memory), LOAD.hidden + at), at));
  return parts;
}
