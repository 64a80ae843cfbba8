/**
 * IRET as remembered (cpu/interrupts/return.ts), from CPL 0 and without what is rare: tasks, virtual-8086 mode, TF and AC,
 * NMIs, and an interrupt that waits for IF.
 */
import {
  ARITHMETIC_FLAGS,
  CS,
  DS,
  ES,
  FS,
  GS,
  RFLAGS,
  SEGMENT,
  SS,
  STATE,
  segmentOffset,
} from "../../../cpu/state.js";
import {
  add,
  and,
  branchIf,
  type Code,
  type FunctionReference,
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
  shrUnsigned,
  xor,
} from "../../../wasm/code.js";
import { extendUnsigned, I32, I64 } from "../../../wasm/integers.js";
import type { FunctionBuilder } from "../../../wasm/module.js";
import { ACCESS } from "../runtime/contract.js";
import { CROSSING_BYTES, RETURN, SELECTORS } from "./memory.js";
import type { CrossingParts } from "./parts.js";

const RSP = STATE.general + 8 * 4;
/** What CPL 0 may set. RF is not kept. */
const WRITABLE =
  RFLAGS.IF |
  RFLAGS.DF |
  RFLAGS.IOPL |
  RFLAGS.NT |
  RFLAGS.AC |
  RFLAGS.ID |
  RFLAGS.VIF |
  RFLAGS.VIP |
  RFLAGS.TF;
/** Images with these are left to TypeScript. */
const RARE = RFLAGS.TF | RFLAGS.VM | RFLAGS.AC;
const CONFORMING_CODE = 0xc00;
const PRIVILEGE_SHIFT = 13;

interface Frame {
  readonly memory: Local;
  readonly ip: Local;
  readonly flags: Local;
  readonly pointer: Local;
}

/** () → whether it was done. @param size of the popped items: 4 outside IA-32e mode, or 8 in 64-bit mode. */
export function defineReturn(parts: CrossingParts, size: 4 | 8): FunctionReference {
  return parts.module.define([], true, (builder) => {
    const frame: Frame = {
      memory: builder.local(),
      ip: builder.local("i64"),
      flags: builder.local(),
      pointer: builder.local("i64"),
    };
    const giveUp = new Label();
    return [
      ifThen(
        or(and(parts.word(STATE.flags), int(RFLAGS.NT)), parts.word(STATE.nmiBlocked)),
        giveBack(int(0)),
      ),
      parts.attempt(builder, giveUp, (host) => [
        size === 4
          ? popLegacy(parts, builder, frame, host, giveUp)
          : popLong(parts, builder, frame, host, giveUp),
        commit(parts, frame),
      ]),
    ];
  });
}

/** Finds the memory of a selector. */
function recall(parts: CrossingParts, memory: Local, selector: Local, giveUp: Label): Code {
  const number = and(shrUnsigned(get(selector), int(3)), int(SELECTORS - 1));
  return [
    set(memory, add(mul(number, int(CROSSING_BYTES.return)), int(parts.memory.returns))),
    branchIf(
      or(isZero(parts.isCurrent(memory)), ne(load(get(memory), RETURN.selector), get(selector))),
      giveUp,
    ),
  ];
}

/** Images that TypeScript is to see, and IF for an interrupt that waits. */
function checkFlags(parts: CrossingParts, flags: Local, giveUp: Label): Code {
  const opens = and(
    ne(and(get(flags), int(RFLAGS.IF)), int(0)),
    ne(parts.word(STATE.interruptRequest), int(0)),
  );
  return branchIf(or(and(get(flags), int(RARE)), opens), giveUp);
}

