/** The ways to an access: by segment or linear address, from handlers, from regions and from TypeScript. */
import {
  CODE_64,
  EXCEPTION,
  FS,
  GS,
  MODE,
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
  call,
  eq,
  type FunctionReference,
  get,
  giveBack,
  ifElse,
  ifThen,
  int,
  isZero,
  type Local,
  load,
  loadFloat,
  mul,
  ne,
  or,
  select,
  set,
  shrUnsigned,
  storeFloat,
  sub,
} from "../../../wasm/code.js";
import { extendSigned, extendUnsigned, I32, I64, wrap } from "../../../wasm/integers.js";
import { SLOT, slotOf, stampSlot, TABLE } from "../fast-slots.js";
import { ACCESS, RUNTIME_FUNCTIONS } from "./contract.js";
import { pageOf, type RuntimeParts } from "./parts.js";

/** (linear, access) → host address or 0: by a slot if one has it; that of accessSlot by none other. */
export function defineLinear(parts: RuntimeParts, slow: FunctionReference): FunctionReference {
  defineBySlot(parts, "accessSlot", () => int(0));
  return defineBySlot(parts, "accessLinear", (linear, access) => call(slow, get(linear), get(access)));
}

/** @param otherwise what is done where no slot has it. */
function defineBySlot(
  parts: RuntimeParts,
  name: "accessLinear" | "accessSlot",
  otherwise: (linear: Local, access: Local) => Code,
): FunctionReference {
  return parts.module.define(
    ["i64", "i32"],
    true,
    (builder, linear, access) => {
      const slot = builder.local();
      const mayBeQuick = builder.local();
      const now = builder.local("f64");
      const last = I64.sub(
        I64.add(get(linear), extendUnsigned(shrUnsigned(get(access), int(ACCESS.sizeShift)))),
        I64.constant(1),
      );
      const tag = I64.load(8)(
        add(get(slot), select(and(get(access), int(ACCESS.kindMask)), int(SLOT.write), int(SLOT.read))),
      );
      return [
        parts.cacheAccess === undefined
          ? [
              set(slot, slotOf(parts.word(STATE.fastSlots), linear)),
              // Where alignment or breakpoints are checked every access goes the long way.
              set(
                mayBeQuick,
                isZero(and(parts.word(STATE.mode), int(MODE.alignmentCheck | MODE.breakpoints))),
              ),
              ifThen(and(get(mayBeQuick), I64.eq(tag, pageOf(last))), [
                stampSlot(slot, now, parts.places.now),
                giveBack(add(wrap(get(linear)), load(get(slot), SLOT.addend))),
              ]),
            ]
          : [],
        otherwise(linear, access),
      ];
    },
    name,
  );
}

/** accessSlow with the clocks as values: a region calls it from as little code as may be. */
export function defineFromRegion(parts: RuntimeParts, slow: FunctionReference): void {
  const { parameters, result } = RUNTIME_FUNCTIONS.accessFromRegion;
  const left = parts.base + STATE.left;
  const { now } = parts.places;
  parts.module.define(
    parameters,
    result,
    (_builder, linear, access, leftBefore, nowBefore) => [
      storeFloat(int(0), get(leftBefore), left),
      storeFloat(int(0), get(nowBefore), now),
      call(slow, get(linear), get(access)),
      loadFloat(int(0), left),
      loadFloat(int(0), now),
    ],
    "accessFromRegion",
  );
}

