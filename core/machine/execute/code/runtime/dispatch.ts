/** The way from one block of code to the next: its page is fetched, and it is looked for among those that are decoded. */
import { CS, MODE, SEGMENT, STATE, segmentOffset } from "../../../cpu/state.js";
import { FETCH } from "../../../mmu/permissions.js";
import {
  add,
  and,
  call,
  callIndirect,
  eq,
  type FunctionReference,
  get,
  getGlobal,
  giveBack,
  ifElse,
  ifThen,
  int,
  isZero,
  lessThan,
  load,
  ne,
  or,
  select,
  set,
  shl,
  store,
  tailCallIndirect,
  whileLoop,
} from "../../../wasm/code.js";
import { extendSigned, extendUnsigned, I64, wrap } from "../../../wasm/integers.js";
import { bucketOf } from "../buckets.js";
import { EXIT } from "../exits.js";
import { SLOT, slotOf, stampSlot, TABLE } from "../fast-slots.js";
import { HEADER } from "../record.js";
import { TABLE_INDEX } from "./contract.js";
import { pageOf, type RuntimeParts } from "./parts.js";

/** (page) → frame, or -1 with the fault noted: the modelled look-up of a fetch. */
export function defineFetch(parts: RuntimeParts): void {
  parts.fetchPage = parts.module.define(["i64"], true, (builder, page) => {
    const slot = builder.local();
    const now = builder.local("f64");
    const frame = builder.local();
    const user = ne(and(parts.word(STATE.mode), int(MODE.user)), int(0));
    return [
      set(slot, slotOf(int(parts.slots + TABLE.fetch), page)),
      // Reads' tag for user code, writes' tag for the supervisor's: an entry allows them apart.
      ifThen(I64.eq(I64.load(8)(add(get(slot), select(user, int(SLOT.read), int(SLOT.write)))), get(page)), [
        stampSlot(slot, now, parts.places.now),
        giveBack(load(get(slot), SLOT.addend)),
      ]),
      set(frame, call(parts.frameOf, get(page), int(FETCH), user)),
      ifThen(lessThan(get(frame), int(0)), giveBack(int(-1))),
      parts.keepsSlots
        ? [
            call(parts.claim, get(slot), getGlobal(parts.entry)),
            store(get(slot), get(frame), SLOT.addend),
            I64.store(8)(get(slot), select(user, get(page), I64.constant(-1)), SLOT.read),
            I64.store(8)(get(slot), select(user, I64.constant(-1), get(page)), SLOT.write),
          ]
        : [],
      get(frame),
    ];
  });
  parts.module.define(
    ["i32", "i32"],
    true,
    (builder, hi, lo) => {
      const page = builder.local("i64");
      return [
        set(page, I64.or(I64.shl(extendSigned(get(hi)), I64.constant(32)), extendUnsigned(get(lo)))),
        call(parts.fetchPage, get(page)),
      ];
    },
    "fetchPage",
  );
}

/** () → exit: goes on at RIP; the page of code is looked up when it is another one. */
export function defineDispatch(parts: RuntimeParts): FunctionReference {
  return parts.module.define(
    [],
    true,
    (builder) => {
      const linear = builder.local("i64");
      const page = builder.local("i64");
      const frame = builder.local();
      const offset = builder.local();
      const mode = builder.local();
      const header = builder.local();
      const key = builder.local("i64");
      const codeSegment = segmentOffset(CS);
      return [
        set(mode, parts.word(STATE.mode)),
        parts.setWord(STATE.exitRecord, int(0)),
        set(linear, parts.long(STATE.rip)),
        ifThen(isZero(and(get(mode), int(MODE.flatCode))), [
          // Past the limit, #GP is raised where the instruction would be decoded.
          ifThen(
            I64.gtU(get(linear), I64.load(4)(int(0), parts.base + codeSegment + SEGMENT.highest)),
            giveBack(int(EXIT.decode)),
          ),
          set(
            linear,
            I64.and(I64.add(get(linear), parts.long(codeSegment + SEGMENT.base)), I64.constant(0xffff_ffff)),
          ),
        ]),
        set(page, pageOf(get(linear))),
        ifThen(I64.ne(get(page), parts.long(STATE.codePage)), [
          parts.setWord(STATE.linkFrom, int(0)),
          ifThen(parts.isNotCanonical(page), giveBack(int(EXIT.decode))),
          set(frame, call(parts.fetchPage, get(page))),
          ifThen(lessThan(get(frame), int(0)), [
            parts.setWord(STATE.exitRecord, int(0)),
            giveBack(int(EXIT.fault)),
          ]),
          parts.setLong(STATE.codePage, get(page)),
          parts.setLong(STATE.codeOffset, I64.sub(parts.long(STATE.rip), I64.sub(get(linear), get(page)))),
          parts.setWord(STATE.codeFrame, get(frame)),
        ]),
        set(frame, parts.word(STATE.codeFrame)),
        set(offset, and(wrap(get(linear)), int(4095))),
        set(header, load(shl(bucketOf(get(frame), get(offset), get(mode)), int(2)), parts.buckets)),
        set(
          key,
          I64.or(
            extendUnsigned(get(frame)),
            I64.shl(extendUnsigned(or(get(offset), shl(get(mode), int(16)))), I64.constant(32)),
          ),
        ),
        whileLoop(get(header), [
          ifThen(I64.eq(I64.load(8)(get(header), HEADER.frame), get(key)), [
            ifThen(parts.word(STATE.linkFrom), [
              store(parts.word(STATE.linkFrom), get(header)),
              parts.setWord(STATE.linkFrom, int(0)),
            ]),
            tailCallIndirect(parts.handlerType, load(get(header)), get(header)),
          ]),
          set(header, load(get(header), HEADER.next)),
        ]),
        int(EXIT.decode),
      ];
    },
    "dispatch",
  );
}

/** (record) → exit: executes it. */
export function defineExecute(parts: RuntimeParts): void {
  parts.module.define(
    ["i32"],
    true,
    (_builder, record) => [tailCallIndirect(parts.handlerType, load(get(record)), get(record)), int(0)],
    "execute",
  );
}

/** (record) → exit: starts at RIP, or at a record when one is given; goes on in the handler of a page fault. */
export function defineRun(parts: RuntimeParts, dispatch: FunctionReference): void {
  const faultType = parts.module.type({ parameters: [], result: "i32" });
  parts.module.define([], true, () => int(0), "leaveFault");
  parts.module.define(
    ["i32"],
    true,
    (builder, record) => {
      const exit = builder.local();
      return [
        ifElse(
          get(record),
          set(exit, callIndirect(parts.handlerType, load(get(record)), get(record))),
          set(exit, call(dispatch)),
        ),
        whileLoop(eq(get(exit), int(EXIT.fault)), [
          ifThen(isZero(callIndirect(faultType, int(TABLE_INDEX.pageFault))), giveBack(get(exit))),
          set(exit, call(dispatch)),
        ]),
        get(exit),
      ];
    },
    "run",
  );
}