function popLegacy(
  parts: CrossingParts,
  builder: FunctionBuilder,
  { memory, ip, flags, pointer }: Frame,
  host: Local,
  giveUp: Label,
): Code {
  const selector = builder.local();
  const top = extendUnsigned(parts.word(RSP));
  return [
    branchIf(or(isZero(parts.word(segmentOffset(SS) + SEGMENT.flat)), and(parts.word(RSP), int(3))), giveUp),
    parts.find(host, top, ACCESS.read, 12, giveUp),
    set(ip, I64.load(4)(get(host))),
    set(selector, I32.load(2)(get(host), 4)),
    set(flags, load(get(host), 8)),
    checkFlags(parts, flags, giveUp),
    recall(parts, memory, selector, giveUp),
    parts.same(host, memory, RETURN.code, RETURN.codeWords, giveUp),
    ifElse(
      load(get(memory), RETURN.popsStack),
      [
        parts.find(host, top, ACCESS.read, 20, giveUp),
        set(pointer, I64.load(4)(get(host), 12)),
        branchIf(ne(I32.load(2)(get(host), 16), load(get(memory), RETURN.stackSelector)), giveUp),
        parts.same(host, memory, RETURN.stack, RETURN.stackWords, giveUp),
        mayKeepSegments(parts, builder, memory, giveUp),
        parts.loadHidden(SS, memory, RETURN.stackHidden),
      ],
      set(pointer, extendUnsigned(add(parts.word(RSP), int(12)))),
    ),
  ];
}

function popLong(
  parts: CrossingParts,
  builder: FunctionBuilder,
  { memory, ip, flags, pointer }: Frame,
  host: Local,
  giveUp: Label,
): Code {
  const selector = builder.local();
  const stackSelector = builder.local();
  // Both the widths of linear addresses: what is not canonical by the narrower one is left to TypeScript.
  const shift = I64.constant(16);
  const isCanonical = I64.eq(I64.shrS(I64.shl(get(ip), shift), shift), get(ip));
  return [
    branchIf(and(parts.word(RSP), int(3)), giveUp),
    parts.find(host, parts.long(RSP), ACCESS.read, 40, giveUp),
    set(ip, I64.load(8)(get(host))),
    set(selector, I32.load(2)(get(host), 8)),
    set(flags, load(get(host), 16)),
    set(pointer, I64.load(8)(get(host), 24)),
    set(stackSelector, I32.load(2)(get(host), 32)),
    checkFlags(parts, flags, giveUp),
    branchIf(isZero(isCanonical), giveUp),
    recall(parts, memory, selector, giveUp),
    branchIf(ne(get(stackSelector), load(get(memory), RETURN.stackSelector)), giveUp),
    parts.same(host, memory, RETURN.code, RETURN.codeWords, giveUp),
    ifThen(
      I64.ne(I64.load(8)(get(memory), RETURN.stack), I64.constant(0)),
      parts.same(host, memory, RETURN.stack, RETURN.stackWords, giveUp),
    ),
    ifThen(load(get(memory), RETURN.popsStack), mayKeepSegments(parts, builder, memory, giveUp)),
    parts.loadHidden(SS, memory, RETURN.stackHidden),
  ];
}

/** Data segments that the lesser privilege may not use become null: TypeScript does that. */
function mayKeepSegments(parts: CrossingParts, builder: FunctionBuilder, memory: Local, giveUp: Label): Code {
  const attributes = builder.local();
  return [ES, DS, FS, GS].map((segment) => [
    set(attributes, parts.word(segmentOffset(segment) + SEGMENT.attributes)),
    branchIf(
      and(
        I32.ltU(
          and(shrUnsigned(get(attributes), int(PRIVILEGE_SHIFT)), int(3)),
          load(get(memory), RETURN.privilege),
        ),
        and(
          ne(get(attributes), int(0)),
          ne(and(get(attributes), int(CONFORMING_CODE)), int(CONFORMING_CODE)),
        ),
      ),
      giveUp,
    ),
  ]);
}

function commit(parts: CrossingParts, { memory, ip, flags, pointer }: Frame): Code {
  const kept = and(parts.word(STATE.flags), xor(int(WRITABLE | RFLAGS.RF), int(-1)));
  return [
    parts.loadHidden(CS, memory, RETURN.codeHidden),
    parts.setLong(RSP, get(pointer)),
    parts.setWord(STATE.privilege, load(get(memory), RETURN.privilege)),
    parts.setWord(STATE.flags, or(kept, and(get(flags), int(WRITABLE)))),
    parts.setArithmeticFlags(and(get(flags), int(ARITHMETIC_FLAGS))),
    parts.setLong(STATE.rip, get(ip)),
    parts.setMode(load(get(memory), RETURN.newMode)),
    parts.setSlots(isUser(memory)),
    parts.forgetCodePage(),
  ];
}

const isUser = (memory: Local): Code => I32.eq(load(get(memory), RETURN.privilege), int(3));
