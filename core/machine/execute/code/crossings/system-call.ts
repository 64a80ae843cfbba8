/** SYSCALL and SYSRET between 64-bit code of CPL 3 and 0 (cpu/transfers/system-call.ts): nothing is read but registers. */
import { EFER } from "../../../cpu/control-bits.js";
import { FLAT_CODE_64_ATTRIBUTES, FLAT_DATA_ATTRIBUTES, PRIVILEGE_SHIFT } from "../../../cpu/segments.js";
import {
  ARITHMETIC_FLAGS,
  CODE_64,
  CS,
  MODE,
  MSR_STATE,
  RFLAGS,
  SEGMENT,
  SEGMENT_READABLE,
  SEGMENT_WRITABLE,
  SS,
  STATE,
  segmentOffset,
} from "../../../cpu/state.js";
import {
  add,
  and,
  type Code,
  eq,
  type FunctionReference,
  get,
  giveBack,
  ifThen,
  int,
  isZero,
  ne,
  or,
  set,
  shrUnsigned,
  xor,
} from "../../../wasm/code.js";
import { extendUnsigned, I64, wrap } from "../../../wasm/integers.js";
import type { CrossingParts } from "./parts.js";

const RCX = STATE.general + 8;
const R11 = STATE.general + 8 * 11;
const MSR = STATE.fastMsrs;
const INDEX_BITS = 0xfffc;
/** Mode bits that do not depend on segments, privilege or flags. */
const CONTROL_BITS = MODE.noFpu | MODE.noSse | MODE.protected | MODE.exactSse;
const LONG_BITS = CODE_64 | MODE.wideStack | MODE.flatData | MODE.flatCode;
/** System flags that an image may set. */
const WRITABLE = RFLAGS.IF | RFLAGS.DF | RFLAGS.IOPL | RFLAGS.NT | RFLAGS.ID | RFLAGS.VIF | RFLAGS.VIP;
/** Images with these are left to TypeScript. */
const RARE = RFLAGS.TF | RFLAGS.AC;

/** Flat CS and SS of a privilege. */
function setFlatPair(parts: CrossingParts, code: Code, stack: Code, privilege: number): Code {
  const setSegment = (segment: number, selector: Code, attributes: number, rights: number): Code => {
    const at = segmentOffset(segment);
    const flat = rights === SEGMENT_READABLE ? MODE.flatCode : MODE.flatCode | MODE.flatData;
    return [
      parts.setLong(at + SEGMENT.base, I64.constant(0)),
      parts.setWord(at + SEGMENT.lowest, int(0)),
      parts.setWord(at + SEGMENT.highest, int(-1)),
      parts.setWord(at + SEGMENT.selector, selector),
      parts.setWord(at + SEGMENT.attributes, int(attributes | (privilege << PRIVILEGE_SHIFT))),
      parts.setWord(at + SEGMENT.rights, int(rights)),
      parts.setWord(at + SEGMENT.limit, int(-1)),
      parts.setWord(at + SEGMENT.flat, int(flat)),
    ];
  };
  return [
    setSegment(CS, code, FLAT_CODE_64_ATTRIBUTES, SEGMENT_READABLE),
    setSegment(SS, stack, FLAT_DATA_ATTRIBUTES, SEGMENT_READABLE | SEGMENT_WRITABLE),
    parts.setWord(STATE.privilege, int(privilege)),
    parts.setWord(
      STATE.mode,
      or(and(parts.word(STATE.mode), int(CONTROL_BITS)), int(LONG_BITS | (privilege === 3 ? MODE.user : 0))),
    ),
    parts.setSlots(int(privilege === 3 ? 1 : 0)),
    parts.forgetCodePage(),
  ];
}

/** Neither instruction exists unless EFER.SCE; single steps, segments with limits, and other code than 64-bit, are TypeScript's. */
const isPlain = (parts: CrossingParts): Code =>
  and(
    and(
      parts.isCodeSize(CODE_64),
      eq(and(parts.word(STATE.efer), int(EFER.SCE | EFER.LMSLE)), int(EFER.SCE)),
    ),
    isZero(and(parts.word(STATE.mode), int(MODE.singleStep))),
  );

/** (RIP of the next instruction) → whether it was done. */
export function defineSystemCall(parts: CrossingParts): FunctionReference {
  return parts.module.define(["i64"], true, (builder, next) => {
    const flags = builder.local();
    const kept = builder.local();
    const code = and(parts.word(MSR + MSR_STATE.star + 4), int(INDEX_BITS));
    return [
      ifThen(isZero(isPlain(parts)), giveBack(int(0))),
      set(flags, parts.allFlags()),
      set(kept, xor(parts.word(MSR + MSR_STATE.fmask), int(-1))),
      parts.setLong(RCX, get(next)),
      parts.setLong(R11, extendUnsigned(get(flags))),
      parts.setLong(STATE.rip, parts.long(MSR + MSR_STATE.lstar)),
      parts.setWord(
        STATE.flags,
        or(and(and(parts.word(STATE.flags), get(kept)), int(~RFLAGS.RF)), int(RFLAGS.reserved1)),
      ),
      parts.setArithmeticFlags(and(and(get(flags), get(kept)), int(ARITHMETIC_FLAGS))),
      setFlatPair(parts, code, and(add(code, int(8)), int(0xffff)), 0),
      int(1),
    ];
  });
}

/** () → whether it was done: SYSRET with 64-bit operand size. */
export function defineSystemReturn(parts: CrossingParts): FunctionReference {
  return parts.module.define([], true, (builder) => {
    const flags = builder.local();
    const base = shrUnsigned(parts.word(MSR + MSR_STATE.star + 4), int(16));
    const selector = (offset: number): Code => or(and(add(base, int(offset)), int(0xffff)), int(3));
    const shift = I64.constant(16);
    const isCanonical = I64.eq(I64.shrS(I64.shl(parts.long(RCX), shift), shift), parts.long(RCX));
    const opens = and(
      ne(and(get(flags), int(RFLAGS.IF)), int(0)),
      ne(parts.word(STATE.interruptRequest), int(0)),
    );
    return [
      set(flags, wrap(parts.long(R11))),
      ifThen(
        or(
          isZero(and(and(isPlain(parts), isCanonical), isZero(parts.word(STATE.privilege)))),
          or(ne(and(get(flags), int(RARE)), int(0)), opens),
        ),
        giveBack(int(0)),
      ),
      parts.setLong(STATE.rip, parts.long(RCX)),
      parts.setWord(STATE.flags, or(and(get(flags), int(WRITABLE)), int(RFLAGS.reserved1))),
      parts.setArithmeticFlags(and(get(flags), int(ARITHMETIC_FLAGS))),
      setFlatPair(parts, selector(16), selector(8), 3),
      int(1),
    ];
  });
}