/** (effective address, address of the segment, access) → host address or 0: limits and rights, except in 64-bit mode. */
export function defineSegment(parts: RuntimeParts, accessLinear: FunctionReference): FunctionReference {
  return parts.module.define(
    ["i64", "i32", "i32"],
    true,
    (builder, address, segment, access) => {
      const linear = builder.local("i64");
      const options = builder.local();
      const size = shrUnsigned(get(options), int(ACCESS.sizeShift));
      const alignedTo = extendUnsigned(sub(size, int(1)));
      const isStack = or(
        eq(get(segment), int(parts.base + segmentOffset(SS))),
        eq(get(segment), int(parts.base + STATE.flatStack)),
      );
      const vector = select(isStack, int(EXCEPTION.SS), int(EXCEPTION.GP));
      const bound = (offset: number): Code => I64.load(4)(get(segment), offset);
      const lastByte = I64.add(get(address), alignedTo);
      const need = select(
        and(get(options), int(ACCESS.kindMask)),
        int(SEGMENT_WRITABLE),
        int(SEGMENT_READABLE),
      );
      return [
        set(options, or(get(access), mul(isStack, int(ACCESS.stack)))),
        set(linear, I64.add(get(address), I64.load(8)(get(segment), SEGMENT.base))),
        ifThen(ne(and(parts.word(STATE.mode), int(MODE.codeSize)), int(CODE_64)), [
          ifThen(
            or(
              or(I64.ltU(get(address), bound(SEGMENT.lowest)), I64.gtU(lastByte, bound(SEGMENT.highest))),
              isZero(and(load(get(segment), SEGMENT.rights), need)),
            ),
            [parts.fault(vector, int(0)), giveBack(int(0))],
          ),
          set(linear, I64.and(get(linear), I64.constant(0xffff_ffff))),
        ]),
        ifThen(
          and(get(options), int(ACCESS.aligned)),
          ifThen(I64.ne(I64.and(get(linear), alignedTo), I64.constant(0)), [
            parts.fault(EXCEPTION.GP, int(0)),
            giveBack(int(0)),
          ]),
        ),
        call(accessLinear, get(linear), get(options)),
      ];
    },
    "accessSegment",
  );
}

/** The same in 64-bit mode where segments have limits (cpu/long-limits.ts). */
export function defineLimited(parts: RuntimeParts, accessSegment: FunctionReference): void {
  const place = (segment: number): Code => int(parts.base + segmentOffset(segment));
  parts.module.define(
    ["i64", "i32", "i32"],
    true,
    (_builder, address, segment, access) => {
      const isStack = eq(get(segment), place(SS));
      const hasBase = I32.geU(get(segment), place(FS));
      const base = ifElse(hasBase, I64.load(8)(get(segment), SEGMENT.base), I64.constant(0), "i64");
      const size = shrUnsigned(get(access), int(ACCESS.sizeShift));
      const last = lastBeginning(I64.load(4)(get(segment), SEGMENT.highest), extendUnsigned(size));
      const flat = select(isStack, int(parts.base + STATE.flatStack), int(parts.base + STATE.flatSegment));
      return [
        // GS has none, nor has what stands for CS.
        ifThen(
          I32.ltU(get(segment), place(GS)),
          ifThen(I64.gtU(I64.add(get(address), base), last), [
            parts.fault(select(isStack, int(EXCEPTION.SS), int(EXCEPTION.GP)), int(0)),
            giveBack(int(0)),
          ]),
        ),
        call(accessSegment, get(address), select(hasBase, get(segment), flat), get(access)),
      ];
    },
    "accessLimited",
  );
}

/** The last linear address (i64) where an access of a size (i64) may begin in 64-bit mode. @param limit of its segment (i64). */
export function lastBeginning(limit: Code, size: Code): Code {
  return I64.sub(I64.add(limit, I64.constant(1 - 2 ** 32)), size);
}

/** For TypeScript, which has no i64: (high half, low half, access) → host address or 0. */
export function defineOther(parts: RuntimeParts, accessLinear: FunctionReference): void {
  parts.module.define(
    ["i32", "i32", "i32"],
    true,
    (builder, hi, lo, access) => {
      const linear = builder.local("i64");
      const saved = builder.local();
      const result = builder.local();
      return [
        set(linear, I64.or(I64.shl(extendSigned(get(hi)), I64.constant(32)), extendUnsigned(get(lo)))),
        ifElse(
          and(get(access), int(ACCESS.supervisor)),
          [
            // The supervisor's slots for this one access.
            set(saved, parts.word(STATE.fastSlots)),
            parts.setWord(STATE.fastSlots, int(parts.slots + TABLE.supervisor)),
            set(result, call(accessLinear, get(linear), get(access))),
            parts.setWord(STATE.fastSlots, get(saved)),
          ],
          set(result, call(accessLinear, get(linear), get(access))),
        ),
        get(result),
      ];
    },
    "access",
  );
}

/** () → : what was stored to the bounce buffer goes to its place. */
export function defineCommit(parts: RuntimeParts, commitDevice: FunctionReference): void {
  parts.module.define([], false, () => call(commitDevice), "commit");
}
