/**
 * Interrupts and exceptions as remembered (cpu/interrupts/protected.ts, long.ts): gate, code segment, stack of the TSS and
 * its segment are read again and compared, then the frame is written and the handler's registers are set.
 */
import { CS, RFLAGS, SEGMENT, SS, STATE, segmentOffset } from "../../../cpu/state.js";
import type { FunctionReference } from "../../../wasm/code.js";
import {
  add,
  and,
  branchIf,
  type Code,
  call,
  get,
  giveBack,
  ifElse,
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
  shl,
  store,
  sub,
  xor,
} from "../../../wasm/code.js";
import { extendUnsigned, I32, I64, wrap } from "../../../wasm/integers.js";
import type { FunctionBuilder } from "../../../wasm/module.js";
import { ACCESS, accessOf } from "../runtime/contract.js";
import { CROSSING_BYTES, ENTRY } from "./memory.js";
import type { CrossingParts } from "./parts.js";

/** Bits of ENTRY.kinds. */
export const KIND = { hardware: 1, software: 2 } as const;

const RSP = STATE.general + 8 * 4;
const STACK_ALIGNMENT = -16;

/** What is delivered, as the function gets it. */
interface Event {
  readonly entry: Local;
  readonly errorCode: Local;
  readonly hasErrorCode: Local;
  /** RFLAGS to push. */
  readonly flags: Local;
  readonly returnIp: Local;
}

/** (vector, kind, error code, has one, flags to push besides, RIP to push: i64) → whether it was delivered. */
export function defineDeliver(parts: CrossingParts): FunctionReference {
  const { module } = parts;
  const deliver = module.define(
    ["i32", "i32", "i32", "i32", "i32", "i64"],
    true,
    (builder, vector, kind, errorCode, hasErrorCode, extraFlags, returnIp) => {
      const entry = builder.local();
      const flags = builder.local();
      const event: Event = { entry, errorCode, hasErrorCode, flags, returnIp };
      const giveUp = new Label();
      return [
        set(entry, add(mul(get(vector), int(CROSSING_BYTES.entry)), int(parts.memory.entries))),
        ifThen(
          isZero(and(parts.isCurrent(entry), ne(and(load(get(entry), ENTRY.kinds), get(kind)), int(0)))),
          giveBack(int(0)),
        ),
        set(flags, or(parts.allFlags(), get(extraFlags))),
        parts.attempt(builder, giveUp, (host) => [
          ifElse(
            parts.isLongMode,
            enterLong(parts, builder, event, host, giveUp),
            enterLegacy(parts, builder, event, host, giveUp),
          ),
          commit(parts, event),
        ]),
      ];
    },
  );
  // For TypeScript, which has no i64: at RIP.
  module.define(
    ["i32", "i32", "i32", "i32", "i32"],
    true,
    (_builder, vector, kind, errorCode, hasErrorCode, extraFlags) =>
      call(
        deliver,
        get(vector),
        get(kind),
        get(errorCode),
        get(hasErrorCode),
        get(extraFlags),
        parts.long(STATE.rip),
      ),
    "deliver",
  );
  return deliver;
}

/** Doublewords: [SS ESP] EFLAGS CS EIP [error code], on flat stacks. */
function enterLegacy(
  parts: CrossingParts,
  builder: FunctionBuilder,
  event: Event,
  host: Local,
  giveUp: Label,
): Code {
  const { entry, errorCode, hasErrorCode, flags, returnIp } = event;
  const pointer = builder.local();
  const bytes = builder.local();
  const isInner = builder.local();
  const push = (value: Code): Code => [store(get(host), value), set(host, add(get(host), int(4)))];
  return [
    parts.same(host, entry, ENTRY.gate, ENTRY.gateWords, giveUp),
    parts.same(host, entry, ENTRY.code, ENTRY.codeWords, giveUp),
    set(isInner, load(get(entry), ENTRY.isInner)),
    ifElse(
      get(isInner),
      [
        parts.find(host, I64.load(8)(get(entry), ENTRY.stackSlot), ACCESS.read, 8, giveUp),
        set(pointer, load(get(host))),
        branchIf(ne(I32.load(2)(get(host), 4), load(get(entry), ENTRY.stackSelector)), giveUp),
        parts.same(host, entry, ENTRY.stack, ENTRY.stackWords, giveUp),
        set(bytes, int(20)),
      ],
      [
        set(pointer, parts.word(RSP)),
        branchIf(isZero(parts.word(segmentOffset(SS) + SEGMENT.flat)), giveUp),
        set(bytes, int(12)),
      ],
    ),
    set(bytes, add(get(bytes), shl(get(hasErrorCode), int(2)))),
    set(pointer, sub(get(pointer), get(bytes))),
    branchIf(and(get(pointer), int(3)), giveUp),
    parts.findVariable(
      host,
      extendUnsigned(get(pointer)),
      or(shl(get(bytes), int(ACCESS.sizeShift)), int(accessOf(ACCESS.write, 0) | ACCESS.supervisor)),
      giveUp,
    ),
    ifThen(get(hasErrorCode), push(get(errorCode))),
    push(wrap(get(returnIp))),
    push(parts.selector(CS)),
    push(get(flags)),
    ifThen(get(isInner), [
      push(parts.word(RSP)),
      push(parts.selector(SS)),
      parts.loadHidden(SS, entry, ENTRY.stackHidden),
    ]),
    parts.setLong(RSP, extendUnsigned(get(pointer))),
  ];
}

/** Quadwords: SS RSP RFLAGS CS RIP [error code], from a multiple of 16 downwards. */
function enterLong(
  parts: CrossingParts,
  builder: FunctionBuilder,
  event: Event,
  host: Local,
  giveUp: Label,
): Code {
  const { entry, errorCode, hasErrorCode, flags, returnIp } = event;
  const pointer = builder.local("i64");
  const bytes = builder.local();
  const push = (value: Code): Code => [I64.store(8)(get(host), value), set(host, add(get(host), int(8)))];
  const slot = I64.load(8)(get(entry), ENTRY.stackSlot);
  return [
    parts.find(host, I64.load(8)(get(entry), ENTRY.gate), ACCESS.read, 16, giveUp),
    branchIf(
      or(
        I64.ne(I64.load(8)(get(host)), I64.load(8)(get(entry), ENTRY.gateWords)),
        ne(load(get(host), 8), load(get(entry), ENTRY.gateUpper)),
      ),
      giveUp,
    ),
    parts.same(host, entry, ENTRY.code, ENTRY.codeWords, giveUp),
    ifElse(
      I64.ne(slot, I64.constant(0)),
      [parts.find(host, slot, ACCESS.read, 8, giveUp), set(pointer, I64.load(8)(get(host)))],
      set(pointer, parts.long(RSP)),
    ),
    set(bytes, add(int(40), shl(get(hasErrorCode), int(3)))),
    set(pointer, I64.sub(I64.and(get(pointer), I64.constant(STACK_ALIGNMENT)), extendUnsigned(get(bytes)))),
    parts.findVariable(
      host,
      get(pointer),
      or(shl(get(bytes), int(ACCESS.sizeShift)), int(accessOf(ACCESS.write, 0) | ACCESS.supervisor)),
      giveUp,
    ),
    ifThen(get(hasErrorCode), push(extendUnsigned(get(errorCode)))),
    push(get(returnIp)),
    push(extendUnsigned(parts.selector(CS))),
    push(extendUnsigned(get(flags))),
    push(parts.long(RSP)),
    push(extendUnsigned(parts.selector(SS))),
    ifThen(load(get(entry), ENTRY.isInner), parts.loadHidden(SS, entry, ENTRY.stackHidden)),
    parts.setLong(RSP, get(pointer)),
  ];
}

function commit(parts: CrossingParts, { entry }: Event): Code {
  const kept = xor(or(load(get(entry), ENTRY.cleared), int(RFLAGS.RF)), int(-1));
  return [
    parts.loadHidden(CS, entry, ENTRY.codeHidden),
    parts.setWord(STATE.privilege, and(parts.selector(CS), int(3))),
    parts.setWord(STATE.flags, and(parts.word(STATE.flags), kept)),
    parts.setLong(STATE.rip, I64.load(8)(get(entry), ENTRY.target)),
    parts.setMode(load(get(entry), ENTRY.newMode)),
    parts.forgetCodePage(),
  ];
}
